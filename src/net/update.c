#include "net/update.h"

#include "base/random.h"
#include "base/refuse.h"
#include "net/analysis.h"
#include "net/layers.h"
#include "net/texp_net.h"
#include "net/weight_norms.h"

#include "blas.h"

#include <float.h>
#include <math.h>

#ifdef TEXP_DOUBLE
#define LARGEST_RATE DBL_MAX
#else
#define LARGEST_RATE FLT_MAX
#endif

/* --- the schedule's place ---------------------------------------------------------------------------------------- */

/* Programs multiply net->learning_rate by their number of GPUs after parsing. */
static double rate_factor(const network *net)
{
    const texp_net *t = net->texp;
    if (net->learning_rate == t->schedule.parsed_rate || t->schedule.parsed_rate == 0) return 1;
    if (t->schedule.recipe.form != TEXP_PLAIN) {
        texp_fail("%s: policy=%s: several GPUs average their weights, which no exponential rate survives; use one",
                  t->file, t->schedule.policy);
    }
    return net->learning_rate / (double)t->schedule.parsed_rate;
}

static texp_step step_of(const texp_track *track, long k)
{
    texp_schedule schedule = track->schedule;
    if (k < 1) k = 1;
    if (track->step.update == k) return track->step;
    if (schedule.update != k - 1) texp_schedule_seek(&schedule, k - 1);
    return texp_schedule_next(&schedule);
}

static void advance(texp_track *track, long k)
{
    if (k < 1) k = 1;
    /* Elsewhere than behind the last update: weights were loaded, or a program set the counter. */
    if (track->schedule.update != k - 1) texp_schedule_seek(&track->schedule, k - 1);
    track->step = texp_schedule_next(&track->schedule);
}

float texp_current_rate(network *net)
{
    long double rate = step_of(net->texp->schedule.tracks, (long)get_current_batch(net)).rate * rate_factor(net);
    return rate < FLT_MAX ? rate : FLT_MAX; /* to be looked at alone: updates take the rate that is held */
}

double texp_draw_rate(network *net)
{
    return texp_random_uniform(net->texp->seed, TEXP_STREAM_RATE, get_current_batch(net));
}

/* --- what follows the scale (docs/mathematics.md, epsilon and rolling statistics) -------------------------------------- */

/* x^n by multiplication: unlike powl exact in powers of two. */
static long double power(long double x, int n)
{
    long double product = 1;
    for (int i = 0; i < n; ++i) product *= x;
    return product;
}

static void set_epsilon(layer *l, long double scale)
{
    long double factor = power(scale, l->texp->degrees.bn);
    l->texp->bn.follows_scale = 1;
    l->bn_eps = l->texp->bn.eps * factor * factor;
    l->bn_eps_root = l->texp->bn.eps_root * factor;
}

static int follows(const layer *l)
{
    return l->texp && l->texp->degrees.bn;
}

void texp_follow_scale(network *net, long double scale)
{
    for (int i = 0; i < net->n; ++i) {
        if (follows(net->layers + i)) set_epsilon(net->layers + i, scale);
    }
}

static void follow_tracks(network *net)
{
    for (int i = 0; i < net->n; ++i) {
        layer *l = net->layers + i;
        if (!follows(l)) continue;
        const texp_schedule *schedule = &net->texp->schedule.tracks[l->texp->schedule.bn_track].schedule;
        set_epsilon(l, texp_held_scale(schedule->scale, schedule->doublings));
    }
}

static void scale_array_of(float *cpu, float *gpu, int n, double factor, int on_gpu)
{
#ifdef GPU
    if (on_gpu) {
        scal_gpu(n, factor, gpu, 1);
        return;
    }
#endif
    (void)gpu, (void)on_gpu;
    scal_cpu(n, factor, cpu, 1);
}

#ifdef GPU
#define ON_GPU(net)      ((net)->gpu_index >= 0)
#define DEVICE(l, array) (l).array##_gpu
#else
#define ON_GPU(net)      0
#define DEVICE(l, array) NULL
#endif

/* Rolling statistics of what weights of this track feed: the weights have become `ratio` times as large. */
static void follow_statistics(network *net, int track, double ratio)
{
    if (ratio == 1) return;
    for (int i = 0; i < net->n; ++i) {
        layer l = net->layers[i];
        if (!follows(&l) || l.texp->schedule.bn_track != track || !l.rolling_mean) continue;
        double factor = power(ratio, l.texp->degrees.bn);
        scale_array_of(l.rolling_mean, DEVICE(l, rolling_mean), l.out_c, factor, ON_GPU(net));
        scale_array_of(l.rolling_variance, DEVICE(l, rolling_variance), l.out_c, factor * factor, ON_GPU(net));
    }
}

/* --- one update -------------------------------------------------------------------------------------------------- */

/* A parameter array with its gradient (Darknet's *_updates: -v*batch) and, with Adam on the GPU, its moments. */
typedef struct {
    float *values, *updates, *values_gpu, *updates_gpu, *m_gpu, *v_gpu;
    int n;
} parameters;

