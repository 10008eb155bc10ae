/*
 * Images a second of the layers of a PreResNet-32 for CIFAR (n = 5), one shape at a time, and of all of them together:
 *     bench_layers [batch 128] [repetitions 20]
 * Prints medians. The sum leaves out what lies between the layers (activation, shortcut, loss, update).
 */
#include "fastconv.h"
#include "norm.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct {
    int count, c, h, n, size, stride, pad, needs_input_delta;
} conv_case;

static const conv_case convs[] = {
    {1, 3, 32, 16, 3, 1, 1, 0},  {10, 16, 32, 16, 3, 1, 1, 1}, {1, 16, 32, 32, 3, 2, 1, 1}, {9, 32, 16, 32, 3, 1, 1, 1},
    {1, 32, 16, 64, 3, 2, 1, 1}, {9, 64, 8, 64, 3, 1, 1, 1},   {1, 16, 32, 32, 1, 2, 0, 1}, {1, 32, 16, 64, 1, 2, 0, 1},
};

typedef struct {
    int count, c, h;
} norm_case;

/* Two norms a block, each before its convolution, and the last one. */
static const norm_case norms[] = {{11, 16, 32}, {10, 32, 16}, {10, 64, 8}};

typedef struct {
    float *x, *y, *dx, *dy, *weights, *updates, *mean, *variance, *rolling_mean, *rolling_variance;
} arrays;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static float *filled(size_t n)
{
    float *x = malloc(n * sizeof(float));
    size_t i;
    if (!x) exit(1);
    for (i = 0; i < n; ++i) x[i] = rand() / (float)RAND_MAX - (float).5;
    return x;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times, int n)
{
    qsort(times, n, sizeof(*times), ascending);
    return times[n / 2];
}

static void check(int status)
{
    if (status == TEXP_FASTCONV_OK) return;
    fprintf(stderr, "bench_layers: a convolution failed with status %d\n", status);
    exit(1);
}

/* Median seconds of forward, backward by weights, backward by input. */
static void time_conv(double seconds[3], const conv_case *k, const arrays *a, int batch, int repetitions)
{
    texp_fastconv *conv = texp_fastconv_create(batch, k->c, k->h, k->h, k->n, k->size, k->stride, k->pad, 1);
    double *times = malloc(3 * repetitions * sizeof(*times));
    int i;
    if (!conv || !times) exit(1);
    for (i = -2; i < repetitions; ++i) {
        const int at = i < 0 ? 0 : i;
        double t0 = now(), t1, t2;
        check(texp_fastconv_forward(conv, a->y, a->x, a->weights));
        t1 = now();
        check(texp_fastconv_backward_weights(conv, a->updates, a->x, a->dy));
        t2 = now();
        if (k->needs_input_delta) check(texp_fastconv_backward_data(conv, a->dx, a->dy, a->weights, 0));
        times[at] = t1 - t0;
        times[repetitions + at] = t2 - t1;
        times[2 * repetitions + at] = now() - t2;
    }
    for (i = 0; i < 3; ++i) seconds[i] = median(times + i * repetitions, repetitions);
    free(times);
    texp_fastconv_free(conv);
}

static void time_norm(double seconds[2], const norm_case *k, const arrays *a, int batch, int repetitions)
{
    double *times = malloc(2 * repetitions * sizeof(*times));
    int i;
    if (!times) exit(1);
    for (i = -2; i < repetitions; ++i) {
        const int at = i < 0 ? 0 : i;
        double t0 = now(), t1;
        texp_norm_forward_train(a->y, a->mean, a->variance, a->rolling_mean, a->rolling_variance, a->x, a->weights,
                                a->weights, 1e-5, 1, batch, k->c, k->h * k->h);
        t1 = now();
        texp_norm_backward(a->dx, a->updates, a->updates + k->c, a->x, a->dy, a->mean, a->variance, a->weights,
                           a->weights, 1e-5, 1, 1, batch, k->c, k->h * k->h);
        times[at] = t1 - t0;
        times[repetitions + at] = now() - t1;
    }
    for (i = 0; i < 2; ++i) seconds[i] = median(times + i * repetitions, repetitions);
    free(times);
}

