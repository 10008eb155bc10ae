/* The structures of a plan and their memory. */
#include "cpu/plan.h"

#include "base/refuse.h"
#include "net/texp_net.h"

#include <stdlib.h>
#include <string.h>

/* --- plans -------------------------------------------------------------------------------------------------------- */

void *texp_plan_alloc(texp_plan *plan, size_t bytes)
{
    void *made = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
    if (plan->n_owned == plan->owned_room) {
        plan->owned_room = 2 * plan->owned_room + 64;
        plan->owned = realloc(plan->owned, (size_t)plan->owned_room * sizeof *plan->owned);
    }
    if (!made || !plan->owned) texp_fail("%s: out of memory; lower batch or raise subdivisions", plan->net->texp->file);
    plan->owned[plan->n_owned++] = made;
    return made;
}

void *texp_plan_zeros(texp_plan *plan, size_t bytes)
{
    return memset(texp_plan_alloc(plan, bytes), 0, bytes);
}

texp_plan *texp_plan_new(network *net, int lanes)
{
    texp_plan *plan = calloc(1, sizeof *plan);
    if (!plan) return NULL;
    *plan = (texp_plan){.net = net,
                        .n = net->n,
                        .batch = net->batch,
                        .w = net->w,
                        .h = net->h,
                        .lanes = lanes,
                        .convs = texp_conv_context_make(lanes),
                        .type = net->texp->cpu.bf16 ? TEXP_BF16 : TEXP_F32};
    if (plan->convs) plan->kernels = texp_kernels_of(texp_conv_block(plan->convs), plan->type);
    if (!plan->kernels) {
        texp_plan_free(plan);
        return NULL;
    }
    plan->bns = texp_plan_zeros(plan, (size_t)net->n * sizeof *plan->bns);
    plan->convolutions = texp_plan_zeros(plan, (size_t)net->n * sizeof *plan->convolutions);
    plan->recomputed = texp_plan_zeros(plan, (size_t)net->n * sizeof *plan->recomputed);
    plan->input = *texp_tensor_of_array(plan, NULL, net->c, net->h, net->w);
    return plan;
}

void texp_plan_free(texp_plan *plan)
{
    if (!plan) return;
    texp_list *lists[] = {&plan->train, &plan->backward, &plan->evaluate};
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < lists[i]->n; ++j) texp_conv_close(lists[i]->ops[j].conv);
        free(lists[i]->ops);
    }
    texp_conv_context_free(plan->convs);
    for (int i = 0; i < plan->n_owned; ++i) free(plan->owned[i]);
    free(plan->owned);
    free(plan);
}

/* --- tensors ------------------------------------------------------------------------------------------------------ */

texp_tensor *texp_tensor_new(texp_plan *plan, int c, int h, int w, int plain, texp_type type)
{
    texp_tensor *t = texp_plan_zeros(plan, sizeof *t);
    const int block = plan->kernels->block;
    *t = (texp_tensor){.c = c, .h = h, .w = w, .pixels = h * w, .plain = plain, .type = type, .blocks = 1};
    if (!plain) t->blocks = (c + block - 1) / block;
    t->image = (size_t)t->pixels * (plain ? c : t->blocks * block);
    return t;
}

texp_tensor *texp_tensor_of_output(texp_plan *plan, const layer *l)
{
    return texp_tensor_new(plan, l->out_c, l->out_h, l->out_w, 0, plan->type);
}

texp_tensor *texp_tensor_with_memory(texp_plan *plan, texp_tensor *t)
{
    t->data = texp_plan_alloc(plan, texp_image_bytes(t) * (size_t)plan->batch);
    return t;
}

/* One of Darknet's arrays as a tensor. */
texp_tensor *texp_tensor_of_array(texp_plan *plan, float *data, int c, int h, int w)
{
    texp_tensor *t = texp_tensor_new(plan, c, h, w, 1, TEXP_F32);
    t->data = data;
    return t;
}

size_t texp_type_bytes(texp_type type)
{
    return type == TEXP_BF16 ? 2 : 4;
}

size_t texp_image_bytes(const texp_tensor *t)
{
    return t ? t->image * texp_type_bytes(t->type) : 0;
}

size_t texp_weight_bytes(const texp_convolution *c)
{
    const texp_conv_shape *s = &c->shape;
    return (size_t)s->n * (s->c / s->groups) * s->size * s->size * texp_type_bytes(c->type);
}
