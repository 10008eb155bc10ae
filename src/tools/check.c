#include "tools/check.h"

#include "base/refuse.h"
#include "cfg/net_keys.h"
#include "cfg/parse_quietly.h"
#include "net/analysis.h"
#include "net/layers.h"
#include "net/texp_net.h"
#include "tools/probe.h"

#include "option_list.h"

#include <errno.h>

/* --- a light network ---------------------------------------------------------------------------------------------- */

static const char *wanted_batch;

static void set_key(list *options, const char *key, const char *value)
{
    for (node *n = options->front; n; n = n->next) {
        kvp *pair = n->val;
        if (!strcmp(pair->key, key)) pair->val = (char *)value;
    }
}

/* One image takes a fraction of the memory of a batch. */
static void set_batch(list *options)
{
    set_key(options, "batch", wanted_batch);
    set_key(options, "subdivisions", "1");
}

static network *parse(const char *cfg, int probe)
{
    wanted_batch = probe ? "2" : "1"; /* batch normalisation of a vector needs two */
    srand(1);
    texp_change_net_keys = set_batch;
    network *net = texp_parse_quietly(cfg, 1);
    texp_change_net_keys = NULL;
    return net;
}

/* --- the tables --------------------------------------------------------------------------------------------------- */

static const char *rate_name(const layer *l)
{
    static const char *const names[] = {"none", "exponential", "base", "fixed"};
    return names[texp_rate_of(l)];
}

/* Some layers have no shape of their own. */
static void shape_of(const layer *l, int shape[3])
{
    int is_image = l->out_c > 0 && l->outputs == l->out_w * l->out_h * l->out_c;
    shape[0] = is_image ? l->out_w : 1;
    shape[1] = is_image ? l->out_h : 1;
    shape[2] = is_image ? l->out_c : l->outputs;
}

static size_t count_weights(const layer *l)
{
    layer *inner[TEXP_MOST_INNER_LAYERS];
    size_t sum = texp_layer_weights(l);
    int n = texp_inner_layers(l, inner);
    for (int i = 0; i < n; ++i) sum += texp_layer_weights(inner[i]);
    return sum;
}

static void print_row(FILE *out, const network *net, int i)
{
    const layer *l = net->layers + i;
    int shape[3];
    char output[48];
    shape_of(l, shape);
    snprintf(output, sizeof output, "%dx%dx%d", shape[0], shape[1], shape[2]);
    fprintf(out, "%5d  %-15s  %-14s  %9d  %10d  %s\n", i, texp_layer_name(l), output, l->texp->degrees.in,
            l->texp->degrees.out, rate_name(l));
}

static void print_obstacle(void *to, int layer_index, const char *line)
{
    (void)layer_index;
    fprintf(to, "%s\n", line);
}

static void print_table(FILE *out, const network *net)
{
    fprintf(out, "%5s  %-15s  %-14s  %9s  %10s  %s\n", "layer", "type", "output", "degree in", "degree out", "rate");
    for (int i = 0; i < net->n; ++i) print_row(out, net, i);
    texp_obstacles(net, print_obstacle, out);
    fprintf(out, "scale invariant: %s\n", net->texp->counts.invariant ? "yes" : "no");
    texp_print_rates(out, net);
    fprintf(out, "\n");
}

/* Of one layer, in the order found. */
typedef struct {
    FILE *out;
    int layer, found;
} obstacle_cell;

static void print_in_cell(void *to, int layer_index, const char *line)
{
    obstacle_cell *cell = to;
    if (layer_index != cell->layer) return;
    fprintf(cell->out, "%s%s", cell->found++ ? " | " : "\"", line);
}

static void print_csv(FILE *out, const network *net)
{
    fprintf(out, "layer,type,width,height,channels,weights,degree_in,degree_out,rate,group,scale_invariant,obstacle\n");
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        int shape[3];
        obstacle_cell cell = {out, i, 0};
        shape_of(l, shape);
        fprintf(out, "%d,%s,%d,%d,%d,%zu,%d,%d,%s,", i, texp_layer_name(l), shape[0], shape[1], shape[2],
                count_weights(l), l->texp->degrees.in, l->texp->degrees.out, rate_name(l));
        if (l->texp->degrees.group >= 0) fprintf(out, "%d", l->texp->degrees.group);
        fprintf(out, ",%s,", net->texp->counts.invariant ? "yes" : "no");
        texp_obstacles(net, print_in_cell, &cell);
        fprintf(out, "%s\n", cell.found ? "\"" : "");
    }
}

static int probe_passes(FILE *out, network *net)
{
    texp_probe_result r = texp_probe(net);
    if (r.scaled) {
        fprintf(out, "probe: %d layers scaled, largest relative difference %.3g (layer %d [%s]), allowed %.3g\n",
                r.scaled, r.difference, r.layer, texp_layer_name(net->layers + r.layer), r.allowed);
    } else {
        fprintf(out, "probe: no layer to scale\n");
    }
    fprintf(out, "probe: %s\n", r.passed ? "passed" : "failed");
    return r.passed;
}

int texp_check_main(const texp_arguments *a)
{
    int csv = texp_argument(a, "-csv") != NULL, probe = texp_argument(a, "-probe") != NULL;
    texp_exit_without_verdict(TEXP_CHECK_BAD);
    gpu_index = -1;
    FILE *out = texp_take_stdout();
    network *net = parse(a->names[0], probe);
    texp_analyse(net); /* parsing does so only where the cfg has keys of ours */
    int yes = net->texp->counts.invariant;
    if (csv)
        print_csv(out, net);
    else
        print_table(out, net);
    if (probe && !probe_passes(csv ? stderr : out, net)) yes = 0;
    if (fflush(out) || ferror(out)) texp_fail("the table can't be written: %s", strerror(errno));
    free_network(net);
    fclose(out);
    texp_give_verdict();
    return yes ? TEXP_CHECK_YES : TEXP_CHECK_NO;
}
