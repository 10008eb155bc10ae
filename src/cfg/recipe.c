#include "cfg/recipe.h"

#include "base/message.h"
#include "cfg/options.h"
#include "net/keys.h"
#include "theory/recipe_check.h"

#include "option_list.h"

#include <limits.h>
#include <math.h>

/* --- policies ----------------------------------------------------------------------------------------------------- */

enum { MOST_WORDS = 64 };

typedef struct {
    const char *words[MOST_WORDS];
    size_t n;
    char text[512]; /* as in "texp, texp++ or texp--" */
} word_list;

static void add_word(word_list *list, const char *word)
{
    if (list->n < MOST_WORDS) list->words[list->n++] = word;
}

static void add_forms(word_list *list)
{
    for (int form = TEXP_PLAIN + 1; texp_form_name((texp_form)form); ++form) {
        add_word(list, texp_form_name((texp_form)form));
    }
}

static const char *text_of(word_list *list, const char *before_last)
{
    size_t length = 0;
    list->text[0] = 0;
    for (size_t i = 0; i < list->n && length < sizeof list->text; ++i) {
        const char *between = !i ? "" : i + 1 < list->n ? ", " : before_last;
        length += (size_t)snprintf(list->text + length, sizeof list->text - length, "%s%s", between, list->words[i]);
    }
    return list->text;
}

/* What key may say: the bases, and the forms in front of them where it is the policy itself. */
static __attribute__((noreturn)) void refuse_policy(list *options, const char *key)
{
    word_list offered = {.n = 0};
    int is_policy = !strcmp(key, "policy");
    if (is_policy) add_forms(&offered);
    for (size_t i = 0; texp_policy_at(i); ++i) {
        if (is_policy || !texp_policy_at(i)->never_folds) add_word(&offered, texp_policy_at(i)->name);
    }
    texp_refuse_option(options, key, "no such schedule; use %s", text_of(&offered, " or "));
}

static const texp_policy *read_base(list *options, const char *key, const char *name)
{
    const texp_policy *base = texp_policy_named(name);
    if (!base) refuse_policy(options, key);
    return base;
}

static void read_policy(texp_net *t, list *options)
{
    texp_recipe *recipe = &t->schedule.recipe;
    t->schedule.policy = texp_word_of(options, "policy", "constant");
    recipe->form = texp_form_named(t->schedule.policy);
    if (recipe->form == TEXP_PLAIN) {
        recipe->base = read_base(options, "policy", t->schedule.policy);
        if (option_find(options, "base_policy")) {
            word_list forms = {.n = 0};
            add_forms(&forms);
            texp_refuse_option(options, "base_policy", "only policy=%s has a base; write policy=%s instead",
                               text_of(&forms, " or "), option_find(options, "base_policy"));
        }
    } else {
        recipe->base = read_base(options, "base_policy", texp_word_of(options, "base_policy", "constant"));
        if (recipe->base->never_folds)
            texp_refuse_option(options, "base_policy", "a %s base cannot be folded", recipe->base->name);
    }
}

/* --- keys that no policy in force uses ------------------------------------------------------------------------ */

/* The policies that use a key; none: it is no policy's. */
static word_list users_of(const char *key, int fold)
{
    word_list users = {.n = 0};
    const texp_policy *policy;
    for (size_t i = 0; (policy = texp_policy_at(i)); ++i) {
        if (texp_policy_uses(policy, key) && !(fold && policy->never_folds)) add_word(&users, policy->name);
    }
    return users;
}

/* burn_in has a power, whatever the policy. */
static int is_used(const texp_recipe *recipe, const char *key)
{
    return texp_policy_uses(recipe->base, key) || (recipe->burn_in && !strcmp(key, "power"));
}

/* Stock Darknet takes no notice of such a key: a cfg that it could train goes on, with a word. Returns 1 where not. */
static int refuse_or_warn(const texp_net *t, list *options, const kvp *pair, word_list *users)
{
    texp_message message;
    int folds = t->schedule.recipe.form != TEXP_PLAIN;
    const char *which = text_of(users, " or ");
    if (folds && !option_find(options, "base_policy"))
        texp_say(&message, "needs base_policy=%s; add it, or remove %s", which, pair->key);
    else
        texp_say(&message, "%s=%s does not use it; remove it, or write %s=%s", folds ? "base_policy" : "policy",
                 t->schedule.recipe.base->name, folds ? "base_policy" : "policy", which);
    int ends = folds || !t->schedule.recipe.base->is_darknets || texp_net_key_flags(pair->key) & TEXP_OURS;
    texp_message line;
    texp_say(&line, "%s%.400s", ends ? "" : "ignored; ", message.text);
    texp_report(&pair->origin, pair->key, pair->val, line.text);
    return ends;
}

static void check_unused_keys(const texp_net *t, list *options)
{
    int ends = 0;
    for (node *n = options->front; n; n = n->next) {
        const kvp *pair = n->val;
        word_list users = users_of(pair->key, t->schedule.recipe.form != TEXP_PLAIN);
        if (users.n && !is_used(&t->schedule.recipe, pair->key)) ends |= refuse_or_warn(t, options, pair, &users);
    }
    if (ends) exit(EXIT_FAILURE);
}

/* --- lists, forms ---------------------------------------------------------------------------------------------- */

