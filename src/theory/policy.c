#include "theory/policy.h"

#include "base/random.h"

#include <math.h>
#include <string.h>

static const double half_pi = 1.57079632679489661923;

/* --- rates -------------------------------------------------------------------------------------------------------- */

/* (1 + cos(pi done/total)) / 2 as a square, of the smaller angle: the textbook form loses all digits near its zero. */
static double half_cosine(double done, double total)
{
    double root = 2 * done <= total ? cos(half_pi * (done / total)) : sin(half_pi * ((total - done) / total));

    return root * root;
}

/* eta_0 */
static double constant_rate(const texp_recipe *recipe, long k)
{
    (void)k;
    return recipe->learning_rate;
}

/* eta_0 scale^floor(k/step) */
static double step_rate(const texp_recipe *recipe, long k)
{
    return recipe->learning_rate * pow(recipe->scale, (double)(k / recipe->step));
}

/* eta_0 gamma^k */
static double exp_rate(const texp_recipe *recipe, long k)
{
    return recipe->learning_rate * pow(recipe->gamma, (double)k);
}

/* eta_0 (1 + cos(pi k'/max_batches)) / 2, k' = (k-1) floored to a multiple of step */
static double cosine_rate(const texp_recipe *recipe, long k)
{
    long done = (k - 1) / recipe->step * recipe->step;

    if (done > recipe->max_batches) {
        done = recipe->max_batches;
    }
    return recipe->learning_rate * half_cosine((double)done, (double)recipe->max_batches);
}

/* eta_0 (1 - k/max_batches)^power; 0 at k = max_batches. (T - k)/T rather than 1 - k/T, whose rounding error is all that
 * is left of it near the end. */
static double poly_rate(const texp_recipe *recipe, long k)
{
    long left = k < recipe->max_batches ? recipe->max_batches - k : 0;

    return recipe->learning_rate * pow((double)left / (double)recipe->max_batches, recipe->power);
}

/* eta_0 / (1 + exp(gamma (k - step))) */
static double sigmoid_rate(const texp_recipe *recipe, long k)
{
    return recipe->learning_rate * (1 / (1 + exp(recipe->gamma * (double)(k - recipe->step))));
}

/* A list's product over the steps passed, from the left, as Darknet multiplies. */
static double passed_steps(const texp_recipe *recipe, const double *factors, double value, long k)
{
    for (size_t i = 0; i < recipe->n_steps && recipe->steps[i] <= k; ++i) {
        value *= factors[i];
    }
    return value;
}

