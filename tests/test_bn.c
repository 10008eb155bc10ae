/* links: float */
/*
 * Batch normalisation in both forms against their definitions in double, the textbook's gradient against finite
 * differences of its definition, Darknet's against the formula of its source. The reference shares nothing with net/bn.c.
 */
#include "net/bn.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef _OPENMP
#include <omp.h>
#else
#define omp_set_num_threads(n) ((void)(n))
#endif

typedef struct {
    int batch, channels, spatial, affine;
    double offset; /* of all x: a mean that is large beside the deviation */
} bn_case;

static const bn_case cases[] = {
    {128, 3, 64, 1, 0}, {8, 16, 1024, 1, 0}, {1, 5, 49, 1, 3},  {4, 1, 1, 1, 0}, {7, 17, 13, 1, -2},
    {2, 3, 2049, 1, 1}, {3, 2, 1025, 0, 0},  {33, 2, 1, 1, .5}, {2, 1, 1, 0, 0}, {16, 4, 196, 1, 30},
};
enum { CASES = sizeof(cases) / sizeof(*cases) };

/* Darknet's epsilon of the root is 1e-6: ten thousand times as large it is seen beside the tolerances. */
static const double EPS = 1e-5, EPS_ROOT = .01;
static const texp_bn_form TEXTBOOK = {1, 1e-5, 0}, DARKNET = {0, 1e-5, .01};

/* The one that is being tested. */
static const texp_bn_form *form = &TEXTBOOK;

/* Rounding of one operation on what `float` is in this build. */
static double unit(void)
{
    return sizeof(float) == sizeof(double) ? DBL_EPSILON : FLT_EPSILON;
}

typedef struct {
    size_t n;
    float *x, *y, *dy, *dx;
    float *scales, *biases, *mean, *variance, *rolling_mean, *rolling_variance, *scale_updates, *bias_updates;
} arrays;

static uint32_t state;

/* In (-1, 1), 16 bits: exact in float. */
static double draw(void)
{
    state = state * 1664525u + 1013904223u;
    return ((double)(state >> 16) - 32767.5) / 32768;
}

static float *filled(size_t n, double offset)
{
    float *x = malloc(n * sizeof(float));
    size_t i;
    assert_non_null(x);
    for (i = 0; i < n; ++i) x[i] = draw() + offset;
    return x;
}

static arrays make_arrays(const bn_case *k)
{
    const int c = k->channels;
    arrays a = {.n = (size_t)k->batch * c * k->spatial};
    state = 1;
    a.x = filled(a.n, k->offset), a.y = filled(a.n, 0), a.dy = filled(a.n, .25), a.dx = filled(a.n, 0);
    a.scales = filled(c, 1.5), a.biases = filled(c, 0), a.mean = filled(c, 0), a.variance = filled(c, 0);
    a.rolling_mean = filled(c, 0), a.rolling_variance = filled(c, 2);
    a.scale_updates = filled(c, 0), a.bias_updates = filled(c, 0);
    return a;
}

static void free_arrays(arrays *a)
{
    free(a->x), free(a->y), free(a->dy), free(a->dx), free(a->scales), free(a->biases), free(a->mean);
    free(a->variance), free(a->rolling_mean), free(a->rolling_variance), free(a->scale_updates), free(a->bias_updates);
}

static const float *scales_of(const bn_case *k, const arrays *a)
{
    return k->affine ? a->scales : NULL;
}

static const float *biases_of(const bn_case *k, const arrays *a)
{
    return k->affine ? a->biases : NULL;
}

static void forward(const bn_case *k, arrays *a)
{
    texp_bn_train(a->y, a->mean, a->variance, a->rolling_mean, a->rolling_variance, a->x, scales_of(k, a),
                  biases_of(k, a), form, k->batch, k->channels, k->spatial);
}

static void backward(const bn_case *k, arrays *a, float *dx, const float *dy, int accumulate)
{
    texp_bn_backward(dx, a->scale_updates, a->bias_updates, a->x, dy, a->mean, a->variance, scales_of(k, a), form,
                     accumulate, k->batch, k->channels, k->spatial);
}

/* ---- The definition, one channel, in double. */

typedef struct {
    double mean, variance, scale, bias;
} moments;

static size_t index_of(const bn_case *k, int b, int c, int i)
{
    return ((size_t)b * k->channels + c) * k->spatial + i;
}

static moments moments_of(const bn_case *k, const arrays *a, const double *x, int c)
{
    const double n = (double)k->batch * k->spatial;
    moments m = {0, 0, k->affine ? a->scales[c] : 1, k->affine ? a->biases[c] : 0};
    long double mean = 0, variance = 0; /* so that the reference is exact beside the build where `float` is double */
    int b, i;
    for (b = 0; b < k->batch; ++b) {
        for (i = 0; i < k->spatial; ++i) mean += x[index_of(k, b, c, i)] / n;
    }
    for (b = 0; b < k->batch; ++b) {
        for (i = 0; i < k->spatial; ++i) variance += powl(x[index_of(k, b, c, i)] - mean, 2) / n;
    }
    m.mean = mean;
    m.variance = variance;
    return m;
}

