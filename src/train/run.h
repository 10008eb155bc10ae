/* A run from its start, fresh or resumed, to its end; the loop is in loop.c. */
#ifndef TEXP_RUN_H
#define TEXP_RUN_H

#include "train/best.h"
#include "train/loader.h"
#include "train/logs.h"
#include "train/progress.h"
#include "train/run_chart.h"
#include "train/saves.h"

typedef struct texp_run {
    texp_setup setup;
    texp_loader *loader;
    int resumed; /* from a training state */
    int owes_validation; /* and that was saved at an epoch's end, before what ends an epoch was done */
    void *examples; /* the task's, to validate on; NULL: none */
    texp_losses losses;
    texp_best best;
    texp_logs logs;
    texp_saves saves;
    texp_run_chart chart;
} texp_run;

/* Loads networks and images, and goes on where the state beside the weights ends. The run must stay where it is until it is
 * closed. */
void texp_run_open(texp_run *run, const texp_task *task, const texp_command_line *typed);

void texp_run_close(texp_run *run);

#endif
