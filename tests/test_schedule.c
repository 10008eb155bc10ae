/*
 * The schedules against tests/reference/schedule.csv, which schedule.py beside it computes in 50 digits from the
 * paper's definitions, against the paper's closed forms, and the refusals of texp_recipe_check.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "theory/recipe_check.h"
#include "theory/schedule.h"

#ifndef TEXP_REFERENCE_DIR
#define TEXP_REFERENCE_DIR "tests/reference"
#endif

#define UNIT          (DBL_EPSILON / 2) /* the relative error of one rounded operation in double */
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* The paper's standard values. */
static texp_recipe standard(texp_form form, const char *base)
{
    return (texp_recipe){.form = form,
                         .base = texp_policy_named(base),
                         .learning_rate = 0.1,
                         .momentum = 0.9,
                         .decay = 0.0005,
                         .gamma = 1,
                         .scale = 1,
                         .power = 4,
                         .step = 1,
                         .max_batches = 62500,
                         .sgdr_mult = 2};
}

/* ---- the reference file ---- */

#define MAX_LIST 8

typedef struct {
    char name[64];
    texp_recipe recipe;
    long steps[MAX_LIST];
    double scales[MAX_LIST], decays[MAX_LIST];
} reference_recipe;

typedef struct {
    texp_step step;
    double s;
} reference_update;

static char *next_field(char **cursor)
{
    char *field = *cursor, *comma = strchr(field, ',');

    *cursor = comma ? comma + 1 : field + strlen(field);
    if (comma) *comma = 0;
    return field;
}

static double next_number(char **cursor)
{
    char *field = next_field(cursor), *end;
    double value = strtod(field, &end);

    assert_ptr_not_equal(end, field);
    return value;
}

static long double next_long_number(char **cursor)
{
    char *field = next_field(cursor), *end;
    long double value = strtold(field, &end);

    assert_ptr_not_equal(end, field);
    return value;
}

static int next_word(char **cursor, const char *const *words, size_t n)
{
    char *field = next_field(cursor);

    for (size_t i = 0; i < n; ++i) {
        if (!strcmp(field, words[i])) return (int)i;
    }
    fail_msg("unknown word in the reference file: %s", field);
    return 0;
}

static size_t next_list(char **cursor, double *values)
{
    char *field = next_field(cursor), *end;
    size_t n = 0;

    for (double value = strtod(field, &end); end != field; value = strtod(field, &end)) {
        assert_true(n < MAX_LIST);
        values[n++] = value;
        field = end;
    }
    return n;
}

static void read_recipe(char *line, reference_recipe *reference)
{
    static const char *const forms[] = {"plain", "texp", "texp++", "texp--"};
    double steps[MAX_LIST];
    texp_recipe *r = &reference->recipe;

    *reference = (reference_recipe){.name = ""};
    strncpy(reference->name, next_field(&line), sizeof(reference->name) - 1);
    r->form = (texp_form)next_word(&line, forms, LENGTH(forms));
    r->base = texp_policy_named(next_field(&line));
    assert_non_null(r->base);
    r->learning_rate = next_number(&line);
    r->momentum = next_number(&line);
    r->decay = next_number(&line);
    r->gamma = next_number(&line);
    r->scale = next_number(&line);
    r->power = next_number(&line);
    r->step = (long)next_number(&line);
    r->burn_in = (long)next_number(&line);
    r->max_batches = (long)next_number(&line);
    r->learning_rate_min = next_number(&line);
    r->sgdr_cycle = (long)next_number(&line);
    r->sgdr_mult = next_number(&line);
    r->momentum_correction = (int)next_number(&line);
    r->n_steps = next_list(&line, steps);
    assert_int_equal(next_list(&line, reference->scales), r->n_steps);
    r->decays = next_list(&line, reference->decays) ? reference->decays : NULL;
    r->steps = reference->steps;
    r->scales = reference->scales;
    for (size_t i = 0; i < r->n_steps; ++i) reference->steps[i] = (long)steps[i];
}

static reference_update read_update(char *line)
{
    reference_update u;

    u.step.update = (long)next_number(&line);
    u.step.base_rate = next_number(&line);
    u.step.base_decay = next_number(&line);
    u.step.alpha = next_number(&line);
    u.s = next_number(&line);
    u.step.scale = next_long_number(&line);
    u.step.next_scale = next_long_number(&line);
    u.step.rate = next_long_number(&line);
    u.step.decay = next_long_number(&line);
    return u;
}

/* ---- how far rounding may carry the numbers of an update ---- */

static int is_base(const texp_recipe *r, const char *name)
{
    return r->base == texp_policy_named(name);
}

/* Relative error of eta_k: one UNIT an operation, two for a call of libm, and the argument's error as often as the
 * function magnifies it: |arg| for exp, power for pow. In the squared cosine of y <= pi/4 that is 2 y tan y, or 1.6,
 * times the 3 roundings of y, in the squared sine 2 y cot y, or 2, times; with the operations after them, 16 hold. */
static double rate_error(const texp_recipe *r, long k)
{
    if (k < r->burn_in) return (r->power + 4) * UNIT;
    if (is_base(r, "constant")) return 0;
    if (is_base(r, "steps")) return (double)r->n_steps * UNIT;
    if (is_base(r, "poly")) return (r->power + 4) * UNIT;
    if (is_base(r, "sigmoid")) return (r->gamma * (double)labs(k - r->step) + 6) * UNIT;
    if (is_base(r, "cosine")) return 16 * UNIT;
    if (is_base(r, "sgdr")) return 20 * UNIT;
    return 4 * UNIT;
}

