/* How good a detector is on the `valid` list of a .data file. */
#ifndef TEXP_DETECTOR_SCORES_H
#define TEXP_DETECTOR_SCORES_H

#include "train/average_precision.h"
#include "train/detections.h"

typedef struct {
    double overlap; /* IoU from which a box is right */
    texp_ap_points points; /* how average precision is computed */
    int coco; /* the mean over IoU .5, .55, ... .95 is what counts */
    double threshold; /* least probability of the boxes that precision, recall, F1 and their IoU are of */
} texp_judging;

/* IoU .5, the area below the curve, threshold .25; with map=coco in the .data file COCO's rules. */
texp_judging texp_judging_of(list *data);

typedef struct {
    double ap; /* average precision, 0..1; NaN where the list has no object of the class */
    texp_counts counts; /* at the threshold */
} texp_class_score;

typedef struct {
    int images, classes;
    texp_class_score *by_class; /* owned */
    double map; /* mean of `ap` over the classes of which there are objects; NaN where there is none */
    double map_coco; /* the same, over the ten IoUs too; NaN unless judged so */
    texp_counts counts; /* of all classes */
    double precision, recall, f1; /* 0..1; 0 where nothing was found */
    double iou; /* mean IoU of the right boxes; 0 where there is none */
    double loss; /* mean an image, as in training */
} texp_detector_score;

/* The images that a run is evaluated on. */
typedef struct texp_detector_examples texp_detector_examples;

/* Reads the `valid` list and all its label files; NULL where the .data file has no `valid`. Exits with a message where lists,
 * labels or classes are bad. */
texp_detector_examples *texp_detector_examples_open(network *net, list *data);
/* How the .data file asks to judge them. */
texp_judging texp_examples_judging(const texp_detector_examples *examples);
void texp_detector_examples_close(texp_detector_examples *examples);

/* Runs the network, at the size that it had when the examples were opened, over all of them; to be freed by the caller. Changes
 * nothing that training goes by. */
texp_detector_score texp_score_detector(network *net, const texp_detector_examples *examples,
                                        const texp_judging *judging);
void texp_detector_score_free(texp_detector_score *score);

#endif
