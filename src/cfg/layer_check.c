#include "cfg/layer_check.h"

#include "base/number.h"
#include "cfg/options.h"
#include "net/layer_traits.h"
#include "net/texp_net.h"

#include "option_list.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>

/* What comes before a layer, and what it makes of it. Doubles, as the products may not fit into an int. */
typedef struct {
    double w, h, c, n; /* n: outputs of an image of the batch, w*h*c where it is an image */
} shape;

typedef struct {
    list *options;
    const char *type;
    int index;
    const network *net;
    shape in;
} place;

static __attribute__((noreturn, format(printf, 3, 4))) void refuse(const place *p, const char *key, const char *why,
                                                                   ...)
{
    char message[512];
    va_list args;
    va_start(args, why);
    vsnprintf(message, sizeof message, why, args);
    va_end(args);
    texp_origin origin = texp_origin_of(p->options, key);
    fprintf(stderr, "\n"); /* behind the layer table's number */
    if (!origin.section) {
        texp_fail("%s: layer %d %s: %s%s%s", p->net->texp->file, p->index, p->type, key ? key : "", key ? ": " : "",
                  message);
    }
    texp_refuse(&origin, key, key ? option_find(p->options, (char *)key) : NULL, "%s", message);
}

static double number(const place *p, const char *key, double otherwise)
{
    char *text = option_find(p->options, (char *)key);
    return text ? texp_option_int(p->options, key, text) : otherwise;
}

/* --- what all layers have in common ------------------------------------------------------------------------------ */

static void demand_image(const place *p)
{
    if (p->in.w > 0 && p->in.h > 0 && p->in.c > 0) return;
    refuse(p, NULL, "what comes before has no width, height and channels; this layer needs an image");
}

/* count: numbers in one of the layer's arrays. */
static void demand_fits(const place *p, const char *what, double count)
{
    if (count >= 0 && count <= INT_MAX) return;
    refuse(p, NULL, "has %.0f %s, and Darknet counts to %d; make it smaller", count, what, INT_MAX);
}

static void check_output(const place *p, shape out)
{
    if (out.w < 1 || out.h < 1 || out.c < 1) {
        refuse(p, NULL, "makes %.0f x %.0f x %.0f outputs of %.0f x %.0f x %.0f: nothing is left", out.w, out.h, out.c,
               p->in.w, p->in.h, p->in.c);
    }
    demand_fits(p, "outputs a batch", out.w * out.h * out.c * p->net->batch);
}

static void check_flat_output(const place *p, double n)
{
    demand_fits(p, "outputs a batch", n * p->net->batch);
}

/* --- layers with weights ------------------------------------------------------------------------------------------ */

static double padding_of(const place *p, double size)
{
    double padding = number(p, "pad", 0) ? floor(size / 2) : number(p, "padding", 0);
    demand_fits(p, "rows with its padding", p->in.h + 2 * padding);
    demand_fits(p, "columns with its padding", p->in.w + 2 * padding);
    return padding;
}

static void check_convolutional(const place *p)
{
    double n = number(p, "filters", 1), size = number(p, "size", 1), stride = number(p, "stride", 1);
    double groups = number(p, "groups", 1), padding = padding_of(p, size);
    demand_image(p);
    if (fmod(p->in.c, groups) || fmod(n, groups)) {
        refuse(p, "groups", "does not divide %.0f channels and filters=%.0f", p->in.c, n);
    }
    if (p->in.h + 2 * padding < size || p->in.w + 2 * padding < size) {
        refuse(p, "size", "is larger than the %.0f x %.0f before, with %.0f on each side", p->in.w, p->in.h, padding);
    }
    demand_fits(p, "weights", p->in.c / groups * n * size * size);
    demand_fits(p, "inputs of a filter", p->in.c * size * size);
    check_output(p, (shape){floor((p->in.w + 2 * padding - size) / stride) + 1,
                            floor((p->in.h + 2 * padding - size) / stride) + 1, n, 0});
}

