/*
 * The random numbers: fixed for ever by their arguments, and, as far as tests can tell, random.
 *
 * Nothing here is left to chance: seeds are fixed, so a test passes always or never. The bounds are those that a true
 * random source would break with probability 1e-8 or less, on either side: numbers can be too even as well.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Laurent & Massart 2000, Lemma 1: a chi-square variable of d degrees of freedom is above d + 2 sqrt(d t) + 2 t, or
 * below d - 2 sqrt(d t), with probability exp(-t) at most each; t = 20: 2e-9. Every cell expects 100 counts or more,
 * so that the counts' sum of squares is near enough to that variable. */
static void assert_uniform(const unsigned *counts, size_t cells, double total)
{
    const double t = 20;
    double d = (double)cells - 1, expected = total / (double)cells, sum = 0;

    assert_true(expected >= 100);
    for (size_t i = 0; i < cells; ++i) sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    if (sum > d + 2 * sqrt(d * t) + 2 * t) fail_msg("chi-square %g of %g degrees: uneven", sum, d);
    if (sum < d - 2 * sqrt(d * t)) fail_msg("chi-square %g of %g degrees: too even", sum, d);
}

/* ---- what they are ---- */

/* Computed with the big integers of another language from the definition: mix is splitmix64's finaliser, G its
 * constant, key = mix(mix(seed + G) + stream G), bits = mix(mix(key + index G) ^ key). A change would change every
 * seeded run. */
static void bits_never_change(void **state)
{
    (void)state;
    assert_true(texp_random_bits(0, 0, 0) == UINT64_C(0x6450182c7cd8384d));
    assert_true(texp_random_bits(1, 1, 0) == UINT64_C(0x98fc4d36ab44dffc));
    assert_true(texp_random_bits(42, 3, 7) == UINT64_C(0x5b451bc2533ecb6c));
    assert_true(texp_random_bits(UINT64_MAX, 4, UINT64_C(1000000000000)) == UINT64_C(0xc753d51ac4403ae6));
}

static void draws_and_orders_never_change(void **state)
{
    static const uint32_t draws[] = {819, 738, 690, 470, 967, 808};
    static const uint32_t large[] = {UINT32_C(3521217790), UINT32_C(3169883242), UINT32_C(2966727033),
                                     UINT32_C(2021593719), UINT32_C(4155848304), UINT32_C(3473669913)};
    static const uint32_t orders[2][10] = {{2, 9, 8, 5, 0, 3, 7, 1, 4, 6}, {7, 9, 6, 0, 4, 5, 8, 1, 3, 2}};
    uint32_t order[10];

    (void)state;
    for (uint64_t i = 0; i < LENGTH(draws); ++i) {
        assert_int_equal(texp_random_below(7, 2, i, 1000), draws[i]);
        assert_int_equal(texp_random_below(7, 2, i, UINT32_MAX), large[i]);
    }
    for (uint64_t epoch = 0; epoch < 2; ++epoch) {
        texp_random_permutation(7, epoch, order, 10);
        assert_memory_equal(order, orders[epoch], sizeof(order));
    }
}

/* ---- bits ---- */

/* Flips each bit of one argument; each bit of the result must flip in half of the 4096 trials. Hoeffding:
 * P(|count - n/2| > a) < 2 exp(-2 a^2/n) = 1e-13 for a = 250, times 64*64 bits: 4e-10. */
static void assert_avalanche(int argument)
{
    static unsigned flips[64][64];

    memset(flips, 0, sizeof(flips));
    for (uint64_t i = 0; i < 4096; ++i) {
        const uint64_t from[3] = {i / 64, i % 64, i};
        uint64_t before = texp_random_bits(from[0], from[1], from[2]);
        for (int bit = 0; bit < 64; ++bit) {
            uint64_t to[3] = {from[0], from[1], from[2]};
            to[argument] ^= UINT64_C(1) << bit;
            uint64_t changed = before ^ texp_random_bits(to[0], to[1], to[2]);
            for (int out = 0; out < 64; ++out) flips[bit][out] += changed >> out & 1;
        }
    }
    for (int bit = 0; bit < 64; ++bit) {
        for (int out = 0; out < 64; ++out) assert_in_range(flips[bit][out], 2048 - 250, 2048 + 250);
    }
}

