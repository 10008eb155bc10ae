/* links: math */
/*
 * Augmentation against its definition, one pixel at a time, in double.
 */
#include "data/augment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { W = 7, H = 5, C = 3, PAD = 4, BATCH = 10000 };

static const texp_augment cifar = {PAD, 1, C, {.4914, .4822, .4465}, {.247, .2435, .2616}};

static void fill_image(uint8_t *image)
{
    unsigned i, x = 12345;
    for (i = 0; i < W * H * C; ++i) {
        x = x * 1664525u + 1013904223u;
        image[i] = (uint8_t)(x >> 24);
    }
}

/* The padded image as a function; crop and mirror are then its arguments. */
static double padded(const uint8_t *image, int k, int y, int x)
{
    int inside = y >= PAD && y < H + PAD && x >= PAD && x < W + PAD;
    return inside ? image[(k * H + y - PAD) * W + x - PAD] : 0;
}

static double expected(const uint8_t *image, int k, int y, int x, texp_augment_draw draw)
{
    double byte = padded(image, k, y + draw.dy, (draw.flip ? W - 1 - x : x) + draw.dx);
    return (byte / 255 - cifar.mean[k]) / cifar.std[k];
}

/* byte/255 and the result are each rounded to float: half a unit in the last place of numbers up to 1 and of the
 * result. */
static double tolerance(double value, int k)
{
    return ldexp(1 / cifar.std[k] + fabs(value), -24);
}

static void every_crop_and_mirror_is_as_defined(void **state)
{
    uint8_t image[W * H * C];
    float out[W * H * C];
    texp_augment_table table;
    texp_augment_draw draw;
    int k, y, x;
    (void)state;
    fill_image(image);
    texp_augment_fill_table(&cifar, &table);
    for (draw.flip = 0; draw.flip < 2; ++draw.flip) {
        for (draw.dy = 0; draw.dy <= 2 * PAD; ++draw.dy) {
            for (draw.dx = 0; draw.dx <= 2 * PAD; ++draw.dx) {
                memset(out, 0xff, sizeof out); /* NaN: every value must be written */
                texp_augment_image(out, image, W, H, &cifar, &table, draw);
                for (k = 0; k < C; ++k) {
                    for (y = 0; y < H; ++y) {
                        for (x = 0; x < W; ++x) {
                            double want = expected(image, k, y, x, draw);
                            assert_true(fabs((double)out[(k * H + y) * W + x] - want) <= tolerance(want, k));
                        }
                    }
                }
            }
        }
    }
}

static void a_crop_wholly_in_the_padding_is_black(void **state)
{
    texp_augment wide = {50, 0, 1, {.5}, {.25}};
    texp_augment_table table;
    texp_augment_draw corner = {0, 0, 1};
    uint8_t image[W * H];
    float out[W * H];
    int i;
    (void)state;
    memset(image, 255, sizeof image);
    texp_augment_fill_table(&wide, &table);
    texp_augment_image(out, image, W, H, &wide, &table, corner);
    for (i = 0; i < W * H; ++i) assert_true((double)out[i] == -2);
}

/* Prediction normalises what Darknet's loader made of the same bytes: not a bit may differ from training. */
static void both_ways_of_normalising_agree_to_the_bit(void **state)
{
    uint8_t image[W * H * C];
    float out[W * H * C], loaded[W * H * C];
    texp_augment_table table;
    int i;
    (void)state;
    fill_image(image);
    for (i = 0; i < W * H * C; ++i) loaded[i] = (float)image[i] / 255.;
    texp_augment_fill_table(&cifar, &table);
    texp_augment_image(out, image, W, H, &cifar, &table, texp_augment_none(&cifar));
    texp_augment_normalise(loaded, W * H, &cifar);
    assert_memory_equal(out, loaded, sizeof out);
}

static void without_normalisation_values_are_in_0_to_1(void **state)
{
    texp_augment plain = {0, 0, 1, {0}, {1}};
    texp_augment_table table;
    int i;
    (void)state;
    texp_augment_fill_table(&plain, &table);
    for (i = 0; i < 256; ++i) assert_true(table.value[0][i] == (float)(i / 255.));
}

