#include "net/analysis.h"

#include "base/refuse.h"
#include "net/activation.h"
#include "net/layers.h"
#include "net/route_groups.h"
#include "net/texp_net.h"
#include "theory/degrees.h"

#include "network.h"

#include <stdarg.h>

/* --- a network as a graph ----------------------------------------------------------------------------------------- */

static texp_node_kind node_kind(const layer *l)
{
    const texp_layer_traits *traits = texp_layer_traits_of(l->type);
    return traits->is_opaque && traits->is_opaque(l) ? TEXP_NODE_FIXED : traits->degree_rule;
}

int texp_is_output(const network *net, int i)
{
    return i + 1 == net->n || node_kind(net->layers + i) == TEXP_NODE_FIXED;
}

static size_t list_inputs(const layer *l, int index, int *inputs)
{
    int n = 0;
    for (int from; (from = texp_layer_input(l, index, n)) != TEXP_NO_INPUT; ++n) {
        if (inputs) inputs[n] = from;
    }
    return (size_t)n;
}

static int has_weights(const layer *l)
{
    layer *inner[TEXP_MOST_INNER_LAYERS];
    return texp_layer_weights(l) || texp_inner_layers(l, inner);
}

static int is_homogeneous(const layer *l)
{
    return !texp_layer_traits_of(l->type)->activates || texp_keeps_degree(l);
}

static int is_image(const layer *l)
{
    return l->out_c > 0 && l->outputs == l->out_w * l->out_h * l->out_c;
}

/* Whether a number added to a whole channel of the input comes out as one, and changes nothing else. A shortcut from a
 * smaller image adds to some pixels alone, a route of different sizes has no channels. */
static int keeps_channels(const layer *l)
{
    const texp_layer_traits *traits = texp_layer_traits_of(l->type);
    if (!traits->keeps_channels || !is_image(l)) return 0;
    if (traits->activates && !texp_is_linear(l)) return 0;
    return l->type != SHORTCUT || (l->w >= l->out_w && l->h >= l->out_h);
}

/* 0 for the factor 1, otherwise one more than the first layer that has this one. */
static int rate_class(const network *net, int index)
{
    float factor = net->layers[index].learning_rate_scale;
    if (factor == 1) return 0;
    for (int i = 0; i < index; ++i) {
        if (net->layers[i].learning_rate_scale == factor) return i + 1;
    }
    return index + 1;
}

static texp_node make_node(const network *net, int index, int *inputs)
{
    const layer *l = net->layers + index;
    const texp_layer *own = l->texp;
    texp_node node = {.kind = node_kind(l), .inputs = inputs, .n_inputs = list_inputs(l, index, inputs)};
    int linear = node.kind == TEXP_NODE_LINEAR;
    node.trainable = has_weights(l) && !own->frozen.weights;
    node.normalised = linear && l->batch_normalize;
    node.affine = texp_has_bn(l) && !own->frozen.affine;
    node.swallows = texp_layer_traits_of(l->type)->is_bn;
    /* A bias that is frozen at zero changes nothing; behind a normalisation it is the affine's. */
    node.biased = linear && !node.normalised && !own->frozen.bias && !own->frozen.weights;
    node.channel_bias = node.biased && texp_layer_biases(l) == (size_t)l->out_c && texp_is_linear(l) && is_image(l);
    node.keeps_channels = keeps_channels(l);
    node.homogeneous = is_homogeneous(l);
    node.rate_class = rate_class(net, index);
    return node;
}

typedef struct {
    texp_node *nodes;
    int *inputs;
} graph;

static void *get_memory(size_t n, size_t size)
{
    void *memory = calloc(n ? n : 1, size);
    if (!memory) texp_fail("out of memory: %zu bytes are wanted to analyse the network", n * size);
    return memory;
}

