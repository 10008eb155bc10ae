#include "cfg/net_keys.h"

#include "base/number.h"
#include "cfg/options.h"
#include "net/texp_net.h"
#include "store/cfg_text.h"
#include "theory/recipe_check.h"

#include "option_list.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#ifdef _OPENMP
#include <omp.h>
#endif

/* Keys of [net]. Kinds: i whole number, f number (negative allowed), p number >= 0, l list, s word. */
static const struct {
    const char *name;
    char kind;
    char ours; /* 1: asks for our update and normalisation; 2: for our loader */
} net_keys[] = {
    {"batch", 'p', 0},
    {"subdivisions", 'p', 0},
    {"learning_rate", 'p', 0},
    {"momentum", 'p', 0},
    {"decay", 'p', 0},
    {"time_steps", 'p', 0},
    {"notruth", 'i', 0},
    {"random", 'i', 0},
    {"adam", 'i', 0},
    {"B1", 'p', 0},
    {"B2", 'p', 0},
    {"eps", 'p', 0},
    {"height", 'p', 0},
    {"width", 'p', 0},
    {"channels", 'p', 0},
    {"inputs", 'p', 0},
    {"max_crop", 'p', 0},
    {"min_crop", 'p', 0},
    {"max_ratio", 'p', 0},
    {"min_ratio", 'p', 0},
    {"center", 'i', 0},
    {"clip", 'p', 0},
    {"angle", 'f', 0},
    {"aspect", 'p', 0},
    {"saturation", 'p', 0},
    {"exposure", 'p', 0},
    {"hue", 'f', 0},
    {"policy", 's', 0},
    {"burn_in", 'p', 0},
    {"power", 'p', 0},
    {"step", 'p', 0},
    {"scale", 'p', 0},
    {"steps", 'l', 0},
    {"scales", 'l', 0},
    {"gamma", 'f', 0},
    {"max_batches", 'p', 0},
    {"seen", 'p', 0},
    {"base_policy", 's', 0},
    {"decays", 'l', 1},
    {"momentum_correction", 'i', 0},
    {"affine", 'i', 1},
    {"batchnorm_eps", 'p', 1},
    {"seed", 'p', 0},
    {"learning_rate_min", 'p', 0},
    {"sgdr_cycle", 'p', 0},
    {"sgdr_mult", 'p', 0},
    {"backend", 's', 0},
    {"precision", 's', 0},
    {"threads", 'p', 0},
    {"crop_pad", 'p', 2},
    {"flip", 'i', 2},
    {"mean", 'l', 2},
    {"std", 'l', 2},
    {"valid_every", 'p', 0},
    {"save_every", 'p', 0},
    {"texp_layers", 's', 0},
    {"rescale", 'i', 0},
    {"norms", 'i', 1},
};
enum { N_NET_KEYS = sizeof net_keys / sizeof *net_keys };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Reads a list like 1,2,3 into a new array; *n is its length, 0 and NULL where the key is absent. */
static double *numbers(list *options, const char *key, size_t *n)
{
    *n = 0;
    char *text = option_find(options, (char *)key);
    if (!text) return NULL;
    double *values = NULL;
    char *copy = strdup(text), *rest = copy, *item;
    while ((item = strsep(&rest, ","))) {
        values = realloc(values, (*n + 1) * sizeof *values);
        if (!texp_read_double(item, &values[(*n)++])) {
            texp_refuse_option(options, key, "entry %zu, '%s', is no number; write a list as in %s=1,2", *n, item, key);
        }
    }
    free(copy);
    return values;
}

/* --- checks ------------------------------------------------------------------------------------------------------ */

static int find_key(const char *name)
{
    for (int i = 0; i < N_NET_KEYS; ++i) {
        if (!strcmp(net_keys[i].name, name)) return i;
    }
    return -1;
}

static const char *nearest_key(const char *name)
{
    const char *best = NULL;
    int lowest = 3; /* farther than two letters is another word */
    for (int i = 0; i < N_NET_KEYS; ++i) {
        int apart = texp_spelling_distance(name, net_keys[i].name);
        if (apart < lowest) lowest = apart, best = net_keys[i].name;
    }
    return best;
}

static void check_key(list *options, const kvp *pair)
{
    int i = find_key(pair->key);
    if (i < 0) {
        const char *near = nearest_key(pair->key);
        texp_refuse(&pair->origin, pair->key, pair->val, "unknown key in [net]; %s%s%s", near ? "did you mean " : "",
                    near ? near : "remove it", near ? "?" : "");
    }
    for (node *n = options->front; n && n->val != pair; n = n->next) {
        const kvp *before = n->val;
        if (!strcmp(before->key, pair->key)) {
            /* Some of Darknet's own cfgs do it, so this is no error. */
            fprintf(stderr, "%s:%d: [net] %s=%s: ignored, line %d gives it before\n", pair->origin.file,
                    pair->origin.line, pair->key, pair->val, before->origin.line);
            return;
        }
    }
    if (net_keys[i].kind == 's' || net_keys[i].kind == 'l') return;
    double value = texp_option_float(options, pair->key, pair->val);
    if (net_keys[i].kind == 'p' && value < 0) texp_refuse_option(options, pair->key, "negative; must be 0 or more");
}

