#include "store/curve.h"

#include <stdlib.h>

/* b came behind a. */
static texp_bucket join(const texp_bucket *a, const texp_bucket *b)
{
    int low_of_b = b->low.y<a->low.y, high_of_b = b->high.y> a->high.y;
    texp_bucket both = {.n = a->n + b->n,
                        .low = low_of_b ? b->low : a->low,
                        .high = high_of_b ? b->high : a->high,
                        .sum = {a->sum.x + b->sum.x, a->sum.y + b->sum.y}};
    both.low_is_first = low_of_b == high_of_b ? (low_of_b ? b : a)->low_is_first : high_of_b;
    return both;
}

static void join_pairs(texp_curve *curve)
{
    for (int i = 0; i < curve->n / 2; ++i) {
        curve->buckets[i] = join(curve->buckets + 2 * i, curve->buckets + 2 * i + 1);
    }
    curve->n /= 2;
    curve->most *= 2;
}

int texp_curve_add(texp_curve *curve, double x, double y)
{
    const texp_bucket one = {1, {x, y}, {x, y}, {x, y}, 1};
    if (!curve->buckets) {
        curve->buckets = malloc(TEXP_CURVE_BUCKETS * sizeof *curve->buckets);
        if (!curve->buckets) return -1;
        curve->most = 1;
        curve->first = one.low;
    }
    curve->last = one.low;
    texp_bucket *latest = curve->buckets + curve->n - 1;
    if (curve->n && latest->n < curve->most) {
        *latest = join(latest, &one);
        return 0;
    }
    if (curve->n == TEXP_CURVE_BUCKETS) join_pairs(curve);
    curve->buckets[curve->n++] = one;
    return 0;
}

void texp_curve_free(texp_curve *curve)
{
    free(curve->buckets);
    *curve = (texp_curve){0};
}

long texp_curve_points(const texp_curve *curve)
{
    long points = 0;
    for (int i = 0; i < curve->n; ++i) points += curve->buckets[i].n;
    return points;
}

double texp_curve_low(const texp_curve *curve)
{
    double low = curve->buckets[0].low.y;
    for (int i = 1; i < curve->n; ++i) {
        if (curve->buckets[i].low.y < low) low = curve->buckets[i].low.y;
    }
    return low;
}

double texp_curve_high(const texp_curve *curve)
{
    double high = curve->buckets[0].high.y;
    for (int i = 1; i < curve->n; ++i) {
        if (curve->buckets[i].high.y > high) high = curve->buckets[i].high.y;
    }
    return high;
}

/* --- printing ----------------------------------------------------------------------------------------------------- */

static void print_point(texp_point p, FILE *file)
{
    fprintf(file, "%.9g %.9g\n", p.x, p.y);
}

void texp_curve_print(const texp_curve *curve, FILE *file)
{
    if (!curve->n) return;
    if (curve->most > 1) print_point(curve->first, file);
    for (int i = 0; i < curve->n; ++i) {
        const texp_bucket *b = curve->buckets + i;
        print_point(b->low_is_first ? b->low : b->high, file);
        if (b->low.y != b->high.y) print_point(b->low_is_first ? b->high : b->low, file);
    }
    if (curve->most > 1) print_point(curve->last, file);
}

long texp_curve_print_means(const texp_curve *curve, int most, FILE *file)
{
    const int each = (curve->n + most - 1) / most;
    for (int i = 0; i < curve->n; i += each) {
        texp_bucket all = curve->buckets[i];
        for (int j = i + 1; j < i + each && j < curve->n; ++j) all = join(&all, curve->buckets + j);
        print_point((texp_point){all.sum.x / (double)all.n, all.sum.y / (double)all.n}, file);
    }
    return each * curve->most;
}
