#include "net/bn_layer.h"

#include "net/bn.h"
#include "net/texp_net.h"

#include "blas.h"

#include <math.h>

/* Darknet's formula is left to Darknet where its literals stand, too. Where a scale is followed it is ours at every
 * scale, 1 included, so that powers of two leave no trace in how it rounds. */
static int is_stock(const texp_layer *own)
{
    return !own || (!own->bn.exact && !own->degrees.norm);
}

double texp_bn_variance_factor(layer l)
{
    double n = (double)l.batch * l.out_h * l.out_w;
    return l.texp && l.texp->bn.exact && n > 1 ? (n - 1) / n : 1;
}

/* --- the textbook formula ---------------------------------------------------------------------------------------- */

/* What a layer normalises: a [batchnorm] reads its neighbour's output, the others keep theirs in x. */
static float *values_in(layer l, network net)
{
    return l.type == BATCHNORM ? net.input : l.x;
}

static void forward_textbook(layer l, network net)
{
    int spatial = l.out_h * l.out_w;
    if (net.train) {
        texp_norm_forward_train(l.output, l.mean, l.variance, l.rolling_mean, l.rolling_variance, values_in(l, net),
                                l.scales, l.biases, l.bn_eps, l.batch, l.out_c, spatial);
    } else {
        texp_norm_forward_eval(l.output, values_in(l, net), l.rolling_mean, l.rolling_variance, l.scales, l.biases,
                               l.bn_eps, l.batch, l.out_c, spatial);
    }
}

static void forward_exact(layer l, network net)
{
    if (l.type != BATCHNORM) copy_cpu(l.outputs * l.batch, l.output, 1, l.x, 1);
    forward_textbook(l, net);
}

static void backward_exact(layer l, network net)
{
    const texp_layer *own = l.texp;
    int apart = l.type == BATCHNORM;
    float *dx = apart ? net.delta : l.delta;
    const float *mean = net.train ? l.mean : l.rolling_mean;
    const float *variance = net.train ? l.variance : l.rolling_variance;
    texp_norm_backward(dx, own->frozen.affine ? NULL : l.scale_updates, own->frozen.affine ? NULL : l.bias_updates,
                       values_in(l, net), l.delta, mean, variance, l.scales, l.bn_eps, apart, l.batch, l.out_c,
                       l.out_h * l.out_w);
}

/* --- Darknet's formula, its two epsilons scaled ------------------------------------------------------------------- */

/* One channel of a batch: its values are those of `images` planes, `step` apart. */
typedef struct {
    int images, spatial;
    size_t step;
    double n;
} channel;

static channel channel_of(layer l)
{
    int spatial = l.out_h * l.out_w;
    return (channel){l.batch, spatial, (size_t)l.out_c * spatial, (double)l.batch * spatial};
}

/* The variance is Darknet's, of n - 1. */
static void find_moments(const channel *c, const float *x, double *mean, double *variance)
{
    double sum = 0, squares = 0;
    for (int b = 0; b < c->images; ++b) {
        for (int i = 0; i < c->spatial; ++i) sum += x[b * c->step + i];
    }
    *mean = sum / c->n;
    for (int b = 0; b < c->images; ++b) {
        for (int i = 0; i < c->spatial; ++i) {
            double apart = x[b * c->step + i] - *mean;
            squares += apart * apart;
        }
    }
    *variance = squares / (c->n - 1);
}

static void roll(float *rolling, float value)
{
    const float keep = .99, take = .01;
    *rolling = keep * *rolling + take * value;
}

/* y = scale (x - mean) / (sqrt(variance) + eps_root) + bias; x_norm: the same without scale and bias. */
static void normalize_channel(layer l, int f, const float *in, int train)
{
    const channel c = channel_of(l);
    size_t first = (size_t)f * c.spatial;
    double mean = l.rolling_mean[f], variance = l.rolling_variance[f];
    if (train) {
        find_moments(&c, in + first, &mean, &variance);
        l.mean[f] = mean, l.variance[f] = variance;
        roll(l.rolling_mean + f, mean);
        roll(l.rolling_variance + f, variance);
    }
    float center = mean, slope = 1 / (sqrt(variance) + l.bn_eps_root), scale = l.scales[f], bias = l.biases[f];
    for (int b = 0; b < c.images; ++b) {
        const float *x = in + first + b * c.step;
        float *kept = l.x + first + b * c.step, *x_norm = l.x_norm + first + b * c.step;
        float *y = l.output + first + b * c.step;
        for (int i = 0; i < c.spatial; ++i) {
            float normal = (x[i] - center) * slope;
            kept[i] = x[i];
            if (train) x_norm[i] = normal;
            y[i] = scale * normal + bias;
        }
    }
}

static void forward_stock(layer l, network net)
{
    const float *in = l.type == BATCHNORM ? net.input : l.output;
#pragma omp parallel for
    for (int f = 0; f < l.out_c; ++f) normalize_channel(l, f, in, net.train);
}

/* Sums of one channel for the backward pass: of delta, delta x_norm and delta (x - mean). */
typedef struct {
    double delta, normal, apart;
} delta_sums;

static delta_sums sum_deltas(layer l, const channel *c, size_t first, float mean)
{
    delta_sums sums = {0};
    for (int b = 0; b < c->images; ++b) {
        const float *x = l.x + first + b * c->step, *x_norm = l.x_norm + first + b * c->step;
        const float *delta = l.delta + first + b * c->step;
        for (int i = 0; i < c->spatial; ++i) {
            sums.delta += delta[i];
            sums.normal += delta[i] * x_norm[i];
            sums.apart += delta[i] * (x[i] - mean);
        }
    }
    return sums;
}

/* Darknet's backward pass takes sqrt(variance + eps) for the standard deviation, unlike its forward pass, and takes
 * the variance's dependence on the mean for 0, which it is. */
static void backward_channel(layer l, int f, double mean, double variance, float *below)
{
    const channel c = channel_of(l);
    size_t first = (size_t)f * c.spatial;
    float center = mean;
    delta_sums sums = sum_deltas(l, &c, first, center);
    double inverse = 1 / sqrt(variance + l.bn_eps), scale = l.scales[f];
    float direct = scale * inverse, by_mean = -scale * sums.delta * inverse / c.n;
    float by_variance = -scale * sums.apart * inverse * inverse * inverse / c.n;
    l.bias_updates[f] += sums.delta;
    l.scale_updates[f] += sums.normal;
    for (int b = 0; b < c.images; ++b) {
        const float *x = l.x + first + b * c.step;
        float *delta = l.delta + first + b * c.step;
        for (int i = 0; i < c.spatial; ++i) {
            delta[i] = delta[i] * direct + by_variance * (x[i] - center) + by_mean;
            if (below) below[first + b * c.step + i] += delta[i];
        }
    }
}

static void backward_stock(layer l, network net)
{
    const float *mean = net.train ? l.mean : l.rolling_mean, *variance = net.train ? l.variance : l.rolling_variance;
    float *below = l.type == BATCHNORM ? net.delta : NULL;
#pragma omp parallel for
    for (int f = 0; f < l.out_c; ++f) backward_channel(l, f, mean[f], variance[f], below);
}

int texp_bn_forward(layer l, network net)
{
    if (is_stock(l.texp)) return 0;
    if (l.texp->bn.exact)
        forward_exact(l, net);
    else
        forward_stock(l, net);
    return 1;
}

int texp_bn_backward(layer l, network net)
{
    if (is_stock(l.texp)) return 0;
    if (l.texp->bn.exact)
        backward_exact(l, net);
    else
        backward_stock(l, net);
    return 1;
}
