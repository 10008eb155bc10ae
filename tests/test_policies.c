/*
 * The table of policies: what each row says is held against the rates that its function gives, against Darknet's parser
 * and rates, and against what cfgs and resumed runs are refused for. A new row is tested here without being named.
 */
#include "support.h"

#include "net/checkpoint.h"
#include "net/keys.h"
#include "net/texp_net.h"
#include "theory/recipe_check.h"

#include "parser.h"

learning_rate_policy get_policy(char *s); /* of Darknet's parser */

#define LENGTH(array) (sizeof(array) / sizeof *(array))

enum { END = 100, FAR = 20000 };

static const long some_steps[] = {5, 20}, other_steps[] = {5, 21};
static const double some_scales[] = {.5, .1}, other_scales[] = {.5, .2}, some_decays[] = {.5, .5};

/* A recipe of the row in which every key matters that it uses. */
static texp_recipe recipe_of(const texp_policy *base)
{
    return (texp_recipe){.form = TEXP_PLAIN,
                         .base = base,
                         .learning_rate = .1,
                         .momentum = .9,
                         .decay = .0005,
                         .gamma = .99,
                         .scale = .5,
                         .power = 2,
                         .step = 7,
                         .max_batches = END,
                         .n_steps = 2,
                         .steps = some_steps,
                         .scales = some_scales,
                         .learning_rate_min = .001,
                         .sgdr_cycle = 10,
                         .sgdr_mult = 2};
}

static void each_row(void (*check)(const texp_policy *base))
{
    size_t n = 0;
    for (; texp_policy_at(n); ++n) check(texp_policy_at(n));
    assert_true(n >= 9);
}

static int same_rates(const texp_recipe *a, const texp_recipe *b, long last)
{
    for (long k = 1; k <= last; ++k) {
        if (texp_base_rate(a, k) != texp_base_rate(b, k) || texp_base_decay(a, k) != texp_base_decay(b, k)) return 0;
    }
    return 1;
}

/* ---- rows and rates ---- */

static void is_found_by_its_name(const texp_policy *base)
{
    assert_ptr_equal(texp_policy_named(base->name), base);
    assert_int_equal(texp_form_named(base->name), TEXP_PLAIN);
}

static void each_row_is_found_by_its_name(void **state)
{
    (void)state;
    each_row(is_found_by_its_name);
    assert_null(texp_policy_named("texp++"));
    assert_null(texp_policy_named("step5"));
    for (int form = TEXP_TEXP; form <= TEXP_MM; ++form) {
        assert_int_equal(texp_form_named(texp_form_name((texp_form)form)), form);
    }
}

static void uses_its_keys(const texp_policy *base)
{
    static const struct {
        const char *key;
        size_t field;
        double number;
    } changes[] = {{"gamma", offsetof(texp_recipe, gamma), .98},
                   {"scale", offsetof(texp_recipe, scale), .4},
                   {"power", offsetof(texp_recipe, power), 3},
                   {"learning_rate_min", offsetof(texp_recipe, learning_rate_min), .002},
                   {"sgdr_mult", offsetof(texp_recipe, sgdr_mult), 3}};
    texp_recipe r = recipe_of(base), other;
    for (size_t i = 0; i < LENGTH(changes); ++i) {
        other = r;
        *(double *)((char *)&other + changes[i].field) = changes[i].number;
        if (same_rates(&r, &other, END) != !texp_policy_uses(base, changes[i].key))
            fail_msg("%s and its key %s", base->name, changes[i].key);
    }
    other = r, other.step = 5;
    assert_int_equal(!same_rates(&r, &other, END), texp_policy_uses(base, "step"));
    other = r, other.sgdr_cycle = 9;
    assert_int_equal(!same_rates(&r, &other, END), texp_policy_uses(base, "sgdr_cycle"));
    other = r, other.steps = other_steps;
    assert_int_equal(!same_rates(&r, &other, END), texp_policy_uses(base, "steps"));
    other = r, other.scales = other_scales;
    assert_int_equal(!same_rates(&r, &other, END), texp_policy_uses(base, "scales"));
    other = r, other.decays = some_decays;
    assert_int_equal(!same_rates(&r, &other, END), texp_policy_uses(base, "decays"));
}

