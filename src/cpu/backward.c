#include "cpu/backward.h"

#include "base/refuse.h"
#include "cpu/ops.h"
#include "net/activation.h"
#include "net/layers.h"
#include "net/texp_net.h"

#include <stdlib.h>

/* --- where gradients lie ------------------------------------------------------------------------------------------ */

static int can_take(const texp_builder *b, const texp_slot *s, size_t image)
{
    return !s->readers && (s->barrier < b->barriers || s->image == image);
}

/* The smallest that is large enough, or else the largest, which grows. */
static int is_better(const texp_slot *s, const texp_slot *than, size_t bytes)
{
    if (!than) return 1;
    if ((s->bytes >= bytes) != (than->bytes >= bytes)) return s->bytes >= bytes;
    return s->bytes >= bytes ? s->bytes < than->bytes : s->bytes > than->bytes;
}

static int take_slot(texp_builder *b, size_t image)
{
    const size_t bytes = image * (size_t)b->plan->batch;
    int best = -1;
    for (int i = 0; i < b->n_slots; ++i) {
        if (can_take(b, b->pool + i, image) && is_better(b->pool + i, best < 0 ? NULL : b->pool + best, bytes))
            best = i;
    }
    if (best < 0) {
        best = b->n_slots++;
        b->pool = realloc(b->pool, (size_t)b->n_slots * sizeof *b->pool);
        if (!b->pool) texp_fail("%s: out of memory", b->net->texp->file);
        b->pool[best] = (texp_slot){0};
    }
    texp_slot *s = b->pool + best;
    s->bytes = s->bytes > bytes ? s->bytes : bytes;
    s->image = image;
    s->readers = 1;
    return best;
}

static texp_tensor *tensor_in(texp_builder *b, int index, int where)
{
    texp_tensor *t = texp_tensor_of_output(b->plan, b->net->layers + index);
    b->placed = realloc(b->placed, (size_t)(b->n_placed + 1) * sizeof *b->placed);
    if (!b->placed) texp_fail("%s: out of memory", b->net->texp->file);
    b->placed[b->n_placed].tensor = t;
    b->placed[b->n_placed++].slot = where;
    return t;
}

static texp_tensor *new_in_slot(texp_builder *b, int index, int *where)
{
    const texp_tensor *t = texp_tensor_of_output(b->plan, b->net->layers + index);
    *where = take_slot(b, texp_image_bytes(t));
    return tensor_in(b, index, *where);
}

static void release(texp_builder *b, int where)
{
    --b->pool[where].readers;
    b->pool[where].barrier = b->barriers;
}

/* Nobody reads that of the first layers, and [crop] has no place for one. */
static int has_gradient(const texp_builder *b, int index)
{
    return index >= b->lowest && b->net->layers[index].delta;
}

/* Where the gradient of layer `index` goes; *add: what another reader has written there is added to. NULL: nobody wants
 * it. */
static texp_tensor *target(texp_builder *b, int index, int *add)
{
    if (!has_gradient(b, index)) return NULL;
    *add = b->gradients[index] != NULL;
    if (!*add) b->gradients[index] = new_in_slot(b, index, b->slots + index);
    return b->gradients[index];
}

/*
 * Whether layer `index` reads its gradient in the operations that follow at once, and then no more; each value, or all
 * of an image, before one of the layer's input is written. [maxpool] with overlapping windows writes between its reads.
 */
static int reads_at_once(const texp_builder *b, int index, int reader)
{
    const LAYER_TYPE type = b->net->layers[index].type;
    return index == reader - 1 && type != SHORTCUT && type != ROUTE && type != MAXPOOL;
}

/* The gradient of `index` is that of `reader`, of the same shape, and lies in the same place. */
static void share(texp_builder *b, int index, int reader)
{
    b->slots[index] = b->slots[reader];
    ++b->pool[b->slots[index]].readers;
    b->gradients[index] = tensor_in(b, index, b->slots[index]);
}

static void pass_on(texp_builder *b, int index, int reader, int may_share)
{
    int add;
    if (!has_gradient(b, index)) return;
    if (!b->gradients[index] && may_share) {
        share(b, index, reader);
        return;
    }
    texp_tensor *to = target(b, index, &add);
    texp_build_io(b, texp_run_copy, reader, b->gradients[reader], to)->add = add;
}