typedef struct {
    double rate, fold, s, alpha; /* rate, fold, s: relative to the largest so far; alpha: absolute */
    long double scale, folded_rate; /* relative */
    long double decay; /* absolute */
} tolerances;

/*
 * x = eta lambda moves 1 - alpha by dx/(1 - gamma/alpha^2) (differentiate alpha^2 - (1 + gamma - x) alpha + gamma = 0);
 * texp++ carries an error of s on by the factor gamma/alpha^2, whose geometric series is the same number. So the folds
 * are wrong by `amplified` times the errors of eta and lambda and about 8 operations, relative to the largest fold.
 * ln P sums the folds, and with them that error (1.1: alpha > 0.9 in every recipe here); after a fall of lambda texp++
 * still carries the error of its largest s, for 1/(1 - gamma) updates. Each update adds a subtraction and a division in
 * long double to P, and the file's number is rounded once. The momentum correction is a difference of two s, over P^2;
 * the oracle's own keeps 30 digits of lambda, or more, when it cancels to 0.
 */
static tolerances tolerance(const texp_recipe *r, const reference_update *u, double largest_rate, double largest_s)
{
    double amplified = 1 / (1 - r->momentum / (u->step.alpha * u->step.alpha));
    double list_error = r->decays ? (double)r->n_steps * UNIT : 0;
    double rate = fmax(rate_error(r, u->step.update), rate_error(r, 1));
    tolerances t = {.rate = rate_error(r, u->step.update)};

    t.fold = amplified * (rate + list_error + 8 * UNIT);
    t.s = t.fold + 4 * UNIT;
    t.alpha = u->step.base_rate * largest_s * t.s + UNIT;
    t.scale = 1.1L * t.fold * (logl(u->step.next_scale) + largest_rate * largest_s / (1 - r->momentum)) +
              (long double)(u->step.update + 1) * LDBL_EPSILON;
    t.folded_rate = 2 * t.scale + rate + 2 * LDBL_EPSILON;
    t.decay = r->momentum * 2 * largest_s * t.s / u->step.scale / u->step.scale +
              fabsl(u->step.decay) * (2 * t.scale + 4 * UNIT) +
              1e-30L * u->step.base_decay / u->step.scale / u->step.scale;
    return t;
}

typedef struct {
    const char *what;
    long double worst; /* error over tolerance */
} measure;

enum { BASE_RATE, BASE_DECAY, ALPHA, S, SCALE, RATE, DECAY, N_MEASURES };

static void near(measure *m, const reference_recipe *reference, long k, long double value, long double expected,
                 long double allowed)
{
    long double error = fabsl(value - expected);

    if (!(error <= allowed)) {
        fail_msg("%s: %s of update %ld is %.21Lg, expected %.21Lg, off by %.3Lg, allowed %.3Lg", reference->name,
                 m->what, k, value, expected, error, allowed);
    }
    if (allowed > 0 && error / allowed > m->worst) m->worst = error / allowed;
}

static void compare(measure *m, const reference_recipe *reference, const texp_schedule *schedule, const texp_step *step,
                    const reference_update *u, const tolerances *t, double largest_s)
{
    const texp_step *e = &u->step;
    long k = e->update;

    assert_int_equal(step->update, k);
    near(&m[BASE_RATE], reference, k, step->base_rate, e->base_rate, t->rate * e->base_rate);
    near(&m[BASE_DECAY], reference, k, step->base_decay, e->base_decay, MAX_LIST * UNIT * e->base_decay);
    near(&m[ALPHA], reference, k, step->alpha, e->alpha, t->alpha);
    near(&m[S], reference, k, schedule->s, u->s, t->s * largest_s);
    near(&m[SCALE], reference, k, step->scale, e->scale, t->scale * e->scale);
    near(&m[SCALE], reference, k, step->next_scale, e->next_scale, t->scale * e->next_scale);
    near(&m[RATE], reference, k, step->rate, e->rate, t->folded_rate * e->rate);
    near(&m[DECAY], reference, k, step->decay, e->decay, t->decay);
    assert_true(texp_base_rate(&reference->recipe, k) == step->base_rate);
    assert_true(texp_base_decay(&reference->recipe, k) == step->base_decay);
}

static void print_worst(const measure *m)
{
    print_message("    largest error as a part of its tolerance:");
    for (int i = 0; i < N_MEASURES; ++i) print_message(" %s %.2Lf", m[i].what, m[i].worst);
    print_message("\n");
}

/* All updates of the file under one form. A file cut short must not pass: the counts of what schedule.py writes. */
static void compare_form(texp_form form, int correction, int recipes_expected)
{
    measure m[N_MEASURES] = {{"eta", 0}, {"lambda", 0}, {"alpha", 0}, {"s", 0}, {"P", 0}, {"rate", 0}, {"decay", 0}};
    FILE *file = fopen(TEXP_REFERENCE_DIR "/schedule.csv", "r");
    int recipes = 0, wanted = 0;
    double largest_rate = 0, largest_s = 0;
    static reference_recipe reference; /* static: the schedule borrows its lists */
    texp_schedule schedule;
    texp_finding finding;
    char line[1024], *cursor;

    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        assert_non_null(strchr(line, '\n'));
        cursor = line;
        if (!strcmp(next_field(&cursor), "recipe")) {
            read_recipe(cursor, &reference);
            wanted = reference.recipe.form == form && reference.recipe.momentum_correction == correction;
            if (!wanted) continue;
            ++recipes;
            largest_rate = largest_s = 0;
            assert_int_equal(texp_recipe_check(&reference.recipe, &finding), TEXP_OK);
            texp_schedule_start(&schedule, &reference.recipe);
        } else if (wanted) {
            reference_update u = read_update(cursor);
            largest_rate = fmax(largest_rate, u.step.base_rate);
            largest_s = fmax(largest_s, u.s);
            tolerances t = tolerance(&reference.recipe, &u, largest_rate, largest_s);
            texp_schedule_seek(&schedule, u.step.update - 1);
            texp_step step = texp_schedule_next(&schedule);
            compare(m, &reference, &schedule, &step, &u, &t, largest_s);
        }
    }
    fclose(file);
    assert_int_equal(recipes, recipes_expected);
    assert_int_equal(wanted ? schedule.update : reference.recipe.max_batches, reference.recipe.max_batches);
    print_worst(m);
}

