#include "train/detections.h"

#include "base/refuse.h"

#include "box.h"
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

/* Of stb_image.h, which is compiled into Darknet's image.c. */
unsigned char *stbi_load(const char *file, int *w, int *h, int *in_file, int wanted);
const char *stbi_failure_reason(void);
void stbi_image_free(void *pixels);
/* Of yolo_layer.c: the first two outputs of a batch, the second of the mirrored image, become one. */
void avg_flipped_yolo(layer l);

texp_detect_settings texp_detect_defaults(void)
{
    return (texp_detect_settings){.threshold = .005f, .hierarchy = .5f, .overlap = .45f};
}

int texp_finds_boxes(const layer *l)
{
    return l->type == YOLO || l->type == REGION || l->type == DETECTION;
}

int texp_detector_classes(const network *net)
{
    int classes = 0;
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        if (!texp_finds_boxes(l)) continue;
        if (classes && classes != l->classes) return -1;
        classes = l->classes;
    }
    return classes;
}

/* --- images ------------------------------------------------------------------------------------------------------- */

/* As many as the network takes at once. */
typedef struct {
    int n;
    int *w, *h; /* of the files */
    float *input; /* letterboxed: a row of net->inputs each */
    const char **failures; /* why one can't be read, or NULL */
} chunk;

static chunk make_chunk(const network *net)
{
    size_t n = (size_t)net->batch;
    return (chunk){.w = calloc(n, sizeof(int)),
                   .h = calloc(n, sizeof(int)),
                   .input = calloc(n * (size_t)net->inputs, sizeof(float)),
                   .failures = calloc(n, sizeof(char *))};
}

static void free_chunk(chunk *c)
{
    free(c->w);
    free(c->h);
    free(c->input);
    free(c->failures);
}

/* Values 0..1 by channel, as Darknet's load_image() has them. */
static image make_picture(const unsigned char *bytes, int w, int h, int c)
{
    image picture = make_image(w, h, c);
    for (int k = 0; k < c; ++k) {
        for (int i = 0; i < w * h; ++i) picture.data[(size_t)k * w * h + i] = (float)bytes[(size_t)i * c + k] / 255.f;
    }
    return picture;
}

static void load_one(const network *net, const char *path, int slot, chunk *c)
{
    int in_file;
    unsigned char *bytes = stbi_load(path, c->w + slot, c->h + slot, &in_file, net->c);
    c->failures[slot] = bytes ? NULL : stbi_failure_reason();
    if (!bytes) return;
    image picture = make_picture(bytes, c->w[slot], c->h[slot], net->c);
    stbi_image_free(bytes);
    image boxed = letterbox_image(picture, net->w, net->h);
    memcpy(c->input + (size_t)slot * net->inputs, boxed.data, (size_t)net->inputs * sizeof(float));
    free_image(boxed);
    free_image(picture);
}

static void load_chunk(const network *net, char *const *paths, int n, chunk *c)
{
    c->n = n;
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < n; ++i) load_one(net, paths[i], i, c);
    for (int i = 0; i < n; ++i) {
        if (c->failures[i])
            texp_fail("%s: can't read this image: %s; remove it from the list", paths[i], c->failures[i]);
    }
}

/* --- boxes -------------------------------------------------------------------------------------------------------- */

/* Darknet's functions look at the first image of a batch, and average the first two of a batch of two. [yolo] counts its boxes
 * before it does so, and is averaged here. */
static void show_image_of(network *net, long slot, int mirrors)
{
    for (int i = 0; i < net->n; ++i) {
        layer *l = net->layers + i;
        if (!texp_finds_boxes(l)) continue;
        l->output += slot * l->outputs;
        l->batch = mirrors && l->type != YOLO ? 2 : 1;
        if (mirrors && l->type == YOLO) avg_flipped_yolo(*l);
    }
}

static void show_batch(network *net, long slot)
{
    for (int i = 0; i < net->n; ++i) {
        layer *l = net->layers + i;
        if (!texp_finds_boxes(l)) continue;
        l->output -= slot * l->outputs;
        l->batch = net->batch;
    }
}

/* [detection] alone gives pixels. */
static void make_relative(const network *net, detection *found, int n, int w, int h)
{
    if (net->layers[net->n - 1].type != DETECTION) return;
    for (int i = 0; i < n; ++i) {
        box *b = &found[i].bbox;
        *b = (box){b->x / (float)w, b->y / (float)h, b->w / (float)w, b->h / (float)h};
    }
}

/* Of the batch's image in slot `slot`, of w x h pixels. */
static detection *boxes_of(network *net, int slot, int w, int h, const texp_detect_settings *s, int *n)
{
    int classes = s->classes ? s->classes : net->layers[net->n - 1].classes;
    show_image_of(net, slot, s->mirrors);
    detection *found = get_network_boxes(net, w, h, s->threshold, s->hierarchy, s->map, 1, n);
    show_batch(net, slot);
    make_relative(net, found, *n, w, h);
    if (s->overlap > 0) do_nms_sort(found, *n, classes, s->overlap);
    return found;
}

/* --- the loss ----------------------------------------------------------------------------------------------------- */

/* The part of a box inside the image, as Darknet's loader makes it; 0 where nothing to speak of is left. */
static int clip(const texp_box *in, box *out)
{
    const float smallest = .001f;
    float left = fmaxf(in->x - in->w / 2, 0), right = fminf(in->x + in->w / 2, 1);
    float top = fmaxf(in->y - in->h / 2, 0), bottom = fminf(in->y + in->h / 2, 1);
    *out = (box){(left + right) / 2, (top + bottom) / 2, right - left, bottom - top};
    return out->w >= smallest && out->h >= smallest;
}