static graph make_graph(const network *net)
{
    size_t n_inputs = 0;
    for (int i = 0; i < net->n; ++i) n_inputs += list_inputs(net->layers + i, i, NULL);
    graph g = {get_memory((size_t)net->n, sizeof *g.nodes), get_memory(n_inputs, sizeof *g.inputs)};
    int *inputs = g.inputs;
    for (int i = 0; i < net->n; ++i) {
        g.nodes[i] = make_node(net, i, inputs);
        inputs += g.nodes[i].n_inputs;
    }
    return g;
}

static void free_graph(graph *g)
{
    free(g->nodes);
    free(g->inputs);
}

/* --- which layers grow -------------------------------------------------------------------------------------------- */

static int solve(const network *net, graph *g)
{
    for (int i = 0; i < net->n; ++i) {
        if (net->layers[i].texp->schedule.unfoldable) g->nodes[i].trainable = 0; /* in S, that is */
    }
    int members = texp_degrees_solve(g->nodes, (size_t)net->n);
    if (members < 0) texp_fail("out of memory while the network is analysed");
    return members;
}

static int walk(const network *net, graph *g, texp_obstacle **obstacles)
{
    *obstacles = get_memory((size_t)net->n * TEXP_MOST_OBSTACLES, sizeof **obstacles);
    return texp_degrees_all(g->nodes, (size_t)net->n, *obstacles);
}

static void write_layer(const texp_net *t, const layer *l, const texp_node *node)
{
    texp_layer *own = l->texp;
    /* With texp_layers=all an affine of its own takes the exponential rate, too. */
    own->degrees.growing =
        node->in_set || (t->schedule.all_layers && texp_layer_traits_of(l->type)->is_bn && node->affine);
    own->degrees.in = node->degree_in;
    own->degrees.out = node->degree;
    own->degrees.bn = node->normalised_degree;
    own->degrees.group = node->group;
    own->degrees.bn_group = node->normalised_group;
    /* At degree 0 a bias is in nobody's way. */
    own->degrees.swallowed_bias = node->swallowed && node->degree > 0;
}

texp_layer_rate texp_rate_of(const layer *l)
{
    const texp_layer *own = l->texp;
    if (has_weights(l))
        return own->degrees.growing ? TEXP_RATE_EXPONENTIAL : own->frozen.weights ? TEXP_RATE_FIXED : TEXP_RATE_BASE;
    if (own->degrees.growing) return TEXP_RATE_EXPONENTIAL;
    if (texp_has_bn(l)) return own->frozen.affine ? TEXP_RATE_FIXED : TEXP_RATE_BASE;
    return TEXP_RATE_NONE;
}

static void count_rates(network *net)
{
    texp_net *t = net->texp;
    t->counts.growing = t->counts.base = t->counts.fixed = t->counts.weighted = 0;
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        texp_layer_rate rate = texp_rate_of(l);
        if (!has_weights(l)) continue;
        ++t->counts.weighted;
        t->counts.growing += rate == TEXP_RATE_EXPONENTIAL;
        t->counts.base += rate == TEXP_RATE_BASE;
        t->counts.fixed += rate == TEXP_RATE_FIXED;
    }
}

void texp_analyse(network *net)
{
    graph g = make_graph(net);
    texp_obstacle *obstacles;
    net->texp->counts.invariant = walk(net, &g, &obstacles) == 0;
    if (!net->texp->schedule.all_layers) solve(net, &g);
    for (int i = 0; i < net->n; ++i) write_layer(net->texp, net->layers + i, g.nodes + i);
    count_rates(net);
    free(obstacles);
    free_graph(&g);
}

void texp_print_rates(FILE *out, const network *net)
{
    fprintf(out, "exponential rate: %d of %d layers with weights", net->texp->counts.growing,
            net->texp->counts.weighted);
}

/* --- what is in the way of Algorithm 1 ---------------------------------------------------------------------------- */

typedef struct {
    char text[1024];
    size_t length;
} message_line;

static __attribute__((format(printf, 2, 3))) void say(message_line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line->text + line->length, sizeof line->text - line->length, format, args);
    va_end(args);
    line->length += (size_t)n;
    if (line->length >= sizeof line->text) line->length = sizeof line->text - 1;
}