static void a_row_names_the_keys_that_change_its_rates_and_no_others(void **state)
{
    (void)state;
    each_row(uses_its_keys);
}

static void uses_its_end(const texp_policy *base)
{
    for (long cycle = 0; cycle <= 10; cycle += 10) {
        texp_recipe r = recipe_of(base), longer;
        r.sgdr_cycle = cycle;
        longer = r, longer.max_batches = 2 * END;
        if (same_rates(&r, &longer, END) != !texp_recipe_uses_end(&r))
            fail_msg("%s, sgdr_cycle=%ld", base->name, cycle);
    }
}

static void a_row_uses_max_batches_where_another_one_changes_its_rates(void **state)
{
    (void)state;
    each_row(uses_its_end);
}

static void grows(const texp_policy *base)
{
    texp_recipe r = recipe_of(base);
    r.max_batches = 0;
    r.gamma = r.scale = 1.01;
    if (texp_recipe_uses_end(&r)) return;
    int without_bound = !(texp_base_rate(&r, FAR) < 1e6 * r.learning_rate);
    assert_int_equal(texp_recipe_needs_end(&r), 0);
    r.form = TEXP_PP;
    if (texp_recipe_needs_end(&r) != without_bound) fail_msg("%s", base->name);
    r.gamma = r.scale = 1;
    assert_int_equal(texp_recipe_needs_end(&r), 0);
}

static void a_row_grows_where_its_rate_passes_every_bound(void **state)
{
    (void)state;
    each_row(grows);
}

/* last: of updates that a check looks at. */
static void stays_below(const texp_policy *base, const texp_recipe *r)
{
    long last = r->burn_in > 1 ? r->burn_in : 1;
    double highest = 0, supremum = base->supremum ? base->supremum(r) : 0, later = 0;
    if (base->highest_until) last = base->highest_until(r, last);
    for (long k = 1; k <= last; ++k) highest = fmax(highest, texp_base_rate(r, k));
    for (long k = last + 1; k <= FAR; ++k) later = fmax(later, texp_base_rate(r, k));
    if (later > fmax(highest, supremum)) fail_msg("%s rises to %g behind update %ld", base->name, later, last);
    /* Of 20,000 draws one lies above .99 but with a chance of e^-100 (power=2); sgdr's later cycles begin nearer. */
    if (supremum) assert_true(fmax(highest, later) > .99 * supremum);
}

static void is_bounded(const texp_policy *base)
{
    texp_recipe r = recipe_of(base);
    r.max_batches = 0;
    if (texp_recipe_uses_end(&r)) return;
    stays_below(base, &r);
    r.scales = (const double[]){.5, 3};
    stays_below(base, &r);
    r.scales = (const double[]){3, .1};
    stays_below(base, &r);
    r.burn_in = 15;
    stays_below(base, &r);
    r.sgdr_mult = 1;
    r.learning_rate_min = .2;
    stays_below(base, &r);
}

static void an_endless_rate_stays_below_what_its_row_says(void **state)
{
    (void)state;
    each_row(is_bounded);
}

/* ---- the table of keys ---- */

static void keys_are_known(const texp_policy *base)
{
    static const texp_key_type types[] = {
        [TEXP_KEY_NUMBER] = TEXP_NUMBER, [TEXP_KEY_WHOLE] = TEXP_WHOLE, [TEXP_KEY_LIST] = TEXP_LIST};
    for (int i = 0; i < TEXP_MOST_POLICY_KEYS && base->keys[i].type; ++i) {
        const texp_policy_key *used = base->keys + i;
        const texp_key *key = texp_net_key_named(used->name);
        if (!key) fail_msg("%s uses %s, which is no key of [net]", base->name, used->name);
        assert_int_equal(key->type, types[used->type]);
        assert_int_equal(key->resume, TEXP_RESUME_REFUSED);
        if (used->type == TEXP_KEY_LIST) continue;
        assert_int_equal(key->offset, offsetof(texp_net, schedule.recipe) + used->field);
        assert_int_equal(key->field, used->type == TEXP_KEY_WHOLE ? TEXP_FIELD_LONG : TEXP_FIELD_DOUBLE);
    }
}

