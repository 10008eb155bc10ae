#include "cfg/key_check.h"

#include "base/number.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int range_fault(const texp_key *key, double value, char *fault, size_t room)
{
    if (value >= key->lowest && value <= key->highest) return 0;
    if (key->type == TEXP_FLAG)
        snprintf(fault, room, "must be 0 or 1");
    else if (value > key->highest && key->highest == INT_MAX)
        snprintf(fault, room, "too large; Darknet counts to %d", INT_MAX);
    else if (value > key->highest)
        snprintf(fault, room, "must be %.0f to %.0f", key->lowest, key->highest);
    else if (key->lowest == 0)
        snprintf(fault, room, "negative; must be 0 or more");
    else if (key->lowest > 0 && key->lowest < 1)
        snprintf(fault, room, "must be positive");
    else
        snprintf(fault, room, "must be %.0f or more", key->lowest);
    return 1;
}

static int list_fault(const texp_key *key, const char *value, char *fault, size_t room)
{
    char *copy = strdup(value), *rest = copy, *item;
    int status = 0, n = 0;
    double number;
    while (!status && (item = strsep(&rest, ","))) {
        ++n;
        status = !texp_read_double(item, &number);
        if (status)
            snprintf(fault, room, "entry %d, '%s', is no number; write a list as in %s=1,2", n, item, key->name);
    }
    free(copy);
    return status;
}

int texp_value_fault(const texp_key *key, const char *value, char *fault, size_t room)
{
    double number;
    long whole;
    switch (key->type) {
    case TEXP_NUMBER:
        if (texp_read_double(value, &number)) return range_fault(key, number, fault, room);
        snprintf(fault, room, "not a finite number; write one, as in %s=1", key->name);
        return 1;
    case TEXP_WHOLE:
    case TEXP_FLAG:
        if (texp_read_long(value, &whole)) return range_fault(key, (double)whole, fault, room);
        snprintf(fault, room, "not a whole number; write one, as in %s=1", key->name);
        return 1;
    case TEXP_LIST:
        return list_fault(key, value, fault, room);
    case TEXP_WORD:
        return 0;
    }
    return 0;
}