static void say_finding(message_line *line, const network *net, const texp_obstacle *o)
{
    const layer *l = net->layers + o->node;
    say(line, "layer %d [%s] ", o->node, texp_layer_name(l));
    switch (o->kind) {
    case TEXP_OBSTACLE_ADD:
        say(line, "%s degrees %d and %d", l->type == ROUTE ? "joins" : "adds", o->degree, o->other);
        break;
    case TEXP_OBSTACLE_BIAS:
        say(line, "adds a bias of degree 1 to degree %d", o->degree);
        break;
    case TEXP_OBSTACLE_ACTIVATION:
        say(line, "applies %s, which is not homogeneous, to degree %d", texp_activation_word(l), o->degree);
        break;
    case TEXP_OBSTACLE_DEMAND:
        if (node_kind(l) == TEXP_NODE_FIXED)
            say(line, "is not homogeneous and gets degree %d", o->degree);
        else
            say(line, "is the output and has degree %d", o->degree);
        break;
    case TEXP_OBSTACLE_OPAQUE:
        say(line, "trains weights in which it is not homogeneous");
        break;
    }
}

static void say_bn(message_line *line, const network *net, const char *where, int index)
{
    say(line, "put a [batchnorm]%s %s layer %d", net->texp->bn.frozen_affine ? "" : " with affine=0", where, index);
}

static void say_in(message_line *line, int node, int index)
{
    if (node == index)
        say(line, " in it");
    else
        say(line, " in layer %d", index);
}

/* A normalisation fits into the layer, in front of its activation. */
static int takes_bn(const layer *l)
{
    return texp_layer_traits_of(l->type)->takes_bn && node_kind(l) == TEXP_NODE_LINEAR && !l->batch_normalize;
}

static void say_no_bias(message_line *line, const layer *l)
{
    if (texp_layer_traits_of(l->type)->has_bias_key)
        say(line, "bias=0, fixed=1 or batch_normalize=1 in it");
    else
        say(line, takes_bn(l) ? "fixed=1 or batch_normalize=1 in it" : "fixed=1 in it");
}

static void say_remedy(message_line *line, const network *net, const texp_obstacle *o, int i)
{
    int index = o->remedies[i].node;
    const layer *l = net->layers + index;
    switch (o->remedies[i].kind) {
    case TEXP_REMEDY_NORMALISE_BEFORE:
        say_bn(line, net, "before", index);
        break;
    case TEXP_REMEDY_NORMALISE_BEHIND:
        if (takes_bn(l)) {
            say(line, "batch_normalize=1%s", net->texp->bn.frozen_affine ? "" : " and affine=0");
            say_in(line, o->node, index);
            say(line, ", or ");
        }
        say_bn(line, net, "behind", index);
        break;
    case TEXP_REMEDY_NO_BIAS:
        say_no_bias(line, l);
        break;
    case TEXP_REMEDY_FIXED:
        say(line, "fixed=1");
        say_in(line, o->node, index);
        break;
    case TEXP_REMEDY_NO_AFFINE:
        say(line, "affine=0");
        say_in(line, o->node, index);
        break;
    }
}

int texp_obstacles(const network *net, void (*take)(void *to, int layer, const char *line), void *to)
{
    graph g = make_graph(net);
    texp_obstacle *obstacles;
    int n = walk(net, &g, &obstacles);
    for (int i = 0; take && i < n; ++i) {
        message_line line = {.length = 0};
        say_finding(&line, net, obstacles + i);
        for (int k = 0; k < obstacles[i].n_remedies; ++k) {
            say(&line, k ? "; " : ": ");
            say_remedy(&line, net, obstacles + i, k);
        }
        take(to, obstacles[i].node, line.text);
    }
    free(obstacles);
    free_graph(&g);
    return n;
}

/* --- swallowed biases --------------------------------------------------------------------------------------------- */