static void each_key_of_a_policy_is_a_key_of_net_and_fills_its_field(void **state)
{
    (void)state;
    each_row(keys_are_known);
}

/* ---- Darknet ---- */

static void is_darknets_own(const texp_policy *base)
{
    hush();
    int known = !strcmp(base->name, "constant") || get_policy((char *)base->name) != CONSTANT;
    speak();
    if (known != base->is_darknets) fail_msg("%s: Darknet's?", base->name);
}

static void a_row_is_darknets_where_its_parser_knows_the_name(void **state)
{
    static const char *const darknets[] = {"constant", "step", "steps", "exp", "poly", "sigmoid", "random"};
    (void)state;
    each_row(is_darknets_own);
    for (size_t i = 0; i < LENGTH(darknets); ++i) assert_non_null(texp_policy_named(darknets[i]));
}

#define BODY "[connected]\noutput=2\nactivation=linear\n"

typedef struct {
    char text[1024];
} lines;

static void append(lines *to, const char *key, const char *value)
{
    size_t length = strlen(to->text);
    snprintf(to->text + length, sizeof to->text - length, "%s=%s\n", key, value);
}

/* The keys that the base uses, but for decays and sgdr_cycle, which are optional. */
static lines keys_of(const texp_policy *base)
{
    lines keys = {""};
    for (int i = 0; i < TEXP_MOST_POLICY_KEYS && base->keys[i].type; ++i) {
        const char *name = base->keys[i].name;
        if (!strcmp(name, "decays") || !strcmp(name, "sgdr_cycle")) continue;
        append(&keys, name,
               !strcmp(name, "steps")       ? "5,20"
               : !strcmp(name, "scales")    ? ".5,.1"
               : !strcmp(name, "step")      ? "7"
               : !strcmp(name, "sgdr_mult") ? "2"
                                            : ".75");
    }
    return keys;
}

static network *network_with(const char *policy, const texp_policy *base, const char *more)
{
    return network_of("[net]\nbatch=1\ninputs=3\nlearning_rate=.1\nmomentum=.9\ndecay=.0005\n%s\n%s\n%s" BODY, policy,
                      more, keys_of(base).text);
}

static network *plain_network(const texp_policy *base, const char *more)
{
    char policy[64];
    snprintf(policy, sizeof policy, "policy=%s", base->name);
    return network_with(policy, base, more);
}

/* Darknet's rate of update k is a float's rounding and that of its powf; (k/T) may lose three digits near T. */
static void rates_are_darknets(const texp_policy *base)
{
    if (!base->is_darknets || base->never_folds) return; /* random: Darknet draws by itself */
    network *net = plain_network(base, "max_batches=100\nburn_in=3");
    const texp_recipe *r = &net->texp->schedule.recipe;
    assert_false(texp_is_ours(net));
    for (long k = 1; k < END; ++k) {
        *net->seen = (size_t)k;
        assert_below(fabs(get_current_rate(net) - texp_base_rate(r, k)), 1e-4 * texp_base_rate(r, k) + 1e-12);
    }
    free_network(net);
}

static void the_rates_of_darknets_policies_are_those_that_it_computes(void **state)
{
    (void)state;
    each_row(rates_are_darknets);
}

/* ---- rates of layers' own ---- */

/* One convolution trains, its own factor times the rates of [net] being the same whatever the factor: a power of two,
 * as then no product is rounded. */
