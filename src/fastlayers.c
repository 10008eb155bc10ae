/*
 * Faster CPU code behind the layers' own function pointers: oneDNN's convolutions, threaded elementwise loops, batch
 * normalisation and the rectifier behind it in one pass. Layers without a fast form keep Darknet's code.
 *
 * Gradients: Darknet clears each layer's delta and lets every reader add to it. Here the reader whose backward pass
 * comes first (the last in the cfg) writes instead, where it has a fast form, and nothing need be cleared.
 */
#include "net.h"
#include "norm.h"
#include "origin.h"
#include "texp.h"

#include "activations.h"
#include "batchnorm_layer.h"
#include "convolutional_layer.h"

#include <stdlib.h>
#include <string.h>

/* --- elementwise loops, threaded ---------------------------------------------------------------------------------- */

static void add_arrays(float *out, const float *a, const float *b, size_t n)
{
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < n; ++i) out[i] = a[i] + b[i];
}

static void copy_array(float *out, const float *in, size_t n)
{
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < n; ++i) out[i] = in[i];
}

static void clear_array(float *out, size_t n)
{
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < n; ++i) out[i] = 0;
}

/* A gradient passed on: written by its first source, added by the others. */
static void pass_on(float *out, const float *in, size_t n, int writes)
{
    if (writes)
        copy_array(out, in, n);
    else
        add_arrays(out, out, in, n);
}

static void rectify(float *out, const float *in, size_t n, float slope)
{
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < n; ++i) out[i] = in[i] > 0 ? in[i] : slope * in[i];
}

static float slope_of(ACTIVATION a)
{
    return a == LINEAR ? 1 : a == LEAKY ? .1 : 0;
}

static int is_fast_activation(ACTIVATION a)
{
    return a == LINEAR || a == RELU || a == LEAKY;
}

static void activate_fast(float *values, size_t n, ACTIVATION a)
{
    if (a == LINEAR) return;
    if (is_fast_activation(a))
        rectify(values, values, n, slope_of(a));
    else
        activate_array(values, (int)n, a);
}

static void gradient_fast(float *delta, const float *output, size_t n, ACTIVATION a)
{
    if (a == LINEAR) return;
    if (!is_fast_activation(a)) {
        gradient_array(output, (int)n, a, delta);
        return;
    }
    float slope = slope_of(a);
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < n; ++i) delta[i] = output[i] > 0 ? delta[i] : slope * delta[i];
}

static size_t size_of(layer l)
{
    return (size_t)l.outputs * l.batch;
}

/* --- [convolutional] ---------------------------------------------------------------------------------------------- */

static texp_fastconv *convolution_of(layer l)
{
    texp_layer *own = l.texp;
    if (own->conv && own->conv_batch == l.batch && own->conv_h == l.h && own->conv_w == l.w) return own->conv;
    texp_fastconv_free(own->conv);
    own->conv = texp_fastconv_create(l.batch, l.c, l.h, l.w, l.n, l.size, l.stride, l.pad, l.groups);
    own->conv_batch = l.batch;
    own->conv_h = l.h;
    own->conv_w = l.w;
    return own->conv;
}

/* bias=0 leaves the bias that a weights file brought. */
static int adds_bias(layer l)
{
    for (int i = 0; i < l.n; ++i) {
        if (!l.texp->frozen_bias || l.biases[i] != 0) return 1;
    }
    return 0;
}

static void forward_convolution(layer l, network net)
{
    texp_fastconv *conv = convolution_of(l);
    int exact = l.batch_normalize && l.texp->exact;
    float *out = exact ? l.x : l.output;
    if (!conv || texp_fastconv_forward(conv, out, net.input, l.weights)) {
        forward_convolutional_layer(l, net);
        return;
    }
    if (exact)
        texp_forward_norm(l, net);
    else if (l.batch_normalize)
        forward_batchnorm_layer(l, net);
    else if (adds_bias(l))
        add_bias(l.output, l.biases, l.batch, l.n, l.out_h * l.out_w);
    activate_fast(l.output, size_of(l), l.activation);
}

