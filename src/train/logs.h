/* The CSV files of a run: a row an update, and with norms=1 a row an update and group of layers. */
#ifndef TEXP_LOGS_H
#define TEXP_LOGS_H

#include "train/setup.h"

#include "store/run_log.h"

typedef struct {
    texp_runlog *run;
    texp_runlog *weight_norms; /* with norms=1, or NULL */
    double started; /* time at which the run's first second began, had it never stopped */
} texp_logs;

/* Opens them behind the update that the network has seen; exits with a message where they can't be written. */
void texp_logs_open(texp_logs *logs, const texp_setup *setup);

/* The rows of the update done last, which took until `now`, a time in seconds. Returns 0, or -1 with errno. */
int texp_logs_write(texp_logs *logs, const texp_setup *setup, float loss, double speed, double now);
/* And what was found when it was validated. */
int texp_logs_write_test(texp_logs *logs, const texp_setup *setup, texp_validation found);

/* Brings all rows to the disk. Returns 0, or -1 with errno. */
int texp_logs_sync(texp_logs *logs);

void texp_logs_close(texp_logs *logs);

#endif
