/* `darknet texp plot`. */
#ifndef TEXP_PLOT_H
#define TEXP_PLOT_H

#include "base/arguments.h"

/* Draws logs of runs into one chart; returns the exit status. */
int texp_plot_main(const texp_arguments *arguments);

/* What a chart calls the files: without folder and ending where that tells them apart. The array and each of the names are to be
 * freed by the caller. */
char **texp_plot_names(char *const *files, int n);

#endif
