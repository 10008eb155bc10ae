#include "cfg/options.h"

#include "base/number.h"

#include "option_list.h"

#include <limits.h>
#include <stdarg.h>

void texp_set_origin(list *options, const char *file, const char *section, int line)
{
    /* One copy a list, never freed: its options share it, and a network's messages name it after they are gone. */
    const char *copy = options->back->prev ? ((kvp *)options->back->prev->val)->origin.file : NULL;
    if (!copy || strcmp(copy, file)) copy = strdup(file);
    ((kvp *)options->back->val)->origin = (texp_origin){copy, section, line};
}

texp_origin texp_origin_of(list *options, const char *key)
{
    texp_origin none = {0};
    for (node *n = options->front; key && n; n = n->next) {
        kvp *pair = n->val;
        if (!strcmp(pair->key, key)) return pair->origin;
    }
    return options->front ? ((kvp *)options->front->val)->origin : none;
}

int texp_option_int(list *options, const char *key, const char *value)
{
    long number;
    if (!texp_read_long(value, &number) || number > INT_MAX || number < INT_MIN) {
        texp_origin origin = texp_origin_of(options, key);
        texp_refuse(&origin, key, value, "not a whole number; write one, as in %s=1", key);
    }
    return (int)number;
}

double texp_option_float(list *options, const char *key, const char *value)
{
    double number;
    if (!texp_read_double(value, &number)) {
        texp_origin origin = texp_origin_of(options, key);
        texp_refuse(&origin, key, value, "not a finite number; write one, as in %s=1", key);
    }
    return number;
}

void texp_refuse_option(list *options, const char *key, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    texp_origin origin = texp_origin_of(options, key);
    texp_refuse(&origin, key, option_find(options, (char *)key), "%s", message);
}

double texp_number_of(list *options, const char *key, double otherwise)
{
    char *value = option_find(options, (char *)key);
    return value ? texp_option_float(options, key, value) : otherwise;
}

long texp_whole_of(list *options, const char *key, long otherwise)
{
    char *value = option_find(options, (char *)key);
    long parsed = otherwise;
    if (value && !texp_read_long(value, &parsed))
        texp_refuse_option(options, key, "not a whole number; write one, as in %s=1", key);
    return parsed;
}

const char *texp_word_of(list *options, const char *key, const char *otherwise)
{
    char *value = option_find(options, (char *)key);
    return value ? value : otherwise;
}

int texp_flag_of(list *options, const char *key, int otherwise)
{
    long value = texp_whole_of(options, key, otherwise);
    if (value != 0 && value != 1) texp_refuse_option(options, key, "must be 0 or 1");
    return (int)value;
}

double *texp_numbers_of(list *options, const char *key, size_t *n)
{
    *n = 0;
    char *text = option_find(options, (char *)key);
    if (!text) return NULL;
    double *values = NULL;
    char *copy = strdup(text), *rest = copy, *item;
    while ((item = strsep(&rest, ","))) {
        values = realloc(values, (*n + 1) * sizeof *values);
        if (!texp_read_double(item, &values[(*n)++])) {
            texp_refuse_option(options, key, "entry %zu, '%s', is no number; write a list as in %s=1,2", *n, item, key);
        }
    }
    free(copy);
    return values;
}
