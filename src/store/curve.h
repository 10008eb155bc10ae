/*
 * A curve of any number of points in bounded memory: runs of neighbouring points share a bucket, which keeps the lowest and
 * the highest of them, and the mean. Buckets are joined in pairs whenever there are too many, so that no extreme is ever
 * lost. Nothing here knows of Darknet, prints or exits.
 */
#ifndef TEXP_CURVE_H
#define TEXP_CURVE_H

#include <stdio.h>

enum { TEXP_CURVE_BUCKETS = 512 };

typedef struct {
    double x, y;
} texp_point;

/* Points that came one after another. */
typedef struct {
    long n;
    texp_point low, high, sum;
    int low_is_first;
} texp_bucket;

/* Zeros are an empty one. */
typedef struct {
    texp_bucket *buckets; /* owned; NULL before the first point */
    int n;
    long most; /* points in a bucket */
    texp_point first, last;
} texp_curve;

/* Takes a point; both numbers must be finite. Returns 0, or -1 without memory. */
int texp_curve_add(texp_curve *curve, double x, double y);

void texp_curve_free(texp_curve *curve);

long texp_curve_points(const texp_curve *curve);

/* Its lowest and highest y; of one that isn't empty. */
double texp_curve_low(const texp_curve *curve);
double texp_curve_high(const texp_curve *curve);

/* "x y" lines: the first point, each bucket's lowest and highest in their order, the last point. */
void texp_curve_print(const texp_curve *curve, FILE *file);

/* "x y" lines of at most so many means of neighbouring points; returns how many points a mean has, 1 of a short curve. */
long texp_curve_print_means(const texp_curve *curve, int most, FILE *file);

#endif
