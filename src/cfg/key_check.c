#include "cfg/key_check.h"

#include "base/number.h"
#include "cfg/options.h"
#include "store/cfg_text.h"

#include "option_list.h"

#include <limits.h>

/* --- values ------------------------------------------------------------------------------------------------------- */

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
    case TEXP_WORD:
        return 0;
    }
    return 0;
}

/* --- [net] -------------------------------------------------------------------------------------------------------- */

static const char *nearest_key(const char *name)
{
    const char *best = NULL;
    int lowest = 3; /* farther than two letters is another word */
    for (size_t i = 0; texp_net_key_at(i); ++i) {
        int apart = texp_spelling_distance(name, texp_net_key_at(i)->name);
        if (apart < lowest) lowest = apart, best = texp_net_key_at(i)->name;
    }
    return best;
}

static void refuse_unknown(const kvp *pair)
{
    const char *near = nearest_key(pair->key);
    texp_refuse(&pair->origin, pair->key, pair->val, "unknown key in [net]; %s%s%s", near ? "did you mean " : "",
                near ? near : "remove it", near ? "?" : "");
}

/* Whether the key stands before, which some of Darknet's own cfgs have, so it is no error; the first one counts. */
static int is_repeated(list *options, const kvp *pair)
{
    for (node *n = options->front; n && n->val != pair; n = n->next) {
        const kvp *before = n->val;
        if (strcmp(before->key, pair->key)) continue;
        fprintf(stderr, "%s:%d: [net] %s=%s: ignored, line %d gives it before\n", pair->origin.file, pair->origin.line,
                pair->key, pair->val, before->origin.line);
        return 1;
    }
    return 0;
}

void texp_check_net_keys(list *options)
{
    char fault[256];
    for (node *n = options->front; n; n = n->next) {
        const kvp *pair = n->val;
        const texp_key *key = texp_net_key_named(pair->key);
        if (!key) refuse_unknown(pair);
        if (is_repeated(options, pair)) continue;
        if (texp_value_fault(key, pair->val, fault, sizeof fault)) {
            texp_refuse(&pair->origin, pair->key, pair->val, "%s", fault);
        }
    }
}
