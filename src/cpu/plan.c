/*
 * Makes the lists of operations of the fast backend from a network: which layers have a fast form, and where activations
 * and gradients lie.
 */
#include "cpu/plan.h"

#include "base/refuse.h"
#include "cpu/cpu.h"
#include "net/texp_net.h"

#include <stdlib.h>
#include <string.h>

/* An activation array has one or more forms; which of them hold the values changes along a list. */
enum { PLAIN = 1, BLOCKED = 2, HALVES = 4, FORMS = 3 };

/*
 * Memory that gradients share one after another. Between two barriers one image is ahead of another, so there its next
 * user must have images of the same size: then no image's place is another's.
 */
typedef struct {
    size_t bytes, image;
    int readers; /* layers whose gradient lies there */
    int barrier; /* how many came before the last user's end */
} slot;

typedef struct {
    texp_plan *plan;
    network *net;
    texp_list *list;
    char *fast; /* of each layer: it has a fast form */
    char *fused; /* of each layer: the normalisation before it does its work */
    texp_tensor *(*forms)[FORMS]; /* of the input and of each layer's output; see tensor_of() */
    int *ready; /* forms that hold the values, at this point of the list */
    texp_tensor **raw; /* of each convolution with batch normalisation: what it normalises */
    texp_tensor **passing; /* of each layer whose output is not kept; see passes_by() */
    uint8_t **which; /* of each [maxpool] */
    texp_tensor **gradients; /* of each layer's output, or NULL: no reader has written it yet */
    int *slots; /* where it lies */
    slot *pool;
    int n_slots;
    int barriers; /* operations so far that end a stage */
    struct {
        texp_tensor *tensor;
        int slot;
    } * placed;
    int n_placed, lowest; /* layer that the backward pass reaches */
} builder;

/* --- memory ------------------------------------------------------------------------------------------------------- */

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

static void *alloc_zero(texp_plan *plan, size_t bytes)
{
    return memset(texp_plan_alloc(plan, bytes), 0, bytes);
}

static size_t tensor_bytes(const texp_plan *plan, const texp_tensor *t)
{
    return t->image * (size_t)plan->batch * texp_type_bytes(t->type);
}

static texp_tensor *new_tensor(texp_plan *plan, int c, int h, int w, int plain, texp_type type)
{
    texp_tensor *t = alloc_zero(plan, sizeof *t);
    const int block = plan->kernels->block;
    *t = (texp_tensor){.c = c, .h = h, .w = w, .pixels = h * w, .plain = plain, .type = type, .blocks = 1};
    if (!plain) t->blocks = (c + block - 1) / block;
    t->image = (size_t)t->pixels * (plain ? c : t->blocks * block);
    return t;
}

static texp_tensor *blocked_like(texp_plan *plan, const layer *l)
{
    return new_tensor(plan, l->out_c, l->out_h, l->out_w, 0, plan->type);
}

static texp_tensor *with_memory(texp_plan *plan, texp_tensor *t)
{
    t->data = texp_plan_alloc(plan, tensor_bytes(plan, t));
    return t;
}