#ifdef GPU
static void pull(float *gpu, float *cpu, int n)
{
    if (gpu_index >= 0) cuda_pull_array(gpu, cpu, n);
}

static void push(float *gpu, float *cpu, int n)
{
    if (gpu_index >= 0) cuda_push_array(gpu, cpu, n);
}
#define PULL(l, array) pull((l)->array##_gpu, (l)->array, (l)->out_c)
#define PUSH(l, array) push((l)->array##_gpu, (l)->array, (l)->out_c)
#else
#define PULL(l, array) (void)(l)
#define PUSH(l, array) (void)(l)
#endif

/* What swallowed biases add to the channels of a layer's output: out_c numbers. NULL: nothing. */
typedef double *offsets;

static offsets take_biases(const layer *l)
{
    offsets own = get_memory((size_t)l->out_c, sizeof *own);
    PULL(l, biases);
    for (int c = 0; c < l->out_c; ++c) {
        own[c] = l->biases[c];
        l->biases[c] = l->bias_updates[c] = 0;
    }
    PUSH(l, biases);
    PUSH(l, bias_updates);
    return own;
}

static void add_offsets(offsets *sum, const layer *l, int first, const double *added, int n, double factor)
{
    if (!added) return;
    if (!*sum) *sum = get_memory((size_t)l->out_c, sizeof **sum);
    for (int c = 0; c < n; ++c) (*sum)[first + c] += factor * added[c];
}

/* Darknet adds alpha times the layer before and beta times the other in the channels that both have. */
static offsets add_shortcut(const layer *l, const double *before, const double *other)
{
    offsets sum = NULL;
    int shared = l->c < l->out_c ? l->c : l->out_c;
    add_offsets(&sum, l, 0, before, shared, l->alpha);
    add_offsets(&sum, l, shared, before ? before + shared : NULL, l->out_c - shared, 1);
    add_offsets(&sum, l, 0, other, shared, l->beta);
    return sum;
}

static offsets join_route(const network *net, const layer *l, offsets *all)
{
    offsets sum = NULL;
    int first = 0;
    for (int i = 0; i < l->n; ++i) {
        const layer *from = net->layers + l->input_layers[i];
        const double *added = all[l->input_layers[i]];
        const int n = texp_routed_channels(l, from);
        add_offsets(&sum, l, first, added ? added + texp_first_routed_channel(l, from) : NULL, n, 1);
        first += n;
    }
    return sum;
}

/* Nearest neighbours, or the sum of stride x stride pixels. */
static double upsample_factor(const layer *l)
{
    return l->reverse ? (double)l->scale * l->stride * l->stride : l->scale;
}

static void absorb(const layer *l, const double *before)
{
    if (!before) return;
    PULL(l, rolling_mean);
    for (int c = 0; c < l->out_c; ++c) l->rolling_mean[c] -= before[c];
    PUSH(l, rolling_mean);
}

/* all: of the layers in front. */
static offsets offsets_of(const network *net, int index, offsets *all)
{
    const layer *l = net->layers + index;
    const double *before = index ? all[index - 1] : NULL;
    offsets sum = NULL;
    if (l->texp->degrees.swallowed_bias) return take_biases(l);
    if (texp_layer_traits_of(l->type)->is_bn) absorb(l, before);
    if (!keeps_channels(l)) return NULL;
    if (l->type == SHORTCUT) return add_shortcut(l, before, all[l->index]);
    if (l->type == ROUTE) return join_route(net, l, all);
    add_offsets(&sum, l, 0, before, l->out_c, l->type == UPSAMPLE ? upsample_factor(l) : 1);
    return sum;
}

void texp_absorb_biases(network *net)
{
    offsets *all = get_memory((size_t)net->n, sizeof *all);
    for (int i = 0; i < net->n; ++i) all[i] = offsets_of(net, i, all);
    for (int i = 0; i < net->n; ++i) free(all[i]);
    free(all);
}