static void base_schedules_are_those_of_darknet_and_its_fork(void **state)
{
    (void)state;
    compare_form(TEXP_PLAIN, 0, 46);
}

static void texp_is_the_papers_equation_6_over_every_base(void **state)
{
    (void)state;
    compare_form(TEXP_TEXP, 0, 45);
}

static void texp_with_momentum_correction_is_theorem_2_12_over_every_base(void **state)
{
    (void)state;
    compare_form(TEXP_TEXP, 1, 48);
}

static void texp_pp_is_the_papers_equation_7_over_every_base(void **state)
{
    (void)state;
    compare_form(TEXP_PP, 0, 49);
}

static void texp_mm_is_the_papers_equation_8_over_every_base(void **state)
{
    (void)state;
    compare_form(TEXP_MM, 0, 46);
}

/* ---- closed forms ---- */

static texp_step step_at(texp_recipe *recipe, long k)
{
    texp_schedule schedule;

    texp_schedule_start(&schedule, recipe);
    texp_schedule_seek(&schedule, k - 1);
    return texp_schedule_next(&schedule);
}

static void assert_near(long double value, long double expected, long double relative)
{
    if (!(fabsl(value - expected) <= relative * fabsl(expected))) {
        fail_msg("%.21Lg is not %.21Lg to %.3Lg", value, expected, relative);
    }
}

/* fold's error, 4 UNIT without amplification, 2k times in the exponent; 2k roundings of long double; powl likewise. */
static long double grown_tolerance(long double fold, long k)
{
    return 2 * (long double)k * (4 * UNIT * fold + 2 * LDBL_EPSILON);
}

static void constant_base_without_momentum_grows_as_theorem_2_1_says(void **state)
{
    static const texp_form forms[] = {TEXP_TEXP, TEXP_PP, TEXP_MM};
    static const long ks[] = {1, 2, 391, 62500};

    (void)state;
    for (size_t i = 0; i < LENGTH(forms) * LENGTH(ks); ++i) {
        texp_recipe r = standard(forms[i / LENGTH(ks)], "constant");
        long k = ks[i % LENGTH(ks)];
        long double x = (long double)r.learning_rate * r.decay;

        r.momentum = 0;
        r.momentum_correction = 1;
        texp_step step = step_at(&r, k);
        assert_near(step.rate, r.learning_rate * powl(1 - x, 1 - 2 * (long double)k), grown_tolerance(x, k));
        assert_true(step.decay == 0);
    }
}

/* The larger root by the school formula, in long double: it loses 3 digits of 19. */
static long double school_root(const texp_recipe *r)
{
    long double b = 1 + (long double)r->momentum - (long double)r->learning_rate * r->decay;

    return (b + sqrtl(b * b - 4 * (long double)r->momentum)) / 2;
}

static void constant_base_with_momentum_grows_as_theorem_2_9_says(void **state)
{
    static const long ks[] = {1, 2, 391, 62500, 1000000};

    (void)state;
    for (size_t i = 0; i < LENGTH(ks); ++i) {
        texp_recipe r = standard(TEXP_TEXP, "constant");
        long double alpha = school_root(&r);
        /* fold: 10 times amplified, see tolerance(); alpha: 10 LDBL_EPSILON of the school formula. */
        long double allowed = 10 * grown_tolerance(1 - alpha, ks[i]) + 20 * (long double)ks[i] * LDBL_EPSILON;
        assert_near(step_at(&r, ks[i]).rate, r.learning_rate * powl(alpha, 1 - 2 * (long double)ks[i]), allowed);
    }
}

static void rate_grows_1_481_an_epoch_as_figure_1_says(void **state)
{
    texp_recipe r = standard(TEXP_TEXP, "constant");
    long double growth = step_at(&r, 40 * 391 + 1).rate / step_at(&r, 39 * 391 + 1).rate;

    (void)state;
    assert_near(growth, 1.481L, 0.0005L / 1.481L); /* as many digits as the figure has */
    r.form = TEXP_PP; /* whose alpha tends to the same root: 0.9^15640 is nothing */
    assert_near(step_at(&r, 40 * 391 + 1).rate / step_at(&r, 39 * 391 + 1).rate, growth, 1e-12L);
}

/* alpha of texp++ starts at 1 - eta lambda; the distance to the root shrinks by gamma/alpha^2 < .9011 an update. */
static void texp_pp_of_a_constant_base_tends_to_texp(void **state)
{
    texp_recipe r = standard(TEXP_PP, "constant");
    double root = (double)school_root(&r);

    (void)state;
    assert_near(step_at(&r, 1).alpha, 1 - r.learning_rate * r.decay, UNIT);
    assert_true(fabs(step_at(&r, 30).alpha - root) > 1e-6);
    assert_near(step_at(&r, 400).alpha, root, 2 * UNIT + pow(.9011, 400));
}

/*
 * Weights held at 2^-m of what they are take the same steps w <- w - rate (gradient + decay w), the gradient being 2^m times
 * as large, where rate is 4^-m and decay 4^m of theirs: not a bit is lost. The m of each update holds them nearest to 1.
 */
