#include "double/images.h"

#include "base/random.h"
#include "base/refuse.h"
#include "net/layer_traits.h"
#include "net/texp_net.h"
#include "train/classifier.h"
#include "train/detector.h"
#include "train/image_set.h"

#include "data.h"
#include "option_list.h"

/* In data.c, without a header. */
void fill_hierarchy(float *truth, int k, tree *hierarchy);

typedef void truth_function(const layer *l, float *truth, long image);

struct texp_batches {
    network *net;
    int images; /* an update */
    const char *kind;
    truth_function *draw; /* random truths */
    texp_image_set *set; /* of our loader of small images */
    texp_source *source; /* of that of photographs */
    load_args args; /* of Darknet's; args.paths: there is one */
};

/* --- random ------------------------------------------------------------------------------------------------------- */

static double uniform(uint64_t purpose, uint64_t image, uint64_t i)
{
    return texp_random_uniform(purpose << 32 ^ image, TEXP_STREAM_VERIFY, i);
}

enum { INPUTS = 1, CLASSES, BOXES, NUMBERS };

static int below(int n, long image, uint64_t i)
{
    return (int)(n * uniform(CLASSES, (uint64_t)image, i));
}

/* One class in each group. */
static void draw_class(const layer *l, float *truth, long image)
{
    int groups = l->type == SOFTMAX && l->groups > 1 ? l->groups : 1, size = l->outputs / groups;
    for (int g = 0; g < groups; ++g) truth[g * size + below(size, image, (uint64_t)g)] = 1;
}

/* A class with all its ancestors; groups without a truth are marked as Darknet does. */
static void draw_tree_class(const layer *l, float *truth, long image)
{
    truth[below(l->softmax_tree->n, image, 0)] = 1;
    fill_hierarchy(truth, l->outputs, l->softmax_tree);
}

static void draw_labels(const layer *l, float *truth, long image)
{
    for (int i = 0; i < l->outputs; ++i) truth[i] = uniform(CLASSES, (uint64_t)image, (uint64_t)i) < .5;
}

static void draw_numbers(const layer *l, float *truth, long image)
{
    int n = l->truths ? l->truths : l->outputs;
    for (int i = 0; i < n; ++i) truth[i] = uniform(NUMBERS, (uint64_t)image, (uint64_t)i);
}

/* Centre, width and height in shares of the image; wholly inside it. */
static void random_box(float *box, long image, uint64_t number)
{
    for (uint64_t i = 0; i < 2; ++i) {
        double length = .1 + .5 * uniform(BOXES, (uint64_t)image, 4 * number + i);
        box[2 + i] = length;
        box[i] = length / 2 + (1 - length) * uniform(BOXES, (uint64_t)image, 4 * number + 2 + i);
    }
}

/* Three boxes an image: x, y, w, h and the class. */
static void draw_boxes(const layer *l, float *truth, long image)
{
    int coords = l->type == REGION ? l->coords : 4;
    for (int b = 0; b < 3; ++b) {
        float *one = truth + b * (coords + 1);
        random_box(one, image, (uint64_t)b);
        one[coords] = below(l->classes, image, (uint64_t)b);
    }
}

/* The grid of [detection]: objectness, classes, box; x and y are those within the cell. */
static void draw_grid(const layer *l, float *truth, long image)
{
    int width = 1 + l->classes + l->coords;
    for (int cell = 0; cell < l->side * l->side; ++cell) {
        float *one = truth + cell * width;
        if (uniform(CLASSES, (uint64_t)image, (uint64_t)cell) >= .2) continue;
        one[0] = one[1 + below(l->classes, image, (uint64_t)(cell + l->side * l->side))] = 1;
        random_box(one + 1 + l->classes, image, (uint64_t)cell);
    }
}

static const layer *last_layer(const network *net)
{
    return net->layers + net->n - 1;
}

static void choose_truths(texp_batches *b)
{
    const layer *l = last_layer(b->net);
    /* [cost] compares with what the layer before it is meant to be. */
    const layer *meant = l->type == COST && b->net->n > 1 && l[-1].type == SOFTMAX ? l - 1 : l;
    switch (texp_layer_traits_of(meant->type)->truth) {
    case TEXP_TRUTH_NONE:
    case TEXP_TRUTH_NUMBERS:
        b->kind = "random inputs and numbers", b->draw = draw_numbers;
        break;
    case TEXP_TRUTH_CLASS:
        b->kind = "random inputs and classes", b->draw = l->softmax_tree ? draw_tree_class : draw_class;
        break;
    case TEXP_TRUTH_LABELS:
        b->kind = "random inputs and labels", b->draw = draw_labels;
        break;
    case TEXP_TRUTH_BOXES:
        b->kind = "random inputs and boxes", b->draw = draw_boxes;
        break;
    case TEXP_TRUTH_GRID:
        b->kind = "random inputs and boxes", b->draw = draw_grid;
        break;
    case TEXP_TRUTH_MASKS:
        texp_fail("%s: there are no random truths for [iseg]", b->net->texp->file);
    }
}

