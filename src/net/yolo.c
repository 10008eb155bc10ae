#include "net/yolo.h"

#include "base/refuse.h"
#include "net/texp_net.h"

#include "activations.h"
#include "box.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- places ------------------------------------------------------------------------------------------------------- */

/* One image of a batch. */
typedef struct {
    const layer *l;
    const texp_yolo *s;
    const network *net;
    float *output, *delta;
    const float *truth;
} picture;

/* Entries of a box: x, y, w, h, objectness, classes. One anchor of a cell has them `cells` values apart. */
enum { X, Y, W, H, OBJECT, CLASSES };

static int cells_of(const layer *l)
{
    return l->w * l->h;
}

static size_t place_of(const layer *l, int n, int column, int row)
{
    return (size_t)n * (CLASSES + l->classes) * cells_of(l) + (size_t)row * l->w + column;
}

static float *entry(const layer *l, float *values, size_t place, int k)
{
    return values + place + (size_t)k * cells_of(l);
}

static texp_rectangle predicted(const picture *p, int anchor, size_t place, int column, int row)
{
    const layer *l = p->l;
    return (texp_rectangle){.x = (column + *entry(l, p->output, place, X)) / l->w,
                            .y = (row + *entry(l, p->output, place, Y)) / l->h,
                            .w = exp(*entry(l, p->output, place, W)) * l->biases[2 * anchor] / p->net->w,
                            .h = exp(*entry(l, p->output, place, H)) * l->biases[2 * anchor + 1] / p->net->h};
}

/* --- truths ------------------------------------------------------------------------------------------------------- */

enum { TRUTH = 5 }; /* numbers of one: x, y, w, h, class */

/* Whether there is a t-th; *class_id -1: one that this layer does not have. */
static int read_truth(const picture *p, int t, texp_rectangle *box, int *class_id)
{
    const float *truth = p->truth + TRUTH * t;
    if (t >= p->l->max_boxes || TRUTH * (t + 1) > p->l->truths || !truth[0]) return 0;
    *box = (texp_rectangle){truth[0], truth[1], truth[2], truth[3]};
    *class_id = truth[4] >= 0 && truth[4] < p->l->classes ? (int)truth[4] : -1;
    if (p->l->map && *class_id >= 0) *class_id = p->l->map[*class_id];
    return 1;
}

/* --- deltas ------------------------------------------------------------------------------------------------------- */

/* Sums over an image, and what Darknet prints of a batch. */
typedef struct {
    double loss, iou, class, object, any_object, recall, recall75;
    int count;
} tally;

static double bounded(double delta, double most)
{
    return !isfinite(delta) ? 0 : delta > most ? most : delta < -most ? -most : delta;
}

/* Darknet's own, whose sum of squares is the loss. */
static void add_squares(const picture *p, int anchor, size_t place, int column, int row, texp_rectangle truth)
{
    const layer *l = p->l;
    const double scale = p->s->iou_normalizer * (2 - truth.w * truth.h);
    const double wanted[] = {truth.x * l->w - column, truth.y * l->h - row,
                             log(truth.w * p->net->w / l->biases[2 * anchor]),
                             log(truth.h * p->net->h / l->biases[2 * anchor + 1])};
    for (int k = X; k <= H; ++k) *entry(l, p->delta, place, k) += scale * (wanted[k] - *entry(l, p->output, place, k));
}

static void add_overlap(const picture *p, size_t place, const texp_overlap *o)
{
    const layer *l = p->l;
    const double steps[] = {o->step.x, o->step.y, o->step.w * exp(*entry(l, p->output, place, W)),
                            o->step.h * exp(*entry(l, p->output, place, H))};
    for (int k = X; k <= H; ++k)
        *entry(l, p->delta, place, k) += bounded(p->s->iou_normalizer * steps[k], p->s->max_delta);
}

static double add_box(const picture *p, int anchor, size_t place, int column, int row, texp_rectangle truth, tally *sum)
{
    const texp_overlap o = texp_overlap_of(p->s->loss, predicted(p, anchor, place, column, row), truth);
    if (p->s->loss == TEXP_MSE) {
        add_squares(p, anchor, place, column, row, truth);
    } else {
        add_overlap(p, place, &o);
        sum->loss += p->s->iou_normalizer * (1 - o.value);
    }
    return o.iou;
}

