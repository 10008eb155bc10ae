/* links: float */
/*
 * The kernels of winograd.h against sums over 3x3 in double, for each block and type. Inputs are rounded to the type first.
 *
 * What is allowed: a result is a sum of products u*w in the transformed domain, with coefficients 0 and 1. Let `length` be
 * the root of the sum of their squares. Transforms round each factor up to 4 times, the product and the sum of n of them
 * some sqrt(n) times, all by 2^-24 at most of about `length`: a standard deviation of less than (4 + sqrt(n)) 2^-24
 * length / sqrt(3). Where factors are rounded to bfloat16 it is 2^-9 length sqrt(2/3) more. Eight deviations are allowed;
 * a wrong coefficient of one product is off by about length / sqrt(n), a thousand times as much.
 */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/winograd.h"

typedef struct {
    int images, c, n, h, w; /* c and n in blocks */
} shape;

/* One tile and many, odd sizes, more tiles in a row than go through at once, one block and several, odd numbers of blocks. */
static const shape shapes[] = {
    {1, 1, 1, 2, 2},  {3, 1, 1, 8, 8},   {2, 2, 1, 5, 7},   {1, 1, 2, 7, 4},   {2, 3, 2, 6, 9},
    {5, 2, 3, 4, 4},  {1, 1, 1, 1, 1},   {2, 1, 1, 1, 6},   {1, 1, 1, 3, 271}, {2, 2, 2, 16, 16},
    {1, 5, 5, 9, 11}, {2, 1, 1, 32, 32}, {1, 2, 4, 2, 131}, {130, 1, 1, 2, 3},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static int block;
static texp_type type;

static const double AT[2][4] = {{1, 1, 1, 0}, {0, 1, -1, -1}};
static const double BT[4][4] = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
static const double G[4][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};

/* --- arrays ------------------------------------------------------------------------------------------------------- */

typedef struct {
    int images, c, h, w;
    float *plain; /* NCHW */
    void *blocked;
} tensor;

static size_t bytes_of(const tensor *t)
{
    return (size_t)t->images * t->c * t->h * t->w * (type == TEXP_BF16 ? 2 : 4);
}

static size_t values_of(const tensor *t)
{
    return (size_t)t->images * t->c * t->h * t->w;
}

static void *memory(size_t bytes)
{
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

/* Between both forms, all blocks of all images. */
static void move(const tensor *t, int to_blocked)
{
    const texp_kernels *k = texp_kernels_of(block, type);
    const int pixels = t->h * t->w;
    const size_t image = (size_t)t->c * pixels;
    for (int b = 0; b < t->c / block; ++b) {
        const texp_planes p = {image, t->images, pixels};
        char *at = (char *)t->blocked + (size_t)b * pixels * block * k->bytes;
        float *plain = t->plain + (size_t)b * block * pixels;
        if (to_blocked)
            k->pack(at, plain, image, block, p, 0);
        else
            k->unpack(plain, image, at, block, p, 0);
    }
}

static tensor empty_tensor(int images, int c, int h, int w)
{
    tensor t = {images, c, h, w, NULL, NULL};
    t.plain = malloc(values_of(&t) * sizeof *t.plain);
    t.blocked = memory(bytes_of(&t));
    memset(t.blocked, 0x7f, bytes_of(&t));
    return t;
}

static float uniform(void)
{
    return 2 * (rand() / (float)RAND_MAX) - 1;
}

static tensor random_tensor(int images, int c, int h, int w)
{
    tensor t = empty_tensor(images, c, h, w);
    for (size_t i = 0; i < values_of(&t); ++i) t.plain[i] = uniform();
    move(&t, 1);
    move(&t, 0);
    return t;
}

static void free_tensor(tensor *t)
{
    free(t->plain);
    free(t->blocked);
}

/* 0 outside of the image. */
static double at(const tensor *t, int image, int c, int y, int x)
{
    if (y < 0 || y >= t->h || x < 0 || x >= t->w) return 0;
    return t->plain[(((size_t)image * t->c + c) * t->h + y) * t->w + x];
}

/* --- what is right, and how long its terms are --------------------------------------------------------------------- */

typedef struct {
    double value, length;
} result;

/* l m l^T of an n x n matrix, of which l has the first k columns. */
static void both_sides(double out[4][4], const double *l, int rows, int k, double m[4][4])
{
    double half[4][4] = {{0}};
    for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < k; ++j) {
            for (int q = 0; q < k; ++q) half[i][j] += l[i * k + q] * m[q][j];
        }
    }
    for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < rows; ++j) {
            out[i][j] = 0;
            for (int q = 0; q < k; ++q) out[i][j] += half[i][q] * l[j * k + q];
        }
    }
}

static void transformed_tile(double out[4][4], const tensor *x, int image, int c, int row, int column)
{
    double d[4][4];
    for (int i = 0; i < 16; ++i) d[i / 4][i % 4] = at(x, image, c, 2 * row - 1 + i / 4, 2 * column - 1 + i % 4);
    both_sides(out, BT[0], 4, 4, d);
}