static double count_of(const bn_case *k)
{
    return (double)k->batch * k->spatial;
}

/* The variance that the form keeps. */
static double variance_of(const bn_case *k, const moments *m)
{
    return form->textbook ? m->variance : m->variance * count_of(k) / (count_of(k) - 1);
}

static double slope_of(const bn_case *k, const moments *m)
{
    return form->textbook ? 1 / sqrt(m->variance + EPS) : 1 / (sqrt(variance_of(k, m)) + EPS_ROOT);
}

static double value(const bn_case *k, const moments *m, double x)
{
    return m->scale * (x - m->mean) * slope_of(k, m) + m->bias;
}

/* sum(y dy) of one channel: the loss whose gradient by y is dy. */
static double loss(const bn_case *k, const arrays *a, const double *x, int c)
{
    const moments m = moments_of(k, a, x, c);
    double sum = 0;
    int b, i;
    for (b = 0; b < k->batch; ++b) {
        for (i = 0; i < k->spatial; ++i) {
            const size_t at = index_of(k, b, c, i);
            sum += value(k, &m, x[at]) * a->dy[at];
        }
    }
    return sum;
}

static double *in_double(const float *x, size_t n)
{
    double *y = malloc(n * sizeof(*y));
    size_t i;
    assert_non_null(y);
    for (i = 0; i < n; ++i) y[i] = x[i];
    return y;
}

/*
 * Error of a value of y relative to its size before cancellation: x and mean are rounded (|x|, |mean| <= 1 + |offset|
 * in units of the deviation, at least .2 where N > 2), the sums are exact in double, and where `float` is double the
 * rounding of N terms, which are independent, adds up to sqrt(N) u; some five operations follow.
 */
static double tolerance(const bn_case *k, const moments *m)
{
    const double terms = sizeof(float) == sizeof(double) ? count_of(k) : 0;
    return (8 + sqrt(terms)) * unit() * (1 + fabs(k->offset)) * (1 + m->scale / sqrt(m->variance + EPS));
}

/* ---- The claims. */

static void forward_is_the_definition(void **unused)
{
    int n, c, b, i;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        const bn_case *k = cases + n;
        arrays a = make_arrays(k);
        double *x = in_double(a.x, a.n);
        forward(k, &a);
        for (c = 0; c < k->channels; ++c) {
            const moments m = moments_of(k, &a, x, c);
            assert_true(fabs(a.mean[c] - m.mean) <= tolerance(k, &m));
            assert_true(fabs(a.variance[c] - variance_of(k, &m)) <= tolerance(k, &m));
            for (b = 0; b < k->batch; ++b) {
                for (i = 0; i < k->spatial; ++i) {
                    const size_t at = index_of(k, b, c, i);
                    assert_true(fabs(a.y[at] - value(k, &m, x[at])) <= tolerance(k, &m));
                }
            }
        }
        free(x);
        free_arrays(&a);
    }
}

static void rolling_statistics_move_as_darknets(void **unused)
{
    int n, c;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        const bn_case *k = cases + n;
        const double count = (double)k->batch * k->spatial;
        arrays a = make_arrays(k);
        double *x = in_double(a.x, a.n), *means = in_double(a.rolling_mean, k->channels);
        double *variances = in_double(a.rolling_variance, k->channels);
        forward(k, &a);
        for (c = 0; c < k->channels; ++c) {
            const moments m = moments_of(k, &a, x, c);
            const double unbiased = m.variance * count / (count > 1 ? count - 1 : 1);
            const double close = .01 * tolerance(k, &m) + 4 * unit() * (3 + fabs(k->offset));
            assert_true(fabs(a.rolling_mean[c] - (.99 * means[c] + .01 * m.mean)) <= close);
            assert_true(fabs(a.rolling_variance[c] - (.99 * variances[c] + .01 * unbiased)) <= close);
        }
        free(x), free(means), free(variances);
        free_arrays(&a);
    }
}

static void rolling_statistics_may_be_absent(void **unused)
{
    const bn_case *k = cases;
    arrays a = make_arrays(k), b = make_arrays(k);
    (void)unused;
    forward(k, &a);
    texp_bn_train(b.y, b.mean, b.variance, NULL, NULL, b.x, b.scales, b.biases, form, k->batch, k->channels,
                  k->spatial);
    assert_memory_equal(a.y, b.y, a.n * sizeof(float));
    free_arrays(&a);
    free_arrays(&b);
}

