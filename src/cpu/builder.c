#include "cpu/builder.h"

#include "base/refuse.h"
#include "cpu/ops.h"
#include "net/layers.h"
#include "net/route_groups.h"
#include "net/texp_net.h"

#include <stdlib.h>

/* --- operations --------------------------------------------------------------------------------------------------- */

texp_op *texp_build_op(texp_builder *b, texp_runs *run, int index)
{
    texp_list *list = b->list;
    if (list->n == list->room) {
        list->room = 2 * list->room + 64;
        list->ops = realloc(list->ops, (size_t)list->room * sizeof *list->ops);
        if (!list->ops) texp_fail("%s: out of memory", b->net->texp->file);
    }
    texp_op *op = list->ops + list->n++;
    *op = (texp_op){.run = run, .layer = index, .slope = 1, .blocks = 1};
    return op;
}

/* From one tensor to another of as many blocks. */
texp_op *texp_build_io(texp_builder *b, texp_runs *run, int index, const texp_tensor *in, texp_tensor *out)
{
    texp_op *op = texp_build_op(b, run, index);
    op->in = in;
    op->out = out;
    op->blocks = in && !in->plain ? in->blocks : out ? out->blocks : 1;
    return op;
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

float texp_slope_of(const layer *l)
{
    const texp_activation_kind kind = l->texp->activation.kind;
    if (kind != TEXP_DARKNETS) return kind == TEXP_MISH ? TEXP_MISH_CURVE : TEXP_SWISH_CURVE;
    return l->activation == LINEAR ? 1 : l->activation == LEAKY ? .1 : 0;
}

int texp_count_readers(const network *net, int index)
{
    int readers = 0;
    for (int j = index + 1; j < net->n; ++j) {
        for (int k = 0, from; (from = texp_layer_input(net->layers + j, j, k)) != TEXP_NO_INPUT; ++k)
            readers += from == index;
    }
    return readers;
}

/* --- activations -------------------------------------------------------------------------------------------------- */

/* index -1: the network's input */
texp_tensor **texp_layout_of(texp_builder *b, int index, int form)
{
    return &b->layouts[index + 1][form == TEXP_NCHW ? 0 : form == TEXP_BLOCKED ? 1 : 2];
}

static texp_tensor *plain_of(texp_builder *b, int index)
{
    texp_tensor **t = texp_layout_of(b, index, TEXP_NCHW);
    if (index < 0) return &b->plan->input;
    const layer *l = b->net->layers + index;
    if (!*t) *t = texp_tensor_of_array(b->plan, l->output, l->out_c, l->out_h, l->out_w);
    return *t;
}

/* The values of layer `index` in this form, after an operation that makes it where need be. */
texp_tensor *texp_need(texp_builder *b, int index, int form)
{
    texp_tensor **t = texp_layout_of(b, index, form), *plain = plain_of(b, index);
    if (b->ready[index + 1] & form) return form == TEXP_NCHW ? plain : *t;
    b->ready[index + 1] |= form;
    if (form == TEXP_NCHW) {
        texp_build_io(b, texp_run_unpack, index, *texp_layout_of(b, index, TEXP_BLOCKED), plain);
        return plain;
    }
    if (!*t)
        *t = texp_tensor_with_memory(
            b->plan, texp_tensor_new(b->plan, plain->c, plain->h, plain->w, form == TEXP_HALVES, b->plan->type));
    texp_build_io(b, form == TEXP_HALVES ? texp_run_convert : texp_run_pack, index, plain, *t)->blocks = (*t)->blocks;
    return *t;
}

texp_tensor *texp_output_of(texp_builder *b, int index)
{
    if (b->plan->recomputed[index]) return b->plan->recomputed[index];
    texp_tensor **t = texp_layout_of(b, index, TEXP_BLOCKED);
    if (!*t) *t = texp_tensor_with_memory(b->plan, texp_tensor_of_output(b->plan, b->net->layers + index));
    b->ready[index + 1] = TEXP_BLOCKED;
    return *t;
}

texp_tensor *texp_conv_input(texp_builder *b, const texp_convolution *c)
{
    if (c->layer && b->plan->recomputed[c->layer - 1]) return b->plan->recomputed[c->layer - 1];
    if (c->plain_input) return texp_need(b, c->layer - 1, b->plan->type == TEXP_BF16 ? TEXP_HALVES : TEXP_NCHW);
    return texp_need(b, c->layer - 1, TEXP_BLOCKED);
}

texp_blocks texp_routed_blocks(const texp_builder *b, const layer *route, int from)
{
    const layer *l = b->net->layers + from;
    const int size = b->plan->kernels->block;
    return (texp_blocks){texp_first_routed_channel(route, l) / size,
                         (texp_routed_channels(route, l) + size - 1) / size};
}

int texp_routes_whole(const texp_builder *b, int i)
{
    const layer *l = b->net->layers + i;
    return l->n == 1 && l->texp->route.groups <= 1;
}

texp_tensor *texp_raw_of(texp_builder *b, int i)
{
    if (!b->raw[i]) b->raw[i] = texp_tensor_with_memory(b->plan, texp_tensor_of_output(b->plan, b->net->layers + i));
    return b->raw[i];
}

texp_bn *texp_bn_of(texp_builder *b, int i)
{
    texp_bn *bn = b->plan->bns + i;
    const layer *l = b->net->layers + i;
    const int block = b->plan->kernels->block, parts = b->plan->batch;
    if (bn->channels) return bn;
    bn->layer = i;
    bn->channels = l->out_c;
    bn->padded = (l->out_c + block - 1) / block * block;
    bn->n = (double)b->plan->batch * l->out_h * l->out_w;
    bn->sums = texp_plan_zeros(b->plan, (size_t)parts * bn->padded * sizeof *bn->sums);
    bn->squares = texp_plan_zeros(b->plan, (size_t)parts * bn->padded * sizeof *bn->squares);
    float **arrays[] = {&bn->mean, &bn->factor, &bn->bias, &bn->direct, &bn->by_x, &bn->constant, &bn->slope};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; ++k) {
        *arrays[k] = texp_plan_zeros(b->plan, (size_t)bn->padded * sizeof **arrays[k]);
    }
    return bn;
}

void texp_build_normalize(texp_builder *b, int i, const texp_tensor *in, texp_tensor *out, float slope)
{
    texp_op *op = texp_build_io(b, texp_run_normalize, i, in, out);
    op->bn = texp_bn_of(b, i);
    op->slope = slope;
}

texp_tensor *texp_delta_of(texp_builder *b, int i)
{
    const layer *l = b->net->layers + i;
    return texp_tensor_of_array(b->plan, l->delta, l->out_c, l->out_h, l->out_w);
}