static void check_positive(list *options, const char *key)
{
    if (option_find(options, (char *)key) && texp_whole_of(options, key, 1) < 1)
        texp_refuse_option(options, key, "must be 1 or more");
}

/* What Darknet multiplies as ints. */
static void check_sizes(list *options, const network *net)
{
    double image = 1, inputs,
           batch = (double)texp_whole_of(options, "batch", 1) * texp_whole_of(options, "time_steps", 1);
    const char *sides[] = {"height", "width", "channels"};
    for (size_t i = 0; i < COUNT(sides); ++i) image *= (double)texp_whole_of(options, sides[i], 0);
    inputs = (double)texp_whole_of(options, "inputs", 0);
    if (inputs && image && inputs != image) {
        texp_refuse_option(options, "inputs", "height, width and channels make %.0f; remove it or them", image);
    }
    if (batch * fmax(inputs, image) > INT_MAX || batch > INT_MAX || 2. * texp_whole_of(options, "width", 0) > INT_MAX) {
        texp_refuse_option(options, inputs ? "inputs" : "width", "%.0f inputs in a batch, and Darknet counts to %d",
                           batch * fmax(inputs, image), INT_MAX);
    }
    /* Without layers at hand [net] alone is asked for. */
    if (net->layers && !net->n) texp_fail("%s: no layer follows [net]; write one or more", net->texp->file);
}

static void check_keys(list *options)
{
    for (node *n = options->front; n; n = n->next) check_key(options, n->val);
    const char *positive[] = {"batch", "subdivisions", "time_steps", "valid_every", "save_every", "threads"};
    for (size_t i = 0; i < COUNT(positive); ++i) check_positive(options, positive[i]);
    const char *flags[] = {"affine", "momentum_correction", "flip", "rescale", "norms"};
    for (size_t i = 0; i < COUNT(flags); ++i) texp_flag_of(options, flags[i], 0);
    long batch = texp_whole_of(options, "batch", 1), subdivisions = texp_whole_of(options, "subdivisions", 1);
    if (batch % subdivisions) texp_refuse_option(options, "subdivisions", "does not divide batch=%ld", batch);
}

/* --- the recipe ------------------------------------------------------------------------------------------------- */

/* Its item number i of n in a list of words. */
static void add_word(char *list, size_t room, size_t i, size_t n, const char *word)
{
    size_t length = strlen(list);
    snprintf(list + length, room - length, "%s%s", !i ? "" : i + 1 < n ? ", " : " or ", word);
}

/* What key may say: the bases, and the forms in front of them where it is the policy itself. */
static void refuse_policy(list *options, const char *key)
{
    const char *words[64];
    char list[512] = "";
    size_t n = 0;
    int is_policy = !strcmp(key, "policy");
    for (int form = TEXP_PLAIN + 1; is_policy && texp_form_name((texp_form)form); ++form) {
        words[n++] = texp_form_name((texp_form)form);
    }
    for (size_t i = 0; texp_policy_at(i) && n < COUNT(words); ++i) {
        if (is_policy || !texp_policy_at(i)->never_folds) words[n++] = texp_policy_at(i)->name;
    }
    for (size_t i = 0; i < n; ++i) add_word(list, sizeof list, i, n, words[i]);
    texp_refuse_option(options, key, "no such schedule; use %s", list);
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
            texp_refuse_option(options, "base_policy",
                               "only policy=texp, texp++ or texp-- has a base; write policy=%s instead",
                               option_find(options, "base_policy"));
        }
    } else {
        recipe->base = read_base(options, "base_policy", texp_word_of(options, "base_policy", "constant"));
        if (recipe->base->never_folds)
            texp_refuse_option(options, "base_policy", "a %s base cannot be folded", recipe->base->name);
    }
}

static void read_steps(texp_recipe *recipe, list *options)
{
    size_t n_scales, n_decays;
    double *steps = numbers(options, "steps", &recipe->n_steps);
    recipe->scales = numbers(options, "scales", &n_scales);
    recipe->decays = numbers(options, "decays", &n_decays);
    if (!steps)
        texp_refuse_option(options, "steps", "missing; the policy steps needs steps= and scales=, as in steps=100,200");
    if (!recipe->scales)
        texp_refuse_option(options, "scales", "missing; the policy steps needs one scale for each step");
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
        if (steps[i] != floor(steps[i]) || fabs(steps[i]) > LONG_MAX / 2.) {
            texp_refuse_option(options, "steps", "entry %zu is no whole number of updates", i + 1);
        }
        counts[i] = (long)steps[i];
    }
    free(steps);
    recipe->steps = counts;
}