static void backward_convolution(layer l, network net)
{
    texp_fastconv *conv = convolution_of(l);
    if (!conv) {
        if (l.texp->writes && net.delta) clear_array(net.delta, (size_t)l.inputs * l.batch);
        backward_convolutional_layer(l, net);
        return;
    }
    gradient_fast(l.delta, l.output, size_of(l), l.activation);
    if (l.batch_normalize)
        backward_batchnorm_layer(l, net);
    else if (!l.texp->frozen_bias)
        backward_bias(l.bias_updates, l.delta, l.batch, l.n, l.out_h * l.out_w);
    int failed = !l.texp->fixed && texp_fastconv_backward_weights(conv, l.weight_updates, net.input, l.delta);
    if (net.delta) failed |= texp_fastconv_backward_data(conv, net.delta, l.delta, l.weights, !l.texp->writes);
    if (failed) texp_fail("oneDNN could not run a convolution; add backend=plain to [net] of %s", net.texp->file);
}

/* --- [batchnorm], with an [activation] of relu behind it ---------------------------------------------------------- */

static layer *next_layer(network net)
{
    return net.layers + net.index + 1;
}

static void forward_norm(layer l, network net)
{
    float *out = l.texp->fused ? next_layer(net)->output : l.output;
    if (net.train) {
        texp_norm_forward_train(out, l.mean, l.variance, l.rolling_mean, l.rolling_variance, net.input, l.scales,
                                l.biases, l.texp->eps, l.texp->fused, l.batch, l.out_c, l.out_h * l.out_w);
    } else {
        texp_norm_forward_eval(out, net.input, l.rolling_mean, l.rolling_variance, l.scales, l.biases, l.texp->eps,
                               l.texp->fused, l.batch, l.out_c, l.out_h * l.out_w);
    }
}

static void backward_norm(layer l, network net)
{
    int frozen = l.texp->frozen_affine;
    const float *delta = l.texp->fused ? next_layer(net)->delta : l.delta;
    texp_norm_backward(net.delta, frozen ? NULL : l.scale_updates, frozen ? NULL : l.bias_updates, net.input, delta,
                       net.train ? l.mean : l.rolling_mean, net.train ? l.variance : l.rolling_variance, l.scales,
                       l.biases, l.texp->eps, l.texp->fused, !l.texp->writes, l.batch, l.out_c, l.out_h * l.out_w);
}

static void forward_nothing(layer l, network net)
{
    (void)l, (void)net;
}

/* --- [activation], [shortcut] ------------------------------------------------------------------------------------- */

static void forward_activation(layer l, network net)
{
    rectify(l.output, net.input, size_of(l), slope_of(l.activation));
}

static void backward_activation(layer l, network net)
{
    gradient_fast(l.delta, l.output, size_of(l), l.activation);
    if (net.delta) pass_on(net.delta, l.delta, size_of(l), l.texp->writes);
}

static void forward_shortcut(layer l, network net)
{
    add_arrays(l.output, net.input, net.layers[l.index].output, size_of(l));
    activate_fast(l.output, size_of(l), l.activation);
}

static void backward_shortcut(layer l, network net)
{
    gradient_fast(l.delta, l.output, size_of(l), l.activation);
    if (net.delta) pass_on(net.delta, l.delta, size_of(l), l.texp->writes);
    pass_on(net.layers[l.index].delta, l.delta, size_of(l), l.texp->writes_from);
}

/* --- [route] of one layer ----------------------------------------------------------------------------------------- */

static void forward_route(layer l, network net)
{
    copy_array(l.output, net.layers[l.input_layers[0]].output, size_of(l));
}

static void backward_route(layer l, network net)
{
    pass_on(net.layers[l.input_layers[0]].delta, l.delta, size_of(l), l.texp->writes_from);
}

