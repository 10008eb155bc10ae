#include "net/bn.h"

#include <math.h>
#include <stddef.h>

/* One channel: `batch` rows of `spatial` neighbours, `stride` apart. */
typedef struct {
    int batch, spatial;
    size_t stride;
} channel;

/*
 * y = (x - mean)*factor + bias. The mean is subtracted first, as the difference of two products would lose digits where
 * the mean is large.
 */
typedef struct {
    float mean, factor, bias;
} affine;

static channel channel_of(int batch, int channels, int spatial)
{
    channel c = {batch, spatial, (size_t)channels * spatial};
    return c;
}

static affine affine_of(int i, const float *mean, const float *variance, const float *scales, const float *biases,
                        const texp_bn_form *form)
{
    affine a = {mean[i], texp_bn_slope(form, variance[i]), biases ? biases[i] : 0};
    if (scales) a.factor *= scales[i];
    return a;
}

static double sum_of(const float *x, channel c)
{
    double sum = 0;
    int b, i;
    for (b = 0; b < c.batch; ++b, x += c.stride) {
        for (i = 0; i < c.spatial; ++i) sum += x[i];
    }
    return sum;
}

static double squares_of(const float *x, double mean, channel c)
{
    double sum = 0;
    int b, i;
    for (b = 0; b < c.batch; ++b, x += c.stride) {
        for (i = 0; i < c.spatial; ++i) sum += (x[i] - mean) * (x[i] - mean);
    }
    return sum;
}

static void apply(float *y, const float *x, affine a, channel c)
{
    int b, i;
    for (b = 0; b < c.batch; ++b, x += c.stride, y += c.stride) {
#pragma omp simd
        for (i = 0; i < c.spatial; ++i) y[i] = (x[i] - a.mean) * a.factor + a.bias;
    }
}

/* sums[0] = sum(dy), sums[1] = sum(dy*(x - mean)) */
static void gradient_sums(double sums[2], const float *x, const float *dy, double mean, channel c)
{
    int b, i;
    sums[0] = sums[1] = 0;
    for (b = 0; b < c.batch; ++b, x += c.stride, dy += c.stride) {
        for (i = 0; i < c.spatial; ++i) {
            sums[0] += dy[i];
            sums[1] += dy[i] * (x[i] - mean);
        }
    }
}

/* The coefficients in the arrays' type. */
typedef struct {
    float mean, direct, by_x, constant;
} gradient;

static gradient gradient_of(texp_bn_gradient g, float mean)
{
    return (gradient){mean, g.direct, g.by_x, g.constant};
}

static void set_gradient(float *dx, const float *x, const float *dy, gradient g, channel c)
{
    int b, i;
    for (b = 0; b < c.batch; ++b, x += c.stride, dy += c.stride, dx += c.stride) {
#pragma omp simd
        for (i = 0; i < c.spatial; ++i) dx[i] = g.direct * dy[i] + g.by_x * (x[i] - g.mean) + g.constant;
    }
}

static void add_gradient(float *dx, const float *x, const float *dy, gradient g, channel c)
{
    int b, i;
    for (b = 0; b < c.batch; ++b, x += c.stride, dy += c.stride, dx += c.stride) {
#pragma omp simd
        for (i = 0; i < c.spatial; ++i) dx[i] += g.direct * dy[i] + g.by_x * (x[i] - g.mean) + g.constant;
    }
}

double texp_bn_variance(const texp_bn_form *form, double squares, double n)
{
    return squares / (form->textbook ? n : n - 1);
}

double texp_bn_rolling_variance(const texp_bn_form *form, double squares, double n)
{
    return squares / (form->textbook && n == 1 ? 1 : n - 1);
}

void texp_bn_roll(float *rolling, double value)
{
    static const double KEEP = .99, TAKE = .01;
    if (rolling) *rolling = KEEP * *rolling + TAKE * value;
}

static double inverse_deviation(const texp_bn_form *form, double variance)
{
    return 1 / sqrt(variance + form->eps);
}

double texp_bn_slope(const texp_bn_form *form, double variance)
{
    return form->textbook ? inverse_deviation(form, variance) : 1 / (sqrt(variance) + form->eps_root);
}

texp_bn_gradient texp_bn_gradient_of(const texp_bn_form *form, double variance, double scale, double sum_dy,
                                     double sum_dyx, double n)
{
    const double inverse = inverse_deviation(form, variance), direct = scale * inverse;
    return (texp_bn_gradient){direct, -direct * inverse * inverse * sum_dyx / n, -direct * sum_dy / n};
}

void texp_bn_train(float *y, float *mean, float *variance, float *rolling_mean, float *rolling_variance, const float *x,
                   const float *scales, const float *biases, const texp_bn_form *form, int batch, int channels,
                   int spatial)
{
    const channel c = channel_of(batch, channels, spatial);
    const double n = (double)batch * spatial;
    int i;
#pragma omp parallel for
    for (i = 0; i < channels; ++i) {
        const size_t first = (size_t)i * spatial;
        const double center = sum_of(x + first, c) / n, squares = squares_of(x + first, center, c);
        mean[i] = center;
        variance[i] = texp_bn_variance(form, squares, n);
        texp_bn_roll(rolling_mean ? rolling_mean + i : NULL, mean[i]);
        texp_bn_roll(rolling_variance ? rolling_variance + i : NULL, texp_bn_rolling_variance(form, squares, n));
        apply(y + first, x + first, affine_of(i, mean, variance, scales, biases, form), c);
    }
}

void texp_bn_evaluate(float *y, const float *x, const float *mean, const float *variance, const float *scales,
                      const float *biases, const texp_bn_form *form, int batch, int channels, int spatial)
{
    const channel row = channel_of(1, channels, spatial);
    int b, i;
#pragma omp parallel for collapse(2)
    for (b = 0; b < batch; ++b) {
        for (i = 0; i < channels; ++i) {
            const size_t first = b * row.stride + (size_t)i * spatial;
            apply(y + first, x + first, affine_of(i, mean, variance, scales, biases, form), row);
        }
    }
}

void texp_bn_backward(float *dx, float *scale_updates, float *bias_updates, const float *x, const float *dy,
                      const float *mean, const float *variance, const float *scales, const texp_bn_form *form,
                      int accumulate, int batch, int channels, int spatial)
{
    const channel c = channel_of(batch, channels, spatial);
    const double n = (double)batch * spatial;
    int i;
#pragma omp parallel for
    for (i = 0; i < channels; ++i) {
        const size_t first = (size_t)i * spatial;
        double sums[2];
        gradient_sums(sums, x + first, dy + first, mean[i], c);
        if (bias_updates) bias_updates[i] += sums[0];
        if (scale_updates) scale_updates[i] += sums[1] * texp_bn_slope(form, variance[i]);
        if (!dx) continue;
        const texp_bn_gradient g = texp_bn_gradient_of(form, variance[i], scales ? scales[i] : 1, sums[0], sums[1], n);
        (accumulate ? add_gradient : set_gradient)(dx + first, x + first, dy + first, gradient_of(g, mean[i]), c);
    }
}
