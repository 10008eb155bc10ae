/*
 * The chart of a run, BACKUP/NAME.svg, drawn at each epoch's end from the log by gnuplot in a process of its own. Nothing that
 * happens to it stops the run: what is missing or fails is said once.
 */
#ifndef TEXP_RUN_CHART_H
#define TEXP_RUN_CHART_H

#include "train/setup.h"

#include "base/gnuplot.h"
#include "store/log_curves.h"

#include <limits.h>

typedef struct {
    const texp_setup *setup;
    char file[PATH_MAX];
    texp_log_reader *log; /* NULL before the first epoch's end */
    texp_curves curves; /* of the rows read so far */
    texp_drawing *drawing; /* under way, or NULL */
    double began, took; /* when the latest drawing did, and its seconds */
    int is_due; /* an epoch has ended that is not in a drawing yet */
    int is_drawn; /* there is one of this run */
    int is_off;
} texp_run_chart;

/* The setup is borrowed. */
void texp_run_chart_start(texp_run_chart *chart, const texp_setup *setup);

/* An epoch has ended, whose row is in the log. */
void texp_run_chart_end_epoch(texp_run_chart *chart);

/* Behind each update: publishes what was drawn meanwhile, and begins what is due, one at a time and a tenth of the time at
 * most. */
void texp_run_chart_go_on(texp_run_chart *chart);

/* Draws the last epoch, if that takes no longer than so many seconds. */
void texp_run_chart_end(texp_run_chart *chart, double seconds);

#endif