/* --- which layers ------------------------------------------------------------------------------------------------- */

static int is_plain_shortcut(const layer *l)
{
    return l->type == SHORTCUT && l->w == l->out_w && l->h == l->out_h && l->c == l->out_c && l->alpha == 1 &&
           l->beta == 1;
}

static int has_fast_form(const layer *l)
{
    switch (l->type) {
    case CONVOLUTIONAL:
        return texp_fastconv_available() && !l->binary && !l->xnor;
    case BATCHNORM:
        return l->texp->exact;
    case ACTIVE:
        return is_fast_activation(l->activation);
    case SHORTCUT:
        return is_plain_shortcut(l);
    case ROUTE:
        return l->n == 1;
    default:
        return 0;
    }
}

static int reads_previous(const layer *l)
{
    return l->type != ROUTE;
}

static int reads_other(const layer *l, int index)
{
    if (l->type == SHORTCUT) return l->index == index;
    for (int i = 0; l->type == ROUTE && i < l->n; ++i) {
        if (l->input_layers[i] == index) return 1;
    }
    return 0;
}

/* Readers of layer `index`; *last is the last one's index. */
static int count_readers(const network *net, int index, int *last)
{
    int readers = 0;
    for (int j = index + 1; j < net->n; ++j) {
        const layer *l = net->layers + j;
        int reads = (j == index + 1 && reads_previous(l)) + reads_other(l, index);
        if (reads) *last = j;
        readers += reads;
    }
    return readers;
}

static void use_fast_form(layer *l)
{
    switch (l->type) {
    case CONVOLUTIONAL:
        l->forward = forward_convolution, l->backward = backward_convolution;
        break;
    case BATCHNORM:
        l->forward = forward_norm, l->backward = backward_norm;
        break;
    case ACTIVE:
        l->forward = forward_activation, l->backward = backward_activation;
        break;
    case SHORTCUT:
        l->forward = forward_shortcut, l->backward = backward_shortcut;
        break;
    case ROUTE:
        l->forward = forward_route, l->backward = backward_route;
        break;
    default:
        break;
    }
}

/* The first writer of layer `index`'s gradient writes; a layer that shares its arrays (dropout) must not be cleared
 * otherwise than Darknet does. */
static void appoint_writer(network *net, int index)
{
    int last = -1;
    count_readers(net, index, &last);
    if (last < 0 || !has_fast_form(net->layers + last)) return;
    layer *reader = net->layers + last;
    if (reader->type == DROPOUT || net->layers[index].type == DROPOUT) return;
    if (index + 1 < net->n && net->layers[index + 1].type == DROPOUT) return;
    /* A shortcut that reads one layer twice writes first and adds then. */
    if (last == index + 1 && reads_previous(reader))
        reader->texp->writes = 1;
    else
        reader->texp->writes_from = 1;
    net->layers[index].texp->keeps_delta = 1;
}

static void fuse(network *net, int index)
{
    layer *norm = net->layers + index, *active = norm + 1;
    int last;
    if (index + 1 >= net->n || norm->type != BATCHNORM || !norm->texp->exact) return;
    if (active->type != ACTIVE || active->activation != RELU || count_readers(net, index, &last) != 1) return;
    norm->texp->fused = 1;
    active->forward = active->backward = forward_nothing;
}

void texp_use_fast_layers(network *net)
{
    net->texp->fast = 1;
    for (int i = 0; i < net->n; ++i) {
        if (has_fast_form(net->layers + i)) use_fast_form(net->layers + i);
    }
    for (int i = 0; i < net->n; ++i) {
        appoint_writer(net, i);
        fuse(net, i);
    }
}

int texp_keeps_delta(layer l, network net)
{
    if (!l.texp || !net.texp->fast) return 0;
    /* network_predict, behind which no backward pass comes, has no truth. */
    if ((net.train || net.truth) && !l.texp->keeps_delta) clear_array(l.delta, size_of(l));
    return 1;
}
