/* Keys of layers, and the lines below the layer table. */
#include "analysis.h"
#include "layers.h"
#include "net.h"
#include "norms.h"
#include "origin.h"
#include "texp.h"
#include "tracks.h"

#include "option_list.h"

#include <float.h>
#include <math.h>

static int flag(list *options, const char *key, int otherwise)
{
    char *text = option_find(options, (char *)key);
    if (!text) return otherwise;
    int value = texp_option_int(options, key, text);
    if (value != 0 && value != 1) {
        texp_origin origin = texp_origin_of(options, key);
        texp_refuse(&origin, key, text, "must be 0 or 1");
    }
    return value;
}

static void demand(int fits, list *options, const char *key, const char *what)
{
    if (fits || !option_find(options, (char *)key)) return;
    texp_origin origin = texp_origin_of(options, key);
    texp_refuse(&origin, key, option_find(options, (char *)key), "this layer has no %s; remove it", what);
}

static double read_std(list *options)
{
    char *text = option_find(options, "init_std");
    if (!text) return -1;
    double std = texp_option_float(options, "init_std", text);
    if (std < 0) {
        texp_origin origin = texp_origin_of(options, "init_std");
        texp_refuse(&origin, "init_std", text, "negative; must be 0 or more");
    }
    return std;
}

/* Darknet's literals stand in batchnorm_layer.c and blas.c; batchnorm_eps replaces all of them. */
static void set_norm(texp_layer *t, const texp_net *net)
{
    t->exact = net->norm_eps > 0;
    t->eps = t->exact ? net->norm_eps : .00001f;
    t->eps_root = t->exact ? 0 : .000001f;
}

static void set_weights(layer *l, const texp_layer *own, double std)
{
    if (own->fixed && std < 0) std = sqrt(1. / texp_fan_in(l));
    if (std >= 0) texp_draw_weights(l, std);
}

static int is_unfoldable(const layer *l, const texp_net *t)
{
    return t->recipe.form != TEXP_PLAIN && l->learning_rate_scale != 1 && !texp_has_form(t, l->learning_rate_scale);
}

static void refuse_own_rate(const layer *l, list *options, const texp_net *t)
{
    if (!t->all_layers || l->learning_rate_scale == 1) return;
    texp_origin origin = texp_origin_of(options, "learning_rate");
    texp_refuse(&origin, "learning_rate", option_find(options, "learning_rate"),
                "texp_layers=all has one rate for all layers; remove this layer's own, or texp_layers");
}

/* A recurrent layer's keys hold for the layers inside it. */
static void parse_inner_layers(layer *l, const texp_layer *own, double std)
{
    layer *inner[TEXP_MOST_INNER_LAYERS];
    int n = texp_inner_layers(l, inner);
    for (int i = 0; i < n; ++i) {
        inner[i]->texp = malloc(sizeof *own);
        *inner[i]->texp = *own;
        set_weights(inner[i], own, std);
    }
}

void texp_parse_layer(layer *l, list *options, network *net)
{
    texp_net *t = net->texp;
    layer *inner[TEXP_MOST_INNER_LAYERS];
    int weights = texp_layer_weights(l) || texp_inner_layers(l, inner);
    int norm = texp_has_norm(l) || (texp_inner_layers(l, inner) && texp_has_norm(inner[0]));
    demand(weights, options, "fixed", "weights that could be fixed");
    demand(weights, options, "init_std", "weights");
    demand(norm, options, "affine", "batch normalisation");
    demand(l->type == CONVOLUTIONAL || l->type == CONNECTED, options, "bias", "bias that could be left out");
    texp_layer *own = calloc(1, sizeof *own);
    own->fixed = flag(options, "fixed", 0);
    own->frozen_affine = norm && (!flag(options, "affine", !t->frozen_affine) || own->fixed);
    own->frozen_bias = !flag(options, "bias", 1);
    set_norm(own, t);
    double std = read_std(options);
    if (texp_layer_weights(l)) set_weights(l, own, std);
    if (weights) refuse_own_rate(l, options, t);
    own->unfoldable = is_unfoldable(l, t);
    if (own->fixed || own->frozen_affine || own->frozen_bias) t->ours = 1;
    l->texp = own;
    parse_inner_layers(l, own, std);
}

void texp_free_layer(layer l)
{
    free(l.texp);
}

/* --- the last lines of the layer table --------------------------------------------------------------------------- */

static void count_layer(const layer *l, size_t *trained, size_t *frozen)
{
    const texp_layer *own = l->texp;
    size_t weights = texp_layer_weights(l), biases = texp_layer_biases(l);
    *(own->fixed ? frozen : trained) += weights;
    if (texp_has_norm(l))
        *trained += own->frozen_affine ? 0 : 2 * biases;
    else if (!own->frozen_bias && !own->fixed)
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
    if (!t->all_layers || t->invariant) return;
    texp_obstacles(net, print_obstacle, (void *)t->policy);
    fprintf(stderr,
            "policy=%s: texp_layers=all: the network is not scale invariant: this trains another function than "
            "its base\n",
            t->policy);
}

/* Without powers of two moving, the rate grows out of float's range. */
static void warn_of_range(const texp_net *t)
{
    texp_schedule schedule = t->tracks->schedule;
    if (!schedule.recipe.no_rescale) return;
    for (long k = 1; k <= t->recipe.max_batches; ++k) {
        texp_step step = texp_schedule_next(&schedule);
        if (step.rate < FLT_MAX / 1e3L && step.next_scale * step.next_scale < FLT_MAX / 1e3L) continue;
        fprintf(stderr, "policy=%s: the rate leaves float's range at update %ld of %ld: training will stop there\n",
                t->policy, k, t->recipe.max_batches);
        return;
    }
}

/* Without CUDA gpu_index means nothing: only Darknet's own main sets it to -1 there. */
static int on_gpu(void)
{
#ifdef GPU
    return gpu_index >= 0;
#else
    return 0;
#endif
}

void texp_parse_end(network *net)
{
    texp_net *t = net->texp;
    if (!on_gpu()) {
        texp_use_plain_layers(net);
        if (!t->plain) texp_use_fast_layers(net);
    }
    if (!t->ours) return;
    texp_analyse(net);
    texp_make_tracks(net);
    texp_follow_scale(net, 1);
    if (t->logs_norms) t->norms = texp_norms_open(net);
    size_t trained, frozen;
    count_parameters(net, &trained, &frozen);
    fprintf(stderr, "trained weights: %zu", trained);
    if (frozen) fprintf(stderr, ", fixed: %zu", frozen);
    fprintf(stderr, "\n");
    if (t->recipe.form != TEXP_PLAIN) {
        fprintf(stderr, "policy=%s: ", t->policy);
        texp_print_rates(stderr, net);
        fprintf(stderr, " (base rate: %d, fixed: %d)\n", t->base, t->fixed);
        warn_of_obstacles(net);
        warn_of_range(t);
    }
}