/* One of Darknet's arrays as a tensor. */
static texp_tensor *darknets(texp_plan *plan, float *data, int c, int h, int w)
{
    texp_tensor *t = new_tensor(plan, c, h, w, 1, TEXP_F32);
    t->data = data;
    return t;
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static texp_op *append(builder *b, texp_runs *run, int index)
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
static texp_op *append_io(builder *b, texp_runs *run, int index, const texp_tensor *in, texp_tensor *out)
{
    texp_op *op = append(b, run, index);
    op->in = in;
    op->out = out;
    op->blocks = in && !in->plain ? in->blocks : out ? out->blocks : 1;
    return op;
}

/* --- which layers ------------------------------------------------------------------------------------------------- */

static float slope_of(ACTIVATION a)
{
    return a == LINEAR ? 1 : a == LEAKY ? .1 : 0;
}

static int has_slope(ACTIVATION a)
{
    return a == LINEAR || a == RELU || a == LEAKY;
}

static texp_conv_shape shape_of(const layer *l)
{
    return (texp_conv_shape){l->c, l->h, l->w, l->n, l->size, l->stride, l->pad, l->groups};
}

static int can_convolve(const texp_conv_context *convs, const texp_conv_shape *s, int plain_x, int plain_y,
                        texp_type type)
{
    const texp_conv_use use = {
        .images = 1, .lanes = 1, .threads = 1, .plain_x = plain_x, .plain_y = plain_y, .type = type, .slope = 1};
    return texp_conv_can(convs, TEXP_CONV_FORWARD, s, &use) &&
           texp_conv_can(convs, TEXP_CONV_BACKWARD_WEIGHTS, s, &use) &&
           (plain_x && !plain_y ? 1 : texp_conv_can(convs, TEXP_CONV_BACKWARD_DATA, s, &use));
}

static int reads_previous(const layer *l)
{
    return l->type != ROUTE;
}

static int reads_other(const layer *l, int index)
{
    if (l->type == SHORTCUT) return l->index == index;
    for (int i = 0; l->type == ROUTE && i < l->n; ++i) {
        if (l->input_layers[i] == index) return 1;
    }
    return 0;
}

static int count_readers(const network *net, int index)
{
    int readers = 0;
    for (int j = index + 1; j < net->n; ++j) {
        const layer *l = net->layers + j;
        readers += (j == index + 1 && reads_previous(l)) + reads_other(l, index);
    }
    return readers;
}

/* Where a block is not full the convolution may as well read Darknet's array: an image of 3 channels. */
static int plan_convolution(builder *b, int i)
{
    texp_plan *plan = b->plan;
    const layer *l = b->net->layers + i;
    texp_convolution *c = plan->convolutions + i;
    if (l->binary || l->xnor || !has_slope(l->activation)) return 0;
    const int is_first = i == 0 || (!b->fast[i - 1] && b->net->layers[i - 1].type == CROP);
    *c = (texp_convolution){.layer = i, .shape = shape_of(l), .type = plan->type};
    if (is_first && l->c < plan->kernels->block && can_convolve(plan->convs, &c->shape, 1, 0, plan->type)) {
        c->plain_input = 1;
    } else if (!can_convolve(plan->convs, &c->shape, 0, 0, plan->type)) {
        c->in_plain = 1;
        c->type = TEXP_F32;
        if (!can_convolve(plan->convs, &c->shape, 1, 1, TEXP_F32)) return c->shape.n = 0;
    }
    return 1;
}

static int is_image(const layer *l)
{
    return l->out_c > 0 && l->out_h > 0 && l->out_w > 0 && l->outputs == l->out_c * l->out_h * l->out_w;
}

static int same_image(const layer *a, const layer *b)
{
    return a->out_c == b->out_c && a->out_h == b->out_h && a->out_w == b->out_w;
}

static int can_concatenate(const network *net, const layer *l, int block)
{
    for (int i = 0; i < l->n; ++i) {
        const layer *from = net->layers + l->input_layers[i];
        if (!is_image(from) || from->out_h != l->out_h || from->out_w != l->out_w) return 0;
        if (i + 1 < l->n && from->out_c % block) return 0;
    }
    return is_image(l);
}

static int has_fast_form(builder *b, int i)
{
    const layer *l = b->net->layers + i, *before = i ? l - 1 : NULL;
    if (!is_image(l) || l->truth) return 0;
    /* [dropout] works in the arrays of the layer before it: whoever else reads those reads what it left. */
    if (i + 1 < b->net->n && l[1].type == DROPOUT && count_readers(b->net, i) > 1) return 0;
    if (before && reads_previous(l) && !is_image(before)) return 0;
    switch (l->type) {
    case CONVOLUTIONAL:
        return plan_convolution(b, i);
    case BATCHNORM:
        return i > 0;
    case ACTIVE:
        return i > 0 && has_slope(l->activation);
    case SHORTCUT:
        return has_slope(l->activation) && l->alpha == 1 && l->beta == 1 && i > 0 && same_image(before, l) &&
               same_image(b->net->layers + l->index, l);
    case ROUTE:
        return can_concatenate(b->net, l, b->plan->kernels->block);
    case MAXPOOL:
        return i > 0 && l->size <= 15;
    case AVGPOOL:
        return i > 0;
    case UPSAMPLE:
        return i > 0 && !l->reverse;
    default:
        return 0;
    }
}

/* Layers without convolutions below another fast layer gain nothing from packing and unpacking of their own. */
static void find_fast_layers(builder *b)
{
    for (int i = 0; i < b->net->n; ++i) {
        const layer *l = b->net->layers + i;
        b->fast[i] = (char)has_fast_form(b, i);
        if (!b->fast[i] || l->type == CONVOLUTIONAL) continue;
        int from = l->type == ROUTE ? l->input_layers[0] : i - 1;
        if (!b->fast[from]) b->fast[i] = 0;
    }
    for (int i = 1; i < b->net->n; ++i) {
        const layer *norm = b->net->layers + i - 1;
        b->fused[i] = norm->type == BATCHNORM && b->fast[i - 1] && b->fast[i] && b->net->layers[i].type == ACTIVE &&
                      count_readers(b->net, i - 1) == 1;
    }
}

/* --- activations -------------------------------------------------------------------------------------------------- */

/* index -1: the network's input */
static texp_tensor **form_of(builder *b, int index, int form)
{
    return &b->forms[index + 1][form == PLAIN ? 0 : form == BLOCKED ? 1 : 2];
}

static texp_tensor *plain_of(builder *b, int index)
{
    texp_tensor **t = form_of(b, index, PLAIN);
    if (index < 0) return &b->plan->input;
    const layer *l = b->net->layers + index;
    if (!*t) *t = darknets(b->plan, l->output, l->out_c, l->out_h, l->out_w);
    return *t;
}

/* The values of layer `index` in this form, after an operation that makes it where need be. */
static texp_tensor *need(builder *b, int index, int form)
{
    texp_tensor **t = form_of(b, index, form), *plain = plain_of(b, index);
    if (b->ready[index + 1] & form) return form == PLAIN ? plain : *t;
    b->ready[index + 1] |= form;
    if (form == PLAIN) {
        append_io(b, texp_run_unpack, index, *form_of(b, index, BLOCKED), plain);
        return plain;
    }
    if (!*t)
        *t = with_memory(b->plan, new_tensor(b->plan, plain->c, plain->h, plain->w, form == HALVES, b->plan->type));
    append_io(b, form == HALVES ? texp_run_convert : texp_run_pack, index, plain, *t)->blocks = (*t)->blocks;
    return *t;
}

static texp_tensor *output_of(builder *b, int index)
{
    if (b->passing[index]) return b->passing[index];
    texp_tensor **t = form_of(b, index, BLOCKED);
    if (!*t) *t = with_memory(b->plan, blocked_like(b->plan, b->net->layers + index));
    b->ready[index + 1] = BLOCKED;
    return *t;
}

static texp_tensor *input_of_convolution(builder *b, const texp_convolution *c)
{
    if (c->layer && b->passing[c->layer - 1]) return b->passing[c->layer - 1];
    if (c->plain_input) return need(b, c->layer - 1, b->plan->type == TEXP_BF16 ? HALVES : PLAIN);
    return need(b, c->layer - 1, BLOCKED);
}

static texp_norm *norm_of(builder *b, int i)
{
    texp_norm *norm = b->plan->norms + i;
    const layer *l = b->net->layers + i;
    const int block = b->plan->kernels->block, parts = b->plan->batch;
    if (norm->channels) return norm;
    norm->layer = i;
    norm->channels = l->out_c;
    norm->padded = (l->out_c + block - 1) / block * block;
    norm->n = (double)b->plan->batch * l->out_h * l->out_w;
    norm->sums = alloc_zero(b->plan, (size_t)parts * norm->padded * sizeof *norm->sums);
    norm->squares = alloc_zero(b->plan, (size_t)parts * norm->padded * sizeof *norm->squares);
    float **arrays[] = {&norm->mean, &norm->factor,   &norm->bias, &norm->direct,
                        &norm->by_x, &norm->constant, &norm->slope};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; ++k) {
        *arrays[k] = alloc_zero(b->plan, (size_t)norm->padded * sizeof **arrays[k]);
    }
    return norm;
}

