#include "cfg/summary.h"

#include "net/analysis.h"
#include "net/layers.h"
#include "net/texp_net.h"

#include <float.h>

static void count_layer(const layer *l, size_t *trained, size_t *frozen)
{
    const texp_layer *own = l->texp;
    size_t weights = texp_layer_weights(l), biases = texp_layer_biases(l);
    *(own->frozen.weights ? frozen : trained) += weights;
    if (texp_has_bn(l))
        *trained += own->frozen.affine ? 0 : 2 * biases;
    else if (!own->frozen.bias && !own->frozen.weights)
        *trained += biases;
}

static void count_parameters(const network *net, size_t *trained, size_t *frozen)
{
    layer *inner[TEXP_MOST_INNER_LAYERS];
    *trained = *frozen = 0;
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        int n = texp_inner_layers(l, inner);
        for (int j = 0; j < n; ++j) count_layer(inner[j], trained, frozen);
        if (!n) count_layer(l, trained, frozen);
    }
}

static void print_obstacle(void *policy, int layer, const char *line)
{
    (void)layer;
    fprintf(stderr, "policy=%s: texp_layers=all: %s\n", (const char *)policy, line);
}

/* One rate for all where not all is scale invariant: the paper's experiment, but no equivalence. */
static void warn_of_obstacles(const network *net)
{
    const texp_net *t = net->texp;
    if (!t->schedule.all_layers || t->counts.invariant) return;
    texp_obstacles(net, print_obstacle, (void *)t->schedule.policy);
    fprintf(stderr,
            "policy=%s: texp_layers=all: the network is not scale invariant: this trains another function than "
            "its base\n",
            t->schedule.policy);
}

/* Without powers of two moving, the rate grows out of float's range. */
static void warn_of_range(const texp_net *t)
{
    texp_schedule schedule = t->schedule.tracks->schedule;
    if (!schedule.recipe.no_rescale) return;
    for (long k = 1; k <= t->schedule.recipe.max_batches; ++k) {
        texp_step step = texp_schedule_next(&schedule);
        if (step.rate < FLT_MAX / 1e3L && step.next_scale * step.next_scale < FLT_MAX / 1e3L) continue;
        fprintf(stderr, "policy=%s: the rate leaves float's range at update %ld of %ld: training will stop there\n",
                t->schedule.policy, k, t->schedule.recipe.max_batches);
        return;
    }
}

void texp_print_summary(const network *net)
{
    const texp_net *t = net->texp;
    size_t trained, frozen;
    count_parameters(net, &trained, &frozen);
    fprintf(stderr, "trained weights: %zu", trained);
    if (frozen) fprintf(stderr, ", fixed: %zu", frozen);
    fprintf(stderr, "\n");
    if (t->schedule.recipe.form == TEXP_PLAIN) return;
    fprintf(stderr, "policy=%s: ", t->schedule.policy);
    texp_print_rates(stderr, net);
    fprintf(stderr, " (base rate: %d, fixed: %d)\n", t->counts.base, t->counts.fixed);
    warn_of_obstacles(net);
    warn_of_range(t);
}