static void check_deconvolutional(const place *p)
{
    double n = number(p, "filters", 1), size = number(p, "size", 1), stride = number(p, "stride", 1);
    double padding = padding_of(p, size);
    demand_image(p);
    demand_fits(p, "weights", p->in.c * n * size * size);
    demand_fits(p, "columns", n * size * size);
    check_output(
        p, (shape){(p->in.w - 1) * stride + size - 2 * padding, (p->in.h - 1) * stride + size - 2 * padding, n, 0});
}

static void check_local(const place *p)
{
    double n = number(p, "filters", 1), size = number(p, "size", 1), stride = number(p, "stride", 1);
    double less = number(p, "pad", 0) ? 1 : size;
    demand_image(p);
    shape out = {floor((p->in.w - less) / stride) + 1, floor((p->in.h - less) / stride) + 1, n, 0};
    /* Darknet makes room for outputs as many as inputs, and then pads with one pixel. */
    if (number(p, "pad", 0) && (number(p, "pad", 0) != 1 || size != 3))
        refuse(p, "pad", "must be 0, or 1 with size=3; Darknet's [local] pads with one pixel");
    if (p->in.w < less || p->in.h < less) {
        refuse(p, "size", "is larger than the %.0f x %.0f before", p->in.w, p->in.h);
    }
    check_output(p, out);
    demand_fits(p, "weights", p->in.c * n * size * size * out.w * out.h);
}

static void check_connected(const place *p)
{
    double outputs = number(p, "output", 1);
    demand_fits(p, "weights", p->in.n * outputs);
    check_flat_output(p, outputs);
}

static void check_recurrent(const place *p)
{
    double outputs = number(p, "output", 1);
    check_connected(p);
    demand_fits(p, "weights", outputs * outputs);
}

static void check_crnn(const place *p)
{
    double hidden = number(p, "hidden_filters", 1), outputs = number(p, "output_filters", 1);
    double most = fmax(fmax(p->in.c, hidden), outputs);
    demand_image(p);
    demand_fits(p, "weights", 9 * most * hidden);
    demand_fits(p, "weights", 9 * hidden * outputs);
    check_output(p, (shape){p->in.w, p->in.h, 2 * most, 0});
}

/* --- layers without ------------------------------------------------------------------------------------------------ */

/* A window that lies outside of the image has no largest value, which Darknet's backward pass looks for. */
static int has_windows_outside(double in, double size, double stride, double padding)
{
    double last = floor((in + padding - size) / stride) * stride;
    return size <= floor(padding / 2) || last - floor(padding / 2) >= in;
}

static void check_maxpool(const place *p)
{
    double stride = number(p, "stride", 1), size = number(p, "size", stride), padding = number(p, "padding", size - 1);
    demand_image(p);
    demand_fits(p, "columns with its padding", p->in.w + padding);
    demand_fits(p, "rows with its padding", p->in.h + padding);
    if (p->in.w + padding < size || p->in.h + padding < size) {
        refuse(p, "size", "is larger than the %.0f x %.0f before, with padding %.0f", p->in.w, p->in.h, padding);
    }
    if (has_windows_outside(p->in.w, size, stride, padding) || has_windows_outside(p->in.h, size, stride, padding))
        refuse(p, "padding", "leaves windows of size=%.0f that touch no pixel; make it smaller", size);
    check_output(p, (shape){floor((p->in.w + padding - size) / stride) + 1,
                            floor((p->in.h + padding - size) / stride) + 1, p->in.c, 0});
}

/* Half a window of channels is summed before the first one is left. */
static void check_normalization(const place *p)
{
    double size = number(p, "size", 5);
    demand_image(p);
    if (floor(size / 2) > p->in.c) refuse(p, "size", "is more than twice the %.0f channels before it", p->in.c);
}

