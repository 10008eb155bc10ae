/*
 * Average precision of a detector, as PASCAL VOC and COCO define it. Nothing here knows of Darknet, prints or exits.
 *
 * Boxes are given by their centre and size in any unit that is one for all boxes of an image. Overlap is intersection
 * over union (IoU), of real numbers: VOC's devkit counts a box from pixel a to pixel b as b - a + 1 wide, so the same
 * boxes have b = a + width - 1 there.
 *
 * A detection is right (a true positive) where its IoU with a truth of its class is at least `iou` and no detection of a
 * higher score took that truth. The two benchmarks differ in which truth a detection asks for:
 *     VOC   the one of the largest IoU, taken or not (devkit, VOCevaldet.m)
 *     COCO  the one of the largest IoU among those still free; 100 detections an image and class (cocoeval.py)
 * Detections are looked at from the highest score down; of equal scores the one given first comes first.
 */
#ifndef TEXP_AVERAGE_PRECISION_H
#define TEXP_AVERAGE_PRECISION_H

#include <stddef.h>

typedef struct {
    double x, y, w, h; /* centre, width and height */
} texp_rect;

typedef struct {
    int image, class; /* 0, 1, ... */
    double score;
    texp_rect box;
} texp_detection;

typedef struct {
    int image, class;
    texp_rect box;
} texp_ground_truth;

/* How the curve of precision over recall becomes one number. Precision at recall r is the highest at r or beyond. */
typedef enum {
    TEXP_AP_AREA = 0, /* the area below the curve: VOC 2010 and later */
    TEXP_AP_11 = 11, /* the mean at recall 0, .1, ..., 1: VOC 2007 */
    TEXP_AP_101 = 101 /* the mean at recall 0, .01, ..., 1: COCO, with COCO's matching */
} texp_ap_points;

/* What detections are worth at one threshold of the score. */
typedef struct {
    size_t right, wrong, missed; /* true positives, false positives, truths that none found */
    double iou_sum; /* of those that are right */
} texp_counts;

/* 0..1; 0 where the boxes do not overlap or are empty. */
double texp_iou(texp_rect a, texp_rect b);

/*
 * Average precision of one class, 0..1; NaN where it has no truth, and where there is no memory (errno is ENOMEM then).
 * detections, truths: of all classes and images, in any order; those of other classes are left out.
 */
double texp_average_precision(const texp_detection *detections, size_t n, const texp_ground_truth *truths, size_t m,
                              int class, double iou, texp_ap_points points);

/* Of one class, detections of at least `threshold` alone, matched as VOC does. Returns 0, or -1 without memory. */
int texp_count_detections(const texp_detection *detections, size_t n, const texp_ground_truth *truths, size_t m,
                          int class, double iou, double threshold, texp_counts *counts);

#endif