static void discard_gradient(const parameters *p, int on_gpu)
{
#ifdef GPU
    if (on_gpu) {
        fill_gpu(p->n, 0, p->updates_gpu, 1);
        return;
    }
#endif
    (void)on_gpu;
    fill_cpu(p->n, 0, p->updates, 1);
}

/* values += rate*v/batch with v <- momentum*v + gradient - decay*batch*values: Definition 1.2. */
static void step_parameters(const parameters *p, double rate, double decay, const update_args *a, int on_gpu)
{
    double step = rate / a->batch;
#ifdef GPU
    if (on_gpu) {
        if (a->adam) {
            adam_update_gpu(p->values_gpu, p->updates_gpu, p->m_gpu, p->v_gpu, a->B1, a->B2, a->eps, decay, rate, p->n,
                            a->batch, a->t);
            return;
        }
        if (decay != 0) axpy_gpu(p->n, -decay * a->batch, p->values_gpu, 1, p->updates_gpu, 1);
        axpy_gpu(p->n, step, p->updates_gpu, 1, p->values_gpu, 1);
        scal_gpu(p->n, a->momentum, p->updates_gpu, 1);
        return;
    }
#endif
    (void)on_gpu;
    if (decay != 0) axpy_cpu(p->n, -decay * a->batch, p->values, 1, p->updates, 1);
    axpy_cpu(p->n, step, p->updates, 1, p->values, 1);
    scal_cpu(p->n, a->momentum, p->updates, 1);
}

static void apply(const parameters *p, int frozen, double rate, double decay, const update_args *a, int on_gpu)
{
    if (!p->n) return;
    if (frozen)
        discard_gradient(p, on_gpu);
    else
        step_parameters(p, rate, decay, a, on_gpu);
}

#ifdef GPU
#define PARAMETERS(l, name, updates, count, moments)                                                                   \
    {                                                                                                                  \
        (l).name, (l).updates, (l).name##_gpu, (l).updates##_gpu, (l).moments##m_gpu, (l).moments##v_gpu, (count)      \
    }
#else
#define PARAMETERS(l, name, updates, count, moments)                                                                   \
    {                                                                                                                  \
        (l).name, (l).updates, NULL, NULL, NULL, NULL, (count)                                                         \
    }
#endif

typedef struct {
    parameters weights, biases, scales;
} layer_parameters;

static layer_parameters parameters_of(const layer *l)
{
    int has_bn = l->scales && l->scale_updates, n_biases = (int)texp_layer_biases(l);
    layer_parameters p = {PARAMETERS(*l, weights, weight_updates, (int)texp_layer_weights(l), ),
                          PARAMETERS(*l, biases, bias_updates, n_biases, bias_),
                          PARAMETERS(*l, scales, scale_updates, has_bn ? n_biases : 0, scale_)};
    return p;
}

/* What batch normalisation swallows has a gradient of 0; where it must be 0, rounding shall not move it. */
static int has_frozen_biases(const texp_net *t, const layer *l)
{
    const texp_layer *own = l->texp;
    if (own->frozen.weights || (own->degrees.swallowed_bias && t->schedule.recipe.form != TEXP_PLAIN)) return 1;
    return l->scales && l->scale_updates ? own->frozen.affine : own->frozen.bias;
}

/* With texp_layers=all biases and scales are held and updated as weights of S are. */
static void update_layer(layer l, const texp_net *t, double factor, const update_args *a, int on_gpu)
{
    const texp_layer *own = l.texp;
    const texp_step *usual = &t->schedule.tracks->step, *step = &t->schedule.tracks[own->schedule.track].step;
    layer_parameters p = parameters_of(&l);
    double base = usual->base_rate * factor * l.learning_rate_scale;
    /* Adam decays biases and scales too in Darknet; SGD does not. */
    double other_decay = a->adam ? usual->base_decay : 0;

    if (own->degrees.growing)
        apply(&p.weights, own->frozen.weights, step->held_rate, step->held_decay, a, on_gpu);
    else
        apply(&p.weights, own->frozen.weights, base, usual->base_decay, a, on_gpu);
    if (t->schedule.all_layers) base = step->held_rate, other_decay = step->held_decay;
    apply(&p.biases, has_frozen_biases(t, &l), base, other_decay, a, on_gpu);
    apply(&p.scales, own->frozen.affine, base, other_decay, a, on_gpu);
#ifdef GPU
    if (on_gpu && l.clip && p.weights.n && l.type == CONVOLUTIONAL)
        constrain_gpu(p.weights.n, l.clip, l.weights_gpu, 1);
#endif
}