static void read_recipe(texp_net *t, list *options)
{
    texp_recipe *recipe = &t->schedule.recipe;
    read_policy(t, options);
    recipe->learning_rate = texp_number_of(options, "learning_rate", .001);
    recipe->momentum = texp_number_of(options, "momentum", .9);
    recipe->decay = texp_number_of(options, "decay", .0001);
    recipe->gamma = texp_number_of(options, "gamma", 1);
    recipe->scale = texp_number_of(options, "scale", 1);
    recipe->power = texp_number_of(options, "power", 4);
    recipe->step = texp_whole_of(options, "step", 1);
    recipe->burn_in = texp_whole_of(options, "burn_in", 0);
    recipe->max_batches = texp_whole_of(options, "max_batches", 0);
    recipe->learning_rate_min = texp_number_of(options, "learning_rate_min", .00001);
    recipe->sgdr_cycle = texp_whole_of(options, "sgdr_cycle", 0);
    recipe->sgdr_mult = texp_number_of(options, "sgdr_mult", 2);
    recipe->momentum_correction = (int)texp_whole_of(options, "momentum_correction", 0);
    recipe->seed = t->seed;
    recipe->no_rescale = !texp_whole_of(options, "rescale", 1);
    if (texp_policy_uses(recipe->base, "steps"))
        read_steps(recipe, options);
    else if (option_find(options, "decays"))
        texp_refuse_option(options, "decays", "stands beside steps and scales only");
    if (recipe->momentum_correction && recipe->form != TEXP_TEXP) {
        texp_refuse_option(options, "momentum_correction", "belongs to policy=texp alone, not to %s",
                           t->schedule.policy);
    }
}

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

static void check_recipe(texp_net *t, list *options)
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

/* --- loader and normalisation ------------------------------------------------------------------------------------ */

static void read_channel_list(list *options, const char *key, double otherwise, double *out, int channels)
{
    size_t n;
    double *values = numbers(options, key, &n);
    if (values && n != 1 && n != (size_t)channels) {
        texp_refuse_option(options, key, "has %zu entries for channels=%d; write one, or one a channel", n, channels);
    }
    for (int i = 0; i < 3; ++i) out[i] = !values ? otherwise : n == 1 ? values[0] : i < (int)n ? values[i] : otherwise;
    for (int i = 0; values && i < channels; ++i) {
        if (!strcmp(key, "std") && out[i] <= 0) texp_refuse_option(options, key, "must be positive");
    }
    free(values);
}

static void read_loader(texp_net *t, list *options)
{
    int channels = (int)texp_whole_of(options, "channels", 0);
    t->images.normalises = option_find(options, "mean") || option_find(options, "std");
    if (!t->images.ours) return;
    if (channels != 1 && channels != 3) {
        texp_refuse_option(options, "channels", "crop_pad, flip, mean and std need 1 or 3 channels");
    }
    const char *darknets[] = {"angle",    "aspect",    "saturation", "exposure", "hue",   "max_crop",
                              "min_crop", "max_ratio", "min_ratio",  "center",   "random"};
    for (size_t i = 0; i < COUNT(darknets); ++i) {
        if (option_find(options, (char *)darknets[i])) {
            texp_refuse_option(options, darknets[i],
                               "belongs to Darknet's own augmentation, which crop_pad, flip, mean and std "
                               "replace; remove it or them");
        }
    }
    t->images.augment.channels = channels;
    t->images.augment.pad = (int)texp_whole_of(options, "crop_pad", 0);
    t->images.augment.flip = (int)texp_whole_of(options, "flip", 0);
    if (t->images.augment.pad > texp_whole_of(options, "width", 0) ||
        t->images.augment.pad > texp_whole_of(options, "height", 0)) {
        texp_refuse_option(options, "crop_pad", "is larger than the image");
    }
    read_channel_list(options, "mean", 0, t->images.augment.mean, channels);
    read_channel_list(options, "std", 1, t->images.augment.std, channels);
}

/* --- hooks ------------------------------------------------------------------------------------------------------ */