static double weight_at(const float *weights, int c, int n, int all_c, int i, int j)
{
    return weights[(((size_t)n * all_c + c) * 3 + i) * 3 + j];
}

/* Of y[image][n][row][column]; weights[n][c][3][3], turned and exchanged with `backward`. */
static result convolved(const tensor *x, const float *weights, int n, int all_n, int image, int row, int column,
                        int backward)
{
    result r = {0};
    for (int c = 0; c < x->c; ++c) {
        double w[4][4] = {{0}}, u[4][4], g[4][4];
        for (int i = 0; i < 9; ++i) {
            w[i / 3][i % 3] = backward ? weight_at(weights, n, c, all_n, 2 - i / 3, 2 - i % 3)
                                       : weight_at(weights, c, n, x->c, i / 3, i % 3);
            r.value += w[i / 3][i % 3] * at(x, image, c, row + i / 3 - 1, column + i % 3 - 1);
        }
        transformed_tile(u, x, image, c, row / 2, column / 2);
        both_sides(g, G[0], 4, 3, w);
        for (int i = 0; i < 16; ++i) {
            const double term = AT[row % 2][i / 4] * AT[column % 2][i % 4] * u[i / 4][i % 4] * g[i / 4][i % 4];
            r.length += term * term;
        }
    }
    r.length = sqrt(r.length);
    return r;
}

/* Of the weight gradient [n][c][row][column]. */
static result gradient(const tensor *x, const tensor *dy, int n, int c, int row, int column)
{
    result r = {0};
    for (int image = 0; image < x->images; ++image) {
        for (int i = 0; i < (x->h + 1) / 2; ++i) {
            for (int j = 0; j < (x->w + 1) / 2; ++j) {
                double u[4][4], d[4][4], delta[4][4] = {{0}}, a[4][2];
                transformed_tile(u, x, image, c, i, j);
                for (int q = 0; q < 4; ++q) {
                    const int y = 2 * i + q / 2, z = 2 * j + q % 2;
                    a[q][0] = AT[0][q], a[q][1] = AT[1][q];
                    delta[q / 2][q % 2] = at(dy, image, n, y, z);
                    r.value += at(dy, image, n, y, z) * at(x, image, c, y + row - 1, z + column - 1);
                }
                both_sides(d, a[0], 4, 2, delta);
                for (int q = 0; q < 16; ++q) {
                    const double term = G[q / 4][row] * G[q % 4][column] * u[q / 4][q % 4] * d[q / 4][q % 4];
                    r.length += term * term;
                }
            }
        }
    }
    r.length = sqrt(r.length);
    return r;
}

static void assert_near(double value, result wanted, double terms, double more)
{
    const double unit = (4 + sqrt(terms)) * 0x1p-24 / sqrt(3) + more;
    if (fabs(value - wanted.value) <= 8 * unit * wanted.length) return;
    print_error("%.9g instead of %.9g, terms of length %.3g\n", value, wanted.value, wanted.length);
    fail();
}

/* --- tests ---------------------------------------------------------------------------------------------------------- */

static texp_winograd_use use_of(const texp_winograd_shape *s, int images)
{
    return (texp_winograd_use){block, type, images, 0, 1, memory(texp_winograd_scratch_bytes(s, block, type))};
}

static float *random_weights(size_t n)
{
    float *w = malloc(n * sizeof *w);
    for (size_t i = 0; i < n; ++i) w[i] = uniform();
    return w;
}

/* x convolved; with biases and a bend, or without. By threads' shares, which must not change a bit. */
static void convolve(const shape *k, int backward, int with_bias)
{
    const int c = k->c * block, n = k->n * block;
    const texp_winograd_shape s = {c, n, k->h, k->w},
                              weights_shape = backward ? (texp_winograd_shape){n, c, k->h, k->w} : s;
    const float slope = with_bias ? .25f : 1;
    tensor x = random_tensor(k->images, c, k->h, k->w), y = empty_tensor(k->images, n, k->h, k->w);
    tensor again = empty_tensor(k->images, n, k->h, k->w);
    float *weights = random_weights((size_t)n * c * 9), *bias = random_weights((size_t)n);
    float *own = memory(texp_winograd_own_bytes(&s));
    texp_winograd_use use = use_of(&s, k->images);
    texp_winograd_set_weights(&weights_shape, block, own, weights, backward);
    texp_winograd_run(&s, &use, y.blocked, x.blocked, own, with_bias ? bias : NULL, slope);
    move(&y, 0);
    for (size_t i = 0; i < values_of(&y); i += 1 + i % 3) {
        const int column = (int)(i % k->w), row = (int)(i / k->w % k->h), channel = (int)(i / k->w / k->h % n);
        const int image = (int)(i / k->w / k->h / n);
        result wanted = convolved(&x, weights, channel, n, image, row, column, backward);
        if (with_bias) {
            wanted.value += bias[channel];
            wanted.value *= wanted.value > 0 ? 1 : slope;
        }
        assert_near(y.plain[i], wanted, 16. * c, 0);
    }
    use.shares = 3;
    for (use.share = 0; use.share < 3; ++use.share)
        texp_winograd_run(&s, &use, again.blocked, x.blocked, own, with_bias ? bias : NULL, slope);
    assert_memory_equal(again.blocked, y.blocked, bytes_of(&y));
    /* Nor does it matter how many images come at once. */
    use.images = 1, use.share = 0, use.shares = 1;
    memset(again.blocked, 0, bytes_of(&y));
    for (int i = 0; i < k->images; ++i) {
        texp_winograd_run(&s, &use, (char *)again.blocked + i * bytes_of(&y) / k->images,
                          (char *)x.blocked + i * bytes_of(&x) / k->images, own, with_bias ? bias : NULL, slope);
    }
    assert_memory_equal(again.blocked, y.blocked, bytes_of(&y));
    free_tensor(&x), free_tensor(&y), free_tensor(&again);
    free(weights), free(bias), free(own), free(use.scratch);
}

