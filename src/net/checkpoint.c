#include "net/checkpoint.h"

#include "base/files.h"
#include "base/refuse.h"
#include "net/keys.h"
#include "net/layers.h"
#include "net/texp_net.h"
#include "net/update.h"
#include "net/weight_norms.h"
#include "store/cfg_text.h"
#include "store/weights_and_state.h"

#include <limits.h>
#include <math.h>
#include <stdatomic.h>

#ifdef TEXP_DOUBLE
#define TEXP_ARRAY TEXP_F64
#else
#define TEXP_ARRAY TEXP_F32
#endif

void texp_checkpoint_refuse(const texp_message *message)
{
    fflush(stdout);
    texp_fail("%s; restore it, remove it to go on without momentum, or start anew with -clear", message->text);
}

/* --- arrays of layers -------------------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    float *values, *gpu;
    size_t n;
} array;

enum { MOST_ARRAYS = 18 };

#ifdef GPU
#define ARRAY(l, member, count)                                                                                        \
    {                                                                                                                  \
#member, (l)->member, (l)->member##_gpu, (count)                                                               \
    }
#else
#define ARRAY(l, member, count)                                                                                        \
    {                                                                                                                  \
#member, (l)->member, NULL, (count)                                                                            \
    }
#endif

static size_t keep_present(array *all, size_t n, array *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; ++i) {
        if (all[i].values && all[i].n) out[kept++] = all[i];
    }
    return kept;
}

static size_t momentum_of(const layer *l, array *out)
{
    size_t weights = texp_layer_weights(l), biases = texp_layer_biases(l);
    if (!texp_has_parameters(l)) return 0;
    array all[] = {ARRAY(l, weight_updates, weights), ARRAY(l, bias_updates, biases), ARRAY(l, scale_updates, biases)};
    return keep_present(all, sizeof all / sizeof *all, out);
}

/* Darknet's CPU path has no Adam. */
static size_t moments_of(const layer *l, array *out)
{
#ifdef GPU
    size_t weights = texp_layer_weights(l), biases = texp_layer_biases(l);
    if (gpu_index < 0 || !weights) return 0;
    array all[] = {ARRAY(l, m, weights),     ARRAY(l, v, weights),      ARRAY(l, bias_m, biases),
                   ARRAY(l, bias_v, biases), ARRAY(l, scale_m, biases), ARRAY(l, scale_v, biases)};
    return keep_present(all, sizeof all / sizeof *all, out);
#else
    (void)l, (void)out;
    return 0;
#endif
}

static size_t parameters_of(const layer *l, array *out)
{
    size_t weights = texp_layer_weights(l), biases = texp_layer_biases(l);
    if (!texp_has_parameters(l)) return 0;
    array all[] = {ARRAY(l, weights, weights), ARRAY(l, biases, biases), ARRAY(l, scales, biases),
                   ARRAY(l, rolling_mean, biases), ARRAY(l, rolling_variance, biases)};
    return keep_present(all, sizeof all / sizeof *all, out);
}

#ifdef GPU
#define HIDDEN(name, cpu, gpu)                                                                                         \
    {                                                                                                                  \
        name, cpu, gpu, hidden                                                                                         \
    }
#else
#define HIDDEN(name, cpu, gpu)                                                                                         \
    {                                                                                                                  \
        name, cpu, NULL, hidden                                                                                        \
    }
#endif

/* What recurrent layers carry from batch to batch. */
static size_t hidden_of(const layer *l, array *out)
{
    size_t hidden = (size_t)l->outputs * l->batch;
    array state[] = {HIDDEN("state", l->state, l->state_gpu)};
    array cells[] = {HIDDEN("h", l->h_cpu, l->h_gpu), HIDDEN("c", l->c_cpu, l->c_gpu),
                     HIDDEN("prev_state", l->prev_state_cpu, l->prev_state_gpu),
                     HIDDEN("prev_cell", l->prev_cell_cpu, l->prev_cell_gpu)};
    switch (texp_layer_traits_of(l->type)->carries) {
    case TEXP_CARRIES_NOTHING:
        return 0;
    case TEXP_CARRIES_STATE:
        return keep_present(state, sizeof state / sizeof *state, out);
    case TEXP_CARRIES_CELLS:
        return keep_present(cells, sizeof cells / sizeof *cells, out);
    }
    return 0;
}

