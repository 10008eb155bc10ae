#include "theory/recipe_check.h"

#include "theory/schedule.h"

#include <math.h>

static texp_status found(texp_finding *finding, texp_status status, const char *key, long update)
{
    *finding = (texp_finding){.status = status, .key = key, .update = update};
    return status;
}

static int is_number(double value)
{
    return value >= 0 && isfinite(value);
}

/* What all recipes have. */
static texp_status check_common(const texp_recipe *recipe, texp_finding *finding)
{
    if (!is_number(recipe->learning_rate)) {
        return found(finding, TEXP_BAD_RATE, "learning_rate", 0);
    }
    if (recipe->burn_in < 0) {
        return found(finding, TEXP_BAD_PERIOD, "burn_in", 0);
    }
    if (recipe->burn_in > 0 && !is_number(recipe->power)) {
        return found(finding, TEXP_BAD_RATE, "power", 0);
    }
    if (recipe->max_batches < 0) {
        return found(finding, TEXP_BAD_PERIOD, "max_batches", 0);
    }
    if (!(recipe->momentum >= 0 && recipe->momentum < 1)) {
        return found(finding, TEXP_BAD_MOMENTUM, "momentum", 0);
    }
    if (!is_number(recipe->decay)) {
        return found(finding, TEXP_BAD_DECAY, "decay", 0);
    }
    return TEXP_OK;
}

/* What the base alone has: numbers of at least 1 are periods or factors of them. */
static texp_status check_own(const texp_recipe *recipe, texp_finding *finding)
{
    for (int i = 0; i < TEXP_MOST_POLICY_KEYS; ++i) {
        const texp_policy_key *key = recipe->base->keys + i;
        const char *field = (const char *)recipe + key->field;
        int is_rate = key->type == TEXP_KEY_NUMBER && key->lowest < 1;
        double value;

        if (key->type != TEXP_KEY_NUMBER && key->type != TEXP_KEY_WHOLE) {
            continue;
        }
        value = key->type == TEXP_KEY_NUMBER ? *(const double *)field : (double)*(const long *)field;
        if (!(value >= key->lowest && isfinite(value))) {
            return found(finding, is_rate ? TEXP_BAD_RATE : TEXP_BAD_PERIOD, key->name, 0);
        }
    }
    return TEXP_OK;
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

static texp_status check_keys(const texp_recipe *recipe, texp_finding *finding)
{
    if (check_common(recipe, finding) || check_own(recipe, finding)) {
        return finding->status;
    }
    if (texp_policy_uses(recipe->base, "steps") && check_lists(recipe, finding)) {
        return finding->status;
    }
    if (recipe->max_batches == 0 && texp_recipe_needs_end(recipe)) {
        return found(finding, TEXP_NEEDS_MAX_BATCHES, "max_batches", 0);
    }
    return TEXP_OK;
}

/* The update after which no eta*lambda can be larger than those seen, the supremum aside. */
static long last_walked(const texp_recipe *recipe)
{
    long last = recipe->burn_in > 1 ? recipe->burn_in : 1;

    if (recipe->max_batches) {
        return recipe->max_batches;
    }
    return recipe->base->highest_until ? recipe->base->highest_until(recipe, last) : last;
}

static double largest_unseen(const texp_recipe *recipe)
{
    if (recipe->max_batches || !recipe->base->supremum) {
        return 0;
    }
    return recipe->base->supremum(recipe);
}

static const char *growing_key(const texp_recipe *recipe)
{
    return recipe->base->growth_key ? recipe->base->growth_key : "learning_rate";
}

/* Remark 2.10: every eta*lambda at or below the limit. */
static texp_status check_products(const texp_recipe *recipe, texp_finding *finding)
{
    double largest = largest_unseen(recipe) * recipe->decay;
    double limit = texp_product_limit(recipe->momentum);
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