/* --- what passes by ----------------------------------------------------------------------------------------------- */

/*
 * An output of batch normalisation that one convolution alone reads need not be kept for the backward pass: it is made
 * again there, in the cache, from what was normalised. Memory passes cost more than its arithmetic.
 */
static int passes_by(builder *b, int i)
{
    const network *net = b->net;
    const layer *l = net->layers + i, *reader = l + 1;
    const texp_convolution *c = b->plan->convolutions + i + 1;
    if (i + 1 >= net->n || !b->fast[i] || !b->fast[i + 1] || reader->type != CONVOLUTIONAL || c->in_plain ||
        c->plain_input || count_readers(net, i) != 1) {
        return 0;
    }
    if (!b->fused[i] && l->type != BATCHNORM && !(l->type == CONVOLUTIONAL && l->batch_normalize)) return 0;
    /* Where gradients by weights are had of all images at once. */
    return texp_weight_bytes(c) <= (size_t)(l->outputs + reader->outputs) * texp_type_bytes(b->plan->type);
}

/* Their memory is had when the largest part is known. */
static void find_passing(builder *b)
{
    for (int i = 0; i < b->net->n; ++i) {
        if (!passes_by(b, i)) continue;
        b->passing[i] = blocked_like(b->plan, b->net->layers + i);
        b->passing[i]->lane_bytes = 1;
    }
}

