#include "tools/probe.h"

#include "base/refuse.h"
#include "net/analysis.h"
#include "net/layers.h"
#include "net/texp_net.h"
#include "net/update.h"

#include <math.h>

/* One exact in floating point and one not. */
static const double factors[] = {8, .3};

/*
 * Rounding. A scaled network commits other roundings than the network itself: those of storing its weights, one unit in
 * the last place at most, and those of sums and normalisations on values of another scale, which are some units of each
 * layer's output again. What one unit of all that follows the scale does to the outputs is measured, and ROUNDINGS times that allowed,
 * or FLOOR units where it is less than the outputs' own rounding. A layer that should not be scaled and is changes what
 * it feeds by the factor itself; where rounding alone would be allowed LARGEST, nothing could be told.
 */
#ifdef TEXP_DOUBLE
static const double UNIT = 0x1p-53;
#else
static const double UNIT = 0x1p-24;
#endif
static const double ROUNDINGS = 16, FLOOR = 64, LARGEST = .01;

/* An array that follows the scale: kept * scale^power. */
typedef struct {
    float *values, *kept;
    size_t n;
    int power;
} tensor;

typedef struct {
    network *net;
    tensor *tensors;
    int n_tensors;
    int *outputs; /* layers */
    int n_outputs;
    float **before[2]; /* their values in evaluation and in training */
    texp_probe_result result;
} probe;

static void *get_memory(size_t n, size_t size)
{
    void *memory = calloc(n ? n : 1, size);
    if (!memory) texp_fail("out of memory: the probe needs %zu bytes more", n * size);
    return memory;
}

static double uniform(double low, double high)
{
    return low + (high - low) * (rand() / (RAND_MAX + 1.));
}

static void draw(float *values, size_t n, double low, double high)
{
    for (size_t i = 0; values && i < n; ++i) values[i] = uniform(low, high);
}

/* ---- a state in which every parameter matters: biases are 0 and scales 1 in a new network ---- */

static void draw_parameters(const layer *l)
{
    const texp_layer *own = l->texp;
    size_t n = texp_layer_biases(l);
    int has_bn = texp_has_bn(l);
    if (!texp_layer_weights(l) && !has_bn) return; /* the anchors of [yolo] */
    if (own->frozen.weights || (has_bn ? own->frozen.affine : own->frozen.bias)) return;
    draw(l->biases, n, -.5, .5);
    if (has_bn) draw(l->scales, n, .5, 1.5);
}

/* Of one batch, so that evaluation sees what training does. */
static void take_statistics(const layer *l)
{
    if (!l->rolling_mean) return;
    memcpy(l->rolling_mean, l->mean, (size_t)l->out_c * sizeof *l->mean);
    memcpy(l->rolling_variance, l->variance, (size_t)l->out_c * sizeof *l->variance);
}

static void forward(network *net, int train)
{
    srand(1); /* [dropout], [crop] */
    net->train = train;
    forward_network(net);
}

/* A number an output, or none: boxes and masks mean something. */
static int takes_numbers(const layer *l)
{
    texp_truth truth = texp_layer_traits_of(l->type)->truth;
    return truth != TEXP_TRUTH_BOXES && truth != TEXP_TRUTH_GRID && truth != TEXP_TRUTH_MASKS;
}

static void prepare(network *net)
{
    srand(2);
    draw(net->input, (size_t)net->inputs * net->batch, -1, 1);
    if (takes_numbers(net->layers + net->n - 1)) draw(net->truth, (size_t)net->truths * net->batch, 0, 1);
    for (int i = 0; i < net->n; ++i) draw_parameters(net->layers + i);
    forward(net, 1);
    for (int i = 0; i < net->n; ++i) take_statistics(net->layers + i);
    texp_absorb_biases(net);
}

/* ---- what follows the scale ---- */

static void follow(probe *p, float *values, size_t n, int power)
{
    tensor *t = p->tensors + p->n_tensors++;
    *t = (tensor){values, get_memory(n, sizeof *values), n, power};
    if (n) memcpy(t->kept, values, n * sizeof *values);
}

static void follow_layer(probe *p, const layer *l)
{
    const texp_layer *own = l->texp;
    size_t n = texp_layer_biases(l);
    int has_bn = texp_has_bn(l),
        all = p->net->texp->schedule.all_layers && (has_bn || texp_layer_weights(l)) && !own->frozen.weights;
    if (own->degrees.growing && texp_layer_weights(l)) follow(p, l->weights, texp_layer_weights(l), 1);
    if (all && !(has_bn ? own->frozen.affine : own->frozen.bias)) {
        follow(p, l->biases, n, 1);
        if (has_bn) follow(p, l->scales, n, 1);
    }
    if (!l->rolling_mean) return;
    follow(p, l->rolling_mean, (size_t)l->out_c, own->degrees.bn);
    follow(p, l->rolling_variance, (size_t)l->out_c, 2 * own->degrees.bn);
}

