#include "train/run_chart.h"

#include "store/chart.h"

#include <stdlib.h>

void texp_run_chart_start(texp_run_chart *chart, const texp_setup *setup)
{
    *chart = (texp_run_chart){.setup = setup, .is_off = texp_gnuplot_is_unwanted()};
    int length = snprintf(chart->file, sizeof chart->file, "%s/%s.svg", setup->backup, setup->name);
    chart->is_off |= length >= (int)sizeof chart->file;
}

/* What was said is never said again. */
static void turn_off(texp_run_chart *chart, const char *why)
{
    chart->is_off = 1;
    chart->is_due = 0;
    fprintf(stderr, "no chart: %s; training goes on\n", why);
}

/* --- one drawing -------------------------------------------------------------------------------------------------- */

static int read_log(texp_run_chart *chart, texp_message *message)
{
    const texp_setup *s = chart->setup;
    char file[PATH_MAX];
    snprintf(file, sizeof file, "%s/%s.csv", s->backup, s->name);
    if (!chart->log) chart->log = texp_log_reader_open(file, TEXP_BY_EPOCH, message);
    return chart->log ? texp_log_reader_read(chart->log, &chart->curves, message) : -1;
}

static int start(texp_run_chart *chart, texp_message *message)
{
    size_t length;
    const texp_chart_run run = {chart->setup->name, &chart->curves};
    if (read_log(chart, message)) return -1;
    if (texp_chart_is_empty(&chart->curves)) return 0;
    char *script = texp_chart_script(&run, 1, TEXP_BY_EPOCH, chart->file, &length);
    if (!script) return texp_say(message, "no memory");
    chart->drawing = texp_drawing_start(script, length, chart->file, 1, message);
    free(script);
    return chart->drawing ? 0 : -1;
}

static void begin(texp_run_chart *chart)
{
    texp_message message;
    chart->is_due = 0;
    chart->began = what_time_is_it_now();
    if (start(chart, &message)) turn_off(chart, message.text);
}

static void wait_for_it(texp_run_chart *chart, double seconds)
{
    texp_message message;
    if (!chart->drawing) return;
    texp_drawing_status status = texp_drawing_wait(chart->drawing, seconds, &message);
    if (status == TEXP_STILL_DRAWING) return;
    chart->drawing = NULL;
    chart->took = what_time_is_it_now() - chart->began;
    if (status == TEXP_DRAWN)
        chart->is_drawn = 1;
    else
        turn_off(chart, message.text);
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

void texp_run_chart_end_epoch(texp_run_chart *chart)
{
    if (chart->is_off) return;
    if (!texp_gnuplot_is_there()) {
        turn_off(chart, "there is no gnuplot; Debian's gnuplot-nox would draw one at each epoch's end");
        return;
    }
    chart->is_due = 1;
    texp_run_chart_go_on(chart);
}

/* Between two updates that take long, an end is seen late. */
static int is_rested(const texp_run_chart *chart)
{
    const double rest = chart->took < 3 ? 10 * chart->took : 30;
    return what_time_is_it_now() - chart->began >= rest;
}

void texp_run_chart_go_on(texp_run_chart *chart)
{
    wait_for_it(chart, 0);
    if (chart->is_due && !chart->drawing && is_rested(chart)) begin(chart);
}

void texp_run_chart_end(texp_run_chart *chart, double seconds)
{
    const double until = what_time_is_it_now() + seconds;
    wait_for_it(chart, seconds);
    if (chart->is_due && !chart->drawing) begin(chart);
    const double left = until - what_time_is_it_now();
    wait_for_it(chart, left > 0 ? left : 0);
    texp_drawing_cancel(chart->drawing);
    chart->drawing = NULL;
    texp_log_reader_close(chart->log);
    texp_curves_free(&chart->curves);
}
