/*
 * Charts of runs as scripts for gnuplot: loss, quality and rate one above the other, whichever there are. Nothing here knows
 * of Darknet, prints or exits.
 *
 * Colours can be told apart by colour-blind eyes, and each run has its own dashes and points besides. The ground is white, so
 * that black text is readable wherever the picture is shown.
 */
#ifndef TEXP_CHART_H
#define TEXP_CHART_H

#include "base/message.h"
#include "store/log_curves.h"

typedef struct {
    const char *name; /* any text */
    const texp_curves *curves;
} texp_chart_run;

/* Whether there is anything to draw of a run. */
int texp_chart_is_empty(const texp_curves *curves);

/* Returns 0, or -1 with a message where the ending of `file` is none of .svg, .png, .pdf. */
int texp_chart_check_ending(const char *file, texp_message *message);

/* The script that draws n runs, n >= 1, none of them empty, in the format of `file`; to be freed by the caller. NULL without
 * memory. */
char *texp_chart_script(const texp_chart_run *runs, int n, texp_chart_x x, const char *file, size_t *length);

/* Draws and waits; Ctrl-C ends gnuplot, too. Returns 0, or -1 with a message. */
int texp_chart_draw(const texp_chart_run *runs, int n, texp_chart_x x, const char *file, texp_message *message);

#endif