static void append_normalize(builder *b, int i, const texp_tensor *in, texp_tensor *out, float slope)
{
    texp_op *op = append_io(b, texp_run_normalize, i, in, out);
    op->norm = norm_of(b, i);
    op->slope = slope;
}

/* Before the backward pass of convolution i, which reads it. */
static void make_again(builder *b, int i)
{
    texp_tensor *out = b->passing[i - 1];
    int norm = b->fused[i - 1] ? i - 2 : i - 1;
    const layer *l = b->net->layers + norm, *last = b->net->layers + i - 1;
    const texp_tensor *in = l->type == BATCHNORM ? *form_of(b, norm - 1, BLOCKED) : b->raw[norm];
    append_normalize(b, norm, in, out, l->type == BATCHNORM && norm == i - 1 ? 1 : slope_of(last->activation));
}

/* --- forward ------------------------------------------------------------------------------------------------------ */

static void append_norm(builder *b, int i, texp_tensor *in, texp_tensor *out, float slope, int train)
{
    if (train) {
        texp_op *op = append_io(b, texp_run_moments, i, in, NULL);
        op->norm = norm_of(b, i);
        op->finish = texp_finish_moments;
    }
    append_normalize(b, i, in, out, slope);
}

/* The normalisation that takes in all of what convolution i makes, and does nothing else; -1: none. */
static int norm_behind(const builder *b, int i)
{
    const layer *l = b->net->layers + i;
    if (l->batch_normalize) return i;
    const int follows = i + 1 < b->net->n && b->fast[i + 1] && l[1].type == BATCHNORM && l->activation == LINEAR &&
                        count_readers(b->net, i) == 1;
    return follows ? i + 1 : -1;
}

/* In evaluation, when the statistics are known beforehand, weights take the normalisation in and nothing is left of it. */
static void evaluate_convolution(builder *b, int i)
{
    texp_convolution *c = b->plan->convolutions + i;
    const int norm = norm_behind(b, i), fuses = norm > i && norm + 1 < b->net->n && b->fused[norm + 1];
    const int last = norm < 0 ? i : fuses ? norm + 1 : norm;
    const texp_tensor *in = input_of_convolution(b, c);
    texp_op *op = append_io(b, texp_run_conv, i, in, output_of(b, last));
    op->kind = TEXP_BY_CONVOLUTION;
    op->convolution = c;
    op->conv_kind = TEXP_CONV_FORWARD;
    op->slope = norm > i && !fuses ? 1 : slope_of(b->net->layers[last].activation);
    op->joined = in->lane_bytes > 0;
    if (norm < 0) return;
    op->norm = norm_of(b, norm);
    if (!c->folded_biases) c->folded_biases = alloc_zero(b->plan, (size_t)c->shape.n * sizeof *c->folded_biases);
}

static void forward_convolution(builder *b, int i)
{
    const layer *l = b->net->layers + i;
    texp_convolution *c = b->plan->convolutions + i;
    texp_tensor *in = input_of_convolution(b, c), *out = output_of(b, i), *to = out;
    if (l->batch_normalize) {
        if (!b->raw[i]) b->raw[i] = with_memory(b->plan, blocked_like(b->plan, l));
        to = b->raw[i];
    }
    texp_op *op = append_io(b, texp_run_conv, i, in, to);
    op->joined = in->lane_bytes > 0;
    op->kind = TEXP_BY_CONVOLUTION;
    op->convolution = c;
    op->conv_kind = TEXP_CONV_FORWARD;
    if (l->batch_normalize) {
        append_norm(b, i, to, out, slope_of(l->activation), 1);
    } else if (l->activation != LINEAR) {
        append_io(b, texp_run_activate, i, out, out)->slope = slope_of(l->activation);
    }
}

/* The sum may lie where its first summand does, if nobody else wants that. */
static void forward_shortcut(builder *b, int i)
{
    const layer *l = b->net->layers + i, *before = l - 1;
    texp_tensor *one = need(b, i - 1, BLOCKED), *two = need(b, l->index, BLOCKED);
    texp_tensor **mine = form_of(b, i, BLOCKED);
    const int is_free = b->fast[i - 1] && before->type == CONVOLUTIONAL && !before->batch_normalize &&
                        before->activation == LINEAR && count_readers(b->net, i - 1) == 1;
    if (!*mine && is_free) *mine = one;
    texp_op *op = append_io(b, texp_run_add, i, one, output_of(b, i));
    op->in2 = two;
    op->slope = slope_of(l->activation);
}

