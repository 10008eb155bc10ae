#include "cfg/net_keys.h"

#include "cfg/options.h"
#include "cfg/recipe.h"
#include "net/keys.h"
#include "net/layers.h"
#include "net/texp_net.h"
#include "store/cfg_text.h"

#include "option_list.h"

#include <limits.h>
#include <math.h>

/* --- sizes -------------------------------------------------------------------------------------------------------- */

/* What Darknet multiplies as ints. */
static void check_sizes(list *options, const network *net)
{
    double image = 1, inputs,
           batch = (double)texp_whole_of(options, "batch", 1) * texp_whole_of(options, "time_steps", 1);
    const char *sides[] = {"height", "width", "channels"};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; ++i) image *= (double)texp_whole_of(options, sides[i], 0);
    inputs = (double)texp_whole_of(options, "inputs", 0);
    if (inputs && image && inputs != image) {
        texp_refuse_option(options, "inputs", "height, width and channels make %.0f; remove it or them", image);
    }
    if (batch * fmax(inputs, image) > INT_MAX || batch > INT_MAX || 2. * texp_whole_of(options, "width", 0) > INT_MAX) {
        texp_refuse_option(options, inputs ? "inputs" : "width", "%.0f inputs in a batch, and Darknet counts to %d",
                           batch * fmax(inputs, image), INT_MAX);
    }
    if (texp_whole_of(options, "batch", 1) % texp_whole_of(options, "subdivisions", 1)) {
        texp_refuse_option(options, "subdivisions", "does not divide batch=%ld", texp_whole_of(options, "batch", 1));
    }
    /* Without layers at hand [net] alone is asked for. */
    if (net->layers && !net->n) texp_fail("%s: no layer follows [net]; write one or more", net->texp->file);
}

/* --- images ------------------------------------------------------------------------------------------------------- */

static void read_channel_list(list *options, const char *key, double otherwise, double *out, int channels)
{
    size_t n;
    double *values = texp_numbers_of(options, key, &n);
    if (values && n != 1 && n != (size_t)channels) {
        texp_refuse_option(options, key, "has %zu entries for channels=%d; write one, or one a channel", n, channels);
    }
    for (int i = 0; i < 3; ++i) out[i] = !values ? otherwise : n == 1 ? values[0] : i < (int)n ? values[i] : otherwise;
    for (int i = 0; values && i < channels; ++i) {
        if (!strcmp(key, "std") && out[i] <= 0) texp_refuse_option(options, key, "must be positive");
    }
    free(values);
}

/* Whether Darknet's augmentation goes with our keys depends on the layers, which are not there yet. */
static void keep_replaced(texp_net *t, list *options)
{
    for (node *n = options->front; n && !t->images.replaced_key; n = n->next) {
        const kvp *pair = n->val;
        if (!(texp_net_key_flags(pair->key) & TEXP_REPLACED_LOADER)) continue;
        t->images.replaced = texp_origin_of(options, pair->key);
        t->images.replaced.section = "[net]";
        t->images.replaced_key = texp_net_key_named(pair->key)->name;
        t->images.replaced_value = strdup(pair->val);
    }
}

/* Detectors have Darknet's augmentation, with flip, mean and std beside it. */
void texp_check_augmentation(const network *net)
{
    const texp_net *t = net->texp;
    int detects = texp_layer_traits_of(net->layers[net->n - 1].type)->truth == TEXP_TRUTH_BOXES;
    if (detects && t->images.augment.pad)
        texp_fail("%s: [net] crop_pad=%d is for classifiers; [%s] has jitter for that; remove crop_pad", t->file,
                  t->images.augment.pad, texp_layer_name(net->layers + net->n - 1));
    if (detects || !t->images.ours || !t->images.replaced_key) return;
    texp_refuse(&t->images.replaced, t->images.replaced_key, t->images.replaced_value,
                "belongs to Darknet's own augmentation, which crop_pad, flip, mean and std replace; remove it or them");
}