static void every_bit_of_seed_stream_and_index_matters_to_every_bit(void **state)
{
    (void)state;
    for (int argument = 0; argument < 3; ++argument) assert_avalanche(argument);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* 4 seeds x 4 streams x 16384 indices: 2^18 numbers of 2^64 collide with probability 2^35/2^64 = 2e-9; sequences that
 * are each other's shifts, or one bijection of seed + stream + index, do in plenty. */
static void no_two_arguments_share_a_number(void **state)
{
    enum { TOTAL = 4 * 4 * 16384 };
    uint64_t *all = malloc(TOTAL * sizeof(*all));

    (void)state;
    assert_non_null(all);
    for (uint64_t i = 0; i < TOTAL; ++i) all[i] = texp_random_bits(i >> 16, i >> 14 & 3, i & 16383);
    qsort(all, TOTAL, sizeof(*all), by_value);
    for (size_t i = 1; i < TOTAL; ++i) assert_true(all[i] != all[i - 1]);
    free(all);
}

/* ---- uniform numbers ---- */

static void uniform_is_a_multiple_of_2_to_the_minus_53_below_1(void **state)
{
    int odd = 0;

    (void)state;
    for (uint64_t i = 0; i < 10000; ++i) {
        double u = texp_random_uniform(3, TEXP_STREAM_AUGMENT, i), whole = u * 0x1p53;
        assert_true(u >= 0 && u < 1 && whole == floor(whole));
        assert_true(u == texp_random_uniform(3, TEXP_STREAM_AUGMENT, i));
        odd += fmod(whole, 2) == 1;
    }
    assert_in_range(odd, 5000 - 320, 5000 + 320); /* the last bit is used: Hoeffding, 2 exp(-2*320^2/10000) = 3e-9 */
}

static void uniform_fills_the_unit_interval_evenly(void **state)
{
    enum { CELLS = 1000, DRAWS = 1 << 20 };

    (void)state;
    for (uint64_t stream = TEXP_STREAM_ORDER; stream <= TEXP_STREAM_RATE; ++stream) {
        unsigned counts[CELLS] = {0};
        for (uint64_t i = 0; i < DRAWS; ++i) ++counts[(int)(texp_random_uniform(0, stream, i) * CELLS)];
        assert_uniform(counts, CELLS, DRAWS);
    }
}

/* Counts pairs in a 32 x 32 table: even only where the two are uniform and independent. */
static void assert_independent(const uint64_t *shift)
{
    enum { SIDE = 32, DRAWS = 1 << 20 };
    static unsigned counts[SIDE * SIDE];

    memset(counts, 0, sizeof(counts));
    for (uint64_t i = 0; i < DRAWS; ++i) {
        unsigned row = (unsigned)(texp_random_uniform(5, 1, i) * SIDE);
        unsigned column = (unsigned)(texp_random_uniform(5 + shift[0], 1 + shift[1], i + shift[2]) * SIDE);
        ++counts[row * SIDE + column];
    }
    assert_uniform(counts, SIDE * SIDE, DRAWS);
}

static void streams_seeds_and_neighbours_are_independent(void **state)
{
    static const uint64_t shifts[][3] = {{0, 1, 0},
                                         {0, 2, 0},
                                         {0, 3, 0},
                                         {1, 0, 0},
                                         {0, 0, 1},
                                         {0, 0, 2},
                                         {1, 1, 0},
                                         {1, UINT64_MAX, 0},
                                         {0, 1, 1},
                                         {1, 0, 1},
                                         {0, 0, UINT64_C(1) << 32},
                                         {0, 0, 391}};

    (void)state;
    for (size_t i = 0; i < LENGTH(shifts); ++i) assert_independent(shifts[i]);
}

/* ---- integers ---- */

static void below_is_uniform_and_below(void **state)
{
    static const uint32_t sizes[] = {1, 2, 3, 6, 9, 1000};
    enum { DRAWS = 1 << 18 };

    (void)state;
    for (size_t s = 0; s < LENGTH(sizes); ++s) {
        unsigned counts[1000] = {0};
        for (uint64_t i = 0; i < DRAWS; ++i) {
            uint32_t draw = texp_random_below(9, TEXP_STREAM_AUGMENT, i, sizes[s]);
            assert_true(draw < sizes[s]);
            ++counts[draw];
        }
        assert_uniform(counts, sizes[s], DRAWS);
    }
}

/* n = 3 * 2^30: of 32 bits taken modulo n, the first third would come twice as often as the others. */
static void below_is_uniform_for_the_largest_ranges(void **state)
{
    enum { DRAWS = 1 << 16 };
    unsigned thirds[3] = {0}, halves[2] = {0};

    (void)state;
    for (uint64_t i = 0; i < DRAWS; ++i) {
        ++thirds[texp_random_below(1, 1, i, UINT32_C(3) << 30) >> 30];
        ++halves[texp_random_below(2, 1, i, UINT32_MAX) >> 31];
    }
    assert_uniform(thirds, 3, DRAWS);
    assert_uniform(halves, 2, DRAWS);
}

/* ---- permutations ---- */

static void a_permutation_holds_every_item_once(void **state)
{
    static const uint32_t sizes[] = {0, 1, 2, 3, 100, 60000};
    static uint32_t order[60001];
    static char seen[60000];

    (void)state;
    for (size_t s = 0; s < LENGTH(sizes); ++s) {
        uint32_t n = sizes[s];
        memset(seen, 0, sizeof(seen));
        order[n] = 123456789;
        texp_random_permutation(4, s, order, n);
        for (uint32_t i = 0; i < n; ++i) {
            assert_true(order[i] < n && !seen[order[i]]);
            seen[order[i]] = 1;
        }
        assert_int_equal(order[n], 123456789); /* nothing is written behind */
    }
}

static unsigned rank_of_four(const uint32_t *order)
{
    unsigned rank = 0;

    for (int i = 0; i < 4; ++i) {
        unsigned smaller = 0;
        for (int j = i + 1; j < 4; ++j) smaller += order[j] < order[i];
        rank = rank * (unsigned)(4 - i) + smaller;
    }
    return rank;
}

static void all_orders_of_four_are_equally_likely_over_epochs_and_over_seeds(void **state)
{
    enum { DRAWS = 240000 };
    unsigned epochs[24] = {0}, seeds[24] = {0};
    uint32_t order[4];

    (void)state;
    for (uint64_t i = 0; i < DRAWS; ++i) {
        texp_random_permutation(0, i, order, 4);
        ++epochs[rank_of_four(order)];
        texp_random_permutation(i, 0, order, 4);
        ++seeds[rank_of_four(order)];
    }
    assert_uniform(epochs, 24, DRAWS);
    assert_uniform(seeds, 24, DRAWS);
}

/* One item's places in two consecutive epochs fill the square evenly. (One item a pair: two depend on each other.) */
static void an_epochs_order_says_nothing_of_the_next(void **state)
{
    enum { N = 8, PAIRS = 16384 };
    unsigned counts[N * N] = {0};
    uint32_t order[N], place[2] = {0};

    (void)state;
    for (uint64_t epoch = 0; epoch < 2 * PAIRS; ++epoch) {
        texp_random_permutation(6, epoch, order, N);
        for (uint32_t i = 0; i < N; ++i) {
            if (order[i] == epoch / 2 % N) place[epoch % 2] = i;
        }
        if (epoch % 2) ++counts[place[0] * N + place[1]];
    }
    assert_uniform(counts, N * N, PAIRS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_never_change),
        cmocka_unit_test(draws_and_orders_never_change),
        cmocka_unit_test(every_bit_of_seed_stream_and_index_matters_to_every_bit),
        cmocka_unit_test(no_two_arguments_share_a_number),
        cmocka_unit_test(uniform_is_a_multiple_of_2_to_the_minus_53_below_1),
        cmocka_unit_test(uniform_fills_the_unit_interval_evenly),
        cmocka_unit_test(streams_seeds_and_neighbours_are_independent),
        cmocka_unit_test(below_is_uniform_and_below),
        cmocka_unit_test(below_is_uniform_for_the_largest_ranges),
        cmocka_unit_test(a_permutation_holds_every_item_once),
        cmocka_unit_test(all_orders_of_four_are_equally_likely_over_epochs_and_over_seeds),
        cmocka_unit_test(an_epochs_order_says_nothing_of_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
