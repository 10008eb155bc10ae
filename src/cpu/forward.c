#include "cpu/forward.h"

#include "cpu/ops.h"
#include "net/activation.h"
#include "net/layers.h"

#include <string.h>

static void build_bn(texp_builder *b, int i, texp_tensor *in, texp_tensor *out, float slope, int train)
{
    if (train) {
        texp_op *op = texp_build_io(b, texp_run_moments, i, in, NULL);
        op->bn = texp_bn_of(b, i);
        op->finish = texp_finish_moments;
    }
    texp_build_normalize(b, i, in, out, slope);
}

/* The normalisation that takes in all of what convolution i makes, and does nothing else; -1: none. */
static int bn_behind(const texp_builder *b, int i)
{
    const layer *l = b->net->layers + i;
    if (l->batch_normalize) return i;
    const int follows = i + 1 < b->net->n && b->fast[i + 1] && l[1].type == BATCHNORM && texp_is_linear(l) &&
                        texp_count_readers(b->net, i) == 1;
    return follows ? i + 1 : -1;
}

/* In evaluation, when the statistics are known beforehand, weights take the normalisation in and nothing is left of it. */
static void evaluate_convolution(texp_builder *b, int i)
{
    texp_convolution *c = b->plan->convolutions + i;
    const int bn = bn_behind(b, i), fuses = bn > i && bn + 1 < b->net->n && b->fused[bn + 1];
    const int last = bn < 0 ? i : fuses ? bn + 1 : bn;
    const texp_tensor *in = texp_conv_input(b, c);
    texp_tensor *out = texp_output_of(b, last);
    const float slope = bn > i && !fuses ? 1 : texp_slope_of(b->net->layers + last);
    texp_op *op = texp_build_io(b, texp_run_conv, i, in, out);
    op->kind = TEXP_BY_CONVOLUTION;
    op->convolution = c;
    op->conv_kind = TEXP_CONV_FORWARD;
    op->slope = TEXP_IS_CURVE(slope) ? 1 : slope;
    op->joined = in->lane_bytes > 0;
    if (bn >= 0) {
        op->bn = texp_bn_of(b, bn);
        if (!c->folded_biases) c->folded_biases = texp_plan_zeros(b->plan, (size_t)c->shape.n * sizeof(float));
    }
    if (TEXP_IS_CURVE(slope)) texp_build_io(b, texp_run_activate, i, out, out)->slope = slope;
}

static void train_convolution(texp_builder *b, int i)
{
    const layer *l = b->net->layers + i;
    texp_convolution *c = b->plan->convolutions + i;
    const float slope = texp_slope_of(l);
    texp_tensor *in = texp_conv_input(b, c), *out = texp_output_of(b, i);
    texp_tensor *to = l->batch_normalize || TEXP_IS_CURVE(slope) ? texp_raw_of(b, i) : out;
    texp_op *op = texp_build_io(b, texp_run_conv, i, in, to);
    op->joined = in->lane_bytes > 0;
    op->kind = TEXP_BY_CONVOLUTION;
    op->convolution = c;
    op->conv_kind = TEXP_CONV_FORWARD;
    if (l->batch_normalize) {
        build_bn(b, i, to, out, slope, 1);
    } else if (slope != 1) {
        texp_build_io(b, texp_run_activate, i, to, out)->slope = slope;
    }
}

/* The sum may lie where its first summand does, if nobody else wants that. */
static void forward_shortcut(texp_builder *b, int i, int train)
{
    const layer *l = b->net->layers + i, *before = l - 1;
    const float slope = texp_slope_of(l);
    texp_tensor *one = texp_need(b, i - 1, TEXP_BLOCKED), *two = texp_need(b, l->index, TEXP_BLOCKED);
    texp_tensor **mine = texp_layout_of(b, i, TEXP_BLOCKED);
    const int is_free = b->fast[i - 1] && before->type == CONVOLUTIONAL && !before->batch_normalize &&
                        texp_is_linear(before) && texp_count_readers(b->net, i - 1) == 1;
    if (!*mine && is_free) *mine = one;
    texp_tensor *out = texp_output_of(b, i), *to = train && TEXP_IS_CURVE(slope) ? texp_raw_of(b, i) : out;
    texp_op *op = texp_build_io(b, texp_run_add, i, one, to);
    op->in2 = two;
    op->slope = TEXP_IS_CURVE(slope) ? 1 : slope;
    if (TEXP_IS_CURVE(slope)) texp_build_io(b, texp_run_activate, i, to, out)->slope = slope;
}