static void set_scale(probe *p, double scale)
{
    for (int i = 0; i < p->n_tensors; ++i) {
        const tensor *t = p->tensors + i;
        double factor = pow(scale, t->power);
        for (size_t j = 0; j < t->n; ++j) t->values[j] = factor * t->kept[j];
    }
    texp_follow_scale(p->net, scale);
}

/* ---- outputs ---- */

static size_t output_size(const layer *l)
{
    return (size_t)l->outputs * l->batch;
}

static void open_probe(probe *p, network *net)
{
    *p = (probe){.net = net};
    p->tensors = get_memory(5 * (size_t)net->n, sizeof *p->tensors);
    p->outputs = get_memory((size_t)net->n, sizeof *p->outputs);
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        follow_layer(p, l);
        p->result.scaled += l->texp->degrees.growing && texp_layer_weights(l);
        if (l->output && texp_is_output(net, i)) p->outputs[p->n_outputs++] = i;
    }
    for (int mode = 0; mode < 2; ++mode) {
        p->before[mode] = get_memory((size_t)p->n_outputs, sizeof **p->before);
        for (int i = 0; i < p->n_outputs; ++i) {
            p->before[mode][i] = get_memory(output_size(net->layers + p->outputs[i]), sizeof(float));
        }
    }
}

static void close_probe(probe *p)
{
    for (int i = 0; i < p->n_tensors; ++i) free(p->tensors[i].kept);
    for (int mode = 0; mode < 2; ++mode) {
        for (int i = 0; i < p->n_outputs; ++i) free(p->before[mode][i]);
        free(p->before[mode]);
    }
    free(p->tensors);
    free(p->outputs);
}

/* Of the largest number. */
static double relative_difference(const float *a, const float *b, size_t n)
{
    double largest = 0, apart = 0;
    for (size_t i = 0; i < n; ++i) {
        double difference = fabs((double)a[i] - b[i]);
        if (!(difference <= apart)) apart = isfinite(difference) ? difference : HUGE_VAL;
        if (fabs(a[i]) > largest) largest = fabs(a[i]);
    }
    return apart > 0 ? apart / largest : 0;
}

static void keep_outputs(probe *p)
{
    for (int mode = 0; mode < 2; ++mode) {
        set_scale(p, 1); /* a pass in training moves the rolling statistics */
        forward(p->net, mode);
        for (int i = 0; i < p->n_outputs; ++i) {
            const layer *l = p->net->layers + p->outputs[i];
            memcpy(p->before[mode][i], l->output, output_size(l) * sizeof *l->output);
        }
    }
}

/* layer_found: where it is largest. change: done to the scaled network, or NULL. */
static double compare(probe *p, double scale, void (*change)(probe *), int *layer_found)
{
    double largest = 0;
    for (int mode = 0; mode < 2; ++mode) {
        set_scale(p, scale);
        if (change) change(p);
        forward(p->net, mode);
        for (int i = 0; i < p->n_outputs; ++i) {
            const layer *l = p->net->layers + p->outputs[i];
            double difference = relative_difference(p->before[mode][i], l->output, output_size(l));
            if (difference <= largest) continue;
            largest = difference;
            *layer_found = p->outputs[i];
        }
    }
    return largest;
}

/* Every number one unit up or down. */
static void push(probe *p)
{
    unsigned state = 1;
    for (int i = 0; i < p->n_tensors; ++i) {
        const tensor *t = p->tensors + i;
        for (size_t j = 0; j < t->n; ++j) {
            state = state * 1664525u + 1013904223u;
            t->values[j] *= 1 + 2 * UNIT * (state >> 31 ? 1 : -1);
        }
    }
}

texp_probe_result texp_probe(network *net)
{
    probe p;
    int nowhere;
    prepare(net);
    open_probe(&p, net);
    keep_outputs(&p);
    p.result.allowed = fmin(fmax(ROUNDINGS * compare(&p, 1, push, &nowhere), FLOOR * UNIT), LARGEST);
    for (size_t i = 0; i < sizeof factors / sizeof *factors; ++i) {
        int layer_found = p.result.layer;
        double difference = compare(&p, factors[i], NULL, &layer_found);
        if (difference <= p.result.difference) continue;
        p.result.difference = difference;
        p.result.layer = layer_found;
    }
    set_scale(&p, 1);
    p.result.passed = p.result.difference <= p.result.allowed;
    close_probe(&p);
    return p.result;
}