/* eta_0 times scales[i] for every steps[i] <= k */
static double steps_rate(const texp_recipe *recipe, long k)
{
    return passed_steps(recipe, recipe->scales, recipe->learning_rate, k);
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

/* Cosine with warm restarts, from learning_rate to learning_rate_min in each cycle. */
static double sgdr_rate(const texp_recipe *recipe, long k)
{
    double start, length;

    find_cycle(first_cycle(recipe), recipe->sgdr_mult, (double)k, &start, &length);
    return recipe->learning_rate_min +
           (recipe->learning_rate - recipe->learning_rate_min) * half_cosine((double)k - start, length);
}

/* eta_0 u^power, u uniform in [0,1), one draw an update, from the seed */
static double random_rate(const texp_recipe *recipe, long k)
{
    return recipe->learning_rate * pow(texp_random_uniform(recipe->seed, TEXP_STREAM_RATE, (uint64_t)k), recipe->power);
}

/* --- their ends --------------------------------------------------------------------------------------------------- */

static int always(const texp_recipe *recipe)
{
    (void)recipe;
    return 1;
}

static int has_no_cycle(const texp_recipe *recipe)
{
    return recipe->sgdr_cycle == 0;
}

static int has_growing_scale(const texp_recipe *recipe)
{
    return recipe->scale > 1;
}

static int has_growing_gamma(const texp_recipe *recipe)
{
    return recipe->gamma > 1;
}

static long until_last_step(const texp_recipe *recipe, long last)
{
    long step = recipe->steps[recipe->n_steps - 1];

    return step > last ? step : last;
}

/* Every cycle begins with the same rate. */
static long until_restart(const texp_recipe *recipe, long last)
{
    return last + recipe->sgdr_cycle;
}

/* Longer and longer cycles start nearer and nearer to learning_rate. */
static double start_of_cycles(const texp_recipe *recipe)
{
    return recipe->sgdr_mult > 1 ? fmax(recipe->learning_rate, recipe->learning_rate_min) : 0;
}

static double learning_rate(const texp_recipe *recipe)
{
    return recipe->learning_rate;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define NUMBER(member, lowest)                                                                                         \
    {                                                                                                                  \
#member, TEXP_KEY_NUMBER, offsetof(texp_recipe, member), lowest                                                \
    }
#define WHOLE(member, lowest)                                                                                          \
    {                                                                                                                  \
#member, TEXP_KEY_WHOLE, offsetof(texp_recipe, member), lowest                                                 \
    }
#define LIST(member)                                                                                                   \
    {                                                                                                                  \
#member, TEXP_KEY_LIST, 0, 0                                                                                   \
    }

static const texp_policy rows[] = {
    {.name = "constant", .rate = constant_rate, .is_darknets = 1},
    {.name = "step",
     .rate = step_rate,
     .keys = {WHOLE(step, 1), NUMBER(scale, 0)},
     .is_darknets = 1,
     .grows = has_growing_scale,
     .growth_key = "scale"},
    {.name = "steps",
     .rate = steps_rate,
     .keys = {LIST(steps), LIST(scales), LIST(decays)},
     .is_darknets = 1,
     .growth_key = "scales",
     .highest_until = until_last_step},
    {.name = "exp",
     .rate = exp_rate,
     .keys = {NUMBER(gamma, 0)},
     .is_darknets = 1,
     .grows = has_growing_gamma,
     .growth_key = "gamma"},
    {.name = "poly", .rate = poly_rate, .keys = {NUMBER(power, 0)}, .is_darknets = 1, .uses_end = always},
    /* Its step is a place, no period. */
    {.name = "sigmoid", .rate = sigmoid_rate, .keys = {NUMBER(gamma, 0), WHOLE(step, 0)}, .is_darknets = 1},
    {.name = "cosine", .rate = cosine_rate, .keys = {WHOLE(step, 1)}, .uses_end = always},
    {.name = "sgdr",
     .rate = sgdr_rate,
     .keys = {NUMBER(learning_rate_min, 0), WHOLE(sgdr_cycle, 0), NUMBER(sgdr_mult, 1)},
     .uses_end = has_no_cycle,
     .highest_until = until_restart,
     .supremum = start_of_cycles},
    {.name = "random",
     .rate = random_rate,
     .keys = {NUMBER(power, 0)},
     .is_darknets = 1,
     .never_folds = 1,
     .supremum = learning_rate},
};

const texp_policy *texp_policy_at(size_t i)
{
    return i < sizeof rows / sizeof *rows ? rows + i : NULL;
}

const texp_policy *texp_policy_named(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        if (!strcmp(rows[i].name, name)) {
            return rows + i;
        }
    }
    return NULL;
}

int texp_policy_uses(const texp_policy *base, const char *key)
{
    for (int i = 0; i < TEXP_MOST_POLICY_KEYS && base->keys[i].type; ++i) {
        if (!strcmp(base->keys[i].name, key)) {
            return 1;
        }
    }
    return 0;
}

/* --- recipes ------------------------------------------------------------------------------------------------------ */

int texp_recipe_uses_end(const texp_recipe *recipe)
{
    return recipe->base->uses_end && recipe->base->uses_end(recipe);
}

int texp_recipe_needs_end(const texp_recipe *recipe)
{
    int grows = recipe->base->grows && recipe->base->grows(recipe);

    return texp_recipe_uses_end(recipe) || (grows && recipe->form != TEXP_PLAIN);
}

double texp_base_rate(const texp_recipe *recipe, long k)
{
    if (k < recipe->burn_in) {
        return recipe->learning_rate * pow((double)k / (double)recipe->burn_in, recipe->power);
    }
    return recipe->base->rate(recipe, k);
}

double texp_base_decay(const texp_recipe *recipe, long k)
{
    if (!recipe->decays || !texp_policy_uses(recipe->base, "decays")) {
        return recipe->decay;
    }
    return passed_steps(recipe, recipe->decays, recipe->decay, k);
}

/* --- forms -------------------------------------------------------------------------------------------------------- */

static const char *const forms[] = {
    [TEXP_PLAIN] = NULL, [TEXP_TEXP] = "texp", [TEXP_PP] = "texp++", [TEXP_MM] = "texp--"};

texp_form texp_form_named(const char *policy)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; ++i) {
        if (forms[i] && !strcmp(forms[i], policy)) {
            return (texp_form)i;
        }
    }
    return TEXP_PLAIN;
}

const char *texp_form_name(texp_form form)
{
    return (size_t)form < sizeof forms / sizeof *forms ? forms[form] : NULL;
}