static void forward_route(builder *b, int i)
{
    const layer *l = b->net->layers + i;
    if (l->n == 1) {
        *form_of(b, i, BLOCKED) = need(b, l->input_layers[0], BLOCKED);
        b->ready[i + 1] = BLOCKED;
        return;
    }
    texp_tensor *out = output_of(b, i);
    int block = 0;
    for (int k = 0; k < l->n; ++k) {
        texp_op *op = append_io(b, texp_run_copy, i, need(b, l->input_layers[k], BLOCKED), out);
        op->out_block = block;
        block += op->blocks;
    }
}

static void forward_pool(builder *b, int i)
{
    texp_tensor *in = need(b, i - 1, BLOCKED), *out = output_of(b, i);
    texp_op *op = append_io(b, texp_run_largest, i, in, out);
    if (!b->which[i]) b->which[i] = texp_plan_alloc(b->plan, out->image * (size_t)b->plan->batch);
    op->which = b->which[i];
}

static void forward_fast(builder *b, int i, int train)
{
    const layer *l = b->net->layers + i;
    const int fuses = i + 1 < b->net->n && b->fused[i + 1];
    switch (l->type) {
    case CONVOLUTIONAL:
        if (train)
            forward_convolution(b, i);
        else
            evaluate_convolution(b, i);
        break;
    case BATCHNORM: {
        if (!train && b->fast[i - 1] && l[-1].type == CONVOLUTIONAL && norm_behind(b, i - 1) == i) break;
        texp_tensor *in = need(b, i - 1, BLOCKED);
        append_norm(b, i, in, output_of(b, fuses ? i + 1 : i), fuses ? slope_of(l[1].activation) : 1, train);
        break;
    }
    case ACTIVE:
        if (b->fused[i]) break;
        append_io(b, texp_run_activate, i, need(b, i - 1, BLOCKED), output_of(b, i))->slope = slope_of(l->activation);
        break;
    case SHORTCUT:
        forward_shortcut(b, i);
        break;
    case ROUTE:
        forward_route(b, i);
        break;
    case MAXPOOL:
        forward_pool(b, i);
        break;
    case AVGPOOL:
        append_io(b, texp_run_average, i, need(b, i - 1, BLOCKED), output_of(b, i));
        break;
    default:
        append_io(b, texp_run_enlarge, i, need(b, i - 1, BLOCKED), output_of(b, i));
        break;
    }
}

/* Layers that layer i reads: the k-th, or -2 behind the last. -1 is the network's input. */
static int source_of(const network *net, int i, int k)
{
    const layer *l = net->layers + i;
    if (l->type == ROUTE) return k < l->n ? l->input_layers[k] : -2;
    if (k == 0) return i - 1;
    return k == 1 && l->type == SHORTCUT ? l->index : -2;
}

static void forward_darknet(builder *b, int i)
{
    for (int k = 0, from; (from = source_of(b->net, i, k)) > -2; ++k) {
        if (from >= 0) need(b, from, PLAIN);
    }
    append(b, texp_run_layer, i)->kind = TEXP_ALONE;
    b->ready[i + 1] = PLAIN;
}

static texp_tensor *delta_of(builder *b, int i)
{
    const layer *l = b->net->layers + i;
    return darknets(b->plan, l->delta, l->out_c, l->out_h, l->out_w);
}

static void build_forward(builder *b, texp_list *list, int train)
{
    b->list = list;
    memset(b->ready, 0, (size_t)(b->net->n + 1) * sizeof *b->ready);
    b->ready[0] = PLAIN;
    for (int i = 0; i < b->net->n; ++i) {
        if (!b->fast[i]) {
            forward_darknet(b, i);
            continue;
        }
        forward_fast(b, i, train);
        if (count_readers(b->net, i)) continue;
        /* What no layer reads is the network's answer, and its caller's to read. */
        need(b, i, PLAIN);
        if (train && b->net->layers[i].delta) append_io(b, texp_run_zero, i, NULL, delta_of(b, i));
    }
}

/* --- gradients ---------------------------------------------------------------------------------------------------- */

static int can_take(const builder *b, const slot *s, size_t image)
{
    return !s->readers && (s->barrier < b->barriers || s->image == image);
}

/* The smallest that is large enough, or else the largest, which grows. */
static int is_better(const slot *s, const slot *than, size_t bytes)
{
    if (!than) return 1;
    if ((s->bytes >= bytes) != (than->bytes >= bytes)) return s->bytes >= bytes;
    return s->bytes >= bytes ? s->bytes < than->bytes : s->bytes > than->bytes;
}