static void powers_of_two_keep_weights_nearest_to_1_and_the_product_of_rate_and_decay(void **state)
{
    static const long steps[] = {20000, 40000};
    static const double scales[] = {.1, .1};
    texp_recipe r = standard(TEXP_TEXP, "steps");
    texp_schedule s;
    long doublings = 0;
    int decays = 0;

    (void)state;
    r.momentum_correction = 1;
    r.n_steps = 2;
    r.steps = steps;
    r.scales = scales;
    texp_schedule_start(&s, &r);
    for (long k = 1; k <= 50000; ++k) {
        texp_step step = texp_schedule_next(&s);
        long double held = texp_held_scale(step.next_scale, step.next_doublings), quarter = powl(4, -doublings);
        assert_int_equal(step.doublings, doublings);
        assert_true(step.held_rate == step.rate * quarter);
        assert_true(step.held_decay * quarter == step.decay);
        assert_true(held >= sqrtl(.5L) && held < sqrtl(2));
        decays += doublings > 0 && step.decay != 0;
        doublings = step.next_doublings;
    }
    assert_true(doublings > 10 && decays == 2);
}

/* texp-- of rates eta_k is texp of the constant rate eta_1 with decays lambda eta_k/eta_1: same products, same numbers.
 * The two products differ by roundings, 4 UNIT; amplified tenfold, in ln P = sum of folds < 10. */
static void texp_mm_equals_texp_of_its_constant_rate_recipe(void **state)
{
    static const long steps[] = {8000, 12000};
    static const double drops[] = {.1, .1}, ones[] = {1, 1};
    texp_recipe mm = standard(TEXP_MM, "steps"), texp = standard(TEXP_TEXP, "steps");

    (void)state;
    mm.max_batches = texp.max_batches = 16000;
    mm.n_steps = texp.n_steps = 2;
    mm.steps = texp.steps = steps;
    mm.scales = texp.decays = drops;
    texp.scales = ones;
    for (long k = 1; k <= 16000; k += 1333) {
        texp_step a = step_at(&mm, k), b = step_at(&texp, k);
        assert_near(a.rate, b.rate, 2 * 10 * (4 * UNIT * 10) + (long double)k * LDBL_EPSILON);
        assert_true(a.decay == 0 && b.decay == 0);
    }
}

/* ---- the root ---- */

static void root_slope_solves_the_quadratic(void **state)
{
    static const double momenta[] = {0, .1, .5, .9, .99}, parts[] = {1e-12, 1e-3, .1, .5, .9};

    (void)state;
    for (size_t i = 0; i < LENGTH(momenta) * LENGTH(parts); ++i) {
        double m = momenta[i / LENGTH(parts)], part = parts[i % LENGTH(parts)];
        double decay = part * pow(1 - sqrt(m), 2), slope = texp_root_slope(1, decay, m);
        long double z = 1 - (long double)slope;
        /* slope's 8 operations, magnified by limit/(limit - x) <= 10 through the root; then the sum of terms <= 4. */
        assert_true(fabsl(z * z - (1 + (long double)m - decay) * z + m) <= 80 * UNIT * slope * 4 + 4 * LDBL_EPSILON);
        assert_true(z >= sqrtl(m)); /* the larger of two roots whose product is m */
    }
}

static void root_slope_is_exact_at_rate_zero(void **state)
{
    (void)state;
    assert_near(texp_root_slope(0, .0005, .9), .0005L / (1 - (long double)0.9), 4 * UNIT);
    assert_near(texp_root_slope(1e-300, .0005, .9), .0005L / (1 - (long double)0.9), 4 * UNIT);
    assert_true(texp_root_slope(0, 0, .9) == 0);
    assert_true(texp_root_slope(.1, 0, .9) == 0);
}

/* At the limit both roots are sqrt(momentum); a rounding of the product moves them by sqrt(UNIT limit 4) or so. */
static void root_ends_at_the_square_root_of_momentum(void **state)
{
    double limit = pow(1 - sqrt(.9), 2), below = limit * (1 - 1e-14);

    (void)state;
    assert_near(1 - texp_root_slope(1, below, .9), sqrt(.9), 2e-8);
    assert_true(isnan(texp_root_slope(1, limit * (1 + 1e-14), .9)));
    assert_true(isnan(texp_root_slope(INFINITY, .1, .9)));
}

/* ---- decay and correction ---- */

static void correction_is_nonzero_only_where_a_phase_starts(void **state)
{
    static const long steps[] = {10, 20};
    static const double scales[] = {.1, 1}, decays[] = {1, .5};
    texp_recipe r = standard(TEXP_TEXP, "steps");
    texp_schedule schedule;

    (void)state;
    r.n_steps = 2;
    r.steps = steps;
    r.scales = scales;
    r.decays = decays;
    r.momentum_correction = 1;
    texp_schedule_start(&schedule, &r);
    for (long k = 1; k <= 30; ++k) {
        int starts = k == 1 || k == 10 || k == 20;
        assert_int_equal(texp_schedule_next(&schedule).decay != 0, starts);
    }
    /* The first is lambda - (1-alpha)/eta: the momentum that the base recipe has not yet built up. */
    assert_near(step_at(&r, 1).decay, r.decay - texp_root_slope(.1, r.decay, .9), 20 * UNIT);
}

static void texp_pp_and_texp_mm_have_no_decay_whatever_the_correction(void **state)
{
    texp_recipe pp = standard(TEXP_PP, "cosine"), mm = standard(TEXP_MM, "cosine");

    (void)state;
    pp.momentum_correction = mm.momentum_correction = 1;
    for (long k = 1; k <= 5; ++k) assert_true(step_at(&pp, k).decay == 0 && step_at(&mm, k).decay == 0);
}