static void check_crop(const place *p)
{
    shape out = {number(p, "crop_width", 1), number(p, "crop_height", 1), p->in.c, 0};
    demand_image(p);
    if (out.w > p->in.w) refuse(p, "crop_width", "is larger than the image's %.0f", p->in.w);
    if (out.h > p->in.h) refuse(p, "crop_height", "is larger than the image's %.0f", p->in.h);
    check_output(p, out);
}

static void check_reorg(const place *p)
{
    double s = number(p, "stride", 1), extra = number(p, "extra", 0);
    int moves = !extra && !number(p, "flatten", 0);
    demand_image(p);
    if (moves && (fmod(p->in.c, s * s) || (!number(p, "reverse", 0) && (fmod(p->in.w, s) || fmod(p->in.h, s))))) {
        refuse(p, "stride", "must divide the %.0f x %.0f before it, and its square the %.0f channels", p->in.w, p->in.h,
               p->in.c);
    }
    if (extra)
        check_flat_output(p, p->in.n + extra);
    else if (number(p, "reverse", 0))
        check_output(p, (shape){p->in.w * s, p->in.h * s, floor(p->in.c / (s * s)), 0});
    else
        check_output(p, (shape){floor(p->in.w / s), floor(p->in.h / s), p->in.c * s * s, 0});
}

static void check_upsample(const place *p)
{
    double s = number(p, "stride", 2);
    demand_image(p);
    if (s == 0) refuse(p, "stride", "must be 1 or more, or -1 or less");
    if (s < 0)
        check_output(p, (shape){floor(p->in.w / -s), floor(p->in.h / -s), p->in.c, 0});
    else
        check_output(p, (shape){p->in.w * s, p->in.h * s, p->in.c, 0});
}

static void check_softmax(const place *p)
{
    double groups = number(p, "groups", 1);
    if (fmod(p->in.n, groups)) refuse(p, "groups", "does not divide the %.0f inputs", p->in.n);
}

/* --- layers that detect --------------------------------------------------------------------------------------------- */

static double count_entries(const place *p, const char *key)
{
    const char *text = option_find(p->options, (char *)key);
    double n = text != NULL;
    for (; text && *text; ++text) n += *text == ',';
    return n;
}

/* Darknet's own is an assertion. */
static void demand_channels(const place *p, double channels, const char *sum)
{
    demand_image(p);
    demand_fits(p, "outputs a batch", p->in.w * p->in.h * channels * p->net->batch);
    if (p->in.w * p->in.h * channels == p->in.n) return;
    refuse(p, NULL, "needs %.0f channels before it, %s, and gets %.0f; set filters of the layer before", channels, sum,
           p->in.c);
}

static void check_anchors(const place *p, double num)
{
    double n = count_entries(p, "anchors");
    /* Without the key all anchors are Darknet's own; fewer would leave the others at .5 without a word. */
    if (n && n != 2 * num) refuse(p, "anchors", "has %.0f entries; num=%.0f takes %.0f", n, num, 2 * num);
}

static void check_mask(const place *p, double num)
{
    char *text = option_find(p->options, "mask"), *copy = text ? strdup(text) : NULL, *rest = copy, *item;
    while ((item = strsep(&rest, ","))) {
        long entry;
        if (texp_read_long(item, &entry) && entry >= 0 && entry < num) continue;
        refuse(p, "mask", "entry '%s' names none of the num=%.0f pairs of anchors, which count from 0", item, num);
    }
    free(copy);
}

static void check_yolo(const place *p)
{
    double num = number(p, "num", 1), masks = count_entries(p, "mask");
    demand_fits(p, "anchors", 2 * num);
    check_mask(p, num);
    check_anchors(p, num);
    demand_channels(p, (masks ? masks : num) * (number(p, "classes", 20) + 5), "(classes + 5) for each entry of mask");
}

static void check_region(const place *p)
{
    double num = number(p, "num", 1);
    demand_fits(p, "anchors", 2 * num);
    check_anchors(p, num);
    demand_channels(p, num * (number(p, "classes", 20) + number(p, "coords", 4) + 1), "num (classes + coords + 1)");
}

