#include "tools/print_schedule.h"

#include "base/refuse.h"
#include "cfg/net_keys.h"
#include "cfg/sections.h"
#include "net/texp_net.h"
#include "store/chart.h"
#include "tools/plot.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Reads [net] alone: no layer is made, so this is quick for any network. */
static void parse_net(const char *cfg, network *net)
{
    list *sections = read_cfg((char *)cfg);
    if (!sections->front) texp_fail("%s: no section; begin with [net]", cfg);
    texp_section *first = sections->front->val;
    if (strcmp(first->type, "[net]") && strcmp(first->type, "[network]")) {
        texp_fail("%s: the first section is %s; it must be [net]", cfg, first->type);
    }
    texp_check_sections(sections, 1);
    texp_read_net_keys(net, first->options);
}

/* As many digits as it takes to read the same number back. */
static void print_csv_row(const texp_step *s)
{
    const long double wide[] = {s->scale, s->rate, s->decay, s->held_rate};
    printf("%ld,%.*g,%.*g,%.*g", s->update, DBL_DECIMAL_DIG, s->base_rate, DBL_DECIMAL_DIG, s->base_decay,
           DBL_DECIMAL_DIG, s->alpha);
    for (size_t i = 0; i < sizeof wide / sizeof *wide; ++i) printf(",%.*Lg", LDBL_DECIMAL_DIG, wide[i]);
    printf(",%ld\n", s->doublings);
}

static void print_row(const texp_step *s, int csv)
{
    if (csv) {
        print_csv_row(s);
        return;
    }
    printf("%9ld  %13.7g  %13.7g  %18.15g  %13.7Lg  %13.7Lg  %13.7Lg  %13.7Lg  %9ld\n", s->update, s->base_rate,
           s->base_decay, s->alpha, s->scale, s->rate, s->decay, s->held_rate, s->doublings);
}

static void print_header(int csv)
{
    if (csv)
        printf("update,base_rate,base_decay,alpha,scale,rate,decay,held_rate,doublings\n");
    else
        printf("%9s  %13s  %13s  %18s  %13s  %13s  %13s  %13s  %9s\n", "update", "base_rate", "base_decay", "alpha",
               "scale", "rate", "decay", "held_rate", "doublings");
}

/* The updates that were asked for, of one cfg. */
typedef struct {
    long from, to;
} updates;

static updates asked_for(const texp_arguments *a, const texp_recipe *recipe)
{
    const long from = texp_argument_number(a, "-from", 1),
               to = texp_argument_number(a, "-to", recipe->max_batches ? recipe->max_batches : from + 999);
    if (to < from && !texp_argument(a, "-to"))
        texp_fail("-from %ld: lies behind the last update, max_batches=%ld", from, to);
    if (to < from) texp_fail("-from %ld -to %ld: no update lies between", from, to);
    return (updates){from, to};
}

static void print_table(const texp_arguments *a, const texp_recipe *recipe)
{
    const int csv = texp_argument(a, "-csv") != NULL;
    const updates asked = asked_for(a, recipe);
    const long from = asked.from, to = asked.to;
    /* A table is for eyes: a screenful, unless asked otherwise. */
    const long every = texp_argument_number(a, "-every", csv ? 1 : (to - from) / 20 + 1);
    print_header(csv);
    texp_schedule schedule;
    texp_schedule_start(&schedule, recipe);
    for (long k = 1; k <= to; ++k) {
        texp_step step = texp_schedule_next(&schedule);
        if (k >= from && ((k - from) % every == 0 || (!csv && k == to))) print_row(&step, csv);
    }
}

/* --- charts ------------------------------------------------------------------------------------------------------- */

static void add_rate(texp_curve *curve, long update, long double rate)
{
    if (!(rate > 0) || !isfinite(rate)) return;
    if (texp_curve_add(curve, (double)update, (double)log10l(rate))) texp_fail("no memory for a chart");
}

static void fill_curves(const texp_arguments *a, const texp_recipe *recipe, texp_curves *curves)
{
    const updates asked = asked_for(a, recipe);
    const long every = texp_argument_number(a, "-every", 1);
    texp_schedule schedule;
    texp_schedule_start(&schedule, recipe);
    for (long k = 1; k <= asked.to; ++k) {
        const texp_step step = texp_schedule_next(&schedule);
        if (k < asked.from || (k - asked.from) % every) continue;
        add_rate(&curves->rate, k, step.rate);
        add_rate(&curves->base_rate, k, step.base_rate);
    }
}

static void draw(const texp_arguments *a, const char *file)
{
    texp_message message;
    if (texp_argument(a, "-csv")) texp_fail("-csv -plot %s: choose one of them", file);
    if (texp_chart_check_ending(file, &message)) texp_fail("-plot %s", message.text);
    texp_curves *curves = calloc((size_t)a->n, sizeof *curves);
    for (int i = 0; i < a->n; ++i) {
        network net = {0};
        parse_net(a->names[i], &net);
        fill_curves(a, &net.texp->schedule.recipe, curves + i);
        texp_net_free(net.texp);
        if (texp_chart_is_empty(curves + i)) texp_fail("%s: no rate above 0 to draw", a->names[i]);
    }
    texp_plot_curves(a->names, curves, a->n, TEXP_BY_UPDATE, file);
}

int texp_print_schedule(const texp_arguments *a)
{
    const char *file = texp_argument(a, "-plot");
    network net = {0};
    if (file) {
        draw(a, file);
    } else if (a->n > 1) {
        texp_fail("%s: one cfg at a time; several are drawn into one chart by -plot FILE", a->names[1]);
    } else {
        parse_net(a->names[0], &net);
        print_table(a, &net.texp->schedule.recipe);
        texp_net_free(net.texp);
    }
    return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