/* What load_weights would not bring back from what save_weights wrote. */
static int needs_parameters(const network *net)
{
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        if (l->dontsave || l->dontload || l->dontloadscales || l->numload || l->flipped) return 1;
    }
    return 0;
}

static size_t arrays_of(const network *net, const layer *l, array *out)
{
    size_t n = momentum_of(l, out);
    n += moments_of(l, out + n);
    n += hidden_of(l, out + n);
    if (needs_parameters(net)) n += parameters_of(l, out + n);
    return n;
}

static void pull(const array *a)
{
#ifdef GPU
    if (gpu_index >= 0 && a->gpu) cuda_pull_array(a->gpu, a->values, a->n);
#else
    (void)a;
#endif
}

static void push(const array *a)
{
#ifdef GPU
    if (gpu_index >= 0 && a->gpu) cuda_push_array(a->gpu, a->values, a->n);
#else
    (void)a;
#endif
}

/* --- one walk over all of them ----------------------------------------------------------------------------------- */

/* One of the two is set; with `saved`, `apply` tells copying from looking whether it could be done. */
typedef struct {
    texp_state *state;
    const texp_saved *saved;
    int apply;
    texp_message *message;
} walk;

static int visit_array(const walk *w, const char *place, const array *a)
{
    char name[TEXP_LONGEST_RECORD_NAME + 1];
    snprintf(name, sizeof name, "layer %s %s", place, a->name);
    if (w->state) {
        pull(a);
        texp_state_lend(w->state, name, TEXP_ARRAY, a->values, a->n);
        return 0;
    }
    if (texp_saved_get(w->saved, name, TEXP_ARRAY, w->apply ? a->values : NULL, a->n, w->message)) return -1;
    if (w->apply) push(a);
    return 0;
}

static int visit_layer(const walk *w, const network *net, const layer *l, const char *place)
{
    array arrays[MOST_ARRAYS];
    size_t n = arrays_of(net, l, arrays);
    for (size_t i = 0; i < n; ++i) {
        if (visit_array(w, place, arrays + i)) return -1;
    }
    return 0;
}

static int visit_layers(const walk *w, const network *net)
{
    layer *inner[TEXP_MOST_INNER_LAYERS];
    char place[32];
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        int n = texp_inner_layers(l, inner);
        snprintf(place, sizeof place, "%d", i);
        if (visit_layer(w, net, l, place)) return -1;
        for (int j = 0; j < n; ++j) {
            snprintf(place, sizeof place, "%d.%d", i, j);
            if (visit_layer(w, net, inner[j], place)) return -1;
        }
    }
    return 0;
}

/* --- finite ------------------------------------------------------------------------------------------------------ */

static int is_finite(const array *a)
{
    pull(a);
    for (size_t i = 0; i < a->n; ++i) {
        if (!isfinite(a->values[i])) return 0;
    }
    return 1;
}

static int is_layer_finite(const layer *l)
{
    array arrays[MOST_ARRAYS];
    size_t n = momentum_of(l, arrays);
    n += parameters_of(l, arrays + n);
    for (size_t i = 0; i < n; ++i) {
        if (!is_finite(arrays + i)) return 0;
    }
    return 1;
}

int texp_checkpoint_is_finite(const network *net)
{
    layer *inner[TEXP_MOST_INNER_LAYERS];
    for (int i = 0; i < net->n; ++i) {
        int n = texp_inner_layers(net->layers + i, inner);
        for (int j = 0; j < n; ++j) {
            if (!is_layer_finite(inner[j])) return 0;
        }
        if (!is_layer_finite(net->layers + i)) return 0;
    }
    return 1;
}

/* --- the schedule ------------------------------------------------------------------------------------------------ */

#define NAME(word) (snprintf(name, sizeof name, "track %d " word, track), name)

