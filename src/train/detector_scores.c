#include "train/detector_scores.h"

#include "base/refuse.h"
#include "cfg/options.h"
#include "net/texp_net.h"
#include "train/image_set.h"

#include "option_list.h"

#include <math.h>

struct texp_detector_examples {
    char **paths;
    int n, classes;
    int w, h; /* of the network, in pixels */
    texp_boxes *boxes;
    texp_judging judging;
};

texp_judging texp_judging_of(list *data)
{
    const char *map = texp_word_of(data, "map", "");
    int coco = !strcmp(map, "coco");
    return (texp_judging){.overlap = .5, .points = coco ? TEXP_AP_101 : TEXP_AP_AREA, .coco = coco, .threshold = .25};
}

/* --- examples ----------------------------------------------------------------------------------------------------- */

static int count_classes(const network *net, list *data)
{
    int classes = texp_detector_classes(net), wanted = (int)texp_whole_of(data, "classes", 20);
    if (classes == 0)
        texp_fail("%s: no layer finds boxes; its last must be [yolo], [region] or [detection]", net->texp->file);
    if (classes < 0)
        texp_fail("%s: layers find boxes of different numbers of classes; make classes= equal", net->texp->file);
    if (option_find(data, "classes") && wanted != classes)
        texp_refuse_option(data, "classes", "%s finds %d classes; make them equal", net->texp->file, classes);
    return classes;
}

texp_detector_examples *texp_detector_examples_open(network *net, list *data)
{
    if (!option_find(data, "valid")) return NULL;
    texp_detector_examples *e = calloc(1, sizeof *e);
    texp_message message;
    list *paths = texp_read_paths(data, "valid", NULL);
    *e = (texp_detector_examples){.n = paths->size,
                                  .classes = count_classes(net, data),
                                  .w = net->w,
                                  .h = net->h,
                                  .paths = (char **)list_to_array(paths),
                                  .judging = texp_judging_of(data)};
    free_list(paths);
    if (texp_boxes_open(e->paths, e->n, e->classes, &e->boxes, &message)) texp_fail("%s", message.text);
    if (texp_boxes_missing(e->boxes, &message)) fprintf(stderr, "%s\n", message.text);
    return e;
}

texp_judging texp_examples_judging(const texp_detector_examples *e)
{
    return e->judging;
}

void texp_detector_examples_close(texp_detector_examples *e)
{
    if (!e) return;
    texp_boxes_close(e->boxes);
    for (int i = 0; i < e->n; ++i) free(e->paths[i]);
    free(e->paths);
    free(e);
}

/* --- what was found ------------------------------------------------------------------------------------------------ */

/* An untrained network finds boxes everywhere: beyond so many of a class in an image, the worst are left out. */
enum { MOST_OF_IMAGE = 1000 };

typedef struct {
    texp_detection *all;
    size_t n, room;
    int classes;
} collection;

/* The part inside the image, as `detector valid` writes it. */
static texp_rect cut(box b)
{
    double left = fmax(b.x - b.w / 2., 0), right = fmin(b.x + b.w / 2., 1);
    double top = fmax(b.y - b.h / 2., 0), bottom = fmin(b.y + b.h / 2., 1);
    return (texp_rect){(left + right) / 2, (top + bottom) / 2, fmax(right - left, 0), fmax(bottom - top, 0)};
}

static void add(collection *c, int image, int class, const detection *d)
{
    if (c->n == c->room) {
        c->room = c->room ? 2 * c->room : 4096;
        c->all = realloc(c->all, c->room * sizeof *c->all);
        if (!c->all) texp_fail("no memory for %zu boxes; they are too many for a trained network", c->room);
    }
    c->all[c->n++] = (texp_detection){image, class, d->prob[class], cut(d->bbox)};
}

