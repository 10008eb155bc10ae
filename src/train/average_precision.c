#include "train/average_precision.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { MOST_OF_COCO = 100 };

/* The detections of one class from the highest score down, and which of its truths are taken. */
typedef struct {
    const texp_detection **found;
    size_t n_found;
    const texp_ground_truth **truths; /* by image */
    char *taken;
    size_t n_truths;
} matching;

static double overlap(double center_a, double size_a, double center_b, double size_b)
{
    double from = fmax(center_a - size_a / 2, center_b - size_b / 2);
    double to = fmin(center_a + size_a / 2, center_b + size_b / 2);
    return fmax(to - from, 0);
}

double texp_iou(texp_rect a, texp_rect b)
{
    double both = overlap(a.x, a.w, b.x, b.w) * overlap(a.y, a.h, b.y, b.h);
    return both > 0 ? both / (a.w * a.h + b.w * b.h - both) : 0;
}

/* Pointers into one array each: equal keys keep their order. */
static int by_score(const void *a, const void *b)
{
    const texp_detection *x = *(const texp_detection *const *)a, *y = *(const texp_detection *const *)b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x > y) - (x < y);
}

static int by_image(const void *a, const void *b)
{
    const texp_ground_truth *x = *(const texp_ground_truth *const *)a, *y = *(const texp_ground_truth *const *)b;
    if (x->image != y->image) return x->image < y->image ? -1 : 1;
    return (x > y) - (x < y);
}

static int begin(matching *match, const texp_detection *detections, size_t n, const texp_ground_truth *truths, size_t m,
                 int class, double threshold)
{
    *match =
        (matching){calloc(n + 1, sizeof *match->found), 0, calloc(m + 1, sizeof *match->truths), calloc(m + 1, 1), 0};
    if (!match->found || !match->truths || !match->taken) return -1;
    for (size_t i = 0; i < n; ++i) {
        if (detections[i].class == class && detections[i].score >= threshold)
            match->found[match->n_found++] = detections + i;
    }
    for (size_t i = 0; i < m; ++i) {
        if (truths[i].class == class) match->truths[match->n_truths++] = truths + i;
    }
    qsort(match->found, match->n_found, sizeof *match->found, by_score);
    qsort(match->truths, match->n_truths, sizeof *match->truths, by_image);
    return 0;
}

static void end(matching *match)
{
    free(match->found);
    free(match->truths);
    free(match->taken);
}

/* The first truth of an image, or of those behind it. */
static size_t first_of(const matching *match, int image)
{
    size_t low = 0, high = match->n_truths;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (match->truths[middle]->image < image)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The truth that a detection asks for, with its IoU, or -1. Of equal overlaps COCO takes the last, VOC the first. */
static long ask(const matching *match, const texp_detection *d, int coco, double *iou)
{
    long best = -1;
    *iou = 0;
    for (size_t i = first_of(match, d->image); i < match->n_truths && match->truths[i]->image == d->image; ++i) {
        double here = texp_iou(d->box, match->truths[i]->box);
        if (coco && match->taken[i]) continue;
        if (best >= 0 && (coco ? here < *iou : here <= *iou)) continue;
        best = (long)i;
        *iou = here;
    }
    return best;
}

/* Whether it is right; its truth is then taken. */
static int is_right(matching *match, const texp_detection *d, double wanted, int coco, double *iou)
{
    long truth = ask(match, d, coco, iou);
    if (truth < 0 || *iou < wanted || match->taken[truth]) return 0;
    match->taken[truth] = 1;
    return 1;
}

/* The images are numbered from 0 on: how many there may be. */
static size_t count_images(const matching *match)
{
    int last = -1;
    for (size_t i = 0; i < match->n_found; ++i) last = match->found[i]->image > last ? match->found[i]->image : last;
    return (size_t)last + 1;
}

/* The curve: recall and precision behind each detection that counts; returns how many there are. Detections beyond the 100
 * best of an image do not count in COCO; seen: 0 for each image. */
static size_t make_curve(matching *match, double wanted, int coco, int *seen, double *recall, double *precision)
{
    size_t right = 0, n = 0;
    double iou;
    for (size_t i = 0; i < match->n_found; ++i) {
        if (coco && seen[match->found[i]->image]++ >= MOST_OF_COCO) continue;
        right += (size_t)is_right(match, match->found[i], wanted, coco, &iou);
        recall[n] = (double)right / (double)match->n_truths;
        precision[n] = (double)right / (double)(n + 1);
        ++n;
    }
    /* From here on the highest precision at this recall or beyond. */
    for (size_t i = n; i-- > 1;) precision[i - 1] = fmax(precision[i - 1], precision[i]);
    return n;
}

static double area_below(const double *recall, const double *precision, size_t n)
{
    double area = 0, last = 0;
    for (size_t i = 0; i < n; ++i) {
        area += (recall[i] - last) * precision[i];
        last = recall[i];
    }
    return area;
}

static double mean_at(const double *recall, const double *precision, size_t n, int points)
{
    double sum = 0;
    size_t i = 0;
    for (int k = 0; k < points; ++k) {
        /* As numpy's linspace has it, so that a recall of exactly k/(points-1) counts. */
        double wanted = k * (1. / (points - 1));
        while (i < n && recall[i] < wanted) ++i;
        if (i < n) sum += precision[i];
    }
    return sum / points;
}

static double value_of(matching *match, double iou, texp_ap_points points)
{
    double ap = NAN;
    double *recall = calloc(match->n_found + 1, sizeof *recall),
           *precision = calloc(match->n_found + 1, sizeof *recall);
    int *seen = calloc(count_images(match) + 1, sizeof *seen);
    if (recall && precision && seen) {
        size_t n = make_curve(match, iou, points == TEXP_AP_101, seen, recall, precision);
        ap = points == TEXP_AP_AREA ? area_below(recall, precision, n) : mean_at(recall, precision, n, (int)points);
    } else {
        errno = ENOMEM;
    }
    free(recall);
    free(precision);
    free(seen);
    return ap;
}

double texp_average_precision(const texp_detection *detections, size_t n, const texp_ground_truth *truths, size_t m,
                              int class, double iou, texp_ap_points points)
{
    matching match;
    double ap = NAN;
    if (begin(&match, detections, n, truths, m, class, -INFINITY))
        errno = ENOMEM;
    else if (match.n_truths)
        ap = value_of(&match, iou, points);
    end(&match);
    return ap;
}

int texp_count_detections(const texp_detection *detections, size_t n, const texp_ground_truth *truths, size_t m,
                          int class, double iou, double threshold, texp_counts *counts)
{
    matching match;
    int status = begin(&match, detections, n, truths, m, class, threshold);
    *counts = (texp_counts){0};
    for (size_t i = 0; !status && i < match.n_found; ++i) {
        double overlapping;
        if (is_right(&match, match.found[i], iou, 0, &overlapping)) {
            ++counts->right;
            counts->iou_sum += overlapping;
        } else {
            ++counts->wrong;
        }
    }
    if (!status) counts->missed = match.n_truths - counts->right;
    end(&match);
    return status;
}