static void add_track(texp_state *state, const texp_track *of, int track)
{
    const texp_schedule *s = &of->schedule;
    char name[TEXP_LONGEST_RECORD_NAME + 1];
    texp_state_add_f64(state, NAME("factor"), of->factor);
    texp_state_add_u64(state, NAME("update"), (uint64_t)s->update);
    texp_state_add_extended(state, NAME("scale"), s->scale);
    texp_state_add_u64(state, NAME("doublings"), (uint64_t)s->doublings);
    texp_state_add_f64(state, NAME("s"), s->s);
    texp_state_add_f64(state, NAME("first_rate"), s->first_rate);
}

static int read_track(const texp_saved *saved, texp_track *of, int track, texp_message *message)
{
    texp_schedule *s = &of->schedule;
    char name[TEXP_LONGEST_RECORD_NAME + 1];
    uint64_t update = 0, doublings = 0;
    double factor;
    if (texp_saved_f64(saved, NAME("factor"), &factor, message) ||
        texp_saved_u64(saved, NAME("update"), &update, message) ||
        texp_saved_extended(saved, NAME("scale"), &s->scale, message) ||
        texp_saved_u64(saved, NAME("doublings"), &doublings, message) ||
        texp_saved_f64(saved, NAME("s"), &s->s, message) ||
        texp_saved_f64(saved, NAME("first_rate"), &s->first_rate, message)) {
        return -1;
    }
    s->update = (long)update;
    s->doublings = (long)(int64_t)doublings;
    of->step.update = 0;
    return 0;
}

#undef NAME

/* Where another key of [net] than those of the state asks for our update (norms=1), the schedule stays as rebuilt. */
static int restore_tracks(network *net, const texp_saved *saved, int apply, texp_message *message)
{
    texp_net *t = net->texp;
    if (!texp_is_ours(net) || !texp_saved_has(saved, "track 0 update")) return 0;
    for (int i = 0; i < t->schedule.n_tracks; ++i) {
        texp_track track = t->schedule.tracks[i];
        if (read_track(saved, &track, i, message)) return -1;
        if (apply) t->schedule.tracks[i] = track;
    }
    return 0;
}

/* What the log of weight norms needs of the update before. */
static void add_weight_norms(texp_state *state, texp_weight_norms *norms)
{
    char name[TEXP_LONGEST_RECORD_NAME + 1];
    int n = 0;
    const texp_group_weight_norms *groups = norms ? texp_weight_norms_groups(norms, &n) : NULL;
    for (int i = 0; i < n; ++i) {
        snprintf(name, sizeof name, "group %d growth", i);
        texp_state_add_f64(state, name, groups[i].growth);
        snprintf(name, sizeof name, "group %d rate", i);
        texp_state_add_extended(state, name, groups[i].rate);
    }
}

/* A run may have gone without it; then it begins here. */
static void restore_weight_norms(texp_weight_norms *norms, const texp_saved *saved)
{
    char name[TEXP_LONGEST_RECORD_NAME + 1];
    int n = 0;
    texp_group_weight_norms *groups = norms ? texp_weight_norms_groups(norms, &n) : NULL;
    for (int i = 0; i < n; ++i) {
        snprintf(name, sizeof name, "group %d growth", i);
        texp_saved_f64(saved, name, &groups[i].growth, NULL);
        snprintf(name, sizeof name, "group %d rate", i);
        texp_saved_extended(saved, name, &groups[i].rate, NULL);
    }
}

/* --- saving ------------------------------------------------------------------------------------------------------ */

int texp_checkpoint_is_due(network *net, int cutoff)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    const texp_net *t = net->texp;
    if (cutoff < net->n || !*net->t) return 0;
    if (!(net->learning_rate > 1.5 * t->schedule.parsed_rate))
        return 1; /* Darknet multiplies it by the number of GPUs */
    if (!atomic_flag_test_and_set(&said))
        fprintf(stderr, "several GPUs: no training state is saved; a resumed run will start with momentum 0\n");
    return 0;
}

