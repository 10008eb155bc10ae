/* `darknet texp plot`. */
#ifndef TEXP_PLOT_H
#define TEXP_PLOT_H

#include "base/arguments.h"
#include "store/chart.h"

/* Draws logs of runs into one chart; returns the exit status. */
int texp_plot_main(const texp_arguments *arguments);

/* Draws the curves of n files, such as logs or cfgs, into a chart, each called by its file's name without folder and ending where
 * that tells them apart; says so, and frees the curves. Exits with a message where it can't be drawn. */
void texp_plot_curves(char *const *files, texp_curves *curves, int n, texp_chart_x x, const char *file);

#endif
