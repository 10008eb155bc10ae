/* The weights files that a run writes, each with its state beside it. */
#ifndef TEXP_SAVES_H
#define TEXP_SAVES_H

#include "train/logs.h"

#include <limits.h>

typedef struct {
    const texp_setup *setup;
    texp_logs *logs;
    long epoch; /* whole epochs that were done at the last epoch's save */
    char last[PATH_MAX]; /* the file that a user is sent back to; "" before there is one */
} texp_saves;

/* Both are borrowed. */
void texp_saves_start(texp_saves *saves, const texp_setup *setup, texp_logs *logs);

/* NAME_KIND.weights: "last", "best" or "final". Weights that are not finite are never saved. The log goes to the disk first: a state is never ahead of its rows. Exits
 * with a message where it can't. */
void texp_saves_write(texp_saves *saves, const char *kind);

/* Those of Darknet's own loop that are due behind an update (task.h): NAME_N.weights, NAME.backup. */
void texp_saves_write_darknets(texp_saves *saves);
/* And at the run's end NAME.weights, of a loop that has it. */
void texp_saves_write_darknets_end(const texp_saves *saves);

/* Exits with a message where weights, statistics or momentum are no longer finite. */
void texp_saves_check_weights(const texp_saves *saves);

/* Exits with a message that says `what` is wrong behind the update done last, and where the last good weights are. */
void texp_saves_fail(const texp_saves *saves, const char *what) __attribute__((noreturn));
/* The same where the log could not be written, by errno. */
void texp_saves_fail_log(const texp_saves *saves) __attribute__((noreturn));

#endif
