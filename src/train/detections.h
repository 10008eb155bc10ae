/*
 * What a detector finds in the images of a list. They are letterboxed into the network's input, as Darknet's `detector valid` and
 * `test` do: scaled with their proportions and set on grey, as training has them in the mean.
 */
#ifndef TEXP_DETECTIONS_H
#define TEXP_DETECTIONS_H

#include "data/boxes.h"

#include "darknet.h"

typedef struct {
    float threshold; /* least objectness of a box, and least probability of its classes; Darknet's: .005 */
    float hierarchy; /* threshold in a tree of classes; Darknet's: .5 */
    float overlap; /* IoU above which of two boxes of a class the worse is dropped; Darknet's: .45 */
    int *map; /* of [region]: classes by number in a tree; NULL: none */
    int classes; /* how many of them that is done for; 0: all */
    int mirrors; /* predictions are averaged with those of the mirrored image; the network needs batch 2 or more */
} texp_detect_settings;

texp_detect_settings texp_detect_defaults(void);

/* One image's, for the time of a call. */
typedef struct {
    int image; /* its number in the list */
    int w, h; /* its size in pixels */
    detection *found; /* n of them; boxes by centre and size, as fractions of the image */
    int n;
} texp_found;
typedef void texp_found_visitor(void *context, const texp_found *found);

/* Whether a layer finds boxes: [yolo], [region] or [detection]. */
int texp_finds_boxes(const layer *l);

/* The classes of the network's layers that find boxes; 0 where it has none, -1 where they differ. */
int texp_detector_classes(const network *net);

/*
 * Predicts net->batch images at a time and calls `visit` for each, in the list's order. Images are loaded by the threads of OpenMP;
 * one that can't be read ends the program, with its name. Changes nothing that training goes by: no weights, statistics,
 * counters or random numbers.
 * boxes: the truth of the images, of which the loss is computed as training does, without its updates of batch statistics; or
 * NULL. Returns the mean loss an image; NaN without boxes, and where a layer has another cost than [yolo]'s and [region]'s.
 */
double texp_detect(network *net, char *const *paths, int n, const texp_detect_settings *settings,
                   const texp_boxes *boxes, texp_found_visitor *visit, void *context);

/* Of one image that the caller has loaded; the boxes are to be freed with free_detections(). */
detection *texp_detect_image(network *net, image picture, const texp_detect_settings *settings, int *n);

#endif
