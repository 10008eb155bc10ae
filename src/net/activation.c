#include "net/activation.h"

#include "base/refuse.h"
#ifdef GPU
#include "net/activation_gpu.h"
#endif

#include "activations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- the functions ------------------------------------------------------------------------------------------------ */

/* Above it mish is x to the last bit of a double: 1 - tanh(log(1 + e^x)) < 2 e^-2x. */
enum { MISH_IS_LINEAR = 40 };

/* tanh(log(1 + e)) = n/(n + 2) with n = e(e + 2), which loses no digits where e is small. */
static double mish(double x)
{
    const double e = exp(x), n = e * (e + 2);
    return x > MISH_IS_LINEAR ? x : x * n / (n + 2);
}

static double mish_slope(double x)
{
    const double e = exp(x), n = e * (e + 2);
    return x > MISH_IS_LINEAR ? 1 : n / (n + 2) + 4 * x * e * (e + 1) / ((n + 2) * (n + 2));
}

static double swish(double x)
{
    return x / (1 + exp(-x));
}

static double swish_slope(double x)
{
    const double s = 1 / (1 + exp(-x));
    return s * (1 + x * (1 - s));
}

double texp_activated(texp_activation_kind kind, double x)
{
    return kind == TEXP_MISH ? mish(x) : kind == TEXP_SWISH ? swish(x) : x;
}

double texp_activation_slope(texp_activation_kind kind, double x)
{
    return kind == TEXP_MISH ? mish_slope(x) : kind == TEXP_SWISH ? swish_slope(x) : 1;
}

/* --- around a layer's own passes ---------------------------------------------------------------------------------- */

static size_t values_of(const layer *l)
{
    return (size_t)l->outputs * l->batch;
}

/* Of a layer that may have been resized since. */
static float *room_before(const layer *l)
{
    texp_layer_activation *own = &l->texp->activation;
    if (own->room >= values_of(l)) return own->before;
    free(own->before);
    own->before = malloc(values_of(l) * sizeof *own->before);
    own->room = values_of(l);
    if (!own->before) texp_fail("out of memory: %zu bytes are wanted for an activation", values_of(l) * sizeof(float));
    return own->before;
}

static void activate_all(float *y, float *before, size_t n, texp_activation_kind kind)
{
    memcpy(before, y, n * sizeof *y);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; ++i) y[i] = texp_activated(kind, before[i]);
}

static void differentiate_all(float *delta, const float *before, size_t n, texp_activation_kind kind)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; ++i) delta[i] *= texp_activation_slope(kind, before[i]);
}

static void forward(layer l, network net)
{
    l.texp->activation.forward(l, net);
    activate_all(l.output, room_before(&l), values_of(&l), l.texp->activation.kind);
}

static void backward(layer l, network net)
{
    differentiate_all(l.delta, l.texp->activation.before, values_of(&l), l.texp->activation.kind);
    l.texp->activation.backward(l, net);
}

#ifdef GPU
/* On the device. */
static float *room_before_gpu(const layer *l)
{
    texp_layer_activation *own = &l->texp->activation;
    if (own->room_gpu >= values_of(l)) return own->before_gpu;
    if (own->before_gpu) cuda_free(own->before_gpu);
    own->before_gpu = cuda_make_array(NULL, values_of(l));
    own->room_gpu = values_of(l);
    return own->before_gpu;
}

static void forward_gpu(layer l, network net)
{
    l.texp->activation.forward_gpu(l, net);
    texp_activate_gpu(l.output_gpu, room_before_gpu(&l), values_of(&l), l.texp->activation.kind);
}

static void backward_gpu(layer l, network net)
{
    const texp_layer_activation *own = &l.texp->activation;
    texp_differentiate_gpu(l.delta_gpu, own->before_gpu, values_of(&l), own->kind);
    own->backward_gpu(l, net);
}
#endif

void texp_activate_behind(layer *l, texp_activation_kind kind)
{
    texp_layer_activation *own = &l->texp->activation;
    if (kind == TEXP_DARKNETS) return;
    own->kind = kind;
    own->forward = l->forward;
    own->backward = l->backward;
    l->forward = forward;
    l->backward = backward;
#ifdef GPU
    own->forward_gpu = l->forward_gpu;
    own->backward_gpu = l->backward_gpu;
    l->forward_gpu = forward_gpu;
    l->backward_gpu = backward_gpu;
#endif
}

void texp_free_activation(texp_layer_activation *own)
{
    free(own->before);
#ifdef GPU
    if (own->before_gpu) cuda_free(own->before_gpu);
#endif
}

/* --- what a layer ends with --------------------------------------------------------------------------------------- */

static const char *const words[] = {[TEXP_MISH] = "mish", [TEXP_SWISH] = "swish"};

texp_activation_kind texp_activation_named(const char *word)
{
    for (size_t i = 1; word && i < sizeof words / sizeof *words; ++i) {
        if (!strcmp(words[i], word)) return (texp_activation_kind)i;
    }
    return TEXP_DARKNETS;
}

static texp_activation_kind kind_of(const layer *l)
{
    return l->texp ? l->texp->activation.kind : TEXP_DARKNETS;
}

const char *texp_activation_word(const layer *l)
{
    return kind_of(l) == TEXP_DARKNETS ? get_activation_string(l->activation) : words[kind_of(l)];
}

int texp_is_linear(const layer *l)
{
    return kind_of(l) == TEXP_DARKNETS && l->activation == LINEAR;
}

int texp_keeps_degree(const layer *l)
{
    const ACTIVATION a = l->activation;
    return kind_of(l) == TEXP_DARKNETS && (a == LINEAR || a == RELU || a == LEAKY || a == RELIE || a == RAMP);
}