static void without_decay_every_form_is_the_base(void **state)
{
    (void)state;
    for (int form = TEXP_PLAIN; form <= TEXP_MM; ++form) {
        texp_recipe r = standard((texp_form)form, "constant");
        r.decay = 0;
        r.momentum_correction = 1;
        texp_step step = step_at(&r, 1000);
        assert_true(step.alpha == 1 && step.scale == 1 && step.rate == r.learning_rate && step.decay == 0);
    }
}

/* ---- Darknet's own counting ---- */

static void rates_change_at_darknets_updates(void **state)
{
    static const long steps[] = {100};
    static const double scales[] = {.5};
    texp_recipe r = standard(TEXP_PLAIN, "steps");

    (void)state;
    r.n_steps = 1;
    r.steps = steps;
    r.scales = scales;
    assert_true(texp_base_rate(&r, 99) == .1 && texp_base_rate(&r, 100) == .1 * .5);
    r.burn_in = 200; /* before the policy is looked at, and not at k = burn_in */
    assert_near(texp_base_rate(&r, 100), .1 * pow(.5, 4), 4 * UNIT);
    assert_true(texp_base_rate(&r, 200) == .1 * .5);

    r = standard(TEXP_PLAIN, "step");
    r.step = 10;
    r.scale = .5;
    assert_true(texp_base_rate(&r, 9) == .1 && texp_base_rate(&r, 10) == .1 * .5);

    r = standard(TEXP_PLAIN, "cosine");
    r.step = 391;
    assert_true(texp_base_rate(&r, 391) == .1 && texp_base_rate(&r, 392) < .1);
    assert_true(texp_base_rate(&r, 392) == texp_base_rate(&r, 782));
}

static void poly_and_cosine_end_and_stay_at_zero(void **state)
{
    texp_recipe r = standard(TEXP_PP, "poly");

    (void)state;
    assert_true(texp_base_rate(&r, r.max_batches) == 0 && texp_base_rate(&r, r.max_batches + 9) == 0);
    texp_step last = step_at(&r, r.max_batches);
    assert_true(last.rate == 0 && last.alpha == 1 && last.decay == 0 && last.scale > 1);
    r.base = texp_policy_named("cosine");
    assert_true(texp_base_rate(&r, r.max_batches) > 0);
    assert_true(texp_base_rate(&r, r.max_batches + 1) == 0 && texp_base_rate(&r, r.max_batches + 9) == 0);
}

static void random_rates_come_from_seed_and_update_alone(void **state)
{
    texp_recipe r = standard(TEXP_PLAIN, "random"), other = r;
    double sum = 0, value;
    int same = 0;

    (void)state;
    r.power = other.power = 1;
    other.seed = 1;
    for (long k = 1; k <= 10000; ++k) {
        value = texp_base_rate(&r, k);
        assert_true(value >= 0 && value < .1);
        assert_true(value == texp_base_rate(&r, k));
        same += value == texp_base_rate(&other, k);
        sum += value;
    }
    assert_int_equal(same, 0);
    /* Mean .05, standard deviation .1/sqrt(12 n): six of them. */
    assert_true(fabs(sum / 10000 - .05) < 6 * .1 / sqrt(12. * 10000));
}

/* ---- seeking ---- */

static void seek_gives_the_numbers_of_stepping_to_the_bit(void **state)
{
    static const texp_form forms[] = {TEXP_PLAIN, TEXP_TEXP, TEXP_PP, TEXP_MM};
    texp_schedule walked, sought;

    (void)state;
    for (size_t f = 0; f < LENGTH(forms); ++f) {
        texp_recipe r = standard(forms[f], "cosine");
        r.momentum_correction = r.burn_in = 50;
        texp_schedule_start(&walked, &r);
        texp_schedule_start(&sought, &r);
        texp_schedule_seek(&sought, 500);
        for (long k = 1; k <= 300; ++k) {
            texp_step a = texp_schedule_next(&walked), b;
            texp_schedule_seek(&sought, k - 1); /* back from beyond the first time */
            b = texp_schedule_next(&sought);
            assert_true(a.update == k && b.update == k && a.rate == b.rate && a.decay == b.decay);
            assert_true(a.alpha == b.alpha && a.scale == b.scale && a.next_scale == b.next_scale);
            assert_true(walked.s == sought.s && walked.first_rate == sought.first_rate);
        }
    }
}

/* ---- what is refused ---- */

static void assert_refused(const texp_recipe *recipe, texp_status status, const char *key)
{
    texp_finding finding;

    assert_int_equal(texp_recipe_check(recipe, &finding), status);
    assert_int_equal(finding.status, status);
    assert_string_equal(finding.key, key);
}

static void assert_passes(const texp_recipe *recipe)
{
    texp_finding finding;

    assert_int_equal(texp_recipe_check(recipe, &finding), TEXP_OK);
    assert_true(finding.status == TEXP_OK && !finding.key && finding.update == 0 && finding.largest_decay == 0);
}

/* Sets one field of a good recipe to each bad value, expects the refusal, and sets it back. */
static void assert_refuses_values(texp_recipe *r, double *field, const double *bad, size_t n, texp_status status,
                                  const char *key)
{
    double good = *field;

    assert_passes(r);
    for (size_t i = 0; i < n; ++i) {
        *field = bad[i];
        assert_refused(r, status, key);
    }
    *field = good;
}

static const double no_numbers[] = {-1e-9, -INFINITY, INFINITY, NAN};