static int take_slot(builder *b, size_t image)
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
        b->pool[best] = (slot){0};
    }
    slot *s = b->pool + best;
    s->bytes = s->bytes > bytes ? s->bytes : bytes;
    s->image = image;
    s->readers = 1;
    return best;
}

/* The memory of slots is had when all of their users are known. */
static texp_tensor *tensor_in(builder *b, int index, int where)
{
    texp_tensor *t = blocked_like(b->plan, b->net->layers + index);
    b->placed = realloc(b->placed, (size_t)(b->n_placed + 1) * sizeof *b->placed);
    b->placed[b->n_placed].tensor = t;
    b->placed[b->n_placed++].slot = where;
    return t;
}

static texp_tensor *new_in_slot(builder *b, int index, int *where)
{
    const texp_tensor *t = blocked_like(b->plan, b->net->layers + index);
    *where = take_slot(b, t->image * texp_type_bytes(t->type));
    return tensor_in(b, index, *where);
}

static void release(builder *b, int where)
{
    --b->pool[where].readers;
    b->pool[where].barrier = b->barriers;
}

/* Nobody reads that of the first layers, and [crop] has no place for one. */
static int has_gradient(const builder *b, int index)
{
    return index >= b->lowest && b->net->layers[index].delta;
}

/* Where the gradient of layer `index` goes; *add: what another reader has written there is added to. NULL: nobody wants
 * it. */
static texp_tensor *target(builder *b, int index, int *add)
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
static int reads_at_once(const builder *b, int index, int reader)
{
    const LAYER_TYPE type = b->net->layers[index].type;
    return index == reader - 1 && type != SHORTCUT && type != ROUTE && type != MAXPOOL;
}

/* The gradient of `index` is that of `reader`, of the same shape, and lies in the same place. */
static void share(builder *b, int index, int reader)
{
    b->slots[index] = b->slots[reader];
    ++b->pool[b->slots[index]].readers;
    b->gradients[index] = tensor_in(b, index, b->slots[index]);
}

static void pass_on(builder *b, int index, int reader, int may_share)
{
    int add;
    if (!has_gradient(b, index)) return;
    if (!b->gradients[index] && may_share) {
        share(b, index, reader);
        return;
    }
    texp_tensor *to = target(b, index, &add);
    append_io(b, texp_run_copy, reader, b->gradients[reader], to)->add = add;
}

/* Room for what a layer makes of its own gradient: in place where no other layer's lies there. */
static texp_tensor *changed(builder *b, int index, int *where)
{
    *where = b->slots[index];
    if (b->pool[*where].readers == 1) return b->gradients[index];
    release(b, *where);
    texp_tensor *t = new_in_slot(b, index, where);
    b->slots[index] = *where;
    return t;
}

static void append_gradient_of_norm(builder *b, int i, const texp_tensor *x, const texp_tensor *dy, texp_tensor *dx,
                                    float slope, int add)
{
    texp_op *sums = append_io(b, texp_run_gradient_sums, i, x, NULL);
    sums->in2 = dy;
    sums->norm = norm_of(b, i);
    sums->slope = slope;
    sums->finish = texp_finish_gradient_sums;
    ++b->barriers;
    if (!dx) return;
    texp_op *op = append_io(b, texp_run_gradient, i, x, dx);
    op->in2 = dy;
    op->norm = norm_of(b, i);
    op->slope = slope;
    op->add = add;
}

static void backward_convolution(builder *b, int i)
{
    const layer *l = b->net->layers + i;
    texp_convolution *c = b->plan->convolutions + i;
    const float slope = slope_of(l->activation);
    int where, add;
    const texp_tensor *dy = b->gradients[i];
    if (l->batch_normalize) {
        texp_tensor *changes = changed(b, i, &where);
        append_gradient_of_norm(b, i, b->raw[i], dy, changes, slope, 0);
        dy = changes;
    } else {
        if (slope != 1) {
            texp_tensor *changes = changed(b, i, &where);
            texp_op *op = append_io(b, texp_run_activate_gradient, i, *form_of(b, i, BLOCKED), changes);
            op->in2 = dy;
            op->slope = slope;
            dy = changes;
        }
        if (!l->texp->frozen.bias) {
            texp_op *op = append_io(b, texp_run_bias_sums, i, dy, NULL);
            op->norm = norm_of(b, i);
            op->finish = texp_finish_bias_sums;
            ++b->barriers;
        }
    }
    if (!l->texp->frozen.weights) {
        texp_tensor *x = input_of_convolution(b, c);
        if (x->lane_bytes) make_again(b, i);
        texp_op *op = append_io(b, texp_run_conv_weights, i, x, NULL);
        op->joined = x->lane_bytes > 0;
        op->in2 = dy;
        op->kind = TEXP_BY_CONVOLUTION;
        op->convolution = c;
        op->conv_kind = TEXP_CONV_BACKWARD_WEIGHTS;
    }
    texp_tensor *dx = c->plain_input ? NULL : target(b, i - 1, &add);
    if (dx) {
        texp_op *op = append_io(b, texp_run_conv_data, i, dy, dx);
        op->kind = TEXP_BY_CONVOLUTION;
        op->convolution = c;
        op->conv_kind = TEXP_CONV_BACKWARD_DATA;
        op->add = add;
    }
}

