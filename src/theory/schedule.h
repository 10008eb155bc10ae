/*
 * Learning-rate schedules, update by update: the exponential forms of the bases (policy.h).
 *
 * Li & Arora, "An Exponential Learning Rate Schedule for Deep Learning", ICLR 2020; docs/mathematics.md
 * restates the equations in the counters used here.
 *
 * Units: an update is one step of the optimiser (Darknet: one `batch`), counted k = 1, 2, 3, ...; rates are those of
 * the cfg, before Darknet divides by the batch size. Nothing here knows of Darknet, prints or exits.
 */
#ifndef TEXP_SCHEDULE_H
#define TEXP_SCHEDULE_H

#include "theory/policy.h"

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

/* The larger root z of x^2 - (1 + momentum - rate*decay) x + momentum, as (1-z)/rate: finite and exact at rate = 0.
 * NaN where the roots are complex. */
double texp_root_slope(double rate, double decay, double momentum);

/* (1 - sqrt(momentum))^2, above which rate*decay has complex roots; without the cancellation of that form. */
double texp_product_limit(double momentum);

/* Starts before update 1. The recipe must have passed texp_recipe_check; its lists must outlive the schedule. */
void texp_schedule_start(texp_schedule *schedule, const texp_recipe *recipe);

/* The numbers of the next update; advances the schedule by one. */
texp_step texp_schedule_next(texp_schedule *schedule);

/* scale 2^-doublings: what the weights are held at, as a multiple of the base's. */
long double texp_held_scale(long double scale, long doublings);

/* Replays the recursion so that the next update is `done` + 1. */
void texp_schedule_seek(texp_schedule *schedule, long done);

#endif