/* With the statistics that training found, evaluation is the same function, operation by operation: equal bits. */
static void evaluation_uses_the_statistics_given(void **unused)
{
    int n;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        const bn_case *k = cases + n;
        arrays a = make_arrays(k);
        forward(k, &a);
        texp_bn_evaluate(a.dx, a.x, a.mean, a.variance, scales_of(k, &a), biases_of(k, &a), form, k->batch, k->channels,
                         k->spatial);
        assert_memory_equal(a.dx, a.y, a.n * sizeof(float));
        texp_bn_evaluate(a.x, a.x, a.mean, a.variance, scales_of(k, &a), biases_of(k, &a), form, k->batch, k->channels,
                         k->spatial);
        assert_memory_equal(a.x, a.y, a.n * sizeof(float));
        free_arrays(&a);
    }
}

/* What the gradient by x[at], of channel c, must be. */
typedef double expects_gradient(const bn_case *k, const arrays *a, double *x, const moments *m, int c, size_t at);

/* Three terms each as exact as y, times the factor 1/deviation once more; `extra` is the expectation's own error. */
static void check_gradients(expects_gradient *expected, double extra)
{
    int n, probe;
    for (n = 0; n < CASES; ++n) {
        const bn_case *k = cases + n;
        arrays a = make_arrays(k);
        double *x = in_double(a.x, a.n);
        forward(k, &a);
        backward(k, &a, a.dx, a.dy, 0);
        for (probe = 0; probe < 40; ++probe) {
            const size_t at = (size_t)((draw() + 1) / 2 * a.n);
            const int c = at / k->spatial % k->channels;
            const moments m = moments_of(k, &a, x, c);
            const double slope = 1 + m.scale / sqrt(m.variance + EPS);
            assert_true(fabs(a.dx[at] - expected(k, &a, x, &m, c, at)) <= (4 * tolerance(k, &m) + extra) * slope);
        }
        free(x);
        free_arrays(&a);
    }
}

static double difference_quotient(const bn_case *k, const arrays *a, double *x, const moments *m, int c, size_t at)
{
    const double h = 1e-5, kept = x[at];
    double up, down;
    (void)m;
    x[at] = kept + h, up = loss(k, a, x, c);
    x[at] = kept - h, down = loss(k, a, x, c);
    x[at] = kept;
    return (up - down) / (2 * h);
}

/*
 * Central differences with step h err by h^2 f'''/6 and by rounding 2 N u |loss| / h; with h = 1e-5 and losses below
 * 1e4 in double both are below 1e-6 of the largest slope, and the float error of the gradient dominates.
 */
static void gradient_is_that_of_the_definition(void **unused)
{
    (void)unused;
    check_gradients(difference_quotient, 1e-6);
}

/* Darknet's backward_batchnorm_layer, in double: mean_delta, variance_delta and normalize_delta. */
static double darknets_gradient(const bn_case *k, const arrays *a, double *x, const moments *m, int c, size_t at)
{
    const double deviation = sqrt(variance_of(k, m) + EPS);
    double mean_delta = 0, variance_delta = 0;
    int b, i;
    for (b = 0; b < k->batch; ++b) {
        for (i = 0; i < k->spatial; ++i) {
            const double delta = m->scale * a->dy[index_of(k, b, c, i)], apart = x[index_of(k, b, c, i)] - m->mean;
            mean_delta -= delta / deviation;
            variance_delta -= .5 * delta * apart / pow(deviation, 3);
        }
    }
    return m->scale * a->dy[at] / deviation + variance_delta * 2 * (x[at] - m->mean) / count_of(k) +
           mean_delta / count_of(k);
}

static void darknets_gradient_is_that_of_its_source(void **unused)
{
    (void)unused;
    check_gradients(darknets_gradient, 0);
}

/* The textbook's unbiased variance of one value is taken as 0; Darknet divides by N-1, which is 0. */
static void a_single_value_has_variance_0_in_the_textbook_alone(void **unused)
{
    float x = 2, y, mean, variance, rolling = 1;
    (void)unused;
    texp_bn_train(&y, &mean, &variance, NULL, &rolling, &x, NULL, NULL, &TEXTBOOK, 1, 1, 1);
    assert_true(mean == 2 && y == 0 && variance == 0 && fabs(rolling - .99) < 2 * unit());
    texp_bn_train(&y, &mean, &variance, NULL, &rolling, &x, NULL, NULL, &DARKNET, 1, 1, 1);
    assert_true(mean == 2 && isnan(variance) && isnan(rolling));
}

