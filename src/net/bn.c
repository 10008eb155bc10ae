#include "net/bn.h"

#include <math.h>
#include <stddef.h>

/*
 * The loops over values are compiled for several vector widths, of which the program takes the widest that the
 * processor has when it starts. They hold no `parallel` region: what OpenMP moves into functions of its own would not
 * be compiled so. (The thread sanitiser does not survive functions that are chosen at the start.)
 */
#if defined(__x86_64__) && defined(__GLIBC__) && __GNUC__ >= 12 && !defined(__SANITIZE_THREAD__)
#define WIDE __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"), noinline))
#else
#define WIDE
#endif

/* How many neighbours are summed in float before the sum goes to double. */
#define PIECE 1024

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

static float inverse_deviation(float variance, float eps)
{
    return 1 / sqrt((double)variance + eps);
}

static affine affine_of(int i, const float *mean, const float *variance, const float *scales, const float *biases,
                        float eps)
{
    affine a = {mean[i], inverse_deviation(variance[i], eps), biases ? biases[i] : 0};
    if (scales) a.factor *= scales[i];
    return a;
}

static int piece_end(int from, int spatial)
{
    return spatial - from > PIECE ? from + PIECE : spatial;
}

WIDE static double sum_of(const float *x, channel c)
{
    double sum = 0;
    int b, i, from, to;
    for (b = 0; b < c.batch; ++b, x += c.stride) {
        for (from = 0; from < c.spatial; from = to) {
            float part = 0;
            to = piece_end(from, c.spatial);
#pragma omp simd reduction(+ : part)
            for (i = from; i < to; ++i) part += x[i];
            sum += part;
        }
    }
    return sum;
}

WIDE static double squares_of(const float *x, float mean, channel c)
{
    double sum = 0;
    int b, i, from, to;
    for (b = 0; b < c.batch; ++b, x += c.stride) {
        for (from = 0; from < c.spatial; from = to) {
            float part = 0;
            to = piece_end(from, c.spatial);
#pragma omp simd reduction(+ : part)
            for (i = from; i < to; ++i) part += (x[i] - mean) * (x[i] - mean);
            sum += part;
        }
    }
    return sum;
}

WIDE static void apply(float *y, const float *x, affine a, channel c)
{
    int b, i;
    for (b = 0; b < c.batch; ++b, x += c.stride, y += c.stride) {
#pragma omp simd
        for (i = 0; i < c.spatial; ++i) y[i] = (x[i] - a.mean) * a.factor + a.bias;
    }
}

/* sums[0] = sum(dy), sums[1] = sum(dy*(x - mean)) */
WIDE static void gradient_sums(double sums[2], const float *x, const float *dy, float mean, channel c)
{
    int b, i, from, to;
    sums[0] = sums[1] = 0;
    for (b = 0; b < c.batch; ++b, x += c.stride, dy += c.stride) {
        for (from = 0; from < c.spatial; from = to) {
            float part = 0, with_x = 0;
            to = piece_end(from, c.spatial);
#pragma omp simd reduction(+ : part, with_x)
            for (i = from; i < to; ++i) {
                part += dy[i];
                with_x += dy[i] * (x[i] - mean);
            }
            sums[0] += part;
            sums[1] += with_x;
        }
    }
}

/* dx = factor*(dy - shift - slope*(x - mean)) */
WIDE static void gradient(float *dx, const float *x, const float *dy, float shift, float slope, affine a, channel c)
{
    int b, i;
    for (b = 0; b < c.batch; ++b, x += c.stride, dy += c.stride, dx += c.stride) {
#pragma omp simd
        for (i = 0; i < c.spatial; ++i) dx[i] = a.factor * (dy[i] - shift - slope * (x[i] - a.mean));
    }
}

WIDE static void add_gradient(float *dx, const float *x, const float *dy, float shift, float slope, affine a, channel c)
{
    int b, i;
    for (b = 0; b < c.batch; ++b, x += c.stride, dy += c.stride, dx += c.stride) {
#pragma omp simd
        for (i = 0; i < c.spatial; ++i) dx[i] += a.factor * (dy[i] - shift - slope * (x[i] - a.mean));
    }
}

static void roll(float *rolling, int i, double value)
{
    if (rolling) rolling[i] = .99 * rolling[i] + .01 * value;
}

void texp_norm_forward_train(float *y, float *mean, float *variance, float *rolling_mean, float *rolling_variance,
                             const float *x, const float *scales, const float *biases, float eps, int batch,
                             int channels, int spatial)
{
    const channel c = channel_of(batch, channels, spatial);
    const double n = (double)batch * spatial;
    int i;
#pragma omp parallel for
    for (i = 0; i < channels; ++i) {
        const size_t first = (size_t)i * spatial;
        mean[i] = sum_of(x + first, c) / n;
        variance[i] = squares_of(x + first, mean[i], c) / n;
        roll(rolling_mean, i, mean[i]);
        roll(rolling_variance, i, n > 1 ? variance[i] * n / (n - 1) : variance[i]);
        apply(y + first, x + first, affine_of(i, mean, variance, scales, biases, eps), c);
    }
}

void texp_norm_forward_eval(float *y, const float *x, const float *mean, const float *variance, const float *scales,
                            const float *biases, float eps, int batch, int channels, int spatial)
{
    const channel row = channel_of(1, channels, spatial);
    int b, i;
#pragma omp parallel for collapse(2)
    for (b = 0; b < batch; ++b) {
        for (i = 0; i < channels; ++i) {
            const size_t first = b * row.stride + (size_t)i * spatial;
            apply(y + first, x + first, affine_of(i, mean, variance, scales, biases, eps), row);
        }
    }
}

void texp_norm_backward(float *dx, float *scale_updates, float *bias_updates, const float *x, const float *dy,
                        const float *mean, const float *variance, const float *scales, float eps, int accumulate,
                        int batch, int channels, int spatial)
{
    const channel c = channel_of(batch, channels, spatial);
    const double n = (double)batch * spatial;
    int i;
#pragma omp parallel for
    for (i = 0; i < channels; ++i) {
        const size_t first = (size_t)i * spatial;
        const affine a = affine_of(i, mean, variance, scales, NULL, eps);
        const double inverse = inverse_deviation(variance[i], eps);
        double sums[2];
        gradient_sums(sums, x + first, dy + first, a.mean, c);
        if (bias_updates) bias_updates[i] += sums[0];
        if (scale_updates) scale_updates[i] += sums[1] * inverse;
        if (!dx) continue;
        (accumulate ? add_gradient : gradient)(dx + first, x + first, dy + first, sums[0] / n,
                                               sums[1] / n * inverse * inverse, a, c);
    }
}
