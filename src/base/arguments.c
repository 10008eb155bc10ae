#include "base/arguments.h"

#include "base/number.h"

#include <assert.h>

static int is_flag(const char *text)
{
    return text[0] == '-' && text[1];
}

/* Its place in the table, or -1. */
static int find_flag(const texp_flag *flags, const char *name)
{
    for (int i = 0; flags[i].name; ++i) {
        if (!strcmp(flags[i].name, name)) return i;
    }
    return -1;
}

static int need_not_be_whole(const texp_flag *flag)
{
    return !strcmp(flag->value, "X") || !strcmp(flag->value, "T");
}

static int read_number(const texp_flag *flag, const char *text, double *number)
{
    long whole;
    if (need_not_be_whole(flag)) return texp_read_double(text, number);
    if (!texp_read_long(text, &whole)) return 0;
    *number = (double)whole;
    return 1;
}

static int check_number(const texp_flag *flag, const char *text, texp_message *message)
{
    double value;
    if (read_number(flag, text, &value) && value >= (double)flag->least && value <= (double)flag->most) return 0;
    return texp_say(message, "%s %s: must be a %snumber from %ld to %ld", flag->name, texp_path_tail(text),
                    need_not_be_whole(flag) ? "" : "whole ", flag->least, flag->most);
}

/* The flag of the nearest spelling, NULL where none is near. Two letters that changed places are 2 apart. */
static const char *find_nearest(const texp_flag *flags, const char *name)
{
    const char *nearest = NULL;
    int length = (int)strlen(name) - 1, least = length < 3 ? length : 3;
    for (; flags->name; ++flags) {
        int distance = texp_spelling_distance(name, flags->name);
        if (distance >= least) continue;
        least = distance;
        nearest = flags->name;
    }
    return nearest;
}

static int say_unknown(const texp_flag *flags, const char *name, texp_message *message)
{
    const char *nearest = find_nearest(flags, name);
    if (!nearest) return texp_say(message, "%s: unknown argument", texp_path_tail(name));
    return texp_say(message, "%s: unknown argument; did you mean %s?", texp_path_tail(name), nearest);
}

/* The flag at **place, which is left at its last word. */
static int read_flag(texp_arguments *a, char ***place, texp_message *message)
{
    const char *name = **place, *value = (*place)[1];
    int i = find_flag(a->flags, name);
    if (i < 0) return say_unknown(a->flags, name, message);
    const texp_flag *flag = a->flags + i;
    if (a->values[i]) return texp_say(message, "%s: given twice", name);
    a->values[i] = "";
    if (!flag->value) return 0;
    if (!value) return texp_say(message, "%s: missing %s", name, flag->most ? "number" : flag->value);
    if (!flag->most && is_flag(value)) {
        return texp_say(message, "%s: missing %s, as %s is a flag; a file of that name is ./%s", name, flag->value,
                        texp_path_tail(value), texp_path_tail(value));
    }
    if (flag->most && check_number(flag, value, message)) return -1;
    a->values[i] = value;
    ++*place;
    return 0;
}

/* Compares their number with that of the words in `wanted`. */
static int check_names(const texp_arguments *a, const char *wanted, texp_message *message)
{
    const char *word = wanted;
    int n = 0;
    for (; *word; ++n) {
        int length = (int)strcspn(word, " ");
        if (n == a->n && *word != '[') return texp_say(message, "%.*s is missing", length, word);
        word += length + strspn(word + length, " ");
    }
    if (a->n <= n || strstr(wanted, "...")) return 0;
    return texp_say(message, "%s: one argument too many", texp_path_tail(a->names[n]));
}

int texp_arguments_read(texp_arguments *a, const char *names, const texp_flag *flags, char **argv,
                        texp_message *message)
{
    *a = (texp_arguments){.flags = flags, .names = argv};
    for (; *argv; ++argv) {
        if (!is_flag(*argv))
            a->names[a->n++] = *argv;
        else if (read_flag(a, &argv, message))
            return -1;
    }
    a->names[a->n] = NULL;
    return check_names(a, names, message);
}

const char *texp_argument(const texp_arguments *a, const char *flag)
{
    int i = find_flag(a->flags, flag);
    assert(i >= 0);
    return a->values[i];
}

long texp_argument_number(const texp_arguments *a, const char *flag, long otherwise)
{
    const char *text = texp_argument(a, flag);
    if (text) texp_read_long(text, &otherwise);
    return otherwise;
}

double texp_argument_real(const texp_arguments *a, const char *flag, double otherwise)
{
    const char *text = texp_argument(a, flag);
    if (text) texp_read_double(text, &otherwise);
    return otherwise;
}