/* Into the letterbox. */
static box place(box b, const network *net, int w, int h)
{
    float wide = (float)net->w, high = (float)net->h;
    if (wide / (float)w < high / (float)h)
        high = (float)(h * net->w / w);
    else
        wide = (float)(w * net->h / h);
    wide /= (float)net->w;
    high /= (float)net->h;
    return (box){b.x * wide + (1 - wide) / 2, b.y * high + (1 - high) / 2, b.w * wide, b.h * high};
}

/* A layer's truth of one image: x, y, w, h, class for each box. */
static void fill_truth(const network *net, const layer *l, const texp_box *boxes, int n, int w, int h, float *truth)
{
    int room = l->truths / (l->coords + 1), filled = 0;
    for (int i = 0; i < n && filled < room; ++i) {
        box b;
        if (!clip(boxes + i, &b)) continue;
        b = place(b, net, w, h);
        float *row = truth + (size_t)filled++ * (size_t)(l->coords + 1);
        memcpy(row, (float[]){b.x, b.y, b.w, b.h}, 4 * sizeof *row);
        row[l->coords] = (float)boxes[i].class_id;
    }
}

static float *make_truth(const network *net, const layer *l, const chunk *c, int first, const texp_boxes *boxes)
{
    float *truth = calloc((size_t)c->n * (size_t)l->truths, sizeof *truth);
    for (int i = 0; i < c->n; ++i) {
        int n;
        const texp_box *of_image = texp_boxes_of(boxes, first + i, &n);
        fill_truth(net, l, of_image, n, c->w[i], c->h[i], truth + (size_t)i * (size_t)l->truths);
    }
    return truth;
}

/* What the layer prints with every forward pass of training is not for a validation. */
static void run_silently(layer l, network state)
{
    fflush(stdout);
    int kept = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY);
    if (kept < 0 || nowhere < 0) texp_fail("can't open /dev/null: %s", strerror(errno));
    dup2(nowhere, STDOUT_FILENO);
#ifdef GPU
    if (gpu_index >= 0)
        l.forward_gpu(l, state);
    else
#endif
        l.forward(l, state);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    close(nowhere);
}

/* [yolo] and [region] compute theirs from the layer before them: nothing else need run in training mode. */
static double layer_loss(network *net, int index, const chunk *c, int first, const texp_boxes *boxes)
{
    layer l = net->layers[index];
    network state = *net;
    if ((l.type != YOLO && l.type != REGION) || !index || l.coords > 4) return NAN;
    /* [yolo] has no number of coordinates. */
    if (l.type == YOLO) l.coords = 4;
    l.batch = c->n;
    state.train = 1;
    state.index = index;
    state.truth = make_truth(net, &l, c, first, boxes);
    state.input = net->layers[index - 1].output;
#ifdef GPU
    state.input_gpu = net->layers[index - 1].output_gpu;
#endif
    run_silently(l, state);
    free(state.truth);
    return *l.cost;
}

/* Sum over the chunk's images of what training calls the loss: the mean over the layers that have a cost. */
static double chunk_loss(network *net, const chunk *c, int first, const texp_boxes *boxes)
{
    double sum = 0;
    int costs = 0;
    for (int i = 0; i < net->n; ++i) {
        if (!net->layers[i].cost) continue;
        ++costs;
        sum += layer_loss(net, i, c, first, boxes);
    }
    return costs ? sum / costs : NAN;
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

static void visit_chunk(network *net, const chunk *c, int first, const texp_detect_settings *s,
                        texp_found_visitor *visit, void *context)
{
    for (int i = 0; i < c->n; ++i) {
        texp_found found = {.image = first + i, .w = c->w[i], .h = c->h[i]};
        found.found = boxes_of(net, i, found.w, found.h, s, &found.n);
        visit(context, &found);
        free_detections(found.found, found.n);
    }
}

/* Of two slots the second has the first's image, mirrored. */
static void mirror(const network *net, chunk *c)
{
    float *mirrored = c->input + net->inputs;
    memcpy(mirrored, c->input, (size_t)net->inputs * sizeof *mirrored);
    flip_image((image){net->w, net->h, net->c, mirrored});
}

double texp_detect(network *net, char *const *paths, int n, const texp_detect_settings *s, const texp_boxes *boxes,
                   texp_found_visitor *visit, void *context)
{
    chunk c = make_chunk(net);
    double loss = 0;
    int step = s->mirrors ? 1 : net->batch;
    for (int first = 0; first < n; first += step) {
        load_chunk(net, paths + first, n - first < step ? n - first : step, &c);
        if (s->mirrors) mirror(net, &c);
        network_predict(net, c.input);
        visit_chunk(net, &c, first, s, visit, context);
        if (boxes) loss += chunk_loss(net, &c, first, boxes);
    }
    free_chunk(&c);
    return boxes && n ? loss / n : NAN;
}

detection *texp_detect_image(network *net, image picture, const texp_detect_settings *s, int *n)
{
    image boxed = letterbox_image(picture, net->w, net->h);
    float *input = calloc((size_t)net->batch * (size_t)net->inputs, sizeof *input);
    memcpy(input, boxed.data, (size_t)net->inputs * sizeof *input);
    free_image(boxed);
    network_predict(net, input);
    free(input);
    return boxes_of(net, 0, picture.w, picture.h, s, n);
}