static network *with_own_rate(const char *policy, const texp_policy *base, double factor)
{
    char lowest[64] = "";
    if (texp_policy_uses(base, "learning_rate_min"))
        snprintf(lowest, sizeof lowest, "learning_rate_min=%.17g", .02 / factor);
    network *net = network_of("[net]\nbatch=2\nheight=6\nwidth=6\nchannels=2\nseed=7\naffine=0\nmomentum=.9\n"
                              "learning_rate=%.17g\n%s\ndecay=.01\nmax_batches=40\n%s%s\n%s"
                              "[convolutional]\nfilters=3\nsize=3\nbatch_normalize=1\nactivation=leaky\n"
                              "learning_rate=%.17g\n[connected]\noutput=2\nactivation=linear\nfixed=1\n[softmax]\n",
                              .1 / factor, lowest, policy, base->name, keys_of(base).text, factor);
    for (int k = 1; k <= 30; ++k) {
        set_batch(net, (uint64_t)k);
        train_network_datum(net);
    }
    return net;
}

static void scales_with_the_layers_own(const texp_policy *base)
{
    static const char *const forms[] = {"policy=", "policy=texp++\nbase_policy=", "policy=texp--\nbase_policy="};
    for (size_t i = 0; i < LENGTH(forms); ++i) {
        if (i && base->never_folds) continue;
        network *usual = with_own_rate(forms[i], base, 1), *half = with_own_rate(forms[i], base, .5);
        const layer *a = usual->layers, *b = half->layers;
        if (memcmp(a->weights, b->weights, (size_t)a->nweights * sizeof *a->weights)) {
            fail_msg("%s%s: a layer's own rate of .5 is not half the rate", forms[i], base->name);
        }
        free_network(usual);
        free_network(half);
    }
}

static void a_layers_own_rate_multiplies_the_whole_recipe(void **state)
{
    (void)state;
    each_row(scales_with_the_layers_own);
}

/* ---- what is refused ---- */

typedef struct {
    const texp_policy *base;
    const char *policy, *more;
} cfg;

static void parse(const void *argument)
{
    const cfg *c = argument;
    network_with(c->policy, c->base, c->more);
}

static void needs_its_end(const texp_policy *base)
{
    char policy[64];
    texp_recipe r = recipe_of(base);
    r.sgdr_cycle = 0; /* the cfg has none */
    snprintf(policy, sizeof policy, "policy=%s", base->name);
    assert_succeeds(in_child(parse, &(cfg){base, policy, "max_batches=100"}));
    outcome endless = in_child(parse, &(cfg){base, policy, ""});
    if (texp_recipe_needs_end(&r))
        assert_refuses(endless, "max_batches: missing");
    else
        assert_succeeds(endless);
}

static void a_cfg_without_max_batches_is_refused_where_the_row_says_so(void **state)
{
    (void)state;
    each_row(needs_its_end);
}

/* What the seed draws belongs to one run, and no other can be held against it. */
static void folds(const texp_policy *base)
{
    char policy[64];
    texp_recipe r = recipe_of(base), other = r;
    other.seed = 1;
    assert_int_equal(!same_rates(&r, &other, END), base->never_folds);
    snprintf(policy, sizeof policy, "policy=texp++\nbase_policy=%s", base->name);
    outcome o = in_child(parse, &(cfg){base, policy, "max_batches=100"});
    if (base->never_folds)
        assert_refuses(o, "base_policy=", base->name, "cannot be folded");
    else
        assert_succeeds(o);
}

static void a_policy_is_the_base_of_an_exponential_one_unless_its_row_says_no(void **state)
{
    (void)state;
    each_row(folds);
}

static void is_offered(const texp_policy *base)
{
    outcome policy = in_child(parse, &(cfg){base, "policy=none", ""});
    outcome of_base = in_child(parse, &(cfg){base, "policy=texp\nbase_policy=none", ""});
    assert_refuses(policy, "no such schedule; use texp, texp++, texp--, ", base->name);
    assert_refuses(of_base, "no such schedule; use constant, ");
    assert_int_equal(strstr(strstr(of_base.text, "; use "), base->name) != NULL, !base->never_folds);
}

static void a_message_offers_each_policy_that_would_do(void **state)
{
    (void)state;
    each_row(is_offered);
}

/* ---- resumed runs ---- */

