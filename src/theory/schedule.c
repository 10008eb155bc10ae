#include "theory/schedule.h"

#include "base/random.h"

#include <math.h>

static const double half_pi = 1.57079632679489661923;

/* ---- the base schedule ---- */

/* (1 + cos(pi done/total)) / 2 as a square, of the smaller angle: the textbook form loses all digits near its zero. */
static double half_cosine(double done, double total)
{
    double root = 2 * done <= total ? cos(half_pi * (done / total)) : sin(half_pi * ((total - done) / total));

    return root * root;
}

static double cosine_factor(const texp_recipe *recipe, long k)
{
    long done = (k - 1) / recipe->step * recipe->step;

    if (done > recipe->max_batches) {
        done = recipe->max_batches;
    }
    return half_cosine((double)done, (double)recipe->max_batches);
}

/* (T - k)/T rather than 1 - k/T, whose rounding error is all that is left of it near the end. */
static double poly_factor(const texp_recipe *recipe, long k)
{
    long left = k < recipe->max_batches ? recipe->max_batches - k : 0;

    return pow((double)left / (double)recipe->max_batches, recipe->power);
}

static double sigmoid_factor(const texp_recipe *recipe, long k)
{
    return 1 / (1 + exp(recipe->gamma * (double)(k - recipe->step)));
}

/* A list's product over the steps passed, from the left, as Darknet multiplies. */
static double passed_steps(const texp_recipe *recipe, const double *factors, double value, long k)
{
    for (size_t i = 0; i < recipe->n_steps && recipe->steps[i] <= k; ++i) {
        value *= factors[i];
    }
    return value;
}

static double first_cycle(const texp_recipe *recipe)
{
    return (double)(recipe->sgdr_cycle ? recipe->sgdr_cycle : recipe->max_batches);
}

/* Cycles of first, first m, first m^2, ... updates: the updates done before the cycle that k lies in, and its length.
 * A cycle's last update belongs to it. Blocks of 2^j cycles are doubled up and then taken largest first, so a million
 * short cycles cost no more than twenty. */
static void find_cycle(double first, double m, double k, double *start, double *length)
{
    double sums[64] = {1}, powers[64] = {m}; /* of the block of 2^j cycles: 1 + m + ... + m^(2^j - 1), m^(2^j) */
    double sum = 0, power = 1;
    int j = 0;

    while (j < 63 && first * sums[j] < k) {
        sums[j + 1] = sums[j] * (1 + powers[j]);
        powers[j + 1] = powers[j] * powers[j];
        ++j;
    }
    while (j-- > 0) {
        if (first * (sum + power * sums[j]) < k) {
            sum += power * sums[j];
            power *= powers[j];
        }
    }
    *start = first * sum;
    *length = first * power;
}

static double sgdr_rate(const texp_recipe *recipe, long k)
{
    double start, length;

    find_cycle(first_cycle(recipe), recipe->sgdr_mult, (double)k, &start, &length);
    return recipe->learning_rate_min +
           (recipe->learning_rate - recipe->learning_rate_min) * half_cosine((double)k - start, length);
}

double texp_base_rate(const texp_recipe *recipe, long k)
{
    double rate = recipe->learning_rate;

    if (k < recipe->burn_in) {
        return rate * pow((double)k / (double)recipe->burn_in, recipe->power);
    }
    switch (recipe->base) {
    case TEXP_CONSTANT:
        return rate;
    case TEXP_STEP:
        return rate * pow(recipe->scale, (double)(k / recipe->step));
    case TEXP_STEPS:
        return passed_steps(recipe, recipe->scales, rate, k);
    case TEXP_EXP:
        return rate * pow(recipe->gamma, (double)k);
    case TEXP_POLY:
        return rate * poly_factor(recipe, k);
    case TEXP_SIGMOID:
        return rate * sigmoid_factor(recipe, k);
    case TEXP_COSINE:
        return rate * cosine_factor(recipe, k);
    case TEXP_SGDR:
        return sgdr_rate(recipe, k);
    case TEXP_RANDOM:
        return rate * pow(texp_random_uniform(recipe->seed, TEXP_STREAM_RATE, (uint64_t)k), recipe->power);
    }
    return NAN;
}

double texp_base_decay(const texp_recipe *recipe, long k)
{
    if (recipe->base != TEXP_STEPS || !recipe->decays) {
        return recipe->decay;
    }
    return passed_steps(recipe, recipe->decays, recipe->decay, k);
}

/* ---- the exponential forms ---- */

/* (1 - sqrt(momentum))^2, above which eta*lambda has complex roots; without the cancellation of that form. */
static double product_limit(double momentum)
{
    double root = (1 - momentum) / (1 + sqrt(momentum));

    return root * root;
}