static void read_steps(texp_recipe *recipe, list *options)
{
    size_t n_scales, n_decays;
    double *steps = texp_numbers_of(options, "steps", &recipe->n_steps);
    recipe->scales = texp_numbers_of(options, "scales", &n_scales);
    recipe->decays = texp_numbers_of(options, "decays", &n_decays);
    if (!steps)
        texp_refuse_option(options, "steps", "missing; the policy %s needs steps= and scales=, as in steps=100,200",
                           recipe->base->name);
    if (!recipe->scales)
        texp_refuse_option(options, "scales", "missing; the policy %s needs one scale for each step",
                           recipe->base->name);
    if (n_scales != recipe->n_steps) {
        texp_refuse_option(options, "scales", "has %zu entries, steps has %zu; write one for each step", n_scales,
                           recipe->n_steps);
    }
    if (recipe->decays && n_decays != recipe->n_steps) {
        texp_refuse_option(options, "decays", "has %zu entries, steps has %zu; write one for each step", n_decays,
                           recipe->n_steps);
    }
    long *counts = calloc(recipe->n_steps, sizeof *counts);
    for (size_t i = 0; i < recipe->n_steps; ++i) {
        if (steps[i] != floor(steps[i]) || fabs(steps[i]) > (double)(LONG_MAX / 2)) {
            texp_refuse_option(options, "steps", "entry %zu is no whole number of updates", i + 1);
        }
        counts[i] = (long)steps[i];
    }
    free(steps);
    recipe->steps = counts;
}

static void read_lists(texp_recipe *recipe, list *options)
{
    if (texp_policy_uses(recipe->base, "steps")) read_steps(recipe, options);
}

/* What belongs to some forms alone. */
static void read_forms_keys(texp_net *t, list *options)
{
    texp_recipe *recipe = &t->schedule.recipe;
    const char *which = texp_word_of(options, "texp_layers", "invariant");
    t->schedule.all_layers = !strcmp(which, "all");
    if (!t->schedule.all_layers && strcmp(which, "invariant"))
        texp_refuse_option(options, "texp_layers", "must be invariant or all");
    recipe->no_rescale = !texp_whole_of(options, "rescale", 1);
    if (recipe->momentum_correction && recipe->form != TEXP_TEXP) {
        texp_refuse_option(options, "momentum_correction", "belongs to policy=texp alone, not to %s",
                           t->schedule.policy);
    }
    for (node *n = options->front; n && recipe->form == TEXP_PLAIN; n = n->next) {
        const kvp *pair = n->val;
        if (!(texp_net_key_flags(pair->key) & TEXP_OF_FORMS)) continue;
        word_list forms = {.n = 0};
        add_forms(&forms);
        texp_refuse_option(options, pair->key, "belongs to policy=%s, not to %s; remove it", text_of(&forms, " and "),
                           t->schedule.policy);
    }
}

/* --- what does not fit together ------------------------------------------------------------------------------- */

/* Six digits of a bound that must not be passed: rounded down, so that what is printed will do. */
static double rounded_down(double bound)
{
    char text[32];
    for (double candidate = bound;; candidate -= bound * 1e-6) {
        snprintf(text, sizeof text, "%.6g", candidate);
        if (atof(text) <= bound) return atof(text);
    }
}

static void refuse_finding(list *options, const texp_recipe *recipe, const texp_finding *found)
{
    switch (found->status) {
    case TEXP_OK:
        return;
    case TEXP_BAD_RATE:
    case TEXP_BAD_DECAY:
        texp_refuse_option(options, found->key, "must be finite and 0 or more");
    case TEXP_BAD_MOMENTUM:
        texp_refuse_option(options, "momentum", "must be 0 or more and below 1");
    case TEXP_BAD_STEPS:
        texp_refuse_option(options, found->key, "must increase from entry to entry");
    case TEXP_BAD_PERIOD:
        texp_refuse_option(options, found->key, "must be 1 or more");
    case TEXP_NEEDS_MAX_BATCHES:
        texp_refuse_option(options, "max_batches", "missing; the base schedule ends there");
    case TEXP_COMPLEX_ROOTS:
        texp_refuse_option(
            options, "decay",
            "learning_rate*decay reaches %g at update %ld, above (1-sqrt(momentum))^2 = %g for momentum=%g: no "
            "exponential form exists; decay=%.6g is the largest that has one",
            found->product, found->update, found->limit, recipe->momentum, rounded_down(found->largest_decay));
    case TEXP_NEGATIVE_ALPHA:
        texp_refuse_option(
            options, "decay",
            "the weights would shrink by %g of themselves at update %ld, and all of them are only 1: the rate rises "
            "after updates of larger decay; decay=%.6g is the largest that has an exponential form",
            found->product, found->update, rounded_down(found->largest_decay));
    case TEXP_OUT_OF_RANGE:
        texp_refuse_option(
            options, "decay",
            "the rate passes the largest number at update %ld; decay=%.6g is the largest that stays below it",
            found->update, rounded_down(found->largest_decay));
    }
}

static void check_recipe(const texp_net *t, list *options)
{
    texp_finding found;
    texp_recipe_check(&t->schedule.recipe, &found);
    refuse_finding(options, &t->schedule.recipe, &found);
    if (t->schedule.recipe.form == TEXP_PLAIN) return;
    if (texp_whole_of(options, "adam", 0))
        texp_refuse_option(options, "adam", "policy=%s folds SGD with momentum; remove adam", t->schedule.policy);
    if (texp_number_of(options, "clip", 0)) {
        texp_refuse_option(options, "clip", "bounds weights that policy=%s must let grow; remove clip",
                           t->schedule.policy);
    }
}

void texp_read_recipe(texp_net *t, list *options)
{
    t->schedule.recipe.seed = t->seed;
    read_policy(t, options);
    check_unused_keys(t, options);
    read_lists(&t->schedule.recipe, options);
    read_forms_keys(t, options);
    check_recipe(t, options);
}