/* The layer whose gradient arrives is the activation where the two are one. */
static void backward_norm(builder *b, int i)
{
    const int fuses = i + 1 < b->net->n && b->fused[i + 1], above = fuses ? i + 1 : i;
    int add = 0;
    const texp_tensor *dy = b->gradients[above], *x = need(b, i - 1, BLOCKED);
    if (!dy) return;
    texp_tensor *dx = NULL;
    if (has_gradient(b, i - 1) && !b->gradients[i - 1] && b->pool[b->slots[above]].readers == 1) {
        share(b, i - 1, above);
        dx = b->gradients[i - 1];
    } else {
        dx = target(b, i - 1, &add);
    }
    append_gradient_of_norm(b, i, x, dy, dx, fuses ? slope_of(b->net->layers[i + 1].activation) : 1, add);
    if (!fuses) return;
    release(b, b->slots[above]);
    b->gradients[above] = NULL;
}

static void backward_activation(builder *b, int i)
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
    texp_op *op = append_io(b, texp_run_activate_gradient, i, need(b, i, BLOCKED), dx);
    op->in2 = b->gradients[i];
    op->slope = slope_of(b->net->layers[i].activation);
    op->add = add;
}

static void backward_shortcut(builder *b, int i)
{
    const layer *l = b->net->layers + i;
    if (l->activation != LINEAR) {
        int where;
        const texp_tensor *dy = b->gradients[i];
        texp_tensor *changes = changed(b, i, &where);
        texp_op *op = append_io(b, texp_run_activate_gradient, i, need(b, i, BLOCKED), changes);
        op->in2 = dy;
        op->slope = slope_of(l->activation);
        b->gradients[i] = changes;
    }
    /* The other one's may be added to only after layer i-1 has read what lies there. */
    const int alone = b->pool[b->slots[i]].readers == 1, at_once = reads_at_once(b, i - 1, i);
    pass_on(b, i - 1, i, alone && at_once);
    pass_on(b, l->index, i, alone && l->index != i - 1);
}

static void backward_route(builder *b, int i)
{
    const layer *l = b->net->layers + i;
    if (l->n == 1) {
        pass_on(b, l->input_layers[0], i, b->pool[b->slots[i]].readers == 1);
        return;
    }
    int block = 0;
    for (int k = 0, add; k < l->n; ++k) {
        const layer *from = b->net->layers + l->input_layers[k];
        const int size = b->plan->kernels->block, blocks = (from->out_c + size - 1) / size;
        texp_tensor *to = target(b, l->input_layers[k], &add);
        if (to) {
            texp_op *op = append_io(b, texp_run_copy, i, b->gradients[i], to);
            op->in_block = block;
            op->blocks = blocks;
            op->add = add;
        }
        block += blocks;
    }
}

static void backward_simply(builder *b, int i, texp_runs *run)
{
    int add;
    texp_tensor *to = target(b, i - 1, &add);
    if (!to) return;
    texp_op *op = append_io(b, run, i, b->gradients[i], to);
    op->add = add;
    op->which = b->which[i];
}

static void pack_delta(builder *b, int i)
{
    int add;
    if (!b->net->layers[i].delta || count_readers(b->net, i)) return;
    texp_tensor *to = target(b, i, &add);
    append_io(b, texp_run_pack, i, delta_of(b, i), to)->blocks = to->blocks;
}