static void forward_route(texp_builder *b, int i, int train)
{
    (void)train;
    const layer *l = b->net->layers + i;
    if (texp_routes_whole(b, i)) {
        *texp_layout_of(b, i, TEXP_BLOCKED) = texp_need(b, l->input_layers[0], TEXP_BLOCKED);
        b->ready[i + 1] = TEXP_BLOCKED;
        return;
    }
    texp_tensor *out = texp_output_of(b, i);
    int block = 0;
    for (int k = 0; k < l->n; ++k) {
        const texp_blocks taken = texp_routed_blocks(b, l, l->input_layers[k]);
        texp_op *op = texp_build_io(b, texp_run_copy, i, texp_need(b, l->input_layers[k], TEXP_BLOCKED), out);
        op->in_block = taken.first;
        op->out_block = block;
        op->blocks = taken.n;
        block += taken.n;
    }
}

static void forward_maxpool(texp_builder *b, int i, int train)
{
    (void)train;
    texp_tensor *in = texp_need(b, i - 1, TEXP_BLOCKED), *out = texp_output_of(b, i);
    texp_op *op = texp_build_io(b, texp_run_largest, i, in, out);
    if (!b->which[i]) b->which[i] = texp_plan_alloc(b->plan, out->image * (size_t)b->plan->batch);
    op->which = b->which[i];
}

static void forward_batchnorm(texp_builder *b, int i, int train)
{
    const layer *l = b->net->layers + i;
    const int fuses = i + 1 < b->net->n && b->fused[i + 1];
    if (!train && b->fast[i - 1] && l[-1].type == CONVOLUTIONAL && bn_behind(b, i - 1) == i) return;
    texp_tensor *in = texp_need(b, i - 1, TEXP_BLOCKED);
    build_bn(b, i, in, texp_output_of(b, fuses ? i + 1 : i), fuses ? texp_slope_of(l + 1) : 1, train);
}

static void forward_activation(texp_builder *b, int i, int train)
{
    (void)train;
    if (b->fused[i]) return;
    texp_op *op = texp_build_io(b, texp_run_activate, i, texp_need(b, i - 1, TEXP_BLOCKED), texp_output_of(b, i));
    op->slope = texp_slope_of(b->net->layers + i);
}

static void forward_avgpool(texp_builder *b, int i, int train)
{
    (void)train;
    texp_build_io(b, texp_run_average, i, texp_need(b, i - 1, TEXP_BLOCKED), texp_output_of(b, i));
}

static void forward_upsample(texp_builder *b, int i, int train)
{
    (void)train;
    texp_build_io(b, texp_run_enlarge, i, texp_need(b, i - 1, TEXP_BLOCKED), texp_output_of(b, i));
}

static void forward_convolution(texp_builder *b, int i, int train)
{
    if (train)
        train_convolution(b, i);
    else
        evaluate_convolution(b, i);
}

typedef void forward(texp_builder *b, int i, int train);
static forward *const forward_of[] = {
    [TEXP_FAST_CONVOLUTION] = forward_convolution,
    [TEXP_FAST_BATCHNORM] = forward_batchnorm,
    [TEXP_FAST_ACTIVATION] = forward_activation,
    [TEXP_FAST_SHORTCUT] = forward_shortcut,
    [TEXP_FAST_ROUTE] = forward_route,
    [TEXP_FAST_MAXPOOL] = forward_maxpool,
    [TEXP_FAST_AVGPOOL] = forward_avgpool,
    [TEXP_FAST_UPSAMPLE] = forward_upsample,
};
_Static_assert(sizeof forward_of / sizeof *forward_of == TEXP_FAST_FORMS, "each form");

static void forward_darknet(texp_builder *b, int i)
{
    for (int k = 0, from; (from = texp_layer_input(b->net->layers + i, i, k)) != TEXP_NO_INPUT; ++k) {
        if (from >= 0) texp_need(b, from, TEXP_NCHW);
    }
    texp_build_op(b, texp_run_layer, i)->kind = TEXP_ALONE;
    b->ready[i + 1] = TEXP_NCHW;
}

void texp_build_forward(texp_builder *b, texp_list *list, int train)
{
    b->list = list;
    memset(b->ready, 0, (size_t)(b->net->n + 1) * sizeof *b->ready);
    b->ready[0] = TEXP_NCHW;
    for (int i = 0; i < b->net->n; ++i) {
        if (!b->fast[i]) {
            forward_darknet(b, i);
            continue;
        }
        forward_of[texp_layer_traits_of(b->net->layers[i].type)->fast_form](b, i, train);
        if (texp_count_readers(b->net, i)) continue;
        /* What no layer reads is the network's answer, and its caller's to read. */
        texp_need(b, i, TEXP_NCHW);
        if (train && b->net->layers[i].delta) texp_build_io(b, texp_run_zero, i, NULL, texp_delta_of(b, i));
    }
}