static void bad_rates_are_refused(void **state)
{
    texp_recipe r = standard(TEXP_PLAIN, "constant");

    (void)state;
    assert_refuses_values(&r, &r.learning_rate, no_numbers, 4, TEXP_BAD_RATE, "learning_rate");
    r.learning_rate = 0;
    assert_passes(&r);
    r = standard(TEXP_PLAIN, "step");
    assert_refuses_values(&r, &r.scale, no_numbers, 4, TEXP_BAD_RATE, "scale");
    r = standard(TEXP_PLAIN, "exp");
    assert_refuses_values(&r, &r.gamma, no_numbers, 4, TEXP_BAD_RATE, "gamma");
    r = standard(TEXP_PLAIN, "sigmoid");
    assert_refuses_values(&r, &r.gamma, no_numbers, 4, TEXP_BAD_RATE, "gamma");
    r = standard(TEXP_PLAIN, "poly");
    assert_refuses_values(&r, &r.power, no_numbers, 4, TEXP_BAD_RATE, "power");
    r = standard(TEXP_PLAIN, "random");
    assert_refuses_values(&r, &r.power, no_numbers, 4, TEXP_BAD_RATE, "power");
    r = standard(TEXP_PLAIN, "constant");
    r.burn_in = 5;
    assert_refuses_values(&r, &r.power, no_numbers, 4, TEXP_BAD_RATE, "power");
    r = standard(TEXP_PLAIN, "sgdr");
    assert_refuses_values(&r, &r.learning_rate_min, no_numbers, 4, TEXP_BAD_RATE, "learning_rate_min");
}

static void a_folded_rate_that_overflows_is_refused_at_its_update(void **state)
{
    texp_recipe r = standard(TEXP_PP, "exp");
    texp_finding finding;

    (void)state;
    r.gamma = 1.1;
    r.decay = 0;
    assert_int_equal(texp_recipe_check(&r, &finding), TEXP_BAD_RATE);
    assert_string_equal(finding.key, "gamma");
    assert_true(isfinite(texp_base_rate(&r, finding.update - 1)) && isinf(texp_base_rate(&r, finding.update)));
}

static void keys_of_other_bases_are_not_looked_at(void **state)
{
    texp_recipe r = standard(TEXP_PP, "constant");

    (void)state;
    r.gamma = r.scale = r.power = r.learning_rate_min = r.sgdr_mult = NAN;
    r.step = r.sgdr_cycle = -1;
    assert_passes(&r);
}

static void bad_momentum_and_decay_are_refused(void **state)
{
    static const double momenta[] = {-1e-9, 1, 1.5, INFINITY, NAN};
    texp_recipe r = standard(TEXP_PLAIN, "constant");

    (void)state;
    assert_refuses_values(&r, &r.momentum, momenta, LENGTH(momenta), TEXP_BAD_MOMENTUM, "momentum");
    assert_refuses_values(&r, &r.decay, no_numbers, 4, TEXP_BAD_DECAY, "decay");
    r.momentum = r.decay = 0;
    assert_passes(&r);
}

static void bad_lists_are_refused(void **state)
{
    long steps[] = {10, 20, 30};
    double scales[] = {.1, .1, .1}, decays[] = {.5, .5, .5};
    texp_recipe r = standard(TEXP_PP, "steps"), empty = r;

    (void)state;
    assert_refused(&empty, TEXP_BAD_STEPS, "steps");
    r.n_steps = 3;
    r.steps = steps;
    r.scales = scales;
    assert_passes(&r);
    r.decays = decays;
    assert_refuses_values(&r, &scales[2], no_numbers, 4, TEXP_BAD_RATE, "scales");
    assert_refuses_values(&r, &decays[2], no_numbers, 4, TEXP_BAD_DECAY, "decays");
    steps[2] = 20;
    assert_refused(&r, TEXP_BAD_STEPS, "steps");
    steps[2] = 19;
    assert_refused(&r, TEXP_BAD_STEPS, "steps");
    steps[2] = 30;
    steps[0] = -1; /* as in yolov2-tiny-voc.cfg: in force from the first update on */
    assert_passes(&r);
    assert_true(texp_base_rate(&r, 1) == .1 * .1 && texp_base_decay(&r, 1) == .0005 * .5);
    steps[0] = 10;
    r.scales = NULL;
    assert_refused(&r, TEXP_BAD_STEPS, "scales");
    r.scales = scales;
    r.n_steps = 0;
    assert_refused(&r, TEXP_BAD_STEPS, "steps");
}

static void assert_refuses_period(texp_recipe *r, long *field, long bad, const char *key)
{
    long good = *field;

    assert_passes(r);
    *field = bad;
    assert_refused(r, TEXP_BAD_PERIOD, key);
    *field = good;
}

static void bad_periods_are_refused(void **state)
{
    static const double mults[] = {.999, 0, -1, INFINITY, NAN};
    texp_recipe r = standard(TEXP_PLAIN, "constant");

    (void)state;
    assert_refuses_period(&r, &r.burn_in, -1, "burn_in");
    assert_refuses_period(&r, &r.max_batches, -1, "max_batches");
    r.base = texp_policy_named("step");
    assert_refuses_period(&r, &r.step, 0, "step");
    r.base = texp_policy_named("sigmoid"); /* its step is a place, not a period: 0 will do */
    assert_refuses_period(&r, &r.step, -1, "step");
    r.step = 0;
    assert_passes(&r);
    r.step = 1;
    r.base = texp_policy_named("cosine");
    assert_refuses_period(&r, &r.step, 0, "step");
    r.base = texp_policy_named("sgdr");
    assert_refuses_period(&r, &r.sgdr_cycle, -1, "sgdr_cycle");
    assert_refuses_values(&r, &r.sgdr_mult, mults, LENGTH(mults), TEXP_BAD_PERIOD, "sgdr_mult");
}