static void backward_fast(builder *b, int i)
{
    if (b->net->layers[i].type == BATCHNORM && !b->gradients[i]) {
        backward_norm(b, i);
        return;
    }
    if (b->fused[i]) return;
    if (!b->gradients[i]) pack_delta(b, i);
    if (!b->gradients[i]) return;
    switch (b->net->layers[i].type) {
    case CONVOLUTIONAL:
        backward_convolution(b, i);
        break;
    case BATCHNORM:
        backward_norm(b, i);
        break;
    case ACTIVE:
        backward_activation(b, i);
        break;
    case SHORTCUT:
        backward_shortcut(b, i);
        break;
    case ROUTE:
        backward_route(b, i);
        break;
    case MAXPOOL:
        backward_simply(b, i, texp_run_largest_gradient);
        break;
    case AVGPOOL:
        backward_simply(b, i, texp_run_average_gradient);
        break;
    default:
        backward_simply(b, i, texp_run_enlarge_gradient);
        break;
    }
    release(b, b->slots[i]);
    b->gradients[i] = NULL;
}

static int is_repeated(const network *net, int i, int k)
{
    for (int j = 0; j < k; ++j) {
        if (source_of(net, i, j) == source_of(net, i, k)) return 1;
    }
    return 0;
}

/* Darknet's layers add to the deltas of those that they read. */
static void backward_darknet(builder *b, int i)
{
    const layer *l = b->net->layers + i;
    int from, add;
    if (b->gradients[i]) {
        append_io(b, texp_run_unpack, i, b->gradients[i], delta_of(b, i))->add = 1;
        release(b, b->slots[i]);
        b->gradients[i] = NULL;
    }
    for (int k = 0; (from = source_of(b->net, i, k)) > -2; ++k) {
        if (from < 0 || !b->fast[from] || is_repeated(b->net, i, k)) continue;
        /* [dropout] works in place. */
        if (b->net->layers[from].delta == l->delta) continue;
        append_io(b, texp_run_zero, i, NULL, delta_of(b, from));
    }
    append(b, texp_run_layer_backward, i)->kind = TEXP_ALONE;
    ++b->barriers;
    for (int k = 0; (from = source_of(b->net, i, k)) > -2; ++k) {
        if (from < 0 || !b->fast[from] || is_repeated(b->net, i, k)) continue;
        texp_tensor *to = target(b, from, &add);
        if (!to) continue;
        texp_op *op = append_io(b, texp_run_pack, i, delta_of(b, from), to);
        op->blocks = to->blocks;
        op->add = add;
    }
}

static void build_backward(builder *b)
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
    for (int i = 0; i < b->n_placed; ++i) {
        texp_tensor *t = b->placed[i].tensor;
        t->data = NULL;
    }
    void **memory = alloc_zero(b->plan, (size_t)b->n_slots * sizeof *memory);
    for (int i = 0; i < b->n_slots; ++i) memory[i] = texp_plan_alloc(b->plan, b->pool[i].bytes);
    for (int i = 0; i < b->n_placed; ++i) b->placed[i].tensor->data = memory[b->placed[i].slot];
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void make_lists(texp_plan *plan)
{
    const size_t n = (size_t)plan->net->n;
    builder b = {.plan = plan, .net = plan->net};
    b.fast = alloc_zero(plan, n);
    b.fused = alloc_zero(plan, n);
    b.forms = alloc_zero(plan, (n + 1) * sizeof *b.forms);
    b.ready = alloc_zero(plan, (n + 1) * sizeof *b.ready);
    b.raw = alloc_zero(plan, n * sizeof *b.raw);
    plan->passing = b.passing = alloc_zero(plan, n * sizeof *b.passing);
    b.which = alloc_zero(plan, n * sizeof *b.which);
    b.gradients = alloc_zero(plan, n * sizeof *b.gradients);
    b.slots = alloc_zero(plan, n * sizeof *b.slots);
    find_fast_layers(&b);
    find_passing(&b);
    build_forward(&b, &plan->evaluate, 0);
    build_forward(&b, &plan->train, 1);
    build_backward(&b);
    free(b.pool);
    free(b.placed);
}

/* NULL where there are no convolutions or kernels for this processor. */
static texp_plan *empty_plan(network *net, int lanes)
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
    if (plan->kernels) return plan;
    texp_plan_free(plan);
    return NULL;
}

texp_plan *texp_plan_make(network *net, int lanes)
{
    texp_plan *plan = empty_plan(net, lanes);
    if (!plan) return NULL;
    plan->norms = alloc_zero(plan, (size_t)net->n * sizeof *plan->norms);
    plan->convolutions = alloc_zero(plan, (size_t)net->n * sizeof *plan->convolutions);
    plan->input = *darknets(plan, NULL, net->c, net->h, net->w);
    make_lists(plan);
    texp_list *lists[] = {&plan->train, &plan->backward, &plan->evaluate};
    for (int i = 0; i < 3; ++i) texp_plan_stages(plan, lists[i]);
    texp_plan_scratch(plan);
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
