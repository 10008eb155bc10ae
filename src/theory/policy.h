/*
 * Schedule policies: one table with a row for each base schedule, and one for the exponential forms.
 *
 * A base gives eta_k, the rate of an ordinary recipe; a form says what is done with it (schedule.h). To add a base: its
 * rate function and its row. What checks, messages, cfg keys, Darknet's parser and resumed runs know of it, they take
 * from there.
 *
 * Units: an update is one step of the optimiser (Darknet: one `batch`), counted k = 1, 2, 3, ...; rates are those of
 * the cfg, before Darknet divides by the batch size. Nothing here knows of Darknet, prints or exits.
 */
#ifndef TEXP_POLICY_H
#define TEXP_POLICY_H

#include <stddef.h>
#include <stdint.h>

typedef struct texp_policy texp_policy;

/* What is done with the base: nothing, or one of the paper's exponential forms. */
typedef enum {
    TEXP_PLAIN, /* the base itself: alpha = 1 */
    TEXP_TEXP, /* Theorem 2.12, eq. 6: exact with momentum_correction */
    TEXP_PP, /* texp++, Theorem 2.13, eq. 7: exact */
    TEXP_MM /* texp--, eq. 8: texp of the recipe with constant rate eta_1 and decay lambda_k eta_k / eta_1 */
} texp_form;

typedef struct texp_recipe {
    texp_form form;
    const texp_policy *base; /* a row of the table; never NULL */
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

/* --- bases -------------------------------------------------------------------------------------------------------- */

typedef enum {
    TEXP_KEY_NONE,
    TEXP_KEY_NUMBER, /* a double of the recipe */
    TEXP_KEY_WHOLE, /* a long */
    TEXP_KEY_LIST /* one entry a phase: steps, scales, decays */
} texp_policy_key_type;

/* A cfg key that a base uses, beside learning_rate and what all recipes have. */
typedef struct {
    const char *name;
    texp_policy_key_type type;
    size_t field; /* of a number: its offset in texp_recipe */
    double lowest; /* of a number: what is below is refused, as is what isn't finite */
} texp_policy_key;

enum { TEXP_MOST_POLICY_KEYS = 4 };

struct texp_policy {
    const char *name; /* as a cfg writes it */
    double (*rate)(const texp_recipe *recipe, long k); /* eta_k, k >= 1, from burn_in on */
    texp_policy_key keys[TEXP_MOST_POLICY_KEYS]; /* ended by TEXP_KEY_NONE, or full */
    int is_darknets; /* Darknet's parser knows it, and reads its keys */
    int never_folds; /* it cannot be a base of the exponential forms */

    /* Whether eta_k depends on max_batches, which then must be given; NULL: never. */
    int (*uses_end)(const texp_recipe *recipe);
    /* Whether eta_k grows for ever, so that it folds up to max_batches alone; NULL: never. */
    int (*grows)(const texp_recipe *recipe);
    const char *growth_key; /* the key at fault where eta_k passes the largest number; NULL: learning_rate */

    /* Of recipes without max_batches, for checks. An update behind which no eta_k is above those before, given that
     * burn_in ends at `last` >= 1; NULL: it falls, or stays, from there on. */
    long (*highest_until)(const texp_recipe *recipe, long last);
    /* A rate that the recipe comes as near to as you please, though no update has it; NULL: none. */
    double (*supremum)(const texp_recipe *recipe);
};

/* The i-th row, i = 0, 1, ...; NULL behind the last. */
const texp_policy *texp_policy_at(size_t i);

/* The row of that name; NULL where there is none. */
const texp_policy *texp_policy_named(const char *name);

/* Whether the base uses the key. */
int texp_policy_uses(const texp_policy *base, const char *key);

/* eta_k depends on max_batches: another value is another schedule, in what is done already, too. */
int texp_recipe_uses_end(const texp_recipe *recipe);

/* Without max_batches the recipe has no meaning; nor, folded, has a rate that grows, as no decay would do. */
int texp_recipe_needs_end(const texp_recipe *recipe);

/* eta_k and lambda_k from k >= 1 alone. */
double texp_base_rate(const texp_recipe *recipe, long k);
double texp_base_decay(const texp_recipe *recipe, long k);

/* --- forms -------------------------------------------------------------------------------------------------------- */

/* The form of that policy, as in "texp++"; TEXP_PLAIN where it is none. */
texp_form texp_form_named(const char *policy);

/* The policy's name; NULL for TEXP_PLAIN, which has that of its base. */
const char *texp_form_name(texp_form form);

#endif
