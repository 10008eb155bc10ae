/* links: float */
/*
 * The kernels of blocked.h against loops in double over NCHW arrays, for each block and type. Inputs are rounded to the
 * type first, so what remains is the rounding of the result to the type (half a unit, `unit`) and of the arithmetic in
 * float: a few units of 2^-24 of the terms. Sums of n terms in float and double: 2^-24 sqrt(n) as a rule, n at most.
 */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/blocked.h"

enum { IMAGES = 3, CHANNELS = 19, HEIGHT = 6, WIDTH = 7, PIXELS = HEIGHT * WIDTH, VALUES = IMAGES * CHANNELS * PIXELS };

static const texp_kernels *k; /* under test */
static int blocks;
static double unit;

static double uniform(double from, double to)
{
    return from + (to - from) * rand() / RAND_MAX;
}

static float rounded(float x)
{
    uint16_t half;
    if (k->type == TEXP_F32) return x;
    k->convert(&half, &x, 1);
    uint32_t bits = (uint32_t)half << 16;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float *plain(double from, double to)
{
    float *x = malloc(VALUES * sizeof *x);
    for (int i = 0; i < VALUES; ++i) x[i] = rounded(uniform(from, to));
    return x;
}

static size_t image_of(int pixels)
{
    return (size_t)blocks * pixels * k->block;
}

static texp_planes planes(int pixels)
{
    return (texp_planes){image_of(pixels), IMAGES, pixels};
}

/* Filled with what should not matter. */
static char *blocked_memory(int pixels)
{
    size_t bytes = IMAGES * image_of(pixels) * k->bytes;
    char *made = aligned_alloc(64, (bytes + 63) / 64 * 64);
    memset(made, 0x7f, bytes);
    return made;
}

static char *block_at(char *t, int block, int pixels)
{
    return t + (size_t)block * pixels * k->block * k->bytes;
}

static int channels_in(int block)
{
    return CHANNELS - block * k->block < k->block ? CHANNELS - block * k->block : k->block;
}

static char *packed(const float *x, int pixels)
{
    char *t = blocked_memory(pixels);
    for (int b = 0; b < blocks; ++b) {
        k->pack(block_at(t, b, pixels), x + (size_t)b * k->block * pixels, (size_t)CHANNELS * pixels, channels_in(b),
                planes(pixels), 0);
    }
    return t;
}

/* Of n pixels, and whether the channels that only fill a block are 0. */
static float *unpacked(char *t, int pixels)
{
    float *x = calloc(IMAGES * CHANNELS * (size_t)pixels, sizeof *x);
    float *all = calloc(image_of(pixels) * IMAGES, sizeof *all);
    for (int b = 0; b < blocks; ++b) {
        k->unpack(x + (size_t)b * k->block * pixels, (size_t)CHANNELS * pixels, block_at(t, b, pixels), channels_in(b),
                  planes(pixels), 0);
        k->unpack(all, image_of(pixels), block_at(t, b, pixels), k->block, planes(pixels), 0);
        for (int i = 0; i < IMAGES; ++i) {
            for (int c = channels_in(b); c < k->block; ++c) {
                for (int p = 0; p < pixels; ++p) assert_true(all[i * image_of(pixels) + (size_t)c * pixels + p] == 0);
            }
        }
    }
    free(all);
    return x;
}

static size_t at(int image, int channel, int pixel, int pixels)
{
    return ((size_t)image * CHANNELS + channel) * pixels + pixel;
}

static void assert_near(double value, double wanted, double scale)
{
    if (fabs(value - wanted) <= (unit + 8 * 0x1p-24) * scale) return;
    print_error("%.9g instead of %.9g\n", value, wanted);
    fail();
}

#define EACH_VALUE(i, c, p, pixels)                                                                                    \
    for (int i = 0; i < IMAGES; ++i)                                                                                   \
        for (int c = 0; c < CHANNELS; ++c)                                                                             \
            for (int p = 0; p < (pixels); ++p)

static double act(double x, double slope)
{
    return x > 0 ? x : slope * x;
}

/* --- tests ---------------------------------------------------------------------------------------------------------- */

static void values_come_back_as_they_went(void **state)
{
    (void)state;
    float *x = plain(-2, 2);
    char *t = packed(x, PIXELS);
    float *y = unpacked(t, PIXELS);
    assert_memory_equal(x, y, VALUES * sizeof *x);
    /* And add to what is there. */
    for (int b = 0; b < blocks; ++b) {
        k->pack(block_at(t, b, PIXELS), x + b * k->block * PIXELS, CHANNELS * PIXELS, channels_in(b), planes(PIXELS),
                1);
    }
    free(y);
    y = unpacked(t, PIXELS);
    for (int i = 0; i < VALUES; ++i) assert_near(y[i], 2. * x[i], fabs(2 * x[i]));
    free(x), free(y), free(t);
}

static void moments_are_those_of_all_values(void **state)
{
    (void)state;
    /* A mean far from 0, and first pixels far from the mean. */
    float *x = plain(99, 101);
    for (int c = 0; c < CHANNELS; ++c) x[c * PIXELS] = rounded(130);
    char *t = packed(x, PIXELS);
    for (int b = 0; b < blocks; ++b) {
        double mean[TEXP_MOST_BLOCK], squares[TEXP_MOST_BLOCK];
        k->moments(block_at(t, b, PIXELS), planes(PIXELS), mean, squares);
        for (int l = 0; l < channels_in(b); ++l) {
            int c = b * k->block + l;
            double sum = 0, wanted = 0, n = IMAGES * PIXELS;
            for (int i = 0; i < IMAGES * PIXELS; ++i) sum += x[at(i / PIXELS, c, i % PIXELS, PIXELS)];
            for (int i = 0; i < IMAGES * PIXELS; ++i)
                wanted += pow(x[at(i / PIXELS, c, i % PIXELS, PIXELS)] - sum / n, 2);
            assert_true(fabs(mean[l] - sum / n) < 1e-5);
            assert_true(fabs(squares[l] - wanted) < 1e-5 * wanted);
        }
    }
    free(x), free(t);
}

static float *parameters(double from, double to)
{
    float *made = calloc((size_t)blocks * k->block, sizeof *made);
    for (int c = 0; c < CHANNELS; ++c) made[c] = uniform(from, to);
    return made;
}

static void normalisation_and_its_gradient(void **state)
{
    (void)state;
    const float slopes[] = {0, .1f, 1};
    float *x = plain(-2, 2), *dy = plain(-1, 1), *before = plain(-1, 1);
    float *mean = parameters(-1, 1), *factor = parameters(-2, 2), *bias = parameters(-1, 1);
    float *direct = parameters(-1, 1), *by_x = parameters(-1, 1), *constant = parameters(-1, 1);
    for (int s = 0; s < 3; ++s) {
        char *tx = packed(x, PIXELS), *ty = blocked_memory(PIXELS), *tdy = packed(dy, PIXELS),
             *tdx = packed(before, PIXELS);
        char *added = packed(before, PIXELS);
        for (int b = 0; b < blocks; ++b) {
            const int f = b * k->block;
            texp_affine a = {mean + f, factor + f, bias + f, slopes[s]};
            double sums[TEXP_MOST_BLOCK], with[TEXP_MOST_BLOCK];
            k->normalize(block_at(ty, b, PIXELS), block_at(tx, b, PIXELS), planes(PIXELS), &a);
            k->gradient_sums(block_at(tx, b, PIXELS), block_at(tdy, b, PIXELS), planes(PIXELS), &a, sums, with);
            k->gradient(block_at(tdx, b, PIXELS), block_at(tx, b, PIXELS), block_at(tdy, b, PIXELS), planes(PIXELS), &a,
                        direct + f, by_x + f, constant + f, 0);
            k->gradient(block_at(added, b, PIXELS), block_at(tx, b, PIXELS), block_at(tdy, b, PIXELS), planes(PIXELS),
                        &a, direct + f, by_x + f, constant + f, 1);
            for (int l = 0; l < channels_in(b); ++l) {
                double sum = 0, product = 0;
                for (int i = 0; i < IMAGES * PIXELS; ++i) {
                    size_t j = at(i / PIXELS, f + l, i % PIXELS, PIXELS);
                    double z = (x[j] - mean[f + l]) * factor[f + l] + bias[f + l],
                           g = z > 0 ? dy[j] : slopes[s] * dy[j];
                    sum += g, product += g * (x[j] - mean[f + l]);
                }
                assert_true(fabs(sums[l] - sum) < 1e-5 && fabs(with[l] - product) < 3e-5);
            }
        }
        float *y = unpacked(ty, PIXELS), *dx = unpacked(tdx, PIXELS), *both = unpacked(added, PIXELS);
        EACH_VALUE(i, c, p, PIXELS)
        {
            size_t j = at(i, c, p, PIXELS);
            double z = ((double)x[j] - mean[c]) * factor[c] + bias[c], g = z > 0 ? dy[j] : slopes[s] * dy[j];
            double wanted = direct[c] * g + by_x[c] * (x[j] - mean[c]) + constant[c];
            assert_near(y[j], act(z, slopes[s]), 8);
            assert_near(dx[j], wanted, 6);
            assert_near(both[j], before[j] + wanted, 6);
        }
        free(tx), free(ty), free(tdy), free(tdx), free(added), free(y), free(dx), free(both);
    }
    free(x), free(dy), free(before), free(mean), free(factor), free(bias), free(direct), free(by_x), free(constant);
}

static void sums_activations_and_copies(void **state)
{
    (void)state;
    float *a = plain(-2, 2), *b = plain(-2, 2);
    char *ta = packed(a, PIXELS), *tb = packed(b, PIXELS), *sum = blocked_memory(PIXELS),
         *bent = blocked_memory(PIXELS);
    char *masked = packed(b, PIXELS), *copy = packed(b, PIXELS);
    for (int i = 0; i < blocks; ++i) {
        double total[TEXP_MOST_BLOCK];
        k->add(block_at(sum, i, PIXELS), block_at(ta, i, PIXELS), block_at(tb, i, PIXELS), planes(PIXELS), .1f);
        k->activate(block_at(bent, i, PIXELS), block_at(ta, i, PIXELS), planes(PIXELS), 0);
        k->activate_gradient(block_at(masked, i, PIXELS), block_at(ta, i, PIXELS), block_at(tb, i, PIXELS),
                             planes(PIXELS), .1f, 1);
        k->copy(block_at(copy, i, PIXELS), image_of(PIXELS), block_at(ta, i, PIXELS), planes(PIXELS), 1);
        k->sums(block_at(ta, i, PIXELS), planes(PIXELS), total);
        for (int l = 0; l < channels_in(i); ++l) {
            double wanted = 0;
            for (int j = 0; j < IMAGES * PIXELS; ++j) wanted += a[at(j / PIXELS, i * k->block + l, j % PIXELS, PIXELS)];
            assert_true(fabs(total[l] - wanted) < 1e-5);
        }
    }
    float *s = unpacked(sum, PIXELS), *r = unpacked(bent, PIXELS), *m = unpacked(masked, PIXELS),
          *c = unpacked(copy, PIXELS);
    for (int i = 0; i < VALUES; ++i) {
        assert_near(s[i], act((double)a[i] + b[i], .1f), 4);
        assert_near(r[i], act(a[i], 0), 2);
        assert_near(m[i], b[i] + b[i] * (a[i] > 0 ? 1 : .1f), 4);
        assert_near(c[i], (double)a[i] + b[i], 4);
    }
    free(a), free(b), free(ta), free(tb), free(sum), free(bent), free(masked), free(copy);
    free(s), free(r), free(m), free(c);
}

static void averages_and_their_gradient(void **state)
{
    (void)state;
    float *x = plain(-2, 2), *dy = plain(-1, 1), *before = plain(-1, 1);
    char *tx = packed(x, PIXELS), *ty = blocked_memory(1), *tdy = packed(dy, 1), *tdx = packed(before, PIXELS);
    for (int b = 0; b < blocks; ++b) {
        k->average(block_at(ty, b, 1), image_of(1), block_at(tx, b, PIXELS), planes(PIXELS));
        k->average_gradient(block_at(tdx, b, PIXELS), block_at(tdy, b, 1), image_of(1), planes(PIXELS), 1);
    }
    float *y = unpacked(ty, 1), *dx = unpacked(tdx, PIXELS);
    for (int i = 0; i < IMAGES; ++i) {
        for (int c = 0; c < CHANNELS; ++c) {
            double sum = 0;
            for (int p = 0; p < PIXELS; ++p) {
                sum += x[at(i, c, p, PIXELS)];
                assert_near(dx[at(i, c, p, PIXELS)], before[at(i, c, p, PIXELS)] + dy[at(i, c, 0, 1)] / PIXELS, 1.1);
            }
            assert_near(y[at(i, c, 0, 1)], sum / PIXELS, 2);
        }
    }
    free(x), free(dy), free(before), free(tx), free(ty), free(tdy), free(tdx), free(y), free(dx);
}

static void pool(const texp_windows *w)
{
    const int out = w->out_h * w->out_w;
    float *x = plain(-2, 2), *dy = plain(-1, 1), *before = plain(-1, 1);
    double *wanted = calloc(VALUES, sizeof *wanted), *terms = calloc(VALUES, sizeof *terms);
    char *tx = packed(x, PIXELS), *ty = blocked_memory(out), *tdy = packed(dy, out), *tdx = packed(before, PIXELS);
    uint8_t *which = calloc(IMAGES, image_of(out));
    for (int b = 0; b < blocks; ++b) {
        const size_t first = (size_t)b * out * k->block;
        k->largest(block_at(ty, b, out), which + first, image_of(out), block_at(tx, b, PIXELS), image_of(PIXELS),
                   IMAGES, w);
        k->largest_gradient(block_at(tdx, b, PIXELS), image_of(PIXELS), which + first, block_at(tdy, b, out),
                            image_of(out), IMAGES, w, 1);
    }
    float *y = unpacked(ty, out), *dx = unpacked(tdx, PIXELS);
    for (int i = 0; i < VALUES; ++i) wanted[i] = before[i];
    EACH_VALUE(i, c, p, out)
    {
        float best = -FLT_MAX;
        int place = -1;
        for (int n = 0; n < w->size * w->size; ++n) {
            int row = p / w->out_w * w->stride - w->offset + n / w->size;
            int col = p % w->out_w * w->stride - w->offset + n % w->size;
            if (row < 0 || row >= w->h || col < 0 || col >= w->w) continue;
            if (x[at(i, c, row * w->w + col, PIXELS)] > best) {
                place = row * w->w + col;
                best = x[at(i, c, place, PIXELS)];
            }
        }
        assert_true(place >= 0 && y[at(i, c, p, out)] == best);
        wanted[at(i, c, place, PIXELS)] += dy[at(i, c, p, out)];
        ++terms[at(i, c, place, PIXELS)];
    }
    /* After each of n terms of at most 1 the sum is rounded, and no sum is above 1 + n. */
    for (int i = 0; i < VALUES; ++i) assert_near(dx[i], wanted[i], terms[i] * (1 + terms[i]));
    free(x), free(dy), free(before), free(wanted), free(terms), free(tx), free(ty), free(tdy), free(tdx), free(which),
        free(y), free(dx);
}

static void maxima_and_their_gradient(void **state)
{
    (void)state;
    pool(&(texp_windows){HEIGHT, WIDTH, 3, 3, 2, 2, 0});
    pool(&(texp_windows){HEIGHT, WIDTH, 6, 7, 3, 1, 1});
    pool(&(texp_windows){HEIGHT, WIDTH, 3, 4, 3, 2, 1});
    pool(&(texp_windows){HEIGHT, WIDTH, 6, 7, 2, 1, 0});
}

static void enlarged_images_and_their_gradient(void **state)
{
    (void)state;
    enum { TIMES = 3, H = 2, W = 2, OUT = H * W * TIMES * TIMES };
    float *x = plain(-2, 2), *dy = plain(-1, 1);
    char *tx = packed(x, H * W), *ty = blocked_memory(OUT), *tdy = packed(dy, OUT), *tdx = blocked_memory(H * W);
    for (int b = 0; b < blocks; ++b) {
        k->enlarge(block_at(ty, b, OUT), image_of(OUT), block_at(tx, b, H * W), image_of(H * W), IMAGES, H, W, TIMES,
                   .5f);
        k->enlarge_gradient(block_at(tdx, b, H * W), image_of(H * W), block_at(tdy, b, OUT), image_of(OUT), IMAGES, H,
                            W, TIMES, .5f, 0);
    }
    float *y = unpacked(ty, OUT), *dx = unpacked(tdx, H * W);
    double *wanted = calloc(VALUES, sizeof *wanted);
    EACH_VALUE(i, c, p, OUT)
    {
        int from = p / (W * TIMES) / TIMES * W + p % (W * TIMES) / TIMES;
        assert_near(y[at(i, c, p, OUT)], .5 * x[at(i, c, from, H * W)], 1);
        wanted[at(i, c, from, H * W)] += .5 * dy[at(i, c, p, OUT)];
    }
    EACH_VALUE(i, c, p, H * W) assert_near(dx[at(i, c, p, H * W)], wanted[at(i, c, p, H * W)], 4);
    free(x), free(dy), free(tx), free(ty), free(tdy), free(tdx), free(y), free(dx), free(wanted);
}

/* A diverged run must be seen. */
static void nan_passes_through(void **state)
{
    (void)state;
    float *x = plain(-1, 1);
    x[5] = NAN;
    char *t = packed(x, PIXELS);
    const float one[TEXP_MOST_BLOCK] = {1};
    texp_affine a = {one, one, one, 0};
    k->normalize(t, t, planes(PIXELS), &a);
    k->activate(t, t, planes(PIXELS), 0);
    float value;
    k->unpack(&value, 1, t + 5 * k->block * k->bytes, 1, (texp_planes){0, 1, 1}, 0);
    assert_true(isnan(value));
    free(x), free(t);
}

/* --- the same bits for any division of work --------------------------------------------------------------------------- */

/* Kernels that work value by value, on images `p`; out has been written before. */
enum { NORMALIZE, GRADIENT, ADDED_GRADIENT, ADD, ACTIVATE, ACTIVATE_GRADIENT, COPY, BY_VALUE };

static void by_value(int kernel, char *out, const char *x, const char *dy, texp_planes p, const texp_affine *a)
{
    const int add = kernel == ADDED_GRADIENT;
    if (kernel == NORMALIZE) k->normalize(out, x, p, a);
    if (kernel == GRADIENT || add) k->gradient(out, x, dy, p, a, a->bias, a->mean, a->factor, add);
    if (kernel == ADD) k->add(out, x, dy, p, a->slope);
    if (kernel == ACTIVATE) k->activate(out, x, p, a->slope);
    if (kernel == ACTIVATE_GRADIENT) k->activate_gradient(out, x, dy, p, a->slope, 1);
    if (kernel == COPY) k->copy(out, p.stride, x, p, 1);
}

static void values_depend_on_no_neighbours(void **state)
{
    (void)state;
    const float slopes[] = {0, .1f, 1};
    float *x = plain(-2, 2), *dy = plain(-1, 1), *before = plain(-1, 1);
    float *mean = parameters(-1, 1), *factor = parameters(-2, 2), *bias = parameters(-1, 1);
    char *tx = packed(x, PIXELS), *tdy = packed(dy, PIXELS);
    const size_t pixel = k->block * k->bytes, bytes = IMAGES * image_of(PIXELS) * k->bytes;
    for (int i = 0; i < BY_VALUE * 3; ++i) {
        const texp_affine a = {mean, factor, bias, slopes[i % 3]};
        char *together = packed(before, PIXELS), *alone = packed(before, PIXELS);
        by_value(i / 3, together, tx, tdy, planes(PIXELS), &a);
        for (int n = 0; n < IMAGES; ++n) {
            for (int j = 0; j < PIXELS; ++j) {
                const size_t to = n * image_of(PIXELS) * k->bytes + j * pixel;
                by_value(i / 3, alone + to, tx + to, tdy + to, (texp_planes){k->block, 1, 1}, &a);
            }
        }
        assert_memory_equal(together, alone, bytes);
        free(together), free(alone);
    }
    free(x), free(dy), free(before), free(mean), free(factor), free(bias), free(tx), free(tdy);
}

/* Kernels that work image by image; `pixels` of y for `PIXELS` of x. */
enum { AVERAGE, AVERAGE_GRADIENT, LARGEST, LARGEST_GRADIENT, ENLARGE, ENLARGE_GRADIENT, BY_IMAGE };

static void by_image(int kernel, char *out, const char *in, uint8_t *which, size_t from, int images)
{
    static const texp_windows w = {HEIGHT, WIDTH, 3, 4, 3, 2, 1};
    const size_t x = image_of(PIXELS), y = x * 4; /* values to the next image */
    const texp_planes p = {x, images, PIXELS};
    char *to_x = out + from * x * k->bytes, *to_y = out + from * y * k->bytes;
    const char *in_x = in + from * x * k->bytes, *in_y = in + from * y * k->bytes;
    which += from * y;
    if (kernel == AVERAGE) k->average(to_y, y, in_x, p);
    if (kernel == AVERAGE_GRADIENT) k->average_gradient(to_x, in_y, y, p, 1);
    if (kernel == LARGEST) k->largest(to_y, which, y, in_x, x, images, &w);
    if (kernel == LARGEST_GRADIENT) k->largest_gradient(to_x, x, which, in_y, y, images, &w, 1);
    if (kernel == ENLARGE) k->enlarge(to_y, y, in_x, x, images, HEIGHT, WIDTH, 2, .3f);
    if (kernel == ENLARGE_GRADIENT) k->enlarge_gradient(to_x, x, in_y, y, images, HEIGHT, WIDTH, 2, .3f, 1);
}

/* A tensor that has room for 4*PIXELS a channel and image. */
static char *random_values(void)
{
    const size_t n = IMAGES * image_of(PIXELS) * 4;
    float *x = malloc(n * sizeof *x);
    char *made = aligned_alloc(64, (n * k->bytes + 63) / 64 * 64);
    for (size_t i = 0; i < n; ++i) x[i] = uniform(-2, 2);
    k->convert(made, x, n);
    free(x);
    return made;
}

static void images_depend_on_no_other_images(void **state)
{
    (void)state;
    const size_t n = IMAGES * image_of(PIXELS) * 4, bytes = n * k->bytes;
    char *in = random_values(), *together = random_values(), *alone = random_values();
    uint8_t *which = calloc(2, n);
    for (int i = 0; i < BY_IMAGE; ++i) {
        memcpy(alone, together, bytes);
        by_image(i, together, in, which, 0, IMAGES);
        for (int j = 0; j < IMAGES; ++j) by_image(i, alone, in, which + n, j, 1);
        assert_memory_equal(together, alone, bytes);
        assert_memory_equal(which, which + n, n);
    }
    free(in), free(together), free(alone), free(which);
}

/* An image is shorter than what is summed in float, so that the sums of images only need to be added in double. */
static void sums_are_those_of_the_images(void **state)
{
    (void)state;
    float *x = plain(-2, 2), *dy = plain(-1, 1);
    float *mean = parameters(-1, 1), *factor = parameters(-2, 2), *bias = parameters(-1, 1);
    char *tx = packed(x, PIXELS), *tdy = packed(dy, PIXELS);
    const texp_affine a = {mean, factor, bias, .1f};
    double sums[3][TEXP_MOST_BLOCK], one[3][TEXP_MOST_BLOCK], added[3][TEXP_MOST_BLOCK] = {{0}};
    k->sums(tx, planes(PIXELS), sums[0]);
    k->gradient_sums(tx, tdy, planes(PIXELS), &a, sums[1], sums[2]);
    for (int n = 0; n < IMAGES; ++n) {
        const size_t from = n * image_of(PIXELS) * k->bytes;
        const texp_planes p = {0, 1, PIXELS};
        k->sums(tx + from, p, one[0]);
        k->gradient_sums(tx + from, tdy + from, p, &a, one[1], one[2]);
        for (int i = 0; i < 3 * k->block; ++i) added[i / k->block][i % k->block] += one[i / k->block][i % k->block];
    }
    for (int i = 0; i < 3; ++i) assert_memory_equal(sums[i], added[i], k->block * sizeof **sums);
    free(x), free(dy), free(mean), free(factor), free(bias), free(tx), free(tdy);
}

/* --- all kernels that this processor can run ---------------------------------------------------------------------------- */

static int run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_as_they_went),      cmocka_unit_test(moments_are_those_of_all_values),
        cmocka_unit_test(normalisation_and_its_gradient),     cmocka_unit_test(sums_activations_and_copies),
        cmocka_unit_test(averages_and_their_gradient),        cmocka_unit_test(maxima_and_their_gradient),
        cmocka_unit_test(enlarged_images_and_their_gradient), cmocka_unit_test(nan_passes_through),
        cmocka_unit_test(values_depend_on_no_neighbours),     cmocka_unit_test(images_depend_on_no_other_images),
        cmocka_unit_test(sums_are_those_of_the_images),
    };
    srand(1);
    blocks = (CHANNELS + k->block - 1) / k->block;
    unit = k->type == TEXP_BF16 ? 0x1p-8 : 0x1p-24;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(void)
{
    int failed = 0, halves = 0;
    for (int i = 0; (k = texp_kernels_nth(i)); ++i) {
        char name[64];
        const int is_best = k == texp_kernels_of(k->block, k->type);
        halves += k->type == TEXP_BF16;
        snprintf(name, sizeof name, "%s by %d%s", k->type == TEXP_BF16 ? "bf16" : "float", k->block,
                 is_best ? "" : ", for any processor");
        failed += run(name);
    }
    if (!halves) puts("note this processor has no instructions for bfloat16");
    return failed;
}