/* Bytes of an image become 0..1, or have mean 0 and variance 1. */
static void draw_input(const network *net, float *input, long image)
{
    double low = net->texp->images.normalises ? -1.7320508075688772 : 0,
           width = net->texp->images.normalises ? -2 * low : 1;
    for (int i = 0; i < net->inputs; ++i) input[i] = low + width * uniform(INPUTS, (uint64_t)image, (uint64_t)i);
}

/* --- .data files -------------------------------------------------------------------------------------------------- */

/* As `detector train` and, for [detection], `yolo train` do. */
static void ask_for_boxes(texp_batches *b)
{
    const layer *l = last_layer(b->net);
    b->args = get_base_args(b->net);
    b->args.type = l->type == DETECTION ? REGION_DATA : DETECTION_DATA;
    b->args.num_boxes = l->type == DETECTION ? l->side : b->net->truths / 5;
    b->args.classes = l->classes;
    b->args.coords = l->coords;
    b->args.jitter = l->jitter;
}

/* As `classifier train` does. */
static void ask_for_classes(texp_batches *b, list *options)
{
    network *net = b->net;
    b->args = texp_classifier.request(net, options);
    texp_classifier.fit_request(&b->args, net, net->w, net->h);
    if (last_layer(net)->softmax_tree) b->args.hierarchy = last_layer(net)->softmax_tree;
}

static void open_darknets(texp_batches *b, list *options, const char *data_file)
{
    const layer *l = last_layer(b->net);
    if (b->net->c != 3) texp_fail("%s: channels=%d: Darknet's loader makes images of 3", b->net->texp->file, b->net->c);
    switch (texp_layer_traits_of(l->type)->truth) {
    case TEXP_TRUTH_BOXES:
    case TEXP_TRUTH_GRID:
        ask_for_boxes(b);
        break;
    case TEXP_TRUTH_CLASS:
    case TEXP_TRUTH_NUMBERS:
    case TEXP_TRUTH_LABELS:
        ask_for_classes(b, options);
        break;
    case TEXP_TRUTH_NONE:
    case TEXP_TRUTH_MASKS:
        texp_fail("%s: -data serves classes and boxes; without it the network learns from random numbers", data_file);
    }
    char **labels = b->args.hierarchy ? NULL : b->args.labels;
    list *paths = texp_read_labelled_paths(options, "train", "data/train.list", labels, b->args.classes);
    b->args.n = b->images;
    b->args.m = paths->size;
    b->args.paths = (char **)list_to_array(paths);
    free_list(paths);
}

static data load_images(texp_batches *b, long k)
{
    data d = {0};
    b->args.d = &d;
    srand((unsigned)k); /* of the crops, all of which this thread draws */
    load_data_blocking(b->args);
    if (d.X.cols != b->net->inputs || d.y.cols != b->net->truths) {
        texp_fail("%s: images of %d numbers with %d truths were loaded, the network takes %d with %d",
                  b->net->texp->file, d.X.cols, d.y.cols, b->net->inputs, b->net->truths);
    }
    return d;
}

/* --- one as the other ---------------------------------------------------------------------------------------------- */

texp_batches *texp_batches_open(network *net, const char *data_file)
{
    texp_batches *b = calloc(1, sizeof *b);
    b->net = net;
    b->images = net->batch * net->subdivisions;
    b->kind = "images";
    if (!data_file) {
        choose_truths(b);
        return b;
    }
    list *options = read_data_cfg((char *)data_file);
    if (texp_layer_traits_of(last_layer(net)->type)->truth == TEXP_TRUTH_BOXES)
        b->source = texp_detector.open_source(net, options);
    else if (net->texp->images.ours)
        b->set = texp_image_set_open(net, options, "train");
    if (!b->source && !b->set) open_darknets(b, options, data_file);
    return b;
}

const char *texp_batches_kind(const texp_batches *batches)
{
    return batches->kind;
}

data texp_batches_next(texp_batches *b, long k)
{
    if (b->args.paths) return load_images(b, k);
    data d = {.X = make_matrix(b->images, b->net->inputs), .y = make_matrix(b->images, b->net->truths)};
    long first = (k - 1) * b->images;
    texp_message message;
    if ((b->source && b->source->fill(b->source, (uint64_t)first, b->net->w, b->net->h, d, &message)) ||
        (b->set && texp_sampler_fill(b->set->sampler, (uint64_t)first, b->images, d.X.vals, d.y.vals, &message))) {
        texp_fail("%s", message.text);
    }
    for (int i = 0; b->draw && i < b->images; ++i) {
        draw_input(b->net, d.X.vals[i], first + i);
        b->draw(last_layer(b->net), d.y.vals[i], first + i);
    }
    return d;
}

void texp_batches_close(texp_batches *b)
{
    if (b->source) b->source->close(b->source);
    texp_image_set_close(b->set);
    for (int i = 0; i < b->args.m; ++i) free(b->args.paths[i]);
    free(b->args.paths);
    free(b);
}
