/*
 * Learning-rate schedules, update by update, and their exponential forms.
 *
 * Li & Arora, "An Exponential Learning Rate Schedule for Deep Learning", ICLR 2020; docs/mathematics.md
 * restates the equations in the counters used here.
 *
 * Units: an update is one step of the optimiser (Darknet: one `batch`), counted k = 1, 2, 3, ...; rates are those of
 * the cfg, before Darknet divides by the batch size. Nothing here knows of Darknet, prints or exits.
 */
#ifndef TEXP_SCHEDULE_H
#define TEXP_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

/* The base schedule: eta_k, the user's ordinary recipe. Meanings are Darknet's own, counted in updates. */
typedef enum {
    TEXP_CONSTANT, /* eta_0 */
    TEXP_STEP, /* eta_0 scale^floor(k/step) */
    TEXP_STEPS, /* eta_0 times scales[i] for every steps[i] <= k */
    TEXP_EXP, /* eta_0 gamma^k */
    TEXP_POLY, /* eta_0 (1 - k/max_batches)^power; 0 at k = max_batches */
    TEXP_SIGMOID, /* eta_0 / (1 + exp(gamma (k - step))) */
    TEXP_COSINE, /* eta_0 (1 + cos(pi k'/max_batches)) / 2, k' = (k-1) floored to a multiple of step */
    TEXP_SGDR, /* cosine with warm restarts: learning_rate_min, sgdr_cycle, sgdr_mult */
    TEXP_RANDOM /* eta_0 u^power, u uniform in [0,1), one draw an update, from the seed */
} texp_base;

/* What is done with the base: nothing, or one of the paper's exponential forms. */
typedef enum {
    TEXP_PLAIN, /* the base itself: alpha = 1 */
    TEXP_TEXP, /* Theorem 2.12, eq. 6: exact with momentum_correction */
    TEXP_PP, /* texp++, Theorem 2.13, eq. 7: exact */
    TEXP_MM /* texp--, eq. 8: texp of the recipe with constant rate eta_1 and decay lambda_k eta_k / eta_1 */
} texp_form;

typedef struct {
    texp_form form;
    texp_base base;
    double learning_rate; /* eta_0 >= 0 */
    double momentum; /* gamma of the paper, 0 <= momentum < 1 */
    double decay; /* lambda >= 0 */
    double gamma, scale, power; /* keys of exp and sigmoid, of step, of poly, random and burn_in */
    long step; /* of step, sigmoid; of cosine: updates between two changes, >= 1 */
    long burn_in; /* for k < burn_in: eta_k = eta_0 (k/burn_in)^power, whatever the base */
    long max_batches; /* T, updates in all; 0: no end (refused where the base needs it) */
    size_t n_steps; /* of steps: length of the three lists */
    const long *steps; /* strictly increasing, at or below 0: from the start on; borrowed, as the lists below */
    const double *scales; /* factors of the rate */
    const double *decays; /* factors of lambda at the same updates (Theorem B.2), or NULL for 1 */
    double learning_rate_min; /* of sgdr */
    long sgdr_cycle; /* of sgdr: length of the first cycle, >= 1 */
    double sgdr_mult; /* of sgdr: each cycle is this many times as long, >= 1 */
    int momentum_correction; /* of texp: 1 adds the one-update decay at the start of each phase */
    int no_rescale; /* 1: the weights are held at scale P itself, and leave float's range with it */
    uint64_t seed; /* of random */
} texp_recipe;

/* One update's numbers. scale, rate and decay outgrow double in long runs, hence long double; what weights are held at
 * does not: they are kept at scale P 2^-doublings, within sqrt(1/2) .. sqrt(2) (docs/mathematics.md, range). */
typedef struct {
    long update; /* k */
    double base_rate; /* eta_k */
    double base_decay; /* lambda_k */
    double alpha; /* alpha_k */
    long double scale; /* P_k, the scale of the weights before update k */
    long double next_scale; /* P_{k+1} = P_k / alpha_k, their scale after it */
    long double rate; /* what the scale-invariant weights are updated with */
    long double decay;
    long doublings; /* before and during update k */
    long next_doublings; /* after it */
    long double held_rate; /* rate and decay of weights that are held at scale P_k 2^-doublings */
    long double held_decay;
} texp_step;

/* State between two updates; rebuilt from the recipe alone by texp_schedule_seek. */
typedef struct {
    texp_recipe recipe;
    long update; /* updates done */
    long double scale; /* P_{update+1} */
    long doublings; /* the weights are held at scale 2^-doublings; whoever moves them changes this, too */
    double s; /* s_update of docs/mathematics.md section 2; 0 at the start */
    double first_rate; /* eta_1 */
} texp_schedule;

typedef enum {
    TEXP_OK = 0,
    TEXP_BAD_RATE, /* learning_rate, learning_rate_min, a scale, gamma or power negative or not finite */
    TEXP_BAD_MOMENTUM, /* outside [0, 1) */
    TEXP_BAD_DECAY, /* negative or not finite, a factor of decays included */
    TEXP_BAD_STEPS, /* steps empty or not strictly increasing */
    TEXP_BAD_PERIOD, /* step, sgdr_cycle or sgdr_mult below 1, burn_in or max_batches negative */
    TEXP_NEEDS_MAX_BATCHES, /* poly, cosine (and sgdr without sgdr_cycle) have no meaning without the end; nor, folded,
                             * have step and exp that grow, as no decay would do */
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

/* eta_k and lambda_k from k >= 1 alone. */
double texp_base_rate(const texp_recipe *recipe, long k);
double texp_base_decay(const texp_recipe *recipe, long k);

/* The larger root z of x^2 - (1 + momentum - rate*decay) x + momentum, as (1-z)/rate: finite and exact at rate = 0.
 * NaN where the roots are complex. */
double texp_root_slope(double rate, double decay, double momentum);

/* Starts before update 1. The recipe must have passed texp_recipe_check; its lists must outlive the schedule. */
void texp_schedule_start(texp_schedule *schedule, const texp_recipe *recipe);

/* The numbers of the next update; advances the schedule by one. */
texp_step texp_schedule_next(texp_schedule *schedule);

/* scale 2^-doublings: what the weights are held at, as a multiple of the base's. */
long double texp_held_scale(long double scale, long doublings);

/* The doublings that bring a positive scale nearest to 1. */
long texp_nearest_doublings(long double scale);

/* Replays the recursion so that the next update is `done` + 1. */
void texp_schedule_seek(texp_schedule *schedule, long done);

#endif
