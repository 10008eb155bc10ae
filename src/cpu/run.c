/* Runs the lists of operations of the fast backend (plan.h) behind forward_network and backward_network. */
#include "cpu/run.h"

#include "base/refuse.h"
#include "cpu/build.h"
#include "cpu/ops.h"
#include "net/texp_net.h"

#include <stdlib.h>

#ifdef _OPENMP
#include <omp.h>
#endif

/* Inside a parallel region of the caller's, as around networks that it runs side by side, the calling thread alone. */
static int threads_now(void)
{
#ifdef _OPENMP
    return omp_in_parallel() ? 1 : omp_get_max_threads();
#else
    return 1;
#endif
}

static int this_thread(void)
{
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

/* --- what takes how long ------------------------------------------------------------------------------------------ */

typedef enum { CONVOLVE, CONVOLVE_INPUT, CONVOLVE_WEIGHTS, NORMALIZE, ELEMENTWISE, DARKNETS, WORKS } work;

static work work_of(const texp_op *op)
{
    if (op->kind == TEXP_BY_CONVOLUTION) {
        return op->conv_kind == TEXP_CONV_FORWARD         ? CONVOLVE
               : op->conv_kind == TEXP_CONV_BACKWARD_DATA ? CONVOLVE_INPUT
                                                          : CONVOLVE_WEIGHTS;
    }
    if (op->kind == TEXP_ALONE) return DARKNETS;
    return op->bn ? NORMALIZE : ELEMENTWISE;
}

static void run_op(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    if (!plan->times_work) {
        op->run(op, plan, part);
        return;
    }
    const double start = what_time_is_it_now();
    op->run(op, plan, part);
    plan->seconds[(part->lane + part->share) * WORKS + work_of(op)] += what_time_is_it_now() - start;
}

void texp_cpu_time_work(network *net, int on)
{
    texp_plan *plan = net->texp->cpu.plan;
    if (!plan) return;
    if (!plan->seconds) plan->seconds = texp_plan_alloc(plan, sizeof(double) * WORKS * (size_t)plan->lanes);
    for (int i = 0; i < WORKS * plan->lanes; ++i) plan->seconds[i] = 0;
    plan->times_work = on;
}

void texp_cpu_print_work(network *net, FILE *file, double seconds)
{
    static const char *const names[] = {
        [CONVOLVE] = "convolutions, forward",
        [CONVOLVE_INPUT] = "convolutions, input gradient",
        [CONVOLVE_WEIGHTS] = "convolutions, weight gradient",
        [NORMALIZE] = "batch normalisation and relu",
        [ELEMENTWISE] = "sums, pooling, conversions",
        [DARKNETS] = "Darknet's own layers",
    };
    const texp_plan *plan = net->texp->cpu.plan;
    double rest = seconds;
    if (!plan || !plan->seconds) return;
    for (int k = 0; k < WORKS; ++k) {
        double sum = 0;
        for (int lane = 0; lane < plan->lanes; ++lane) sum += plan->seconds[lane * WORKS + k];
        if (k != DARKNETS) sum /= plan->lanes;
        rest -= sum;
        fprintf(file, "%5.1f %%  %s\n", 100 * sum / seconds, names[k]);
    }
    fprintf(file, "%5.1f %%  update, weights in and out, waiting\n", 100 * rest / seconds);
}

/* --- lists of operations ------------------------------------------------------------------------------------------ */

static void run_ops(const texp_stage *stage, const texp_list *list, texp_plan *plan, const texp_part *part)
{
    for (int i = 0; i < stage->ops; ++i) run_op(list->ops + stage->first + i, plan, part);
}

/* A group of neighbouring parts, in their order. */
static void run_group(const texp_stage *stage, const texp_list *list, texp_plan *plan, int group, int lane)
{
    const long parts = plan->batch / stage->images;
    const int from = (int)(parts * group / stage->sums), to = (int)(parts * (group + 1) / stage->sums);
    for (int p = from; p < to; ++p) {
        const texp_part part = {.lane = lane,
                                .image = p * stage->images,
                                .images = stage->images,
                                .shares = 1,
                                .part = p,
                                .sum = group,
                                .is_first = p == from};
        run_ops(stage, list, plan, &part);
    }
}

/* The next group of a lane's that nobody has taken, or one behind its last. */
static int claim(texp_claims *claims)
{
    return __atomic_fetch_add(&claims->next, 1, __ATOMIC_RELAXED);
}

/* Each lane begins with neighbouring groups, which its cache may still know, and goes on with what is left of the others'. */
static void run_by_images(const texp_stage *stage, const texp_list *list, texp_plan *plan)
{
    const int lanes = stage->sums < plan->lanes ? stage->sums : plan->lanes;
    for (int lane = 0; lane < lanes; ++lane) {
        plan->claims[lane].next = (int)((long)stage->sums * lane / lanes);
        plan->claims[lane].end = (int)((long)stage->sums * (lane + 1) / lanes);
    }
#pragma omp parallel num_threads(lanes)
    for (int k = 0; k < lanes; ++k) {
        texp_claims *claims = plan->claims + (this_thread() + k) % lanes;
        for (int group = claim(claims); group < claims->end; group = claim(claims))
            run_group(stage, list, plan, group, this_thread());
    }
}

static void run_whole(const texp_stage *stage, const texp_list *list, texp_plan *plan)
{
    for (int i = 0; i < stage->ops; ++i) {
        const texp_op *op = list->ops + stage->first + i;
        const texp_part all = {.images = plan->batch, .shares = 1, .is_first = 1};
        if (op->kind != TEXP_BY_IMAGE) {
            run_op(op, plan, &all);
            continue;
        }
#pragma omp parallel for schedule(static, 1) num_threads(plan->lanes)
        for (int lane = 0; lane < plan->lanes; ++lane) {
            texp_part part = all;
            part.share = lane;
            part.shares = plan->lanes;
            run_op(op, plan, &part);
        }
    }
}

/* Those of Darknet's own layers, while this thread runs a network of this backend. */
static _Thread_local int products_by_library;

static void run_list(const texp_list *list, texp_plan *plan)
{
    products_by_library = 1;
    for (int s = 0; s < list->n_stages; ++s) {
        const texp_stage *stage = list->stages + s;
        if (stage->whole)
            run_whole(stage, list, plan);
        else
            run_by_images(stage, list, plan);
        for (int i = 0; i < stage->ops; ++i) {
            const texp_op *op = list->ops + stage->first + i;
            if (op->finish) op->finish(op, plan);
        }
    }
    products_by_library = 0;
    if (plan->failed) {
        texp_fail("oneDNN could not run a convolution; add backend=plain to [net] of %s", plan->net->texp->file);
    }
}

/* --- weights ------------------------------------------------------------------------------------------------------ */

/* Of one convolution; with what it folds in. */
static int set_weights_of(const texp_op *op, texp_plan *plan)
{
    const texp_convolution *c = op->convolution;
    const layer *l = plan->net->layers + c->layer;
    void *own = op->conv_kind == TEXP_CONV_FORWARD ? c->weights : c->back_weights;
    if (!op->bn) return texp_conv_set_weights(op->conv, this_thread(), own, l->weights);
    float *folded = malloc((size_t)l->nweights * sizeof *folded);
    if (!folded) return -1;
    texp_bn_fold(op, plan, folded);
    int status = texp_conv_set_weights(op->conv, this_thread(), own, folded);
    free(folded);
    return status;
}

static void set_weights(texp_list *list, texp_plan *plan)
{
#pragma omp parallel for schedule(dynamic) num_threads(plan->lanes)
    for (int i = 0; i < list->n; ++i) {
        const texp_op *op = list->ops + i;
        if (op->kind != TEXP_BY_CONVOLUTION || op->conv_kind == TEXP_CONV_BACKWARD_WEIGHTS) continue;
        if (set_weights_of(op, plan)) plan->failed = 1;
    }
}

static void add_updates(texp_list *list, texp_plan *plan)
{
#pragma omp parallel for schedule(dynamic) num_threads(plan->lanes)
    for (int i = 0; i < list->n; ++i) {
        const texp_op *op = list->ops + i;
        if (op->kind != TEXP_BY_CONVOLUTION || op->conv_kind != TEXP_CONV_BACKWARD_WEIGHTS) continue;
        const texp_convolution *c = op->convolution;
        for (int sum = 1; sum < op->sums; ++sum) {
            const float *more = c->updates + (size_t)sum * c->updates_size;
#pragma omp simd
            for (size_t k = 0; k < c->updates_size; ++k) c->updates[k] += more[k];
        }
        if (texp_conv_add_updates(op->conv, this_thread(), plan->net->layers[c->layer].weight_updates, c->updates)) {
            plan->failed = 1;
        }
    }
}

/* --- the passes --------------------------------------------------------------------------------------------------- */

static texp_plan *plan_for(network *net)
{
    texp_net *t = net->texp;
    const int lanes = threads_now();
    texp_plan *plan = t->cpu.plan;
    if (plan && plan->n == net->n && plan->batch == net->batch && plan->w == net->w && plan->h == net->h &&
        plan->lanes == lanes)
        return plan;
    texp_plan_free(plan);
    t->cpu.plan = texp_plan_build(net, lanes);
    return t->cpu.plan;
}

int texp_cpu_forward(network *net)
{
    if (!net->texp) return 0;
    /* A gradient of the network's input has no fast form. */
    texp_plan *plan = net->texp->cpu.fast && !net->delta ? plan_for(net) : NULL;
    net->texp->cpu.went_fast = plan != NULL;
    if (!plan) return 0;
    texp_list *list = net->train ? &plan->train : &plan->evaluate;
    plan->net = net;
    plan->state = *net;
    plan->input.data = net->input;
    for (int i = 0; !net->train && i < net->n; ++i) {
        if (plan->bns[i].channels && (net->layers[i].batch_normalize || net->layers[i].type == BATCHNORM))
            texp_bn_use_rolling(plan, plan->bns + i);
    }
    set_weights(list, plan);
    run_list(list, plan);
    return 1;
}

/* The way that the forward pass went. */
int texp_cpu_backward(network *net)
{
    if (!net->texp || !net->texp->cpu.went_fast) return 0;
    texp_plan *plan = net->texp->cpu.plan;
    if (!net->train || net->delta) {
        texp_fail(
            "%s: a gradient of the input, or behind a prediction, is for Darknet's own loops; add backend=plain to "
            "[net]",
            net->texp->file);
    }
    plan->net = net;
    set_weights(&plan->backward, plan);
    run_list(&plan->backward, plan);
    add_updates(&plan->backward, plan);
    return 1;
}

void texp_cpu_free(network *net)
{
    texp_plan_free(net->texp->cpu.plan);
    net->texp->cpu.plan = NULL;
}

void texp_cpu_keep_outputs(network *net)
{
    if (net->texp) net->texp->cpu.fast = 0;
}

int texp_cpu_gemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                  const float *b, int ldb, float beta, float *c, int ldc)
{
    if (!products_by_library) return 0;
    return !texp_onednn_gemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/* The kernels of this processor; NULL: none, or no convolutions. */
static const texp_kernels *kernels_here(texp_type type)
{
    texp_conv_context *context = texp_conv_context_make(1);
    const texp_kernels *kernels = context ? texp_kernels_of(texp_conv_block(context), type) : NULL;
    texp_conv_context_free(context);
    return kernels;
}

const char *texp_cpu_why_no_bf16(void)
{
#ifdef GPU
    if (gpu_index >= 0) return "is for the CPU; remove it, or add -nogpu";
#endif
#ifdef __x86_64__
    if (!kernels_here(TEXP_F32)) return "needs oneDNN; build with ONEDNN=1, or remove the key";
    if (!kernels_here(TEXP_BF16)) {
        return "this processor has no instructions for bfloat16 (AVX512_BF16); remove the key";
    }
    return NULL;
#else
    return "is for x86-64 processors with AVX512_BF16 alone; remove the key";
#endif
}

void texp_cpu_use(network *net)
{
    net->texp->cpu.fast = kernels_here(TEXP_F32) != NULL;
}
