/* links: math */
/* Curves in bounded memory keep every extreme, the mean and the ends; logarithms of numbers of any size. */
#include "base/random.h"
#include "store/curve.h"
#include "store/log_curves.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { LONGEST = 20000 };

static double y_of(uint64_t seed, long i)
{
    return texp_random_uniform(seed, 1, (uint64_t)i) - .5;
}

typedef struct {
    texp_point points[4 * TEXP_CURVE_BUCKETS];
    int n;
} printed;

static void read_back(FILE *file, printed *p)
{
    rewind(file);
    p->n = 0;
    while (fscanf(file, "%lf %lf", &p->points[p->n].x, &p->points[p->n].y) == 2) {
        if (++p->n == 4 * TEXP_CURVE_BUCKETS) break;
    }
    fclose(file);
}

static void curve_of(uint64_t seed, long n, texp_curve *curve)
{
    *curve = (texp_curve){0};
    for (long i = 0; i < n; ++i) assert_int_equal(texp_curve_add(curve, (double)i, y_of(seed, i)), 0);
    assert_int_equal(texp_curve_points(curve), n);
    assert_true(curve->n <= TEXP_CURVE_BUCKETS);
}

static const long lengths[] = {1, 2, 3, 511, 512, 513, 1024, 1025, 5000, LONGEST};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

/* What is printed are points of the curve, in order, and among them the lowest and the highest of any stretch as long as two
 * buckets. %.9g moves a number by less than 1e-8. */
static void extremes_and_ends_are_kept(void **state)
{
    (void)state;
    static printed p;
    for (int k = 0; k < LENGTHS; ++k) {
        const long n = lengths[k];
        texp_curve curve;
        curve_of((uint64_t)k, n, &curve);
        FILE *file = tmpfile();
        texp_curve_print(&curve, file);
        read_back(file, &p);
        assert_true(p.n >= 1 && p.n <= 2 * TEXP_CURVE_BUCKETS + 2);
        for (int i = 0; i < p.n; ++i) {
            assert_true(fabs(p.points[i].y - y_of((uint64_t)k, lround(p.points[i].x))) < 1e-8);
            assert_true(!i || p.points[i].x >= p.points[i - 1].x);
        }
        assert_true(p.points[0].x == 0 && p.points[p.n - 1].x == (double)(n - 1));
        for (long from = 0; from < n; from += curve.most) {
            double low = INFINITY, high = -INFINITY, low_there = INFINITY, high_there = -INFINITY;
            for (long i = from; i < n && i < from + curve.most; ++i) {
                low = fmin(low, y_of((uint64_t)k, i));
                high = fmax(high, y_of((uint64_t)k, i));
            }
            for (int i = 0; i < p.n; ++i) {
                if (p.points[i].x < (double)from || p.points[i].x >= (double)(from + curve.most)) continue;
                low_there = fmin(low_there, p.points[i].y);
                high_there = fmax(high_there, p.points[i].y);
            }
            assert_true(fabs(low - low_there) < 1e-8 && fabs(high - high_there) < 1e-8);
        }
        double low = INFINITY, high = -INFINITY;
        for (long i = 0; i < n; ++i) low = fmin(low, y_of((uint64_t)k, i)), high = fmax(high, y_of((uint64_t)k, i));
        assert_true(texp_curve_low(&curve) == low && texp_curve_high(&curve) == high);
        texp_curve_free(&curve);
    }
}

/* The means, weighted by how many points each has, are the mean of all. Sums of 20000 numbers below 1 are exact to 1e-11. */
static void means_are_of_all_points(void **state)
{
    (void)state;
    enum { MOST = 100 };
    static printed p;
    for (int k = 0; k < LENGTHS; ++k) {
        const long n = lengths[k];
        texp_curve curve;
        curve_of((uint64_t)k, n, &curve);
        FILE *file = tmpfile();
        const long each = texp_curve_print_means(&curve, MOST, file);
        read_back(file, &p);
        assert_true(p.n >= 1 && p.n <= MOST && (p.n - 1) * each < n && n <= p.n * each);
        for (int i = 0; i < p.n; ++i) {
            double x = 0, y = 0;
            long points = 0;
            for (long j = i * each; j < n && j < (i + 1) * each; ++j, ++points)
                x += (double)j, y += y_of((uint64_t)k, j);
            assert_true(fabs(p.points[i].x - x / (double)points) <= 1e-8 * (1 + p.points[i].x));
            assert_true(fabs(p.points[i].y - y / (double)points) < 1e-8);
        }
        texp_curve_free(&curve);
    }
}

static void logarithms_reach_beyond_double(void **state)
{
    (void)state;
    double log;
    const struct {
        const char *text;
        double log;
    } good[] = {{"1", 0},        {"0.1", -1},        {"1e308", 308},
                {"1e+400", 400}, {"1e-4000", -4000}, {"2.5E+12345", 12345.397940008672}};
    for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
        assert_true(texp_log10_of(good[i].text, &log));
        assert_true(fabs(log - good[i].log) < 1e-9);
    }
    const char *const bad[] = {
        "", "0", "-1", "nan", "inf", "-inf", "1e", "1e5x", "x", "0e5", "1e99999999999999999999", "1,5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) assert_false(texp_log10_of(bad[i], &log));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes_and_ends_are_kept),
        cmocka_unit_test(means_are_of_all_points),
        cmocka_unit_test(logarithms_reach_beyond_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
