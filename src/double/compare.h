/* Two copies of a network, one of which may hold weights of S at a multiple P of the other's: how far apart they are. */
#ifndef TEXP_VERIFY_COMPARE_H
#define TEXP_VERIFY_COMPARE_H

#include "darknet.h"

#include <stddef.h>

/* Shares, 0 where equal, HUGE_VAL where a number is not finite. */
typedef struct {
    double outputs; /* of the last layer and all that have a cost: largest difference by the largest value */
    double directions; /* w/|w| of a layer: length of the difference */
    double parameters; /* of an array divided by its scale: length of the difference by the length; a bias counts by the
                        * size of what it is added to */
    double statistics; /* rolling means by the deviations, variances by themselves */
} texp_distance;

/* The largest of the four. */
double texp_distance_worst(const texp_distance *distance);

/* What the weights of S do in one update. */
typedef struct {
    double ratio; /* their length by that of the base's, as a multiple of the start's: must be scale */
    long double scale; /* P */
    double base_effective, effective; /* rate/|w|^2, of the lengths before and after the update: one value if exact */
} texp_growth;

typedef struct texp_comparison texp_comparison;

/* Which weights of `other` should be held at which scale is taken from it here, whatever is done to it later. Both
 * networks must outlive the comparison. */
texp_comparison *texp_comparison_open(network *base, network *other);
void texp_comparison_close(texp_comparison *c);

/* Around each update of both. The distance is that of the last forward pass and of the state after the update. */
void texp_comparison_before(texp_comparison *c);
texp_distance texp_comparison_after(texp_comparison *c);
texp_growth texp_comparison_growth(const texp_comparison *c);

/* Where the distance first passes `bound`: the first layer in the order of computation, as text. */
void texp_comparison_locate(const texp_comparison *c, double bound, char *text, size_t room);

/* The state of `other` becomes the base's, rewritten (docs/mathematics.md section 2): weights P theta, momentum
 * (v - s theta)/P, rolling statistics P^d; all else is copied. */
void texp_comparison_resync(texp_comparison *c);

#endif
