/* Batch normalisation of Darknet's layers with the plug-in's epsilon (MATHEMATICS.md: epsilon follows the scale). */
#include "net.h"
#include "norm.h"
#include "texp.h"

#include "batchnorm_layer.h"
#include "blas.h"
#include "convolutional_layer.h"

#include <math.h>

/* Darknet's formula with its literals is left to Darknet. */
static int is_stock(const texp_layer *own)
{
    return !own || (!own->exact && own->eps == (double).00001f && own->eps_root == (double).000001f);
}

double texp_epsilon(layer l)
{
    return is_stock(l.texp) ? .00001 : l.texp->eps;
}

double texp_variance_factor(layer l)
{
    double n = (double)l.batch * l.out_h * l.out_w;
    return l.texp && l.texp->exact && n > 1 ? (n - 1) / n : 1;
}

/* --- the textbook formula ---------------------------------------------------------------------------------------- */

/* What a layer normalises: a [batchnorm] reads its neighbour's output, the others keep theirs in x. */
static float *values_in(layer l, network net)
{
    return l.type == BATCHNORM ? net.input : l.x;
}

void texp_forward_norm(layer l, network net)
{
    const texp_layer *own = l.texp;
    int spatial = l.out_h * l.out_w;
    if (net.train) {
        texp_norm_forward_train(l.output, l.mean, l.variance, l.rolling_mean, l.rolling_variance, values_in(l, net),
                                l.scales, l.biases, own->eps, 0, l.batch, l.out_c, spatial);
    } else {
        texp_norm_forward_eval(l.output, values_in(l, net), l.rolling_mean, l.rolling_variance, l.scales, l.biases,
                               own->eps, 0, l.batch, l.out_c, spatial);
    }
}

static void forward_exact(layer l, network net)
{
    if (l.type != BATCHNORM) copy_cpu(l.outputs * l.batch, l.output, 1, l.x, 1);
    texp_forward_norm(l, net);
}

static void backward_exact(layer l, network net)
{
    const texp_layer *own = l.texp;
    int apart = l.type == BATCHNORM;
    float *dx = apart ? net.delta : l.delta;
    const float *mean = net.train ? l.mean : l.rolling_mean;
    const float *variance = net.train ? l.variance : l.rolling_variance;
    texp_norm_backward(dx, own->frozen_affine ? NULL : l.scale_updates, own->frozen_affine ? NULL : l.bias_updates,
                       values_in(l, net), l.delta, mean, variance, l.scales, NULL, own->eps, 0, apart, l.batch, l.out_c,
                       l.out_h * l.out_w);
}

/* --- Darknet's formula, its two epsilons scaled ------------------------------------------------------------------- */

/* The variance for which Darknet's sqrt(v') + 1e-6 is sqrt(v) + eps_root. */
static void shift_roots(float *out, const float *variance, int n, double eps_root)
{
    for (int i = 0; i < n; ++i) {
        double root = sqrt(variance[i]) + (eps_root - (double).000001f);
        out[i] = root * root;
    }
}

static void forward_stock(layer l, network net)
{
    int spatial = l.out_h * l.out_w;
    float *shifted = calloc(l.out_c, sizeof *shifted);
    if (l.type == BATCHNORM) copy_cpu(l.outputs * l.batch, net.input, 1, l.output, 1);
    copy_cpu(l.outputs * l.batch, l.output, 1, l.x, 1);
    if (net.train) {
        mean_cpu(l.output, l.batch, l.out_c, spatial, l.mean);
        variance_cpu(l.output, l.mean, l.batch, l.out_c, spatial, l.variance);
        scal_cpu(l.out_c, .99, l.rolling_mean, 1);
        axpy_cpu(l.out_c, .01, l.mean, 1, l.rolling_mean, 1);
        scal_cpu(l.out_c, .99, l.rolling_variance, 1);
        axpy_cpu(l.out_c, .01, l.variance, 1, l.rolling_variance, 1);
    }
    shift_roots(shifted, net.train ? l.variance : l.rolling_variance, l.out_c, l.texp->eps_root);
    normalize_cpu(l.output, net.train ? l.mean : l.rolling_mean, shifted, l.batch, l.out_c, spatial);
    if (net.train) copy_cpu(l.outputs * l.batch, l.output, 1, l.x_norm, 1);
    scale_bias(l.output, l.scales, l.batch, l.out_c, spatial);
    add_bias(l.output, l.biases, l.batch, l.out_c, spatial);
    free(shifted);
}

/* Darknet's own backward pass adds 1e-5 to the variance it is given. */
static void backward_stock(layer l, network net)
{
    const float *variance = net.train ? l.variance : l.rolling_variance;
    float *shifted = calloc(l.out_c, sizeof *shifted);
    for (int i = 0; i < l.out_c; ++i) shifted[i] = variance[i] + (l.texp->eps - (double).00001f);
    l.texp = NULL;
    l.variance = l.rolling_variance = shifted;
    backward_batchnorm_layer(l, net);
    free(shifted);
}

int texp_forward_batchnorm(layer l, network net)
{
    if (is_stock(l.texp)) return 0;
    if (l.texp->exact)
        forward_exact(l, net);
    else
        forward_stock(l, net);
    return 1;
}

int texp_backward_batchnorm(layer l, network net)
{
    if (is_stock(l.texp)) return 0;
    if (l.texp->exact)
        backward_exact(l, net);
    else
        backward_stock(l, net);
    return 1;
}
