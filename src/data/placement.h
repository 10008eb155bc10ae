/*
 * Augmentation of photographs with boxes as Darknet's load_data_detection() has it: the photograph, its shape changed a little,
 * is placed on grey; its colours are changed, it may be mirrored, and its boxes follow. Nothing here knows of Darknet.
 */
#ifndef TEXP_PLACEMENT_H
#define TEXP_PLACEMENT_H

#include "data/boxes.h"
#include "data/photos.h"

typedef struct {
    double jitter; /* share of a side by which it may grow or shrink, 0..1 */
    double hue; /* largest shift, of a circle of length 1 */
    double saturation, exposure; /* largest factor or divisor; 0 means 1 */
    int flips; /* half of the images are mirrored */
} texp_placement_rule;

/* One sample's share of chance. */
typedef struct {
    float w, h; /* pixels of the photograph as placed; place_image() cuts these four to whole numbers */
    float dx, dy; /* where its upper left corner comes to be, in pixels of the canvas */
    float hue, saturation, exposure; /* shift, factor, factor */
    int flip;
    uint64_t seed; /* of what else is drawn for this sample */
} texp_placement;

/* The draw of sample number `sample` under `seed`, for a photograph of photo_w x photo_h on a canvas of w x h: of nothing else. */
texp_placement texp_placement_draw(const texp_placement_rule *rule, uint64_t seed, uint64_t sample, int photo_w,
                                   int photo_h, int w, int h);

/* The canvas, photo->c x h x w planar, 0..1: .5 where the photograph is not, bilinear between its pixels where it is, as
 * Darknet's place_image(). Colours and mirroring are left to the caller. Returns 0, or -1 without memory. */
int texp_placement_image(float *canvas, int w, int h, const texp_photo *photo, const texp_placement *placement);

/* The boxes as they lie on the canvas and mirrored, in drawn order, as fill_truth_detection(): to truth, 5 numbers each (centre,
 * size, class), most * 5 of them, zeros at the end. The first `most` of the drawn order count, without those of which less than
 * a thousandth of a side is left. Returns 0, or -1 without memory. */
int texp_placement_boxes(float *truth, int most, const texp_box *boxes, int n, int w, int h,
                         const texp_placement *placement);

#endif