typedef struct {
    const texp_policy *base;
    const char *weights, *more;
} resumption;

static void resume(const void *argument)
{
    const resumption *r = argument;
    network *net = plain_network(r->base, r->more);
    texp_saved *saved = texp_checkpoint_restore(net, r->weights);
    CHILD_CHECK(saved);
    CHILD_CHECK(get_current_batch(net) == 7);
    texp_saved_close(saved);
}

/* As behind the seventh update. */
static void save(network *net, char *weights)
{
    *net->t = 7;
    *net->seen = 7;
    hush();
    save_weights(net, weights);
    speak();
}

static void resumes_with_another_end(const texp_policy *base)
{
    char *weights = write_file(".weights", "", 0), *state = strdup(weights);
    network *net = plain_network(base, "max_batches=100");
    int uses_end = texp_recipe_uses_end(&net->texp->schedule.recipe);
    strcpy(strrchr(state, '.'), ".state");
    save(net, weights);
    assert_succeeds(in_child(resume, &(resumption){base, weights, "max_batches=100"}));
    outcome longer = in_child(resume, &(resumption){base, weights, "max_batches=200"});
    unlink(state);
    if (uses_end)
        assert_refuses(longer, "[net] max_batches=100 there, max_batches=200 here");
    else
        assert_succeeds(longer);
    free(state);
    free_network(net);
}

static void a_resumed_run_may_change_max_batches_unless_the_row_uses_it(void **state)
{
    (void)state;
    each_row(resumes_with_another_end);
}

/* Numbers that only another machine's pow() would give: to go on to the bit they must come from the state. */
static void a_resumed_run_takes_the_schedule_of_its_state(void **state)
{
    const texp_policy *base = texp_policy_named("constant");
    static const char policy[] = "policy=texp++\nbase_policy=constant";
    network *net = network_with(policy, base, ""), *other = network_with(policy, base, "");
    char *weights = write_file(".weights", "", 0), *file = strdup(weights);
    texp_schedule *saved = &net->texp->schedule.tracks->schedule;
    const texp_schedule *restored = &other->texp->schedule.tracks->schedule;
    (void)state;
    strcpy(strrchr(file, '.'), ".state");
    texp_schedule_seek(saved, 7);
    saved->s = nextafter(saved->s, 1), saved->first_rate = nextafter(saved->first_rate, 1);
    saved->scale *= 1 + 0x1p-60L, saved->doublings = 3;
    save(net, weights);
    texp_saved_close(texp_checkpoint_restore(other, weights));
    unlink(file);
    assert_true(restored->s == saved->s && restored->first_rate == saved->first_rate);
    assert_true(restored->scale == saved->scale);
    assert_int_equal(restored->doublings, 3);
    assert_int_equal(restored->update, 7);
    free_network(net);
    free_network(other);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_found_by_its_name),
        cmocka_unit_test(a_row_names_the_keys_that_change_its_rates_and_no_others),
        cmocka_unit_test(a_row_uses_max_batches_where_another_one_changes_its_rates),
        cmocka_unit_test(a_row_grows_where_its_rate_passes_every_bound),
        cmocka_unit_test(an_endless_rate_stays_below_what_its_row_says),
        cmocka_unit_test(each_key_of_a_policy_is_a_key_of_net_and_fills_its_field),
        cmocka_unit_test(a_row_is_darknets_where_its_parser_knows_the_name),
        cmocka_unit_test(the_rates_of_darknets_policies_are_those_that_it_computes),
        cmocka_unit_test(a_layers_own_rate_multiplies_the_whole_recipe),
        cmocka_unit_test(a_cfg_without_max_batches_is_refused_where_the_row_says_so),
        cmocka_unit_test(a_policy_is_the_base_of_an_exponential_one_unless_its_row_says_no),
        cmocka_unit_test(a_message_offers_each_policy_that_would_do),
        cmocka_unit_test(a_resumed_run_may_change_max_batches_unless_the_row_uses_it),
        cmocka_unit_test(a_resumed_run_takes_the_schedule_of_its_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