static void bases_that_need_an_end_are_refused_without(void **state)
{
    texp_recipe r = standard(TEXP_PLAIN, "poly");

    (void)state;
    r.max_batches = 0;
    assert_refused(&r, TEXP_NEEDS_MAX_BATCHES, "max_batches");
    r.base = texp_policy_named("cosine");
    assert_refused(&r, TEXP_NEEDS_MAX_BATCHES, "max_batches");
    r.base = texp_policy_named("sgdr");
    assert_refused(&r, TEXP_NEEDS_MAX_BATCHES, "max_batches");
    r.sgdr_cycle = 100;
    assert_passes(&r);

    r.base = texp_policy_named("exp");
    r.gamma = 1 + 1e-9;
    assert_passes(&r);
    r.form = TEXP_PP; /* no decay > 0 would do for ever */
    assert_refused(&r, TEXP_NEEDS_MAX_BATCHES, "max_batches");
    r.gamma = 1;
    assert_passes(&r);
    r.base = texp_policy_named("step");
    r.scale = 1 + 1e-9;
    assert_refused(&r, TEXP_NEEDS_MAX_BATCHES, "max_batches");
    r.scale = 1;
    assert_passes(&r);
}

/* The finding of COMPLEX_ROOTS names the largest product, the limit, and a decay of which a little more is refused. */
static void assert_complex_roots(texp_recipe r, double product, long update)
{
    double root = 1 - sqrt(r.momentum);
    texp_finding finding, other;

    assert_int_equal(texp_recipe_check(&r, &finding), TEXP_COMPLEX_ROOTS);
    assert_string_equal(finding.key, "decay");
    assert_int_equal(finding.update, update);
    assert_near(finding.product, product, 32 * UNIT);
    assert_near(finding.limit, root * root, 2 * UNIT / root + 4 * UNIT); /* the square's cancellation is this test's */
    assert_near(finding.largest_decay, r.decay * finding.limit / finding.product, 16 * UNIT);
    r.decay = finding.largest_decay;
    assert_passes(&r);
    r.decay = finding.largest_decay * (1 + 16 * UNIT);
    assert_int_equal(texp_recipe_check(&r, &other), TEXP_COMPLEX_ROOTS);
}

static void rates_times_decays_beyond_remark_2_10_are_refused(void **state)
{
    static const texp_form forms[] = {TEXP_TEXP, TEXP_PP, TEXP_MM};
    static const long steps[] = {10, 20};
    static const double scales[] = {100, .1}, decays[] = {3, 3};
    texp_recipe r = standard(TEXP_PLAIN, "constant");

    (void)state;
    r.max_batches = 1000;
    r.decay = .05;
    assert_passes(&r);
    for (size_t i = 0; i < LENGTH(forms); ++i) {
        r = standard(forms[i], "constant");
        r.max_batches = 1000;
        r.decay = .05;
        assert_complex_roots(r, .1 * .05, 1);
        r.burn_in = 100; /* reaches the rate only then */
        assert_complex_roots(r, .1 * .05, 100);
        r.momentum = .5; /* limit .0858 */
        r.decay = 1;
        assert_complex_roots(r, .1, 100);
        r = standard(forms[i], "steps");
        r.max_batches = 1000;
        r.n_steps = 2;
        r.steps = steps;
        r.scales = scales;
        r.decays = decays;
        assert_complex_roots(r, .1 * 100 * .0005 * 3, 10);
        r.max_batches = 9; /* the rise comes after the end */
        assert_passes(&r);
    }
}

static void largest_decay_holds_for_a_thousand_recipes_to_the_last_bits(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; ++i) {
        texp_recipe r = standard(TEXP_TEXP, "constant");
        r.max_batches = 2;
        r.learning_rate = .1 + .001 * i;
        r.decay = .1 + .0007 * i;
        assert_complex_roots(r, r.learning_rate * r.decay, 1);
    }
}

/* Momentum 1/4: both roots 1/2 at the limit 1/4, all numbers exact. Momentum 0: the root is 0 at the limit 1. */
static void the_limit_itself_passes_unless_the_root_is_zero(void **state)
{
    texp_recipe r = standard(TEXP_TEXP, "constant");
    texp_finding finding;

    (void)state;
    r.max_batches = 1000;
    r.momentum = .25;
    r.learning_rate = r.decay = .5;
    assert_passes(&r);
    assert_true(step_at(&r, 1).alpha == .5 && step_at(&r, 3).scale == 4);
    r.momentum = 0;
    r.decay = 2;
    assert_int_equal(texp_recipe_check(&r, &finding), TEXP_NEGATIVE_ALPHA);
}

static void endless_recipes_are_walked_to_their_largest_rate(void **state)
{
    static const long steps[] = {10000};
    static const double scales[] = {100};
    texp_recipe r = standard(TEXP_PP, "steps");
    double limit = pow(1 - sqrt(.9), 2);
    texp_finding finding;

    (void)state;
    r.max_batches = 0;
    r.n_steps = 1;
    r.steps = steps;
    r.scales = scales;
    assert_complex_roots(r, .1 * 100 * .0005, 10000);
    r = standard(TEXP_TEXP, "constant");
    r.max_batches = 0;
    r.decay = 1;
    r.burn_in = 5000;
    r.power = 1000; /* nothing before the last few updates of burn_in: the largest is at its end */
    assert_complex_roots(r, .1, 5000);
    r = standard(TEXP_TEXP, "sgdr");
    r.max_batches = 0;
    r.sgdr_cycle = 1; /* the first cycle starts at its end, rate 0; the later ones come near learning_rate */
    r.decay = limit / .1 * 1.001;
    assert_int_equal(texp_recipe_check(&r, &finding), TEXP_COMPLEX_ROOTS);
    assert_near(finding.largest_decay, limit / .1, 1e-12);
    r.decay = limit / .1 * .999;
    assert_passes(&r);
    r.decay = 1000;
    r.max_batches = 1; /* that first update alone */
    assert_passes(&r);
    r.max_batches = 0;
    r.sgdr_mult = 1; /* every cycle one update, at its end: rate 0 for ever */
    assert_passes(&r);
    r.sgdr_cycle = 100;
    r.burn_in = 150; /* ends in the middle of a cycle: the largest rate starts the next */
    r.decay = 1;
    assert_complex_roots(r, .1 * pow(cos(atan(1) / 50), 2), 201);
    r.base = texp_policy_named("random");
    assert_int_equal(texp_recipe_check(&r, &finding), TEXP_COMPLEX_ROOTS);
}