/* N terms of at most 1.25 (times |xhat|), each as exact as y, their sum exact. */
static void affine_gradients_are_added(void **unused)
{
    int n, c, b, i;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        const bn_case *k = cases + n;
        arrays a = make_arrays(k);
        double *x = in_double(a.x, a.n), *scales = in_double(a.scale_updates, k->channels);
        double *biases = in_double(a.bias_updates, k->channels);
        forward(k, &a);
        backward(k, &a, NULL, a.dy, 0);
        for (c = 0; c < k->channels; ++c) {
            const moments m = moments_of(k, &a, x, c);
            double close = unit();
            for (b = 0; b < k->batch; ++b) {
                for (i = 0; i < k->spatial; ++i) {
                    const size_t at = index_of(k, b, c, i);
                    const double xhat = (x[at] - m.mean) * slope_of(k, &m);
                    scales[c] += a.dy[at] * xhat;
                    biases[c] += a.dy[at];
                    close += fabs(a.dy[at]) * (1 + fabs(xhat)) * tolerance(k, &m);
                }
            }
            assert_true(fabs(a.scale_updates[c] - scales[c]) <= close);
            assert_true(fabs(a.bias_updates[c] - biases[c]) <= close);
        }
        free(x), free(scales), free(biases);
        free_arrays(&a);
    }
}

static void gradient_is_assigned_added_or_in_place(void **unused)
{
    int n;
    size_t i;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        const bn_case *k = cases + n;
        arrays a = make_arrays(k);
        double *before = in_double(a.dx, a.n);
        forward(k, &a);
        backward(k, &a, a.dx, a.dy, 1);
        texp_bn_backward(a.y, NULL, NULL, a.x, a.dy, a.mean, a.variance, scales_of(k, &a), form, 0, k->batch,
                         k->channels, k->spatial);
        backward(k, &a, a.dy, a.dy, 0);
        assert_memory_equal(a.y, a.dy, a.n * sizeof(float));
        for (i = 0; i < a.n; ++i) { /* one rounding of the sum, one of the product in it, or neither */
            const double sum = before[i] + a.y[i];
            assert_true(fabs(a.dx[i] - sum) <= unit() * (fabs(sum) + fabs(a.y[i])));
        }
        free(before);
        free_arrays(&a);
    }
}

static void threads_do_not_change_a_bit(void **unused)
{
    int n;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        const bn_case *k = cases + n;
        const size_t row = k->channels * sizeof(float);
        arrays a = make_arrays(k), b = make_arrays(k);
        omp_set_num_threads(1);
        forward(k, &a);
        backward(k, &a, a.dx, a.dy, 1);
        omp_set_num_threads(3); /* more than there are channels, too */
        forward(k, &b);
        backward(k, &b, b.dx, b.dy, 1);
        assert_memory_equal(a.y, b.y, a.n * sizeof(float));
        assert_memory_equal(a.dx, b.dx, a.n * sizeof(float));
        assert_memory_equal(a.scale_updates, b.scale_updates, row);
        assert_memory_equal(a.bias_updates, b.bias_updates, row);
        assert_memory_equal(a.rolling_variance, b.rolling_variance, row);
        free_arrays(&a);
        free_arrays(&b);
    }
}

static void nan_is_not_hidden(void **unused)
{
    const bn_case *k = cases + 1;
    arrays a = make_arrays(k);
    size_t i;
    (void)unused;
    a.x[5] = NAN;
    forward(k, &a);
    backward(k, &a, a.dx, a.dy, 0);
    for (i = 0; i < (size_t)k->spatial; ++i) assert_true(isnan(a.y[i]) && isnan(a.dx[i]));
    assert_false(isnan(a.y[k->spatial]));
    free_arrays(&a);
}

static int use_darknets(void **unused)
{
    (void)unused;
    form = &DARKNET;
    return 0;
}

static int use_textbook(void **unused)
{
    (void)unused;
    form = &TEXTBOOK;
    return 0;
}

/* A claim about both forms. */
#define IN_DARKNETS_FORM(test)                                                                                         \
    {                                                                                                                  \
#test "_in_darknets_form", test, use_darknets, use_textbook, NULL                                              \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_the_definition),
        IN_DARKNETS_FORM(forward_is_the_definition),
        cmocka_unit_test(rolling_statistics_move_as_darknets),
        IN_DARKNETS_FORM(rolling_statistics_move_as_darknets),
        cmocka_unit_test(rolling_statistics_may_be_absent),
        cmocka_unit_test(evaluation_uses_the_statistics_given),
        IN_DARKNETS_FORM(evaluation_uses_the_statistics_given),
        cmocka_unit_test(gradient_is_that_of_the_definition),
        cmocka_unit_test_setup_teardown(darknets_gradient_is_that_of_its_source, use_darknets, use_textbook),
        cmocka_unit_test(affine_gradients_are_added),
        IN_DARKNETS_FORM(affine_gradients_are_added),
        cmocka_unit_test(a_single_value_has_variance_0_in_the_textbook_alone),
        cmocka_unit_test(gradient_is_assigned_added_or_in_place),
        IN_DARKNETS_FORM(gradient_is_assigned_added_or_in_place),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(nan_is_not_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
