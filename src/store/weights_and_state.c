#include "store/weights_and_state.h"

#include "base/files.h"

#include <limits.h>
#include <unistd.h>

typedef struct {
    char weights_part[PATH_MAX], state[PATH_MAX], state_part[PATH_MAX];
    char old[PATH_MAX]; /* where an earlier version left the state of a save that was killed */
} names;

static int is_there(const char *file)
{
    return !access(file, F_OK);
}

int texp_state_name_of(const char *weights, char *name, size_t size, texp_message *message)
{
    static const char ending[] = ".weights";
    size_t length = strlen(weights), tail = sizeof ending - 1;
    if (length > tail && !strcmp(weights + length - tail, ending)) length -= tail;
    int needed = length > INT_MAX / 2 ? INT_MAX : snprintf(name, size, "%.*s.state", (int)length, weights);
    return (size_t)needed < size ? 0 : texp_say(message, "%s: file name too long", texp_path_tail(weights));
}

/* Returns whether it fits. */
static int append(char *name, const char *begin, const char *end)
{
    return snprintf(name, PATH_MAX, "%s%s", begin, end) < PATH_MAX;
}

static int set_names(const char *weights, names *n, texp_message *message)
{
    if (texp_state_name_of(weights, n->state, sizeof n->state, message)) return -1;
    if (append(n->weights_part, weights, ".part") && append(n->state_part, n->state, ".part") &&
        append(n->old, n->state, ".old")) {
        return 0;
    }
    return texp_say(message, "%s: file name too long", texp_path_tail(weights));
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

/* Opens the state where it is that of weights with this checksum. */
static int open_state(const char *state, const char *weights, texp_file_sum sum, texp_saved **out,
                      texp_message *message)
{
    if (texp_saved_open(state, out, message)) return -1;
    if (says(*out, "weights", sum)) return 0;
    texp_saved_close(*out);
    *out = NULL;
    return texp_say(message, "%s: belongs to other weights than %s", texp_path_tail(state), texp_path_tail(weights));
}

/* ---- saving ------------------------------------------------------------------------------------------------- */

/* The save before may have been killed between its two renames. */
static int complete(const char *weights, const names *n, texp_message *message)
{
    texp_file_sum sum;
    texp_saved *saved;
    if (!is_there(n->state_part) || texp_file_sum_of(weights, &sum, NULL)) return 0;
    if (open_state(n->state_part, weights, sum, &saved, NULL)) return 0;
    texp_saved_close(saved);
    return texp_file_rename(n->state_part, n->state, message);
}

static int write_state(const names *n, texp_state *state, texp_message *message)
{
    texp_file_sum sum;
    if (texp_file_sum_of(n->weights_part, &sum, message)) return -1;
    add_sum(state, "weights", sum);
    return texp_state_write(state, n->state, message);
}

int texp_publish_with_state(const char *weights, texp_state *state, texp_message *message)
{
    names n;
    if (set_names(weights, &n, message) || complete(weights, &n, message) || write_state(&n, state, message)) {
        texp_file_discard(weights);
        return -1;
    }
    if (texp_file_publish(weights, message)) {
        texp_file_discard(n.state);
        return -1;
    }
    return texp_file_rename(n.state_part, n.state, message);
}

void texp_drop_state_of(const char *weights)
{
    names n;
    if (set_names(weights, &n, NULL)) return;
    unlink(n.state);
    unlink(n.state_part);
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

int texp_open_state_of(const char *weights, texp_saved **out, texp_message *message)
{
    names n;
    texp_file_sum sum;
    *out = NULL;
    if (set_names(weights, &n, message) || texp_file_sum_of(weights, &sum, message)) return -1;
    complete(weights, &n, NULL); /* where the folder can't be written, the state is read where it is */
    if (!open_state(n.state, weights, sum, out, message)) return 0;
    if (!open_state(n.state_part, weights, sum, out, NULL)) return 0;
    if (!open_state(n.old, weights, sum, out, NULL)) return 0;
    return is_there(n.state) ? -1 : 0;
}