int texp_checkpoint_publish(network *net, const char *weights, texp_message *message)
{
    const texp_net *t = net->texp;
    texp_state *state = texp_state_new();
    texp_state_lend(state, "cfg", TEXP_BYTES, t->cfg_text, strlen(t->cfg_text));
    texp_state_add_u64(state, "cfg hash", texp_crc64(0, t->cfg_text, strlen(t->cfg_text)));
    texp_state_add_u64(state, "seen", *net->seen);
    texp_state_add_u64(state, "t", (uint64_t)*net->t);
    texp_state_add_u64(state, "seed", t->seed);
    for (int i = 0; texp_is_ours(net) && i < t->schedule.n_tracks; ++i) add_track(state, t->schedule.tracks + i, i);
    add_weight_norms(state, t->weight_norms);
    if (t->run.add_records) t->run.add_records(t->run.run, state);
    visit_layers(&(walk){.state = state}, net);
    int status = texp_publish_with_state(weights, state, message);
    texp_state_free(state);
    return status;
}

/* --- restoring --------------------------------------------------------------------------------------------------- */

/* The cfg that a state was made with, in normal form; to be freed. */
static char *saved_cfg(const texp_saved *saved)
{
    size_t length;
    const unsigned char *bytes = texp_saved_bytes(saved, "cfg", &length);
    char *text = calloc(length + 1, 1);
    if (text && bytes) memcpy(text, bytes, length);
    return text;
}

static int makes_another_run(const void *recipe, int section, const char *name)
{
    const texp_key *key = section ? texp_layer_key_named(name) : texp_net_key_named(name);
    if (!key || key->resume == TEXP_RESUME_REFUSED) return 1;
    return key->resume == TEXP_RESUME_UNLESS_END && texp_recipe_uses_end(recipe);
}

static int check_cfg(const texp_net *t, const texp_saved *saved, const char *file, texp_message *message)
{
    texp_message difference;
    char *text = saved_cfg(saved);
    if (!text) return texp_say(message, "%s: no memory", file);
    int differs = texp_cfg_difference(text, t->cfg_text, makes_another_run, &t->schedule.recipe, &difference);
    free(text);
    if (!differs) return 0;
    return texp_say(message, "%s: made with another cfg than %s: %s", file, texp_path_tail(t->file), difference.text);
}

static int is_key_of_net(const void *wanted, int section, const char *name)
{
    return !section && !strcmp(name, wanted);
}

/* The run goes on with other bits where a key says how it computes. */
static void warn_of_other_bits(texp_net *t, const texp_saved *saved, const char *file)
{
    char *text = saved_cfg(saved);
    const texp_key *key;
    texp_message difference;
    for (size_t i = 0; text && (key = texp_net_key_at(i)); ++i) {
        if (key->resume != TEXP_RESUME_WARNED) continue;
        if (!texp_cfg_difference(text, t->cfg_text, is_key_of_net, key->name, &difference)) continue;
        fprintf(stderr, "%s: %s: the run goes on, but its bits may differ\n", file, difference.text);
        t->run.rounds_otherwise = 1;
    }
    free(text);
}

static int restore(network *net, const texp_saved *saved, const char *file, int apply, texp_message *message)
{
    texp_net *t = net->texp;
    uint64_t seen, updates, seed;
    if (check_cfg(t, saved, file, message) || texp_saved_u64(saved, "seen", &seen, message) ||
        texp_saved_u64(saved, "t", &updates, message) || texp_saved_u64(saved, "seed", &seed, message) ||
        restore_tracks(net, saved, apply, message) ||
        visit_layers(&(walk){.saved = saved, .apply = apply, .message = message}, net)) {
        return -1;
    }
    if (!apply) return 0;
    warn_of_other_bits(t, saved, file);
    *net->seen = (size_t)seen;
    *net->t = (int)updates;
    if (!t->has_seed) texp_set_seed(t, seed);
    restore_weight_norms(t->weight_norms, saved);
    texp_follow_counter(net); /* what follows the weights' scale */
    return 0;
}

texp_saved *texp_checkpoint_restore(network *net, const char *weights)
{
    texp_message message;
    texp_saved *saved;
    char file[PATH_MAX];
    if (texp_state_name_of(weights, file, sizeof file, &message) || texp_open_state_of(weights, &saved, &message)) {
        texp_checkpoint_refuse(&message);
    }
    if (!saved) return NULL;
    /* All of it is looked at before anything is changed. */
    if (restore(net, saved, texp_path_tail(file), 0, &message) ||
        restore(net, saved, texp_path_tail(file), 1, &message)) {
        texp_checkpoint_refuse(&message);
    }
    return saved;
}
