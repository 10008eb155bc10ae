#include "origin.h"

#include "option_list.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>

texp_origin texp_origin_now;

void texp_origin_set(const char *file, const char *section, int line)
{
    /* One copy a file: an origin is kept by every option and may outlive the caller's string. */
    static const char *last;
    if (!last || strcmp(last, file)) last = strdup(file);
    texp_origin_now = (texp_origin){last, section, line};
}

static __attribute__((noreturn)) void end_message(const char *format, va_list args)
{
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    exit(EXIT_FAILURE);
}

void texp_refuse(const texp_origin *origin, const char *key, const char *value, const char *format, ...)
{
    fflush(stdout);
    if (origin && origin->file) {
        fprintf(stderr, "%s:", origin->file);
        if (origin->line) fprintf(stderr, "%d:", origin->line);
        fprintf(stderr, " ");
        if (origin->section && *origin->section) fprintf(stderr, "%s ", origin->section);
    }
    if (key) fprintf(stderr, "%s%s%s: ", key, value ? "=" : "", value ? value : "");
    va_list args;
    va_start(args, format);
    end_message(format, args);
}

void texp_fail(const char *format, ...)
{
    fflush(stdout);
    va_list args;
    va_start(args, format);
    end_message(format, args);
}

void texp_refuse_line(const char *line)
{
    texp_refuse(&texp_origin_now, NULL, NULL, "'%s' is neither [section] nor key=value; correct it or start it with #",
                line);
}

void texp_refuse_section(list *options, const char *type)
{
    texp_origin origin = texp_origin_of(options, NULL);
    fprintf(stderr, "\n"); /* behind the layer table's number */
    texp_refuse(&origin, NULL, NULL, "Darknet has no layer of this type (section %s); correct its name", type);
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

int texp_read_long(const char *text, long *number)
{
    char *end;
    errno = 0;
    long parsed = strtol(text, &end, 10);
    if (end == text || *end || errno) return 0;
    *number = parsed;
    return 1;
}

int texp_read_double(const char *text, double *number)
{
    char *end;
    double parsed = strtod(text, &end);
    if (end == text || *end || !isfinite(parsed)) return 0;
    *number = parsed;
    return 1;
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

/* Row by row; keys are short. */
int texp_spelling_distance(const char *a, const char *b)
{
    enum { LONGEST = 32 };
    int row[LONGEST + 1];
    size_t n = strlen(b);
    if (n > LONGEST) return LONGEST;
    for (size_t j = 0; j <= n; ++j) row[j] = (int)j;
    for (size_t i = 0; a[i]; ++i) {
        int diagonal = row[0];
        row[0] = (int)i + 1;
        for (size_t j = 1; j <= n; ++j) {
            int change = diagonal + (a[i] != b[j - 1]);
            diagonal = row[j];
            int gap = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            row[j] = change < gap ? change : gap;
        }
    }
    return row[n];
}