static int by_score(const void *a, const void *b)
{
    const texp_detection *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

static void collect(void *context, const texp_found *found)
{
    collection *c = context;
    for (int class = 0; class < c->classes; ++class) {
        size_t first = c->n;
        for (int i = 0; i < found->n; ++i) {
            if (found->found[i].prob[class] > 0) add(c, found->image, class, found->found + i);
        }
        if (c->n - first <= MOST_OF_IMAGE) continue;
        qsort(c->all + first, c->n - first, sizeof *c->all, by_score);
        c->n = first + MOST_OF_IMAGE;
    }
}

static texp_ground_truth *make_truths(const texp_detector_examples *e, size_t *n)
{
    size_t room = 0;
    int here;
    *n = 0;
    for (int i = 0; i < e->n; ++i) {
        texp_boxes_of(e->boxes, i, &here);
        room += (size_t)here;
    }
    texp_ground_truth *truths = calloc(room + 1, sizeof *truths);
    for (int i = 0; i < e->n; ++i) {
        const texp_box *boxes = texp_boxes_of(e->boxes, i, &here);
        for (int k = 0; k < here; ++k) {
            const texp_box *b = boxes + k;
            truths[(*n)++] = (texp_ground_truth){i, b->class_id, {b->x, b->y, b->w, b->h}};
        }
    }
    return truths;
}

/* --- scores ------------------------------------------------------------------------------------------------------- */

/* Mean over the ten IoUs of COCO. */
static double ap_of_coco(const collection *c, const texp_ground_truth *truths, size_t n, int class)
{
    enum { IOUS = 10 };
    double sum = 0;
    for (int k = 0; k < IOUS; ++k)
        sum += texp_average_precision(c->all, c->n, truths, n, class, (50 + 5 * k) / 100., TEXP_AP_101);
    return sum / IOUS;
}

static void judge_class(texp_detector_score *s, const collection *c, const texp_ground_truth *truths, size_t n,
                        int class, const texp_judging *j)
{
    texp_class_score *score = s->by_class + class;
    score->ap = texp_average_precision(c->all, c->n, truths, n, class, j->overlap, j->points);
    if (texp_count_detections(c->all, c->n, truths, n, class, j->overlap, j->threshold, &score->counts))
        texp_fail("no memory to judge %zu boxes", c->n);
    s->counts.right += score->counts.right;
    s->counts.wrong += score->counts.wrong;
    s->counts.missed += score->counts.missed;
    s->counts.iou_sum += score->counts.iou_sum;
}

static void take_means(texp_detector_score *s, const collection *c, const texp_ground_truth *truths, size_t n,
                       const texp_judging *j)
{
    int judged = 0;
    double sum = 0, coco = 0;
    for (int class = 0; class < s->classes; ++class) {
        judge_class(s, c, truths, n, class, j);
        if (isnan(s->by_class[class].ap)) continue;
        ++judged;
        sum += s->by_class[class].ap;
        if (j->coco) coco += ap_of_coco(c, truths, n, class);
    }
    s->map = judged ? sum / judged : NAN;
    s->map_coco = judged && j->coco ? coco / judged : NAN;
}

static double share(size_t part, size_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void take_shares(texp_detector_score *s)
{
    const texp_counts *c = &s->counts;
    s->precision = share(c->right, c->right + c->wrong);
    s->recall = share(c->right, c->right + c->missed);
    s->f1 = share(2 * c->right, 2 * c->right + c->wrong + c->missed);
    s->iou = c->right ? c->iou_sum / (double)c->right : 0;
}

/* random=1 changes the network's size; scores of one run shall be of one size. */
static void change_size(network *net, int w, int h)
{
    if (net->w != w || net->h != h) resize_network(net, w, h);
}

texp_detector_score texp_score_detector(network *net, const texp_detector_examples *e, const texp_judging *judging)
{
    texp_detector_score s = {.images = e->n, .classes = e->classes};
    texp_detect_settings settings = texp_detect_defaults();
    collection c = {.classes = e->classes};
    size_t n;
    int w = net->w, h = net->h;
    s.by_class = calloc((size_t)e->classes, sizeof *s.by_class);
    change_size(net, e->w, e->h);
    s.loss = texp_detect(net, e->paths, e->n, &settings, e->boxes, collect, &c);
    change_size(net, w, h);
    texp_ground_truth *truths = make_truths(e, &n);
    take_means(&s, &c, truths, n, judging);
    take_shares(&s);
    free(truths);
    free(c.all);
    return s;
}

void texp_detector_score_free(texp_detector_score *score)
{
    free(score->by_class);
    score->by_class = NULL;
}