static void forward_is_the_sum_over_3x3(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; ++i) convolve(shapes + i, 0, 0);
}

static void forward_takes_biases_and_a_slope(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; ++i) convolve(shapes + i, 0, 1);
}

static void backward_is_the_sum_over_the_turned_weights(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; ++i) convolve(shapes + i, 1, 0);
}

static void weight_gradient_is_the_sum_over_pixels(void **state)
{
    (void)state;
    for (int k = 0; k < SHAPES; ++k) {
        const shape *t = shapes + k;
        const int c = t->c * block, n = t->n * block;
        const texp_winograd_shape s = {c, n, t->h, t->w};
        const size_t size = (size_t)n * c * 9, bytes = texp_winograd_own_bytes(&s);
        tensor x = random_tensor(t->images, c, t->h, t->w), dy = random_tensor(t->images, n, t->h, t->w);
        float *own = memory(bytes), *again = memory(bytes), *updates = random_weights(size);
        float *before = malloc(size * sizeof *before);
        texp_winograd_use use = use_of(&s, t->images);
        memcpy(before, updates, size * sizeof *before);
        texp_winograd_run_weights(&s, &use, own, x.blocked, dy.blocked);
        texp_winograd_add_updates(&s, block, updates, own);
        for (size_t i = 0; i < size; i += 1 + (i / 7) % 29) {
            result wanted = gradient(&x, &dy, (int)(i / 9 / c), (int)(i / 9 % c), (int)(i % 9 / 3), (int)(i % 3));
            wanted.value += before[i];
            wanted.length = hypot(wanted.length, before[i]);
            assert_near(updates[i], wanted, 4. * t->images * t->h * t->w + 16,
                        type == TEXP_BF16 ? 0x1p-9 * sqrt(2. / 3) : 0);
        }
        use.shares = 2;
        for (use.share = 0; use.share < 2; ++use.share)
            texp_winograd_run_weights(&s, &use, again, x.blocked, dy.blocked);
        assert_memory_equal(own, again, bytes);
        free_tensor(&x), free_tensor(&dy);
        free(own), free(again), free(updates), free(before), free(use.scratch);
    }
}

/* What a diverged run holds must be seen. */
static void not_a_number_passes(void **state)
{
    (void)state;
    const int c = block;
    const texp_winograd_shape s = {c, c, 6, 6};
    tensor x = random_tensor(1, c, 6, 6), y = empty_tensor(1, c, 6, 6);
    float *weights = random_weights((size_t)c * c * 9), *own = memory(texp_winograd_own_bytes(&s));
    texp_winograd_use use = use_of(&s, 1);
    x.plain[2 * 36 + 14] = NAN;
    move(&x, 1);
    texp_winograd_set_weights(&s, block, own, weights, 0);
    texp_winograd_run(&s, &use, y.blocked, x.blocked, own, NULL, 0);
    move(&y, 0);
    for (int n = 0; n < c; ++n) assert_true(isnan(y.plain[n * 36 + 14]));
    free_tensor(&x), free_tensor(&y);
    free(weights), free(own), free(use.scratch);
}

static int run(const char *name, const struct CMUnitTest *tests, size_t n)
{
    if (texp_winograd_can(block, type)) return _cmocka_run_group_tests(name, tests, n, NULL, NULL);
    printf("%s: not on this processor\n", name);
    return 0;
}

int main(void)
{
    const struct CMUnitTest of_floats[] = {
        cmocka_unit_test(forward_is_the_sum_over_3x3),
        cmocka_unit_test(forward_takes_biases_and_a_slope),
        cmocka_unit_test(backward_is_the_sum_over_the_turned_weights),
        cmocka_unit_test(weight_gradient_is_the_sum_over_pixels),
        cmocka_unit_test(not_a_number_passes),
    };
    const struct CMUnitTest of_halves[] = {cmocka_unit_test(weight_gradient_is_the_sum_over_pixels)};
    int failed = 0;
    for (block = 8; block <= 16; block += 8)
        failed += run(block == 8 ? "blocks of 8" : "blocks of 16", of_floats, sizeof of_floats / sizeof *of_floats);
    block = 16;
    type = TEXP_BF16;
    failed += run("bfloat16", of_halves, 1);
    return failed;
}