/* The double build, which has one precision, only checks the word. */
static void read_precision(texp_net *t, list *options)
{
    const char *precision = texp_word_of(options, "precision", "float32");
    t->cpu.bf16 = !strcmp(precision, "bf16");
    if (!t->cpu.bf16 && strcmp(precision, "float32"))
        texp_refuse_option(options, "precision", "must be float32 or bf16");
    const char *missing = t->cpu.bf16 && t->cpu.plain ? "backend=plain has no bf16; remove one of the two keys" : NULL;
    if (missing) texp_refuse_option(options, "precision", "%s", missing);
}

enum { MOST_THREADS = 1024 };

static void set_threads(list *options)
{
    long threads = texp_whole_of(options, "threads", 0);
    if (!threads) return;
    if (threads > MOST_THREADS) texp_refuse_option(options, "threads", "must be 1 to %d", MOST_THREADS);
#ifdef _OPENMP
    omp_set_num_threads((int)threads);
#else
    if (threads > 1) texp_refuse_option(options, "threads", "this build has one thread; build it with OPENMP=1");
#endif
}

static void read_flags(texp_net *t, list *options)
{
    for (node *n = options->front; n; n = n->next) {
        int i = find_key(((kvp *)n->val)->key);
        t->ours |= net_keys[i].ours == 1;
        t->images.ours |= net_keys[i].ours == 2;
    }
    t->bn.frozen_affine = !texp_whole_of(options, "affine", 1);
    t->bn.eps = texp_number_of(options, "batchnorm_eps", 0);
    if (option_find(options, "batchnorm_eps") && t->bn.eps <= 0)
        texp_refuse_option(options, "batchnorm_eps", "must be positive");
    t->run.logs_norms = (int)texp_whole_of(options, "norms", 0);
    t->run.valid_every = (int)texp_whole_of(options, "valid_every", 1);
    t->run.save_every = (int)texp_whole_of(options, "save_every", 0);
    const char *backend = texp_word_of(options, "backend", "auto");
    t->cpu.plain = !strcmp(backend, "plain");
    if (!t->cpu.plain && strcmp(backend, "auto")) texp_refuse_option(options, "backend", "must be auto or plain");
    read_precision(t, options);
    set_threads(options);
}

static void read_texp_layers(texp_net *t, list *options)
{
    const char *which = texp_word_of(options, "texp_layers", "invariant");
    t->schedule.all_layers = !strcmp(which, "all");
    if (!t->schedule.all_layers && strcmp(which, "invariant"))
        texp_refuse_option(options, "texp_layers", "must be invariant or all");
    if (t->schedule.recipe.form != TEXP_PLAIN) return;
    const char *keys[] = {"texp_layers", "rescale"};
    for (size_t i = 0; i < COUNT(keys); ++i) {
        if (option_find(options, (char *)keys[i])) {
            texp_refuse_option(options, keys[i], "belongs to policy=texp, texp++ and texp--, not to %s; remove it",
                               t->schedule.policy);
        }
    }
}

static void read_seed(texp_net *t, list *options)
{
    t->has_seed = option_find(options, "seed") != NULL;
    long seed = texp_whole_of(options, "seed", 0);
    if (seed > UINT32_MAX) texp_refuse_option(options, "seed", "must be below 2^32");
    t->seed = (uint64_t)seed;
    /* Before the first layer draws its weights. */
    if (t->has_seed) srand((unsigned)seed);
}

void (*texp_change_net_keys)(list *options);

void texp_read_net_keys(network *net, list *options)
{
    texp_net *t = calloc(1, sizeof *t);
    t->file = texp_origin_of(options, NULL).file;
    net->texp = t;
    /* Now, as the file may be edited while it trains. */
    t->cfg_text = t->file ? texp_cfg_normal_of(t->file) : NULL;
    if (!t->cfg_text) t->cfg_text = strdup("");
    check_keys(options);
    if (texp_change_net_keys) texp_change_net_keys(options);
    check_sizes(options, net);
    read_seed(t, options);
    read_recipe(t, options);
    check_recipe(t, options);
    read_texp_layers(t, options);
    read_flags(t, options);
    read_loader(t, options);
    t->ours |= t->schedule.recipe.form != TEXP_PLAIN || !t->schedule.recipe.base->is_darknets;
    t->schedule.parsed_rate = (float)t->schedule.recipe.learning_rate;
    t->schedule.policy = strdup(t->schedule.policy); /* the option list is freed */
    t->schedule.tracks = calloc(1, sizeof *t->schedule.tracks);
    t->schedule.n_tracks = 1;
    t->schedule.tracks->factor = 1;
    texp_schedule_start(&t->schedule.tracks->schedule, &t->schedule.recipe);
}

const char *texp_darknet_policy(const network *net)
{
    const texp_policy *base = net->texp->schedule.recipe.base;
    /* Darknet's parser reads the base's keys; of a base that it does not know it needs none. */
    return base->is_darknets ? base->name : "constant";
}
