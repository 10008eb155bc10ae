#include "store/weights_and_state.h"

#include "base/files.h"

#include <limits.h>
#include <unistd.h>

typedef struct {
    char state[PATH_MAX], old[PATH_MAX], part[PATH_MAX]; /* part: of the weights */
} names;

static int is_there(const char *file)
{
    return !access(file, F_OK);
}

int texp_pair_state_name(const char *weights, char *name, size_t size, texp_message *message)
{
    static const char ending[] = ".weights";
    size_t length = strlen(weights), tail = sizeof ending - 1;
    if (length > tail && !strcmp(weights + length - tail, ending)) length -= tail;
    int needed = length > INT_MAX / 2 ? INT_MAX : snprintf(name, size, "%.*s.state", (int)length, weights);
    return (size_t)needed < size ? 0 : texp_say(message, "%s: file name too long", texp_path_tail(weights));
}

static int set_names(const char *weights, names *n, texp_message *message)
{
    if (texp_pair_state_name(weights, n->state, sizeof n->state, message)) return -1;
    if ((size_t)snprintf(n->old, sizeof n->old, "%s.old", n->state) >= sizeof n->old ||
        (size_t)snprintf(n->part, sizeof n->part, "%s.part", weights) >= sizeof n->part) {
        return texp_say(message, "%s: file name too long", texp_path_tail(weights));
    }
    return 0;
}

/* ---- whose state it is -------------------------------------------------------------------------------------- */

static void add_sum(texp_state *state, const char *name, texp_file_sum sum)
{
    const uint64_t both[] = {sum.size, sum.crc};
    texp_state_add(state, name, TEXP_U64, both, 2);
}

static int says(const texp_saved *saved, const char *name, texp_file_sum sum)
{
    uint64_t both[2];
    if (texp_saved_get(saved, name, TEXP_U64, both, 2, NULL)) return 0;
    return texp_file_sums_equal((texp_file_sum){both[0], both[1]}, sum);
}

static int belongs(const char *state, const char *weights)
{
    texp_file_sum sum;
    texp_saved *saved;
    if (texp_file_sum_of(weights, &sum, NULL) || texp_saved_open(state, &saved, NULL)) return 0;
    int right = says(saved, "weights", sum);
    texp_saved_close(saved);
    return right;
}

/* ---- saving ------------------------------------------------------------------------------------------------- */

static int write_state(const char *weights, const names *n, texp_state *state, texp_message *message)
{
    texp_file_sum sum;
    if (texp_file_sum_of(n->part, &sum, message)) return -1;
    add_sum(state, "weights", sum);
    if (!is_there(n->state) && !is_there(n->old) && is_there(weights)) {
        if (texp_file_sum_of(weights, &sum, message)) return -1;
        add_sum(state, "replaces", sum);
    }
    return texp_state_write(state, n->state, message);
}

/* A save that was killed may have left both; then the one that is the weights' stays. */
static int keep_old(const char *weights, const names *n, texp_message *message)
{
    if (!is_there(n->state) || (is_there(n->old) && !belongs(n->state, weights))) return 0;
    return texp_file_rename(n->state, n->old, message);
}

int texp_pair_publish(const char *weights, texp_state *state, texp_message *message)
{
    names n;
    if (set_names(weights, &n, message) || write_state(weights, &n, state, message)) {
        texp_file_discard(weights);
        return -1;
    }
    if (keep_old(weights, &n, message) || texp_file_publish(n.state, message)) {
        texp_file_discard(n.state);
        texp_file_discard(weights);
        return -1;
    }
    if (texp_file_publish(weights, message)) return -1;
    unlink(n.old);
    return 0;
}

void texp_pair_drop(const char *weights)
{
    names n;
    if (set_names(weights, &n, NULL)) return;
    unlink(n.state);
    unlink(n.old);
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

/* What is to be said of a state file beside the weights. */
typedef enum { ABSENT, FITS, REPLACES, BAD } verdict;

static verdict try_state(const char *file, const char *weights, texp_file_sum sum, texp_saved **out,
                         texp_message *message)
{
    texp_saved *saved;
    if (!is_there(file)) return ABSENT;
    if (texp_saved_open(file, &saved, message)) return BAD;
    if (says(saved, "weights", sum)) {
        *out = saved;
        return FITS;
    }
    verdict found = says(saved, "replaces", sum) ? REPLACES : BAD;
    texp_say(message, "%s: belongs to other weights than %s", texp_path_tail(file), texp_path_tail(weights));
    texp_saved_close(saved);
    return found;
}

int texp_pair_open(const char *weights, texp_saved **out, texp_message *message)
{
    names n;
    texp_file_sum sum;
    texp_message of_old;
    *out = NULL;
    if (set_names(weights, &n, message) || texp_file_sum_of(weights, &sum, message)) return -1;
    verdict state = try_state(n.state, weights, sum, out, message);
    if (state == FITS) return 0;
    verdict old = try_state(n.old, weights, sum, out, &of_old);
    if (old == FITS || state == REPLACES || old == REPLACES) return 0;
    if (state == ABSENT && old == ABSENT) return 0;
    if (state == ABSENT && message) *message = of_old;
    return -1;
}