static update_args common_args(network *net, double factor)
{
    const texp_step *step = &net->texp->schedule.tracks->step;
    update_args a = {0};
    a.batch = net->batch * net->subdivisions;
    a.learning_rate = step->base_rate * factor;
    a.momentum = net->momentum;
    a.decay = step->base_decay;
    a.adam = net->adam && ON_GPU(net); /* as in Darknet, whose CPU path has no Adam */
    a.B1 = net->B1;
    a.B2 = net->B2;
    a.eps = net->eps;
    a.t = ++*net->t;
    return a;
}

/* A layer, or the layers that a recurrent one holds. */
static void update_whole_layer(layer l, const texp_net *t, double factor, const update_args *a, int on_gpu)
{
    layer *inner[TEXP_MOST_INNER_LAYERS];
    int n = texp_inner_layers(&l, inner);
    for (int i = 0; i < n; ++i) update_layer(*inner[i], t, factor, a, on_gpu);
    if (texp_has_parameters(&l)) update_layer(l, t, factor, a, on_gpu);
}

/* --- the range ---------------------------------------------------------------------------------------------------- */

static void move_parameters(const parameters *p, double factor, int on_gpu)
{
    if (!p->n) return;
    scale_array_of(p->values, p->values_gpu, p->n, factor, on_gpu);
    scale_array_of(p->updates, p->updates_gpu, p->n, 1 / factor, on_gpu);
}

static void move_track(network *net, int track, long doublings)
{
    const texp_net *t = net->texp;
    double factor = scalbln(1, -doublings);
    if (!doublings) return;
    if (t->weight_norms) texp_weight_norms_move(t->weight_norms, net, track, doublings);
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        if (!l->texp || !l->texp->degrees.growing || l->texp->schedule.track != track) continue;
        layer_parameters p = parameters_of(l);
        move_parameters(&p.weights, factor, ON_GPU(net));
    }
    for (int i = 0; t->schedule.all_layers && i < net->n; ++i) {
        const layer *l = net->layers + i;
        layer_parameters p = parameters_of(l);
        if (!has_frozen_biases(t, l)) move_parameters(&p.biases, factor, ON_GPU(net));
        if (!l->texp->frozen.affine) move_parameters(&p.scales, factor, ON_GPU(net));
    }
    follow_statistics(net, track, factor);
}

void texp_move_scale(network *net, int track, long doublings)
{
    move_track(net, track, doublings);
    net->texp->schedule.tracks[track].schedule.doublings += doublings;
    follow_tracks(net);
}

/* --- the hooks ---------------------------------------------------------------------------------------------------- */

static void check_range(const texp_net *t)
{
    for (int i = 0; i < t->schedule.n_tracks; ++i) {
        const texp_step *step = &t->schedule.tracks[i].step;
        if (step->held_rate <= LARGEST_RATE) continue;
        texp_fail("%s: update %ld: the rate, %Lg, is beyond float's range; the last checkpoint is good up to there",
                  t->file, step->update, step->rate);
    }
}

int texp_update(network *net)
{
    if (!texp_is_ours(net)) return 0;
    texp_net *t = net->texp;
    double factor = rate_factor(net);
    for (int i = 0; i < t->schedule.n_tracks; ++i) advance(t->schedule.tracks + i, (long)get_current_batch(net));
    check_range(t);
    update_args a = common_args(net, factor);
    if (t->weight_norms) texp_weight_norms_before(t->weight_norms, net);
    for (int i = 0; i < net->n; ++i) update_whole_layer(net->layers[i], t, factor, &a, ON_GPU(net));
    if (t->weight_norms) texp_weight_norms_after(t->weight_norms, net);
    for (int i = 0; i < t->schedule.n_tracks; ++i) {
        const texp_step *step = &t->schedule.tracks[i].step;
        follow_statistics(net, i, step->next_scale / step->scale);
        move_track(net, i, step->next_doublings - step->doublings);
    }
    follow_tracks(net);
    return 1;
}

/* Loaded biases that never change and, being there, must grow with the weights in front of them. */
static void refuse_fixed_biases(const network *net)
{
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        const texp_layer *own = l->texp;
        if (!own->degrees.out || !(own->frozen.bias || own->frozen.weights) || texp_has_bn(l)) continue;
        for (size_t j = 0; j < texp_layer_biases(l); ++j) {
            if (l->biases[j] == 0) continue;
            texp_fail("layer %d [%s]: the weights that were loaded have biases there, and with %s policy=%s takes them "
                      "for 0; remove that key, or use weights made with it",
                      i, texp_layer_name(l), own->frozen.weights ? "fixed=1" : "bias=0", net->texp->schedule.policy);
        }
    }
}

void texp_follow_counter(network *net)
{
    texp_net *t = net->texp;
    if (t->ours && t->schedule.recipe.form != TEXP_PLAIN) {
        refuse_fixed_biases(net);
        texp_absorb_biases(net);
    }
    for (int i = 0; i < t->schedule.n_tracks; ++i) {
        texp_schedule_seek(&t->schedule.tracks[i].schedule, (long)get_current_batch(net));
        t->schedule.tracks[i].step.update = 0;
    }
    follow_tracks(net);
}