static void check_iseg(const place *p)
{
    demand_channels(p, number(p, "classes", 20) + number(p, "ids", 32), "classes + ids");
}

static void check_detection(const place *p)
{
    double side = number(p, "side", 7), coords = number(p, "coords", 1), classes = number(p, "classes", 1);
    double needed = side * side * ((1 + coords) * number(p, "num", 1) + classes);
    demand_fits(p, "truths", side * side * (1 + coords + classes));
    if (needed != p->in.n) {
        refuse(p, NULL, "needs %.0f inputs, side^2 ((1 + coords) num + classes), and gets %.0f", needed, p->in.n);
    }
}

/* --- layers that read others ----------------------------------------------------------------------------------------- */

static long check_input(const place *p, const char *key, const char *item)
{
    long layer;
    if (!texp_read_long(item, &layer)) refuse(p, key, "not a list of whole numbers");
    if (layer < 0) layer += p->index;
    if (layer < 0 || layer >= p->index) refuse(p, key, "names no layer before this one");
    return layer;
}

static char *input_list(const place *p, const char *key)
{
    char *text = option_find(p->options, (char *)key);
    if (!text) refuse(p, key, "missing; it names the layers that are read, as in -2");
    return text;
}

static void check_shortcut(const place *p)
{
    const layer *from = p->net->layers + check_input(p, "from", input_list(p, "from"));
    int w = (int)p->in.w, h = (int)p->in.h;
    demand_image(p);
    if (!from->out_w || !from->out_h || !from->out_c) refuse(p, "from", "that layer's output is no image");
    if (w / from->out_w != h / from->out_h || from->out_w / w != from->out_h / h) {
        refuse(p, "from", "its %d x %d and the %d x %d before do not fit over each other", from->out_w, from->out_h, w,
               h);
    }
    check_output(p, p->in);
}

static void check_route(const place *p)
{
    double outputs = 0;
    char *copy = strdup(input_list(p, "layers")), *rest = copy, *item;
    while ((item = strsep(&rest, ","))) outputs += p->net->layers[check_input(p, "layers", item)].outputs;
    free(copy);
    check_flat_output(p, outputs);
}

static void check_not_first(const place *p)
{
    if (!p->index) refuse(p, NULL, "can't be the first layer");
}

/* ------------------------------------------------------------------------------------------------------------------- */

static void (*const checks[])(const place *p) = {
    [CONVOLUTIONAL] = check_convolutional,
    [DECONVOLUTIONAL] = check_deconvolutional,
    [LOCAL] = check_local,
    [CONNECTED] = check_connected,
    [RNN] = check_recurrent,
    [GRU] = check_recurrent,
    [LSTM] = check_recurrent,
    [CRNN] = check_crnn,
    [MAXPOOL] = check_maxpool,
    [AVGPOOL] = demand_image,
    [BATCHNORM] = demand_image,
    [NORMALIZATION] = check_normalization,
    [CROP] = check_crop,
    [REORG] = check_reorg,
    [UPSAMPLE] = check_upsample,
    [SOFTMAX] = check_softmax,
    [YOLO] = check_yolo,
    [REGION] = check_region,
    [ISEG] = check_iseg,
    [DETECTION] = check_detection,
    [SHORTCUT] = check_shortcut,
    [ROUTE] = check_route,
    [DROPOUT] = check_not_first,
    [COST] = check_not_first,
};

static shape shape_before(const network *net, int index)
{
    if (!index) return (shape){net->w, net->h, net->c, net->inputs};
    const layer *l = net->layers + index - 1;
    return (shape){l->out_w, l->out_h, l->out_c, l->outputs};
}

void texp_check_layer_numbers(list *options, const char *type, int index, const network *net)
{
    place p = {options, type, index, net, shape_before(net, index)};
    check_flat_output(&p, p.in.n);
    size_t i = (size_t)texp_layer_type(type);
    if (i < sizeof checks / sizeof *checks && checks[i]) checks[i](&p);
}