static double bench_convs(const arrays *a, int batch, int repetitions)
{
    double total[3] = {0}, flops = 0, all;
    size_t i;
    int j;
    printf("%-34s %9s %9s %9s  ms\n", "convolution", "forward", "weights", "data");
    for (i = 0; i < sizeof(convs) / sizeof(*convs); ++i) {
        const conv_case *k = convs + i;
        const int out = (k->h + 2 * k->pad - k->size) / k->stride + 1;
        double t[3];
        time_conv(t, k, a, batch, repetitions);
        printf("%2d x %3d -> %3d %2dx%-2d %dx%d /%d        %9.3f %9.3f %9.3f\n", k->count, k->c, k->n, k->h, k->h,
               k->size, k->size, k->stride, 1e3 * t[0], 1e3 * t[1], 1e3 * t[2]);
        for (j = 0; j < 3; ++j) total[j] += k->count * t[j];
        flops += (2. + k->needs_input_delta) * k->count * 2 * k->c * k->n * k->size * k->size * out * out * batch;
    }
    all = total[0] + total[1] + total[2];
    printf("%-34s %9.3f %9.3f %9.3f\n", "all", 1e3 * total[0], 1e3 * total[1], 1e3 * total[2]);
    printf("convolutions: %.1f images/s, %.1f GFLOP/s\n\n", batch / all, 1e-9 * flops / all);
    return all;
}

static double bench_norms(const arrays *a, int batch, int repetitions)
{
    double total[2] = {0}, passes = 0;
    size_t i;
    printf("%-34s %9s %9s\n", "batch normalisation + relu", "forward", "backward");
    for (i = 0; i < sizeof(norms) / sizeof(*norms); ++i) {
        const norm_case *k = norms + i;
        double t[2];
        time_norm(t, k, a, batch, repetitions);
        printf("%2d x %3d %2dx%-2d                       %9.3f %9.3f\n", k->count, k->c, k->h, k->h, 1e3 * t[0],
               1e3 * t[1]);
        total[0] += k->count * t[0];
        total[1] += k->count * t[1];
        passes += 6. * k->count * batch * k->c * k->h * k->h * sizeof(float); /* x y; x dy, dx twice */
    }
    printf("%-34s %9.3f %9.3f\n", "all", 1e3 * total[0], 1e3 * total[1]);
    printf("norms: %.1f images/s, %.1f GB/s\n\n", batch / (total[0] + total[1]), 1e-9 * passes / (total[0] + total[1]));
    return total[0] + total[1];
}

int main(int argc, char **argv)
{
    const int batch = argc > 1 ? atoi(argv[1]) : 128, repetitions = argc > 2 ? atoi(argv[2]) : 20;
    const size_t most = (size_t)(batch > 0 ? batch : 1) * 16 * 32 * 32;
    double seconds = 0;
    arrays a;
    if (batch < 1 || repetitions < 1) {
        fprintf(stderr, "usage: bench_layers [batch >= 1] [repetitions >= 1]\n");
        return 1;
    }
    a.x = filled(most), a.y = filled(most), a.dx = filled(most), a.dy = filled(most);
    a.weights = filled(64 * 64 * 9), a.updates = filled(64 * 64 * 9);
    a.mean = filled(64), a.variance = filled(64), a.rolling_mean = filled(64), a.rolling_variance = filled(64);
    if (texp_fastconv_available()) {
        seconds += bench_convs(&a, batch, repetitions);
    } else {
        printf("convolutions: built without oneDNN\n");
    }
    seconds += bench_norms(&a, batch, repetitions);
    printf("together: %.1f images/s\n", batch / seconds);
    free(a.x), free(a.y), free(a.dx), free(a.dy), free(a.weights), free(a.updates);
    free(a.mean), free(a.variance), free(a.rolling_mean), free(a.rolling_variance);
    return 0;
}