/* Room for what a layer makes of its own gradient: in place where no other layer's lies there. */
static texp_tensor *changed(texp_builder *b, int index, int *where)
{
    *where = b->slots[index];
    if (b->pool[*where].readers == 1) return b->gradients[index];
    release(b, *where);
    texp_tensor *t = new_in_slot(b, index, where);
    b->slots[index] = *where;
    return t;
}

/* --- each form ---------------------------------------------------------------------------------------------------- */

/* Before the backward pass of convolution i, which reads it. */
static void recompute(texp_builder *b, int i)
{
    texp_tensor *out = b->plan->recomputed[i - 1];
    int bn = b->fused[i - 1] ? i - 2 : i - 1;
    const layer *l = b->net->layers + bn, *last = b->net->layers + i - 1;
    const texp_tensor *in = l->type == BATCHNORM ? *texp_layout_of(b, bn - 1, TEXP_BLOCKED) : b->raw[bn];
    texp_build_normalize(b, bn, in, out, l->type == BATCHNORM && bn == i - 1 ? 1 : texp_slope_of(last));
}

static void build_bn_gradient(texp_builder *b, int i, const texp_tensor *x, const texp_tensor *dy, texp_tensor *dx,
                              float slope, int add)
{
    texp_op *sums = texp_build_io(b, texp_run_gradient_sums, i, x, NULL);
    sums->in2 = dy;
    sums->bn = texp_bn_of(b, i);
    sums->slope = slope;
    sums->finish = texp_finish_gradient_sums;
    ++b->barriers;
    if (!dx) return;
    texp_op *op = texp_build_io(b, texp_run_gradient, i, x, dx);
    op->in2 = dy;
    op->bn = texp_bn_of(b, i);
    op->slope = slope;
    op->add = add;
}

/* What the gradient of layer i's activation is had from: its values behind it or, of a curve, before it. */
static const texp_tensor *activation_values(texp_builder *b, int i)
{
    const layer *l = b->net->layers + i;
    if (!TEXP_IS_CURVE(texp_slope_of(l))) return texp_need(b, i, TEXP_BLOCKED);
    return l->type == ACTIVE ? texp_need(b, i - 1, TEXP_BLOCKED) : b->raw[i];
}

static void build_activation_gradient(texp_builder *b, int i, const texp_tensor *dy, texp_tensor *dx, int add)
{
    texp_op *op = texp_build_io(b, texp_run_activate_gradient, i, activation_values(b, i), dx);
    op->in2 = dy;
    op->slope = texp_slope_of(b->net->layers + i);
    op->add = add;
}

static void backward_convolution(texp_builder *b, int i)
{
    const layer *l = b->net->layers + i;
    texp_convolution *c = b->plan->convolutions + i;
    const float slope = texp_slope_of(l);
    int where, add;
    const texp_tensor *dy = b->gradients[i];
    if (l->batch_normalize) {
        texp_tensor *changes = changed(b, i, &where);
        build_bn_gradient(b, i, b->raw[i], dy, changes, slope, 0);
        dy = changes;
    } else {
        if (slope != 1) {
            texp_tensor *changes = changed(b, i, &where);
            build_activation_gradient(b, i, dy, changes, 0);
            dy = changes;
        }
        if (!l->texp->frozen.bias) {
            texp_op *op = texp_build_io(b, texp_run_bias_sums, i, dy, NULL);
            op->bn = texp_bn_of(b, i);
            op->finish = texp_finish_bias_sums;
            ++b->barriers;
        }
    }
    if (!l->texp->frozen.weights) {
        texp_tensor *x = texp_conv_input(b, c);
        if (x->lane_bytes) recompute(b, i);
        texp_op *op = texp_build_io(b, texp_run_conv_weights, i, x, NULL);
        op->joined = x->lane_bytes > 0;
        op->in2 = dy;
        op->kind = TEXP_BY_CONVOLUTION;
        op->convolution = c;
        op->conv_kind = TEXP_CONV_BACKWARD_WEIGHTS;
    }
    texp_tensor *dx = c->plain_input ? NULL : target(b, i - 1, &add);
    if (dx) {
        texp_op *op = texp_build_io(b, texp_run_conv_data, i, dy, dx);
        op->kind = TEXP_BY_CONVOLUTION;
        op->convolution = c;
        op->conv_kind = TEXP_CONV_BACKWARD_DATA;
        op->add = add;
    }
}