/* Every eta*lambda is .0005 or less, yet texp++ would need a negative alpha: s remembers the large decay when the rate
 * jumps. For texp, which remembers nothing, the recipe is good. */
static void texp_pp_refuses_a_jump_that_the_momentum_remembers(void **state)
{
    static const long steps[] = {100};
    static const double scales[] = {1000}, decays[] = {.001};
    texp_recipe r = standard(TEXP_PP, "steps");
    texp_finding finding;

    (void)state;
    r.max_batches = 1000;
    r.n_steps = 1;
    r.steps = steps;
    r.scales = scales;
    r.decays = decays;
    r.learning_rate = .001;
    r.decay = .5;
    assert_int_equal(texp_recipe_check(&r, &finding), TEXP_NEGATIVE_ALPHA);
    assert_string_equal(finding.key, "decays");
    assert_true(finding.update == 100 && finding.product >= 1 && finding.limit == 1);
    assert_near(finding.product, 1 - step_at(&r, 100).alpha, 0);
    r.decay = finding.largest_decay;
    assert_passes(&r);
    r.decay = finding.largest_decay * (1 + 2e-6);
    assert_int_equal(texp_recipe_check(&r, &finding), TEXP_NEGATIVE_ALPHA);
    r.decay = .5;
    r.form = TEXP_TEXP;
    assert_passes(&r);
}

/* Close to the limit alpha = .95: P^2 passes 1e4932 after ln(1e4932)/2/.0513 = 110,000 updates or so. */
static void runs_beyond_long_double_are_refused(void **state)
{
    texp_recipe r = standard(TEXP_TEXP, "constant");
    texp_finding finding;

    (void)state;
    if (LDBL_MAX_10_EXP > 5000) skip();
    r.decay = .026;
    r.max_batches = 1000000;
    assert_int_equal(texp_recipe_check(&r, &finding), TEXP_OUT_OF_RANGE);
    assert_string_equal(finding.key, "max_batches");
    assert_true(isfinite(step_at(&r, finding.update - 1).rate) && isinf(step_at(&r, finding.update).rate));
    r.max_batches = finding.update - 1;
    assert_passes(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_schedules_are_those_of_darknet_and_its_fork),
        cmocka_unit_test(texp_is_the_papers_equation_6_over_every_base),
        cmocka_unit_test(texp_with_momentum_correction_is_theorem_2_12_over_every_base),
        cmocka_unit_test(texp_pp_is_the_papers_equation_7_over_every_base),
        cmocka_unit_test(texp_mm_is_the_papers_equation_8_over_every_base),
        cmocka_unit_test(constant_base_without_momentum_grows_as_theorem_2_1_says),
        cmocka_unit_test(constant_base_with_momentum_grows_as_theorem_2_9_says),
        cmocka_unit_test(rate_grows_1_481_an_epoch_as_figure_1_says),
        cmocka_unit_test(texp_pp_of_a_constant_base_tends_to_texp),
        cmocka_unit_test(powers_of_two_keep_weights_nearest_to_1_and_the_product_of_rate_and_decay),
        cmocka_unit_test(texp_mm_equals_texp_of_its_constant_rate_recipe),
        cmocka_unit_test(root_slope_solves_the_quadratic),
        cmocka_unit_test(root_slope_is_exact_at_rate_zero),
        cmocka_unit_test(root_ends_at_the_square_root_of_momentum),
        cmocka_unit_test(correction_is_nonzero_only_where_a_phase_starts),
        cmocka_unit_test(texp_pp_and_texp_mm_have_no_decay_whatever_the_correction),
        cmocka_unit_test(without_decay_every_form_is_the_base),
        cmocka_unit_test(rates_change_at_darknets_updates),
        cmocka_unit_test(poly_and_cosine_end_and_stay_at_zero),
        cmocka_unit_test(random_rates_come_from_seed_and_update_alone),
        cmocka_unit_test(seek_gives_the_numbers_of_stepping_to_the_bit),
        cmocka_unit_test(bad_rates_are_refused),
        cmocka_unit_test(a_folded_rate_that_overflows_is_refused_at_its_update),
        cmocka_unit_test(keys_of_other_bases_are_not_looked_at),
        cmocka_unit_test(bad_momentum_and_decay_are_refused),
        cmocka_unit_test(bad_lists_are_refused),
        cmocka_unit_test(bad_periods_are_refused),
        cmocka_unit_test(bases_that_need_an_end_are_refused_without),
        cmocka_unit_test(rates_times_decays_beyond_remark_2_10_are_refused),
        cmocka_unit_test(largest_decay_holds_for_a_thousand_recipes_to_the_last_bits),
        cmocka_unit_test(the_limit_itself_passes_unless_the_root_is_zero),
        cmocka_unit_test(endless_recipes_are_walked_to_their_largest_rate),
        cmocka_unit_test(texp_pp_refuses_a_jump_that_the_momentum_remembers),
        cmocka_unit_test(runs_beyond_long_double_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