double texp_root_slope(double rate, double decay, double momentum)
{
    double x = rate * decay;
    double below = product_limit(momentum) - x; /* the discriminant's two factors: exact near the limit, where */
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

long texp_nearest_doublings(long double scale)
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
        schedule->doublings = texp_nearest_doublings(step->next_scale);
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

/* ---- the check of a recipe ---- */

static texp_status found(texp_finding *finding, texp_status status, const char *key, long update)
{
    *finding = (texp_finding){.status = status, .key = key, .update = update};
    return status;
}

static int is_number(double value)
{
    return value >= 0 && isfinite(value);
}

static texp_status check_rates(const texp_recipe *recipe, texp_finding *finding)
{
    texp_base base = recipe->base;
    const char *key = NULL;

    if (!is_number(recipe->learning_rate)) {
        key = "learning_rate";
    } else if (base == TEXP_SGDR && !is_number(recipe->learning_rate_min)) {
        key = "learning_rate_min";
    } else if (base == TEXP_STEP && !is_number(recipe->scale)) {
        key = "scale";
    } else if ((base == TEXP_EXP || base == TEXP_SIGMOID) && !is_number(recipe->gamma)) {
        key = "gamma";
    } else if ((base == TEXP_POLY || base == TEXP_RANDOM || recipe->burn_in > 0) && !is_number(recipe->power)) {
        key = "power";
    }
    return key ? found(finding, TEXP_BAD_RATE, key, 0) : TEXP_OK;
}

static texp_status check_lists(const texp_recipe *recipe, texp_finding *finding)
{
    if (!recipe->n_steps || !recipe->steps) {
        return found(finding, TEXP_BAD_STEPS, "steps", 0);
    }
    if (!recipe->scales) {
        return found(finding, TEXP_BAD_STEPS, "scales", 0);
    }
    for (size_t i = 0; i < recipe->n_steps; ++i) {
        long step = recipe->steps[i];
        if (i && step <= recipe->steps[i - 1]) {
            return found(finding, TEXP_BAD_STEPS, "steps", step);
        }
        if (!is_number(recipe->scales[i])) {
            return found(finding, TEXP_BAD_RATE, "scales", step);
        }
        if (recipe->decays && !is_number(recipe->decays[i])) {
            return found(finding, TEXP_BAD_DECAY, "decays", step);
        }
    }
    return TEXP_OK;
}

static texp_status check_periods(const texp_recipe *recipe, texp_finding *finding)
{
    texp_base base = recipe->base;
    int divides_by_step = base == TEXP_STEP || base == TEXP_COSINE;
    const char *key = NULL;

    if (recipe->burn_in < 0) {
        key = "burn_in";
    } else if (recipe->max_batches < 0) {
        key = "max_batches";
    } else if ((divides_by_step && recipe->step < 1) || (base == TEXP_SIGMOID && recipe->step < 0)) {
        key = "step";
    } else if (base == TEXP_SGDR && recipe->sgdr_cycle < 0) {
        key = "sgdr_cycle";
    } else if (base == TEXP_SGDR && !(recipe->sgdr_mult >= 1 && isfinite(recipe->sgdr_mult))) {
        key = "sgdr_mult";
    }
    return key ? found(finding, TEXP_BAD_PERIOD, key, 0) : TEXP_OK;
}

static int needs_end(const texp_recipe *recipe)
{
    int folds = recipe->form != TEXP_PLAIN;

    switch (recipe->base) {
    case TEXP_POLY:
    case TEXP_COSINE:
        return 1;
    case TEXP_SGDR:
        return recipe->sgdr_cycle == 0;
    case TEXP_STEP:
        return folds && recipe->scale > 1;
    case TEXP_EXP:
        return folds && recipe->gamma > 1;
    default:
        return 0;
    }
}

static texp_status check_keys(const texp_recipe *recipe, texp_finding *finding)
{
    if (check_rates(recipe, finding) || check_periods(recipe, finding)) {
        return finding->status;
    }
    if (!(recipe->momentum >= 0 && recipe->momentum < 1)) {
        return found(finding, TEXP_BAD_MOMENTUM, "momentum", 0);
    }
    if (!is_number(recipe->decay)) {
        return found(finding, TEXP_BAD_DECAY, "decay", 0);
    }
    if (recipe->base == TEXP_STEPS && check_lists(recipe, finding)) {
        return finding->status;
    }
    if (recipe->max_batches == 0 && needs_end(recipe)) {
        return found(finding, TEXP_NEEDS_MAX_BATCHES, "max_batches", 0);
    }
    return TEXP_OK;
}

/* The update after which no eta*lambda can be larger than those seen, largest_unseen aside. Without an end the rates
 * fall, or stay, from burn_in on, past the last of steps, or repeat with sgdr's cycle. */
static long last_walked(const texp_recipe *recipe)
{
    long last = recipe->burn_in > 1 ? recipe->burn_in : 1;

    if (recipe->max_batches) {
        return recipe->max_batches;
    }
    if (recipe->base == TEXP_STEPS && recipe->steps[recipe->n_steps - 1] > last) {
        last = recipe->steps[recipe->n_steps - 1];
    }
    return recipe->base == TEXP_SGDR ? last + recipe->sgdr_cycle : last;
}

/* The rate that an endless recipe comes as near to as you please: sgdr's longer and longer cycles start nearer and
 * nearer to learning_rate, and random has every rate below it. */
static double largest_unseen(const texp_recipe *recipe)
{
    if (recipe->max_batches) {
        return 0;
    }
    if (recipe->base == TEXP_SGDR && recipe->sgdr_mult > 1) {
        return fmax(recipe->learning_rate, recipe->learning_rate_min);
    }
    return recipe->base == TEXP_RANDOM ? recipe->learning_rate : 0;
}

static const char *growing_key(const texp_recipe *recipe)
{
    switch (recipe->base) {
    case TEXP_STEP:
        return "scale";
    case TEXP_STEPS:
        return "scales";
    case TEXP_EXP:
        return "gamma";
    default:
        return "learning_rate";
    }
}

/* Remark 2.10: every eta*lambda at or below the limit. */
static texp_status check_products(const texp_recipe *recipe, texp_finding *finding)
{
    double largest = largest_unseen(recipe) * recipe->decay;
    double limit = product_limit(recipe->momentum);
    long last = last_walked(recipe), where = 0;

    for (long k = 1; k <= last; ++k) {
        double rate = texp_base_rate(recipe, k), product = rate * texp_base_decay(recipe, k);
        if (!isfinite(rate)) {
            return found(finding, TEXP_BAD_RATE, growing_key(recipe), k);
        }
        if (!(product <= largest)) {
            largest = product;
            where = k;
        }
    }
    if (largest <= limit) {
        return TEXP_OK;
    }
    found(finding, TEXP_COMPLEX_ROOTS, "decay", where);
    finding->product = largest;
    finding->limit = limit;
    return TEXP_COMPLEX_ROOTS;
}

/* What only the recursion itself shows: texp++ remembers past decays, and the scale grows with all of them. */
static texp_status check_recursion(const texp_recipe *recipe, texp_finding *finding)
{
    long last = last_walked(recipe);
    texp_schedule schedule;

    texp_schedule_start(&schedule, recipe);
    while (schedule.update < last) {
        texp_step step = texp_schedule_next(&schedule);
        if (!(step.alpha > 0)) {
            found(finding, TEXP_NEGATIVE_ALPHA, "decays", step.update);
            finding->product = 1 - step.alpha;
            finding->limit = 1;
            return TEXP_NEGATIVE_ALPHA;
        }
        if (!isfinite(step.next_scale) || !isfinite(step.rate)) {
            return found(finding, TEXP_OUT_OF_RANGE, "max_batches", step.update);
        }
    }
    return TEXP_OK;
}

static texp_status check_folding(const texp_recipe *recipe, texp_finding *finding)
{
    return check_products(recipe, finding) ? finding->status : check_recursion(recipe, finding);
}

/* The largest decay that passes: `guess` or a few bits less when eta*lambda decides (the products' rounding), otherwise
 * by bisection; decay 0 always passes, and the conditions are monotone in it. */
static double largest_decay(texp_recipe recipe, double guess)
{
    double low = 0, high = guess;
    texp_finding ignored;

    recipe.decay = guess;
    for (int i = 0; i < 4; ++i) {
        if (check_folding(&recipe, &ignored) == TEXP_OK) {
            return recipe.decay;
        }
        recipe.decay = nextafter(recipe.decay, 0);
    }
    for (int i = 0; i < 60 && high - low > 1e-6 * high; ++i) {
        recipe.decay = low + (high - low) / 2;
        *(check_folding(&recipe, &ignored) == TEXP_OK ? &low : &high) = recipe.decay;
    }
    return low;
}

texp_status texp_recipe_check(const texp_recipe *recipe, texp_finding *finding)
{
    double guess = recipe->decay;

    found(finding, TEXP_OK, NULL, 0);
    if (check_keys(recipe, finding) || recipe->form == TEXP_PLAIN || !check_folding(recipe, finding)) {
        return finding->status;
    }
    if (finding->status == TEXP_COMPLEX_ROOTS) {
        guess *= finding->limit / finding->product;
    }
    if (finding->status != TEXP_BAD_RATE) {
        finding->largest_decay = largest_decay(*recipe, guess);
    }
    return finding->status;
}
