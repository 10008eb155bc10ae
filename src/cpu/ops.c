#include "cpu/ops.h"

#include "net/bn_layer.h"
#include "net/input.h"
#include "net/texp_net.h"

#include <string.h>

static size_t value_bytes(const texp_tensor *t)
{
    return texp_type_bytes(t->type);
}

/* The first value of a part's images in this block of channels. */
static void *at(const texp_tensor *t, const texp_part *part, int block)
{
    const size_t channels = t->image / ((size_t)t->blocks * t->pixels);
    size_t values = (size_t)block * t->pixels * channels;
    if (t->lane_bytes) return (char *)t->data + part->lane * t->lane_bytes + values * value_bytes(t);
    values += (size_t)part->image * t->image;
    return (char *)t->data + values * value_bytes(t);
}

static texp_planes planes_of(const texp_tensor *t, const texp_part *part)
{
    return (texp_planes){t->image, part->images, t->pixels};
}

/* The blocks of channels that fall to this part. */
#define EACH_BLOCK(k)                                                                                                  \
    for (int k = op->blocks * part->share / part->shares, end = op->blocks * (part->share + 1) / part->shares;         \
         k < end; ++k)

/* --- between Darknet's arrays and blocked ones -------------------------------------------------------------------- */

static int channels_in(int channels, int block, int k)
{
    return channels - k * block < block ? channels - k * block : block;
}

void texp_run_pack(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    const texp_kernels *ker = plan->kernels;
    const texp_tensor *plain = op->in;
    EACH_BLOCK(k)
    {
        const float *from =
            (const float *)plain->data + (size_t)part->image * plain->image + (size_t)k * ker->block * plain->pixels;
        ker->pack(at(op->out, part, k), from, plain->image, channels_in(plain->c, ker->block, k),
                  planes_of(op->out, part), op->add);
    }
}

void texp_run_unpack(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    const texp_kernels *ker = plan->kernels;
    const texp_tensor *plain = op->out;
    EACH_BLOCK(k)
    {
        float *to = (float *)plain->data + (size_t)part->image * plain->image + (size_t)k * ker->block * plain->pixels;
        ker->unpack(to, plain->image, at(op->in, part, k), channels_in(plain->c, ker->block, k),
                    planes_of(op->in, part), op->add);
    }
}

void texp_run_convert(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    if (part->share) return;
    plan->kernels->convert((char *)op->out->data + (size_t)part->image * op->out->image * value_bytes(op->out),
                           (const float *)op->in->data + (size_t)part->image * op->in->image,
                           (size_t)part->images * op->in->image);
}

/* --- convolutions ------------------------------------------------------------------------------------------------- */

static char *scratch_of(texp_plan *plan, int lane)
{
    return (char *)plan->scratch + (size_t)lane * plan->scratch_bytes;
}

static size_t round_up(size_t n)
{
    return (n + 63) / 64 * 64;
}

/* A part of a blocked tensor, as an NCHW array of float at `room`. */
static float *unpacked(const texp_plan *plan, const texp_tensor *t, const texp_part *part, void *room)
{
    const texp_kernels *ker = plan->kernels;
    const size_t image = (size_t)t->c * t->pixels;
    for (int k = 0; k < t->blocks; ++k) {
        ker->unpack((float *)room + (size_t)k * ker->block * t->pixels, image, at(t, part, k),
                    channels_in(t->c, ker->block, k), planes_of(t, part), 0);
    }
    return room;
}

static void packed(const texp_plan *plan, texp_tensor *t, const texp_part *part, const float *from, int add)
{
    const texp_kernels *ker = plan->kernels;
    const size_t image = (size_t)t->c * t->pixels;
    for (int k = 0; k < t->blocks; ++k) {
        ker->pack(at(t, part, k), from + (size_t)k * ker->block * t->pixels, image, channels_in(t->c, ker->block, k),
                  planes_of(t, part), add);
    }
}

static void *second_half(const texp_tensor *first, const texp_part *part, void *room)
{
    return (char *)room + round_up((size_t)part->images * first->c * first->pixels * sizeof(float));
}

static void check(texp_plan *plan, int status)
{
    if (status) plan->failed = 1;
}

/* x and y of all images of a part, `x_step` and `y_step` bytes apart. */
static void convolve(const texp_op *op, texp_plan *plan, const texp_part *part, char *x, size_t x_step, char *y,
                     size_t y_step, void *weights, const float *bias)
{
    const int images = part->images / op->calls;
    for (int i = 0; i < part->images; i += images)
        check(plan, texp_conv_run(op->conv, part->lane, x + i * x_step, y + i * y_step, weights, bias));
}

