/*
 * What theory says of the weights' norms, beside what they do: for every group of layers that is scale invariant
 * together (and for every other layer alone) after each update
 *
 *   norm             |w|, of the weights as the schedule's scale P has them
 *   predicted_norm   from |w| before, the steps |w_k - w_{k-1}| and the weight decay alone (Theorem C.1): for scale
 *                    invariant weights the gradient is orthogonal to them, so
 *                        |w_k|^2 = |w_{k-1}|^2 + |D_k|^2 + q (|w_{k-1}|^2 - |w_{k-2}|^2 + |D_{k-1}|^2)
 *                                  - 2 rate_k decay_k |w_{k-1}|^2,   D_k = w_k - w_{k-1}, q = momentum rate_k/rate_{k-1}
 *   angle            between w_{k-1} and w_k, radians
 *   predicted_angle  sqrt(2 eta_k lambda_k / (1 + momentum)) of the base: where it settles (Theorem C.2)
 *   rate_over_norm2  rate_k / (|w_{k-1}| |w_k|), the effective rate: in this mean of the norms before and after it is
 *                    exactly the same for a recipe and its exponential form, as rate_k = P_k P_{k+1} eta_k
 *
 * Predictions hold for scale invariant groups alone, and are NaN elsewhere and where nothing is known yet.
 */
#ifndef TEXP_WEIGHT_NORMS_H
#define TEXP_WEIGHT_NORMS_H

#include "darknet.h"

typedef struct {
    const char *layers; /* indices, "0;7;14"; owned by the texp_weight_norms */
    int invariant; /* all of a group of S, otherwise one layer outside */
    long double norm, predicted_norm;
    double angle, predicted_angle;
    long double rate_over_norm2;
    double growth; /* |w_k|^2 - |w_{k-1}|^2 + |D_k|^2 as held now: part of the training state */
    long double rate; /* rate_k, likewise; 0 before the first update */
} texp_group_weight_norms;

typedef struct texp_weight_norms texp_weight_norms;

/* For a parsed network whose layers know their groups. */
texp_weight_norms *texp_weight_norms_open(network *net);
void texp_weight_norms_close(texp_weight_norms *norms);

/* Around the update of the weights: before it, and after it while they are still held as before. */
void texp_weight_norms_before(texp_weight_norms *norms, network *net);
void texp_weight_norms_after(texp_weight_norms *norms, network *net);

/* The weights of a track are held at 2^-doublings of what they were. */
void texp_weight_norms_move(texp_weight_norms *norms, network *net, int track, long doublings);

/* The groups, in the order of their first layers; of the update done last. */
texp_group_weight_norms *texp_weight_norms_groups(texp_weight_norms *norms, int *n);

#endif
