/* Whether a recipe has the schedule that it asks for. Nothing here knows of Darknet, prints or exits. */
#ifndef TEXP_RECIPE_CHECK_H
#define TEXP_RECIPE_CHECK_H

#include "theory/policy.h"

typedef enum {
    TEXP_OK = 0,
    TEXP_BAD_RATE, /* learning_rate, learning_rate_min, a scale, gamma or power negative or not finite */
    TEXP_BAD_MOMENTUM, /* outside [0, 1) */
    TEXP_BAD_DECAY, /* negative or not finite, a factor of decays included */
    TEXP_BAD_STEPS, /* steps empty or not strictly increasing */
    TEXP_BAD_PERIOD, /* step, sgdr_cycle or sgdr_mult below 1, burn_in or max_batches negative */
    TEXP_NEEDS_MAX_BATCHES, /* texp_recipe_needs_end */
    TEXP_COMPLEX_ROOTS, /* max eta*lambda > (1 - sqrt(momentum))^2: Remark 2.10, Lemma B.7 */
    TEXP_NEGATIVE_ALPHA, /* alpha <= 0 at some update though every eta*lambda is within the limit: texp++ with decays,
                          * when the rate jumps up after updates of a larger decay, which the momentum remembers; or
                          * eta*lambda = 1 without momentum */
    TEXP_OUT_OF_RANGE /* rate_k passes long double (1e4932 with 64-bit significands) before max_batches */
} texp_status;

/* What texp_recipe_check found; fields without meaning for the status are 0. */
typedef struct {
    texp_status status;
    const char *key; /* the cfg key at fault, static text */
    long update; /* where it happens, 0: everywhere */
    double product, limit; /* TEXP_COMPLEX_ROOTS: the largest eta*lambda, and (1 - sqrt(momentum))^2;
                            * TEXP_NEGATIVE_ALPHA: 1 - alpha of that update, and 1 */
    double largest_decay; /* of the last three statuses: the largest `decay` (the key, before decays) that would do;
                            * exact to the last few bits for TEXP_COMPLEX_ROOTS, else to 1e-6 of itself */
} texp_finding;

/* Checks a recipe; for the forms that fold it walks the updates 1..max_batches, or as far as anything new can come
 * where max_batches is 0. Only the keys that the base uses are looked at. Returns finding->status, never leaves a field
 * unset. Below a microsecond an update for a recipe that passes, some thirty times that for one that doesn't. */
texp_status texp_recipe_check(const texp_recipe *recipe, texp_finding *finding);

#endif