static size_t plain_bytes(const texp_tensor *t)
{
    return (size_t)t->c * t->pixels * sizeof(float);
}

void texp_run_conv(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    const texp_convolution *c = op->convolution;
    const float *bias = op->bn ? c->folded_biases : plan->net->layers[c->layer].biases;
    void *x = at(op->in, part, 0), *y = at(op->out, part, 0);
    if (c->in_plain) {
        void *room = scratch_of(plan, part->lane);
        x = op->in->plain ? x : unpacked(plan, op->in, part, room);
        y = second_half(op->in, part, room);
    }
    convolve(op, plan, part, x, c->in_plain ? plain_bytes(op->in) : texp_image_bytes(op->in), y,
             c->in_plain ? plain_bytes(op->out) : texp_image_bytes(op->out), c->weights, bias);
    if (c->in_plain) packed(plan, op->out, part, y, 0);
}

/* in: x, in2: the gradient of y */
void texp_run_conv_weights(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    texp_convolution *c = op->convolution;
    float *sum = c->updates + (size_t)part->sum * c->updates_size, *to = sum;
    void *x = at(op->in, part, 0), *y = at(op->in2, part, 0);
    char *room = scratch_of(plan, part->lane);
    if (!part->is_first) {
        to = (float *)room;
        room += c->updates_size * sizeof(float);
    }
    if (c->in_plain) {
        void *rest = second_half(op->in, part, room);
        x = op->in->plain ? x : unpacked(plan, op->in, part, room);
        y = unpacked(plan, op->in2, part, rest);
    }
    check(plan, texp_conv_run(op->conv, part->lane, x, y, to, NULL));
    if (to == sum) return;
#pragma omp simd
    for (size_t i = 0; i < c->updates_size; ++i) sum[i] += to[i];
}

/* in: the gradient of y, out: of x */
void texp_run_conv_data(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    const texp_convolution *c = op->convolution;
    const texp_kernels *ker = plan->kernels;
    texp_tensor *dx = op->out;
    void *x = at(dx, part, 0), *y = at(op->in, part, 0), *room = scratch_of(plan, part->lane);
    if (c->in_plain) {
        y = unpacked(plan, op->in, part, second_half(dx, part, room));
        x = room;
    } else if (op->add) {
        x = room;
    }
    convolve(op, plan, part, x, c->in_plain ? plain_bytes(dx) : texp_image_bytes(dx), y,
             c->in_plain ? plain_bytes(op->in) : texp_image_bytes(op->in), c->back_weights, NULL);
    if (c->in_plain) {
        packed(plan, dx, part, room, op->add);
    } else if (op->add) {
        const size_t plane = (size_t)dx->pixels * ker->block * ker->bytes;
        for (int k = 0; k < dx->blocks; ++k)
            ker->copy(at(dx, part, k), dx->image, (char *)room + k * plane, planes_of(dx, part), 1);
    }
}

/* --- batch normalisation ------------------------------------------------------------------------------------------ */

static texp_affine affine_of(const texp_op *op, const texp_plan *plan, int k)
{
    const int first = k * plan->kernels->block;
    return (texp_affine){op->bn->mean + first, op->bn->factor + first, op->bn->bias + first, op->slope};
}

static double *part_of(const texp_bn *bn, double *sums, int part)
{
    return sums + (size_t)part * bn->padded;
}

void texp_run_moments(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    const texp_kernels *ker = plan->kernels;
    double *mean = part_of(op->bn, op->bn->sums, part->part);
    double *squares = part_of(op->bn, op->bn->squares, part->part);
    EACH_BLOCK(k)
    {
        const int first = k * ker->block;
        ker->moments(at(op->in, part, k), planes_of(op->in, part), mean + first, squares + first);
    }
}

/* Chan, Golub & LeVeque 1979: the moments of parts of equal size become those of all. */
static void merge_moments(const texp_bn *bn, int parts, int channel, double *mean, double *squares)
{
    const double n = bn->n / parts;
    *mean = *squares = 0;
    for (int p = 0; p < parts; ++p) {
        const double apart = part_of(bn, bn->sums, p)[channel] - *mean;
        *mean += apart / (p + 1);
        *squares += part_of(bn, bn->squares, p)[channel] + apart * apart * n * p / (p + 1);
    }
}

static void set_affine(texp_bn *bn, const layer *l, int i, double mean, double variance)
{
    const texp_bn_form form = texp_bn_form_of(l);
    const double slope = texp_bn_slope(&form, variance);
    bn->mean[i] = mean;
    bn->slope[i] = slope;
    bn->factor[i] = l->scales[i] * slope;
    bn->bias[i] = l->biases[i];
}