static void read_images(texp_net *t, list *options)
{
    int channels = (int)texp_whole_of(options, "channels", 0);
    t->images.normalises = option_find(options, "mean") || option_find(options, "std");
    t->images.has_flip = option_find(options, "flip") != NULL;
    keep_replaced(t, options);
    if (!t->images.ours) return;
    if (channels != 1 && channels != 3) {
        texp_refuse_option(options, "channels", "crop_pad, flip, mean and std need 1 or 3 channels");
    }
    t->images.augment.channels = channels;
    if (t->images.augment.pad > texp_whole_of(options, "width", 0) ||
        t->images.augment.pad > texp_whole_of(options, "height", 0)) {
        texp_refuse_option(options, "crop_pad", "is larger than the image");
    }
    read_channel_list(options, "mean", 0, t->images.augment.mean, channels);
    read_channel_list(options, "std", 1, t->images.augment.std, channels);
}

/* --- the CPU ------------------------------------------------------------------------------------------------------ */

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

/* Where there is no OpenMP. */
static void refuse_threads(list *options)
{
#ifdef _OPENMP
    (void)options;
#else
    if (texp_whole_of(options, "threads", 0) > 1)
        texp_refuse_option(options, "threads", "this build has one thread; build it with OPENMP=1");
#endif
}

static void read_backend(texp_net *t, list *options)
{
    const char *backend = texp_word_of(options, "backend", "auto");
    t->cpu.plain = !strcmp(backend, "plain");
    if (!t->cpu.plain && strcmp(backend, "auto")) texp_refuse_option(options, "backend", "must be auto or plain");
    read_precision(t, options);
    refuse_threads(options);
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static void fill_fields(texp_net *t, list *options)
{
    const texp_key *key;
    for (size_t i = 0; (key = texp_net_key_at(i)); ++i) {
        char *field = (char *)t + key->offset;
        switch (key->field) {
        case TEXP_NO_FIELD:
            break;
        case TEXP_FIELD_INT:
            *(int *)field = (int)texp_whole_of(options, key->name, (long)key->otherwise);
            break;
        case TEXP_FIELD_LONG:
            *(long *)field = texp_whole_of(options, key->name, (long)key->otherwise);
            break;
        case TEXP_FIELD_DOUBLE:
            *(double *)field = texp_number_of(options, key->name, key->otherwise);
            break;
        }
    }
}

static void read_flags(texp_net *t, list *options)
{
    for (node *n = options->front; n; n = n->next) {
        int flags = texp_net_key_flags(((kvp *)n->val)->key);
        t->ours |= (flags & TEXP_ASKS_UPDATE) != 0;
        t->images.ours |= (flags & TEXP_ASKS_LOADER) != 0;
        t->images.seeded |= (flags & TEXP_OURS) != 0;
    }
    t->ours |= t->schedule.recipe.form != TEXP_PLAIN || !t->schedule.recipe.base->is_darknets;
    t->images.seeded |= t->ours;
    t->bn.frozen_affine = !texp_whole_of(options, "affine", 1);
}

static void read_seed(texp_net *t, list *options)
{
    t->has_seed = option_find(options, "seed") != NULL;
    long seed = texp_whole_of(options, "seed", 0);
    t->seed = (uint64_t)seed;
    /* Before the first layer draws its weights. */
    if (t->has_seed) srand((unsigned)seed);
}

void (*texp_change_net_keys)(list *options);
const char *texp_trains_outside;

static void refuse_keys_of_the_loop(list *options)
{
    for (node *n = options->front; texp_trains_outside && n; n = n->next) {
        const kvp *pair = n->val;
        if (!(texp_net_key_flags(pair->key) & TEXP_OF_LOOP)) continue;
        texp_refuse_option(options, pair->key, "%s is a loop of Darknet's own, which would ignore it; remove it",
                           texp_trains_outside);
    }
}

void texp_read_net_keys(network *net, list *options)
{
    texp_net *t = calloc(1, sizeof *t);
    t->file = texp_origin_of(options, NULL).file;
    net->texp = t;
    /* Now, as the file may be edited while it trains. */
    t->cfg_text = t->file ? texp_cfg_normal_of(t->file) : NULL;
    if (!t->cfg_text) t->cfg_text = strdup("");
    refuse_keys_of_the_loop(options);
    if (texp_change_net_keys) texp_change_net_keys(options);
    check_sizes(options, net);
    read_seed(t, options);
    fill_fields(t, options);
    texp_read_recipe(t, options);
    read_flags(t, options);
    read_backend(t, options);
    read_images(t, options);
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
