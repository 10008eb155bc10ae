#include "cpu/select.h"

#include "base/refuse.h"
#include "net/layers.h"
#include "net/route_groups.h"
#include "net/texp_net.h"

/* --- convolutions ------------------------------------------------------------------------------------------------- */

static int has_slope(const layer *l)
{
    return l->activation == LINEAR || l->activation == RELU || l->activation == LEAKY;
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

/* Where a block is not full the convolution may as well read Darknet's array: an image of 3 channels. */
static int convolution_suits(texp_builder *b, int i)
{
    texp_plan *plan = b->plan;
    const layer *l = b->net->layers + i;
    texp_convolution *c = plan->convolutions + i;
    if (l->binary || l->xnor || !has_slope(l)) return 0;
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

/* --- each form ---------------------------------------------------------------------------------------------------- */

static int is_image(const layer *l)
{
    return l->out_c > 0 && l->out_h > 0 && l->out_w > 0 && l->outputs == l->out_c * l->out_h * l->out_w;
}

static int same_image(const layer *a, const layer *b)
{
    return a->out_c == b->out_c && a->out_h == b->out_h && a->out_w == b->out_w;
}

/* Whole blocks of channels are copied; the last may be filled up. */
static int can_concatenate(const network *net, const layer *l, int block)
{
    for (int i = 0; i < l->n; ++i) {
        const layer *from = net->layers + l->input_layers[i];
        const int n = texp_routed_channels(l, from);
        if (!is_image(from) || from->out_h != l->out_h || from->out_w != l->out_w) return 0;
        if ((i + 1 < l->n || n < from->out_c) && n % block) return 0;
    }
    return is_image(l);
}

static int no_fast_form(texp_builder *b, int i)
{
    (void)b, (void)i;
    return 0;
}

static int activation_suits(texp_builder *b, int i)
{
    return i > 0 && has_slope(b->net->layers + i);
}

static int shortcut_suits(texp_builder *b, int i)
{
    const layer *l = b->net->layers + i;
    return i > 0 && has_slope(l) && l->alpha == 1 && l->beta == 1 && same_image(l - 1, l) &&
           same_image(b->net->layers + l->index, l);
}

static int route_suits(texp_builder *b, int i)
{
    return can_concatenate(b->net, b->net->layers + i, b->plan->kernels->block);
}

static int maxpool_suits(texp_builder *b, int i)
{
    return i > 0 && b->net->layers[i].size <= 15;
}

static int upsample_suits(texp_builder *b, int i)
{
    return i > 0 && !b->net->layers[i].reverse;
}

static int any_suits(texp_builder *b, int i)
{
    (void)b;
    return i > 0;
}

/* Whether a layer's settings let its fast form run it. */
typedef int suits(texp_builder *b, int i);
static suits *const suits_of[] = {
    [TEXP_FAST_NONE] = no_fast_form,       [TEXP_FAST_CONVOLUTION] = convolution_suits,
    [TEXP_FAST_BATCHNORM] = any_suits,     [TEXP_FAST_ACTIVATION] = activation_suits,
    [TEXP_FAST_SHORTCUT] = shortcut_suits, [TEXP_FAST_ROUTE] = route_suits,
    [TEXP_FAST_MAXPOOL] = maxpool_suits,   [TEXP_FAST_AVGPOOL] = any_suits,
    [TEXP_FAST_UPSAMPLE] = upsample_suits,
};
_Static_assert(sizeof suits_of / sizeof *suits_of == TEXP_FAST_FORMS, "each form");

static suits *known_form(const network *net, int i)
{
    const layer *l = net->layers + i;
    suits *known = suits_of[texp_layer_traits_of(l->type)->fast_form];
    if (!known) {
        texp_fail("%s: layer %d: the fast backend does not know layers of this type (%d, [%s]); add backend=plain to "
                  "[net]",
                  net->texp->file, i, (int)l->type, texp_layer_name(l));
    }
    return known;
}

static int has_fast_form(texp_builder *b, int i)
{
    const layer *l = b->net->layers + i, *before = i ? l - 1 : NULL;
    suits *suits_it = known_form(b->net, i);
    if (!is_image(l) || l->truth) return 0;
    /* [dropout] works in the arrays of the layer before it: whoever else reads those reads what it left. */
    if (i + 1 < b->net->n && l[1].type == DROPOUT && texp_count_readers(b->net, i) > 1) return 0;
    if (before && texp_layer_input(l, i, 0) == i - 1 && !is_image(before)) return 0;
    return suits_it(b, i);
}

/* Layers without convolutions below another fast layer gain nothing from packing and unpacking of their own. */
static void find_fast_layers(texp_builder *b)
{
    for (int i = 0; i < b->net->n; ++i) {
        const layer *l = b->net->layers + i;
        b->fast[i] = (char)has_fast_form(b, i);
        if (!b->fast[i] || l->type == CONVOLUTIONAL) continue;
        int from = l->type == ROUTE ? l->input_layers[0] : i - 1;
        if (!b->fast[from]) b->fast[i] = 0;
    }
    for (int i = 1; i < b->net->n; ++i) {
        const layer *bn = b->net->layers + i - 1;
        b->fused[i] = bn->type == BATCHNORM && b->fast[i - 1] && b->fast[i] && b->net->layers[i].type == ACTIVE &&
                      texp_count_readers(b->net, i - 1) == 1;
    }
}

/* --- recomputed activations --------------------------------------------------------------------------------------- */

/*
 * An output of batch normalisation that one convolution alone reads need not be kept for the backward pass: it is made
 * again there, in the cache, from what was normalised. Memory passes cost more than its arithmetic.
 */
static int is_recomputed(texp_builder *b, int i)
{
    const network *net = b->net;
    const layer *l = net->layers + i, *reader = l + 1;
    const texp_convolution *c = b->plan->convolutions + i + 1;
    if (i + 1 >= net->n || !b->fast[i] || !b->fast[i + 1] || reader->type != CONVOLUTIONAL || c->in_plain ||
        c->plain_input || texp_count_readers(net, i) != 1) {
        return 0;
    }
    if (!b->fused[i] && l->type != BATCHNORM && !(l->type == CONVOLUTIONAL && l->batch_normalize)) return 0;
    /* Where gradients by weights are had of all images at once. */
    return texp_weight_bytes(c) <= (size_t)(l->outputs + reader->outputs) * texp_type_bytes(b->plan->type);
}

/* Their memory is had when the largest part is known. */
static void find_recomputed(texp_builder *b)
{
    for (int i = 0; i < b->net->n; ++i) {
        if (!is_recomputed(b, i)) continue;
        b->plan->recomputed[i] = texp_tensor_of_output(b->plan, b->net->layers + i);
        b->plan->recomputed[i]->lane_bytes = 1;
    }
}

void texp_select(texp_builder *b)
{
    find_fast_layers(b);
    find_recomputed(b);
}