void texp_finish_moments(const texp_op *op, texp_plan *plan)
{
    texp_bn *bn = op->bn;
    const layer *l = plan->net->layers + bn->layer;
    const texp_bn_form form = texp_bn_form_of(l);
    for (int i = 0; i < bn->channels; ++i) {
        double mean, squares;
        merge_moments(bn, op->parts, i, &mean, &squares);
        l->mean[i] = mean;
        l->variance[i] = texp_bn_variance(&form, squares, bn->n);
        texp_bn_roll(l->rolling_mean + i, l->mean[i]);
        texp_bn_roll(l->rolling_variance + i, texp_bn_rolling_variance(&form, squares, bn->n));
        set_affine(bn, l, i, l->mean[i], l->variance[i]);
    }
}

void texp_bn_use_rolling(texp_plan *plan, texp_bn *bn)
{
    const layer *l = plan->net->layers + bn->layer;
    for (int i = 0; i < bn->channels; ++i) set_affine(bn, l, i, l->rolling_mean[i], l->rolling_variance[i]);
}

void texp_bn_fold(const texp_op *op, texp_plan *plan, float *folded)
{
    const texp_bn *bn = op->bn;
    const texp_convolution *c = op->convolution;
    const layer *l = plan->net->layers + c->layer;
    const size_t size = (size_t)l->nweights / l->n;
    for (int i = 0; i < l->n; ++i) {
        const float own = l->batch_normalize ? 0 : l->biases[i];
        c->folded_biases[i] = bn->factor[i] * (own - bn->mean[i]) + bn->bias[i];
#pragma omp simd
        for (size_t k = 0; k < size; ++k) folded[i * size + k] = l->weights[i * size + k] * bn->factor[i];
    }
}

void texp_run_normalize(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    EACH_BLOCK(k)
    {
        const texp_affine a = affine_of(op, plan, k);
        plan->kernels->normalize(at(op->out, part, k), at(op->in, part, k), planes_of(op->in, part), &a);
    }
}

/* in: x, in2: the gradient of y */
void texp_run_gradient_sums(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    const texp_kernels *ker = plan->kernels;
    double *sums = part_of(op->bn, op->bn->sums, part->part);
    double *with_x = part_of(op->bn, op->bn->squares, part->part);
    EACH_BLOCK(k)
    {
        const texp_affine a = affine_of(op, plan, k);
        ker->gradient_sums(at(op->in, part, k), at(op->in2, part, k), planes_of(op->in, part), &a,
                           sums + k * ker->block, with_x + k * ker->block);
    }
}

static double total(const texp_op *op, double *sums, int channel)
{
    double sum = 0;
    for (int p = 0; p < op->parts; ++p) sum += part_of(op->bn, sums, p)[channel];
    return sum;
}

void texp_finish_gradient_sums(const texp_op *op, texp_plan *plan)
{
    texp_bn *bn = op->bn;
    const layer *l = plan->net->layers + bn->layer;
    const texp_bn_form form = texp_bn_form_of(l);
    const float *variance = plan->net->train ? l->variance : l->rolling_variance;
    for (int i = 0; i < bn->channels; ++i) {
        const double g = total(op, bn->sums, i), with_x = total(op, bn->squares, i);
        const texp_bn_gradient gradient = texp_bn_gradient_of(&form, variance[i], l->scales[i], g, with_x, bn->n);
        bn->direct[i] = gradient.direct;
        bn->by_x[i] = gradient.by_x;
        bn->constant[i] = gradient.constant;
        if (l->texp->frozen.affine) continue;
        l->bias_updates[i] += g;
        l->scale_updates[i] += with_x * bn->slope[i];
    }
}

/* in: x, in2: the gradient of y */
void texp_run_gradient(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    const texp_bn *bn = op->bn;
    EACH_BLOCK(k)
    {
        const int first = k * plan->kernels->block;
        const texp_affine a = affine_of(op, plan, k);
        plan->kernels->gradient(at(op->out, part, k), at(op->in, part, k), at(op->in2, part, k),
                                planes_of(op->in, part), &a, bn->direct + first, bn->by_x + first, bn->constant + first,
                                op->add);
    }
}

/* --- biases without normalisation --------------------------------------------------------------------------------- */

void texp_run_bias_sums(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    const texp_kernels *ker = plan->kernels;
    double *sums = part_of(op->bn, op->bn->sums, part->part);
    EACH_BLOCK(k) ker->sums(at(op->in, part, k), planes_of(op->in, part), sums + k * ker->block);
}