/* As Darknet's: of several classes in one place each is wanted. */
static void set_classes(const picture *p, size_t place, int class_id)
{
    const layer *l = p->l;
    const float *wanted = entry(l, p->delta, place, CLASSES + class_id);
    const int is_first = !*wanted;
    for (int k = 0; k < l->classes; ++k) {
        if (!is_first && k != class_id) continue;
        *entry(l, p->delta, place, CLASSES + k) =
            p->s->cls_normalizer * ((k == class_id) - *entry(l, p->output, place, CLASSES + k));
    }
}

static void set_object(const picture *p, size_t place, int is_there)
{
    *entry(p->l, p->delta, place, OBJECT) = p->s->obj_normalizer * (is_there - *entry(p->l, p->output, place, OBJECT));
}

/* Objectness of one place, which no truth has claimed so far. */
static void judge_place(const picture *p, int n, int column, int row, tally *sum)
{
    const layer *l = p->l;
    const size_t place = place_of(l, n, column, row);
    const texp_rectangle box = predicted(p, l->mask[n], place, column, row);
    texp_rectangle truth, best_truth = {0};
    int class_id, best_class = -1;
    double best = 0;
    for (int t = 0; read_truth(p, t, &truth, &class_id); ++t) {
        const double iou = class_id < 0 ? 0 : texp_iou_of(box, truth);
        if (iou > best) best = iou, best_truth = truth, best_class = class_id;
    }
    sum->any_object += *entry(l, p->output, place, OBJECT);
    set_object(p, place, 0);
    if (best > l->ignore_thresh) *entry(l, p->delta, place, OBJECT) = 0;
    if (best <= l->truth_thresh) return;
    set_object(p, place, 1);
    set_classes(p, place, best_class);
    add_box(p, l->mask[n], place, column, row, best_truth, sum);
}

static double overlap_with_anchor(const picture *p, int anchor, texp_rectangle truth)
{
    const texp_rectangle shape = {0, 0, p->l->biases[2 * anchor] / p->net->w, p->l->biases[2 * anchor + 1] / p->net->h};
    return texp_iou_of(shape, (texp_rectangle){0, 0, truth.w, truth.h});
}

static int best_anchor(const picture *p, texp_rectangle truth)
{
    int best = 0;
    double most = 0;
    for (int k = 0; k < p->l->total; ++k) {
        const double iou = overlap_with_anchor(p, k, truth);
        if (iou > most) most = iou, best = k;
    }
    return best;
}

static int cell_of(double at, int cells)
{
    const int cell = (int)(at * cells);
    return cell < 0 ? 0 : cell < cells ? cell : cells - 1;
}

/* n: of the layer's own anchors. */
static void claim_place(const picture *p, int n, texp_rectangle truth, int class_id, tally *sum)
{
    const layer *l = p->l;
    const int column = cell_of(truth.x, l->w), row = cell_of(truth.y, l->h);
    const size_t place = place_of(l, n, column, row);
    const double iou = add_box(p, l->mask[n], place, column, row, truth, sum);
    sum->object += *entry(l, p->output, place, OBJECT);
    sum->class += *entry(l, p->output, place, CLASSES + class_id);
    set_object(p, place, 1);
    set_classes(p, place, class_id);
    sum->iou += iou;
    sum->recall += iou > .5;
    sum->recall75 += iou > .75;
    ++sum->count;
}

static void claim_places(const picture *p, tally *sum)
{
    texp_rectangle truth;
    int class_id;
    for (int t = 0; read_truth(p, t, &truth, &class_id); ++t) {
        if (class_id < 0) continue;
        const int best = best_anchor(p, truth);
        for (int n = 0; n < p->l->n; ++n) {
            const int anchor = p->l->mask[n];
            if (anchor == best || overlap_with_anchor(p, anchor, truth) > p->s->iou_thresh)
                claim_place(p, n, truth, class_id, sum);
        }
    }
}

/* Of several truths in one place, by as many as there are classes among them. */
static void average_boxes(const picture *p)
{
    const layer *l = p->l;
    for (int n = 0; n < l->n; ++n) {
        for (int cell = 0; cell < cells_of(l); ++cell) {
            const size_t place = place_of(l, n, cell, 0);
            int classes = 0;
            for (int k = 0; k < l->classes; ++k) classes += *entry(l, p->delta, place, CLASSES + k) > 0;
            for (int k = X; classes > 1 && k <= H; ++k) *entry(l, p->delta, place, k) /= classes;
        }
    }
}