/* Chi-square of (2*PAD+1)^2 = 81 places: 80 degrees of freedom, standard deviation sqrt(160), hence 6 of them. */
static void crops_are_uniform(void **state)
{
    enum { SIDE = 2 * PAD + 1, PLACES = SIDE * SIDE, EACH = 1000 };
    int count[PLACES] = {0}, i;
    double chi = 0;
    (void)state;
    for (i = 0; i < PLACES * EACH; ++i) {
        texp_augment_draw draw = texp_augment_random(&cifar, 7, (uint64_t)i);
        assert_in_range(draw.dx, 0, 2 * PAD);
        assert_in_range(draw.dy, 0, 2 * PAD);
        ++count[draw.dy * SIDE + draw.dx];
    }
    for (i = 0; i < PLACES; ++i) chi += (double)(count[i] - EACH) * (count[i] - EACH) / EACH;
    assert_true(fabs(chi - (PLACES - 1)) < 6 * sqrt(2. * (PLACES - 1)));
}

static int mirrored(const texp_augment *augment, uint64_t seed)
{
    int i, count = 0;
    for (i = 0; i < BATCH; ++i) count += texp_augment_random(augment, seed, (uint64_t)i).flip;
    return count;
}

/* Binomial: standard deviation sqrt(BATCH)/2 = 50, hence 6 of them. */
static void half_are_mirrored_or_none(void **state)
{
    texp_augment still = cifar;
    (void)state;
    still.flip = 0;
    assert_in_range(mirrored(&cifar, 3), BATCH / 2 - 300, BATCH / 2 + 300);
    assert_int_equal(mirrored(&still, 3), 0);
}

/* Switching the mirror on must not change the crops of a run. */
static void crops_do_not_depend_on_the_mirror(void **state)
{
    texp_augment still = cifar;
    int i;
    (void)state;
    still.flip = 0;
    for (i = 0; i < 100; ++i) {
        texp_augment_draw a = texp_augment_random(&cifar, 3, (uint64_t)i);
        texp_augment_draw b = texp_augment_random(&still, 3, (uint64_t)i);
        assert_true(a.dx == b.dx && a.dy == b.dy);
    }
}

static void draws_depend_on_seed_and_sample(void **state)
{
    int i, same_seed = 0, same_sample = 0;
    (void)state;
    for (i = 0; i < 1000; ++i) {
        texp_augment_draw a = texp_augment_random(&cifar, 1, (uint64_t)i), again = texp_augment_random(&cifar, 1, i);
        texp_augment_draw seed = texp_augment_random(&cifar, 2, (uint64_t)i);
        texp_augment_draw next = texp_augment_random(&cifar, 1, (uint64_t)i + 1);
        assert_memory_equal(&a, &again, sizeof a);
        same_seed += memcmp(&a, &seed, sizeof a) == 0;
        same_sample += memcmp(&a, &next, sizeof a) == 0;
    }
    /* One in 162 is equal by chance: 6.2 of 1000, standard deviation 2.5. */
    assert_in_range(same_seed, 0, 22);
    assert_in_range(same_sample, 0, 22);
}

static void senseless_numbers_are_named(void **state)
{
    texp_augment a = cifar;
    (void)state;
    assert_null(texp_augment_fault(&a));
    a.std[2] = 0;
    assert_non_null(strstr(texp_augment_fault(&a), "standard deviation"));
    a.std[2] = NAN;
    assert_non_null(strstr(texp_augment_fault(&a), "standard deviation"));
    a.channels = 2; /* the third no longer counts */
    assert_null(texp_augment_fault(&a));
    a.mean[0] = INFINITY;
    assert_non_null(strstr(texp_augment_fault(&a), "mean"));
    a.pad = -1;
    assert_non_null(strstr(texp_augment_fault(&a), "padding"));
    a = cifar;
    a.channels = 4;
    assert_non_null(strstr(texp_augment_fault(&a), "channels"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_crop_and_mirror_is_as_defined),
        cmocka_unit_test(a_crop_wholly_in_the_padding_is_black),
        cmocka_unit_test(both_ways_of_normalising_agree_to_the_bit),
        cmocka_unit_test(without_normalisation_values_are_in_0_to_1),
        cmocka_unit_test(crops_are_uniform),
        cmocka_unit_test(half_are_mirrored_or_none),
        cmocka_unit_test(crops_do_not_depend_on_the_mirror),
        cmocka_unit_test(draws_depend_on_seed_and_sample),
        cmocka_unit_test(senseless_numbers_are_named),
    };
    return cmocka_run_group_tests_name("augment", tests, NULL, NULL);
}