void texp_finish_bias_sums(const texp_op *op, texp_plan *plan)
{
    const layer *l = plan->net->layers + op->bn->layer;
    for (int i = 0; i < op->bn->channels; ++i) l->bias_updates[i] += total(op, op->bn->sums, i);
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

void texp_run_add(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    EACH_BLOCK(k)
    {
        plan->kernels->add(at(op->out, part, k), at(op->in, part, k), at(op->in2, part, k), planes_of(op->in, part),
                           op->slope);
    }
}

void texp_run_activate(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    EACH_BLOCK(k)
    {
        plan->kernels->activate(at(op->out, part, k), at(op->in, part, k), planes_of(op->in, part), op->slope);
    }
}

/* in: x, or y without a curve; in2: the gradient of y */
void texp_run_activate_gradient(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    EACH_BLOCK(k)
    {
        plan->kernels->activate_gradient(at(op->out, part, k), at(op->in, part, k), at(op->in2, part, k),
                                         planes_of(op->in, part), op->slope, op->add);
    }
}

void texp_run_copy(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    EACH_BLOCK(k)
    {
        plan->kernels->copy(at(op->out, part, op->out_block + k), op->out->image, at(op->in, part, op->in_block + k),
                            planes_of(op->in, part), op->add);
    }
}

void texp_run_zero(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    (void)plan;
    if (part->share) return;
    memset(at(op->out, part, 0), 0, (size_t)part->images * op->out->image * value_bytes(op->out));
}

void texp_run_average(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    EACH_BLOCK(k)
    {
        plan->kernels->average(at(op->out, part, k), op->out->image, at(op->in, part, k), planes_of(op->in, part));
    }
}

void texp_run_average_gradient(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    EACH_BLOCK(k)
    {
        plan->kernels->average_gradient(at(op->out, part, k), at(op->in, part, k), op->in->image,
                                        planes_of(op->out, part), op->add);
    }
}

/* As Darknet's: -pad/2 rounds towards 0. */
static texp_windows windows_of(const layer *l)
{
    return (texp_windows){l->h, l->w, l->out_h, l->out_w, l->size, l->stride, l->pad / 2};
}

static uint8_t *which_at(const texp_op *op, const texp_tensor *y, const texp_part *part, int k, int block)
{
    return op->which + (size_t)part->image * y->image + (size_t)k * y->pixels * block;
}

void texp_run_largest(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    const texp_windows w = windows_of(plan->net->layers + op->layer);
    EACH_BLOCK(k)
    {
        plan->kernels->largest(at(op->out, part, k), which_at(op, op->out, part, k, plan->kernels->block),
                               op->out->image, at(op->in, part, k), op->in->image, part->images, &w);
    }
}

void texp_run_largest_gradient(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    const texp_windows w = windows_of(plan->net->layers + op->layer);
    EACH_BLOCK(k)
    {
        plan->kernels->largest_gradient(at(op->out, part, k), op->out->image,
                                        which_at(op, op->in, part, k, plan->kernels->block), at(op->in, part, k),
                                        op->in->image, part->images, &w, op->add);
    }
}

void texp_run_enlarge(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    const layer *l = plan->net->layers + op->layer;
    EACH_BLOCK(k)
    {
        plan->kernels->enlarge(at(op->out, part, k), op->out->image, at(op->in, part, k), op->in->image, part->images,
                               l->h, l->w, l->stride, l->scale);
    }
}

void texp_run_enlarge_gradient(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    const layer *l = plan->net->layers + op->layer;
    EACH_BLOCK(k)
    {
        plan->kernels->enlarge_gradient(at(op->out, part, k), op->out->image, at(op->in, part, k), op->in->image,
                                        part->images, l->h, l->w, l->stride, l->scale, op->add);
    }
}

/* --- Darknet's own code ------------------------------------------------------------------------------------------- */

static void clear(float *values, size_t n)
{
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < n; ++i) values[i] = 0;
}

void texp_run_layer(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    (void)part;
    network net = plan->state;
    layer l = net.layers[op->layer];
    net.index = op->layer;
    if (op->layer) net.input = net.layers[op->layer - 1].output;
    /* network_predict, behind which no backward pass comes, has no truth. */
    if (l.delta && (net.train || net.truth)) clear(l.delta, (size_t)l.outputs * l.batch);
    l.forward(l, net);
    if (l.truth) plan->state.truth = l.output;
}

void texp_run_layer_backward(const texp_op *op, texp_plan *plan, const texp_part *part)
{
    (void)part;
    network net = *plan->net;
    layer l = net.layers[op->layer];
    net.index = op->layer;
    net.delta = texp_input_gradient(plan->net);
    if (op->layer) {
        net.input = net.layers[op->layer - 1].output;
        net.delta = net.layers[op->layer - 1].delta;
    }
    l.backward(l, net);
}
