/* One update of a network: which layer takes which rate, and what follows the weights' scale. Host side, both devices. */
#include "layers.h"
#include "net.h"
#include "origin.h"
#include "random.h"
#include "texp.h"

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
    if (net->learning_rate == t->parsed_rate || t->parsed_rate == 0) return 1;
    if (t->recipe.form != TEXP_PLAIN) {
        texp_fail("%s: policy=%s: several GPUs average their weights, which no exponential rate survives; use one",
                  t->file, t->policy);
    }
    return net->learning_rate / (double)t->parsed_rate;
}

static texp_step step_of(const texp_net *t, long k)
{
    texp_schedule schedule = t->schedule;
    if (k < 1) k = 1;
    if (t->step.update == k) return t->step;
    if (schedule.update != k - 1) texp_schedule_seek(&schedule, k - 1);
    return texp_schedule_next(&schedule);
}

static void advance(network *net)
{
    texp_net *t = net->texp;
    long k = (long)get_current_batch(net);
    if (k < 1) k = 1;
    /* Elsewhere than behind the last update: weights were loaded, or a program set the counter. */
    if (t->schedule.update != k - 1) texp_schedule_seek(&t->schedule, k - 1);
    t->step = texp_schedule_next(&t->schedule);
}

int texp_has_rate(network *net)
{
    return net->texp && net->texp->ours;
}

float texp_rate(network *net)
{
    return step_of(net->texp, (long)get_current_batch(net)).rate * rate_factor(net);
}

double texp_random_draw(network *net)
{
    return texp_random_uniform(net->texp->seed, TEXP_STREAM_RATE, get_current_batch(net));
}

/* --- what follows the scale (MATHEMATICS.md, epsilon and rolling statistics) -------------------------------------- */

void texp_follow_scale(network *net, long double scale)
{
    for (int i = 0; i < net->n; ++i) {
        texp_layer *own = net->layers[i].texp;
        if (!own || !own->norm_degree) continue;
        long double factor = powl(scale, own->norm_degree);
        own->eps = (own->exact ? net->texp->norm_eps : .00001f) * factor * factor;
        own->eps_root = own->exact ? 0 : .000001f * factor;
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

/* P_{k+1}/P_k = 1/alpha_k */
static void follow_statistics(network *net, double ratio)
{
    if (ratio == 1) return;
    for (int i = 0; i < net->n; ++i) {
        layer l = net->layers[i];
        if (!l.texp || !l.texp->norm_degree || !l.rolling_mean) continue;
        double factor = pow(ratio, l.texp->norm_degree);
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

static void update_layer(layer l, const texp_step *step, double factor, const update_args *a, int on_gpu)
{
    const texp_layer *own = l.texp;
    int norm = l.scales && l.scale_updates;
    int n_biases = (int)texp_layer_biases(&l);
    parameters weights = PARAMETERS(l, weights, weight_updates, (int)texp_layer_weights(&l), );
    parameters biases = PARAMETERS(l, biases, bias_updates, n_biases, bias_);
    parameters scales = PARAMETERS(l, scales, scale_updates, norm ? n_biases : 0, scale_);
    double base = step->base_rate * factor * l.learning_rate_scale;
    /* Adam decays biases and scales too in Darknet; SGD does not. */
    double other_decay = a->adam ? step->base_decay : 0;
    int frozen_biases = own->fixed || (norm ? own->frozen_affine : own->frozen_bias);

    if (own->growing)
        apply(&weights, own->fixed, step->rate * factor * l.learning_rate_scale, step->decay, a, on_gpu);
    else
        apply(&weights, own->fixed, base, step->base_decay, a, on_gpu);
    apply(&biases, frozen_biases, base, other_decay, a, on_gpu);
    apply(&scales, own->frozen_affine, base, other_decay, a, on_gpu);
#ifdef GPU
    if (on_gpu && l.clip && weights.n && l.type == CONVOLUTIONAL) constrain_gpu(weights.n, l.clip, l.weights_gpu, 1);
#endif
}

static update_args common_args(network *net, const texp_step *step, double factor)
{
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
static void update_whole_layer(layer l, const texp_step *step, double factor, const update_args *a, int on_gpu)
{
    layer *inner[TEXP_MOST_INNER_LAYERS];
    int n = texp_inner_layers(&l, inner);
    for (int i = 0; i < n; ++i) update_layer(*inner[i], step, factor, a, on_gpu);
    if (texp_layer_weights(&l) || l.type == BATCHNORM) update_layer(l, step, factor, a, on_gpu);
}

int texp_update_network(network *net)
{
    if (!texp_has_rate(net)) return 0;
    texp_net *t = net->texp;
    double factor = rate_factor(net);
    advance(net);
    const texp_step *step = &t->step;
    if (step->rate > LARGEST_RATE) {
        texp_fail("%s: update %ld: the rate, %Lg, is beyond float's range; the last checkpoint is good up to there",
                  t->file, step->update, step->rate);
    }
    update_args a = common_args(net, step, factor);
    for (int i = 0; i < net->n; ++i) update_whole_layer(net->layers[i], step, factor, &a, ON_GPU(net));
    follow_statistics(net, step->next_scale / step->scale);
    texp_follow_scale(net, step->next_scale);
    return 1;
}

void texp_resume(network *net)
{
    texp_net *t = net->texp;
    texp_schedule_seek(&t->schedule, (long)get_current_batch(net));
    t->step.update = 0;
    texp_follow_scale(net, t->schedule.scale);
}