/* The layer whose gradient arrives is the activation where the two are one. */
static void backward_batchnorm(texp_builder *b, int i)
{
    const int fuses = i + 1 < b->net->n && b->fused[i + 1], above = fuses ? i + 1 : i;
    int add = 0;
    const texp_tensor *dy = b->gradients[above], *x = texp_need(b, i - 1, TEXP_BLOCKED);
    if (!dy) return;
    texp_tensor *dx = NULL;
    if (has_gradient(b, i - 1) && !b->gradients[i - 1] && b->pool[b->slots[above]].readers == 1) {
        share(b, i - 1, above);
        dx = b->gradients[i - 1];
    } else {
        dx = target(b, i - 1, &add);
    }
    build_bn_gradient(b, i, x, dy, dx, fuses ? texp_slope_of(b->net->layers + i + 1) : 1, add);
    if (!fuses) return;
    release(b, b->slots[above]);
    b->gradients[above] = NULL;
}

static void backward_activation(texp_builder *b, int i)
{
    int add = 0;
    texp_tensor *dx;
    if (has_gradient(b, i - 1) && !b->gradients[i - 1] && b->pool[b->slots[i]].readers == 1) {
        share(b, i - 1, i);
        dx = b->gradients[i - 1];
    } else {
        dx = target(b, i - 1, &add);
    }
    if (!dx) return;
    build_activation_gradient(b, i, b->gradients[i], dx, add);
}

static void backward_shortcut(texp_builder *b, int i)
{
    const layer *l = b->net->layers + i;
    if (!texp_is_linear(l)) {
        int where;
        const texp_tensor *dy = b->gradients[i];
        texp_tensor *changes = changed(b, i, &where);
        build_activation_gradient(b, i, dy, changes, 0);
        b->gradients[i] = changes;
    }
    /* The other one's may be added to only after layer i-1 has read what lies there. */
    const int alone = b->pool[b->slots[i]].readers == 1, at_once = reads_at_once(b, i - 1, i);
    pass_on(b, i - 1, i, alone && at_once);
    pass_on(b, l->index, i, alone && l->index != i - 1);
}

static void backward_route(texp_builder *b, int i)
{
    const layer *l = b->net->layers + i;
    if (texp_routes_whole(b, i)) {
        pass_on(b, l->input_layers[0], i, b->pool[b->slots[i]].readers == 1);
        return;
    }
    int block = 0;
    for (int k = 0, add; k < l->n; ++k) {
        const texp_blocks taken = texp_routed_blocks(b, l, l->input_layers[k]);
        texp_tensor *to = target(b, l->input_layers[k], &add);
        if (to) {
            /* The channels of other groups have no gradient from here. */
            if (!add && taken.n < to->blocks) {
                texp_build_io(b, texp_run_zero, i, NULL, to);
                add = 1;
            }
            texp_op *op = texp_build_io(b, texp_run_copy, i, b->gradients[i], to);
            op->in_block = block;
            op->out_block = taken.first;
            op->blocks = taken.n;
            op->add = add;
        }
        block += taken.n;
    }
}

static void backward_simply(texp_builder *b, int i, texp_runs *run)
{
    int add;
    texp_tensor *to = target(b, i - 1, &add);
    if (!to) return;
    texp_op *op = texp_build_io(b, run, i, b->gradients[i], to);
    op->add = add;
    op->which = b->which[i];
}

static void pack_delta(texp_builder *b, int i)
{
    int add;
    if (!b->net->layers[i].delta || texp_count_readers(b->net, i)) return;
    texp_tensor *to = target(b, i, &add);
    texp_build_io(b, texp_run_pack, i, texp_delta_of(b, i), to)->blocks = to->blocks;
}

static void backward_maxpool(texp_builder *b, int i)
{
    backward_simply(b, i, texp_run_largest_gradient);
}