/* Of overlap: of the deltas of objectness and classes alone. */
static double sum_of_squares(const picture *p)
{
    const layer *l = p->l;
    double sum = 0;
    for (int n = 0; n < l->n; ++n) {
        for (int k = p->s->loss == TEXP_MSE ? X : OBJECT; k < CLASSES + l->classes; ++k) {
            const float *values = entry(l, p->delta, place_of(l, n, 0, 0), k);
            for (int cell = 0; cell < cells_of(l); ++cell) sum += (double)values[cell] * values[cell];
        }
    }
    return sum;
}

static void train_on(const picture *p, tally *sum)
{
    const layer *l = p->l;
    for (int n = 0; n < l->n; ++n) {
        for (int cell = 0; cell < cells_of(l); ++cell) judge_place(p, n, cell % l->w, cell / l->w, sum);
    }
    claim_places(p, sum);
    if (p->s->iou_thresh < 1) average_boxes(p);
    sum->loss += sum_of_squares(p);
}

/* --- the layer ---------------------------------------------------------------------------------------------------- */

static picture picture_of(const layer *l, const network *net, int b)
{
    return (picture){l,
                     l->texp->yolo,
                     net,
                     l->output + (size_t)b * l->outputs,
                     l->delta + (size_t)b * l->outputs,
                     net->truth ? net->truth + (size_t)b * l->truths : NULL};
}

static void decode(const picture *p)
{
    const layer *l = p->l;
    const double scale = p->s->scale_x_y;
    for (int n = 0; n < l->n; ++n) {
        float *centres = p->output + place_of(l, n, 0, 0);
        activate_array(centres, OBJECT / 2 * cells_of(l), LOGISTIC);
        for (int i = 0; i < OBJECT / 2 * cells_of(l); ++i) centres[i] = scale * centres[i] - .5 * (scale - 1);
        activate_array(entry(l, centres, 0, OBJECT), (1 + l->classes) * cells_of(l), LOGISTIC);
    }
}

/* The line that Darknet's own prints. */
static void print_tallies(const layer *l, const network *net, const tally *all)
{
    const int n = all->count ? all->count : 1;
    printf("Region %d Avg IOU: %f, Class: %f, Obj: %f, No Obj: %f, .5R: %f, .75R: %f,  count: %d\n", net->index,
           all->iou / n, all->class / n, all->object / n, all->any_object / ((double)cells_of(l) * l->n * l->batch),
           all->recall / n, all->recall75 / n, all->count);
}

static void add_tally(tally *all, const tally *one)
{
    all->loss += one->loss;
    all->iou += one->iou;
    all->class += one->class;
    all->object += one->object;
    all->any_object += one->any_object;
    all->recall += one->recall;
    all->recall75 += one->recall75;
    all->count += one->count;
}

/* From the values before the activations, which stand in l->output. Sums go from image to image in order, so that
 * threads change nothing. */
static void run(const layer *l, const network *net)
{
    tally *of_images = calloc((size_t)l->batch, sizeof *of_images), all = {0};
    if (!of_images) texp_fail("out of memory in layer %d [yolo]", net->index);
    memset(l->delta, 0, (size_t)l->outputs * l->batch * sizeof *l->delta);
#pragma omp parallel for schedule(dynamic)
    for (int b = 0; b < l->batch; ++b) {
        const picture p = picture_of(l, net, b);
        decode(&p);
        if (net->train) train_on(&p, of_images + b);
    }
    for (int b = 0; b < l->batch; ++b) add_tally(&all, of_images + b);
    free(of_images);
    if (!net->train) return;
    *l->cost = all.loss;
    print_tallies(l, net, &all);
}

static void forward(layer l, network net)
{
    memcpy(l.output, net.input, (size_t)l.outputs * l.batch * sizeof *l.output);
    run(&l, &net);
}

#ifdef GPU
static void forward_gpu(layer l, network net)
{
    cuda_pull_array(net.input_gpu, l.output, (size_t)l.outputs * l.batch);
    run(&l, &net);
    cuda_push_array(l.output_gpu, l.output, (size_t)l.outputs * l.batch);
    cuda_push_array(l.delta_gpu, l.delta, (size_t)l.outputs * l.batch);
}
#endif

void texp_use_yolo(layer *l, const texp_yolo *settings)
{
    l->texp->yolo = malloc(sizeof *settings);
    if (!l->texp->yolo) texp_fail("out of memory");
    *l->texp->yolo = *settings;
    l->forward = forward;
#ifdef GPU
    l->forward_gpu = forward_gpu;
#endif
}
