#include "theory/schedule.h"

#include <math.h>

/* ---- the exponential forms ---- */

double texp_product_limit(double momentum)
{
    double root = (1 - momentum) / (1 + sqrt(momentum));

    return root * root;
}

double texp_root_slope(double rate, double decay, double momentum)
{
    double x = rate * decay;
    double below = texp_product_limit(momentum) - x; /* the discriminant's two factors: exact near the limit, where */
    double above = (1 + sqrt(momentum)) * (1 + sqrt(momentum)) - x; /* their expanded product is all rounding */

    if (!(below >= 0)) {
        return NAN;
    }
    return 2 * decay / (1 - momentum + x + sqrt(below * above));
}

/* (1 - alpha_k) / eta_k of the form, from s_{k-1}. */
static double alpha_slope(const texp_recipe *recipe, double rate, double decay, double s)
{
    switch (recipe->form) {
    case TEXP_PLAIN:
        return 0;
    case TEXP_PP:
        return decay + recipe->momentum * s;
    case TEXP_TEXP:
    case TEXP_MM:
        return texp_root_slope(rate, decay, recipe->momentum);
    }
    return NAN;
}

/* decay_k. For the root, (1-alpha)/eta = lambda + gamma s, which turns docs/mathematics.md's formula into this difference:
 * exactly 0 inside a phase, where s stays, and without momentum. Two divisions, as P^2 may be out of range where the
 * quotient isn't. */
static long double folded_decay(const texp_schedule *schedule, double decay, double s)
{
    const texp_recipe *recipe = &schedule->recipe;

    if (recipe->form == TEXP_PLAIN) {
        return decay;
    }
    if (recipe->form != TEXP_TEXP || !recipe->momentum_correction || recipe->momentum == 0) {
        return 0;
    }
    return recipe->momentum * (schedule->s - s) / schedule->scale / schedule->scale;
}

/* ---- the range ---- */

/* ldexpl with any exponent. */
long double texp_held_scale(long double scale, long doublings)
{
    return scalblnl(scale, -doublings);
}

/* The doublings that bring a positive scale nearest to 1. */
static long nearest_doublings(long double scale)
{
    const long double root_half = 0.70710678118654752440084436210484904L;
    int exponent;
    long double fraction = frexpl(scale, &exponent); /* in [1/2, 1) */

    return fraction < root_half ? exponent - 1 : exponent;
}

static void hold(texp_step *step, texp_schedule *schedule)
{
    step->doublings = schedule->doublings;
    step->held_rate = scalblnl(step->rate, -2 * step->doublings);
    step->held_decay = scalblnl(step->decay, 2 * step->doublings);
    if (!schedule->recipe.no_rescale && schedule->recipe.form != TEXP_PLAIN) {
        schedule->doublings = nearest_doublings(step->next_scale);
    }
    step->next_doublings = schedule->doublings;
}

void texp_schedule_start(texp_schedule *schedule, const texp_recipe *recipe)
{
    *schedule = (texp_schedule){.recipe = *recipe, .scale = 1};
    schedule->first_rate = texp_base_rate(recipe, 1);
}

texp_step texp_schedule_next(texp_schedule *schedule)
{
    const texp_recipe *recipe = &schedule->recipe;
    long k = schedule->update + 1;
    double rate = texp_base_rate(recipe, k);
    double decay = texp_base_decay(recipe, k);
    double slope = alpha_slope(recipe, rate, decay, schedule->s);
    double fold = rate * slope; /* 1 - alpha, which holds the digits that alpha has no room for */
    double s = slope / (1 - fold);
    double folded_rate = recipe->form == TEXP_MM ? schedule->first_rate : rate;
    texp_step step = {.update = k, .base_rate = rate, .base_decay = decay, .alpha = 1 - fold};

    step.scale = schedule->scale;
    step.next_scale = schedule->scale / (1 - (long double)fold);
    step.rate = folded_rate * step.scale * step.next_scale;
    step.decay = folded_decay(schedule, decay, s);

    hold(&step, schedule);

    schedule->update = k;
    schedule->scale = step.next_scale;
    schedule->s = s;
    return step;
}

void texp_schedule_seek(texp_schedule *schedule, long done)
{
    if (done < schedule->update) {
        texp_recipe recipe = schedule->recipe;
        texp_schedule_start(schedule, &recipe);
    }
    while (schedule->update < done) {
        texp_schedule_next(schedule);
    }
}