static void backward_avgpool(texp_builder *b, int i)
{
    backward_simply(b, i, texp_run_average_gradient);
}

static void backward_upsample(texp_builder *b, int i)
{
    backward_simply(b, i, texp_run_enlarge_gradient);
}

typedef void backward(texp_builder *b, int i);
static backward *const backward_of[] = {
    [TEXP_FAST_CONVOLUTION] = backward_convolution,
    [TEXP_FAST_BATCHNORM] = backward_batchnorm,
    [TEXP_FAST_ACTIVATION] = backward_activation,
    [TEXP_FAST_SHORTCUT] = backward_shortcut,
    [TEXP_FAST_ROUTE] = backward_route,
    [TEXP_FAST_MAXPOOL] = backward_maxpool,
    [TEXP_FAST_AVGPOOL] = backward_avgpool,
    [TEXP_FAST_UPSAMPLE] = backward_upsample,
};
_Static_assert(sizeof backward_of / sizeof *backward_of == TEXP_FAST_FORMS, "each form");

static void backward_fast(texp_builder *b, int i)
{
    const LAYER_TYPE type = b->net->layers[i].type;
    if (type == BATCHNORM && !b->gradients[i]) {
        backward_batchnorm(b, i);
        return;
    }
    if (b->fused[i]) return;
    if (!b->gradients[i]) pack_delta(b, i);
    if (!b->gradients[i]) return;
    backward_of[texp_layer_traits_of(type)->fast_form](b, i);
    release(b, b->slots[i]);
    b->gradients[i] = NULL;
}

/* --- Darknet's own code ------------------------------------------------------------------------------------------- */

static int is_repeated(const layer *l, int i, int k)
{
    for (int j = 0; j < k; ++j) {
        if (texp_layer_input(l, i, j) == texp_layer_input(l, i, k)) return 1;
    }
    return 0;
}

/* Darknet's layers add to the deltas of those that they read. */
static void backward_darknet(texp_builder *b, int i)
{
    const layer *l = b->net->layers + i;
    int from, add;
    if (b->gradients[i]) {
        texp_build_io(b, texp_run_unpack, i, b->gradients[i], texp_delta_of(b, i))->add = 1;
        release(b, b->slots[i]);
        b->gradients[i] = NULL;
    }
    for (int k = 0; (from = texp_layer_input(l, i, k)) != TEXP_NO_INPUT; ++k) {
        if (from < 0 || !b->fast[from] || is_repeated(l, i, k)) continue;
        /* [dropout] works in place. */
        if (b->net->layers[from].delta == l->delta) continue;
        texp_build_io(b, texp_run_zero, i, NULL, texp_delta_of(b, from));
    }
    texp_build_op(b, texp_run_layer_backward, i)->kind = TEXP_ALONE;
    ++b->barriers;
    for (int k = 0; (from = texp_layer_input(l, i, k)) != TEXP_NO_INPUT; ++k) {
        if (from < 0 || !b->fast[from] || is_repeated(l, i, k)) continue;
        texp_tensor *to = target(b, from, &add);
        if (!to) continue;
        texp_op *op = texp_build_io(b, texp_run_pack, i, texp_delta_of(b, from), to);
        op->blocks = to->blocks;
        op->add = add;
    }
}

/* Once all users of the slots are known. */
static void place_gradients(texp_builder *b)
{
    void **memory = texp_plan_zeros(b->plan, (size_t)b->n_slots * sizeof *memory);
    for (int i = 0; i < b->n_slots; ++i) memory[i] = texp_plan_alloc(b->plan, b->pool[i].bytes);
    for (int i = 0; i < b->n_placed; ++i) b->placed[i].tensor->data = memory[b->placed[i].slot];
    free(b->pool);
    free(b->placed);
}

void texp_build_backward(texp_builder *b)
{
    b->list = &b->plan->backward;
    for (int i = b->net->n - 1; i >= 0 && !b->net->layers[i].stopbackward; --i) b->lowest = i;
    if (b->net->layers[b->net->n - 1].stopbackward) return;
    for (int i = b->net->n - 1; i >= b->lowest; --i) {
        if (b->fast[i])
            backward_fast(b, i);
        else
            backward_darknet(b, i);
    }
    place_gradients(b);
}
