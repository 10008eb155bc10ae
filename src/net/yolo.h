/*
 * [yolo] with the keys that yolov4 has beside Darknet's: scale_x_y, iou_loss, the normalizers, iou_thresh, max_delta.
 * A layer without any of them is Darknet's own.
 *
 * The output holds what boxes are decoded from: x and y as scale_x_y * logistic(.) - (scale_x_y - 1)/2, so that Darknet's
 * own get_yolo_detections() finds them. As in AlexeyAB's fork: deltas of boxes add up where several truths have one
 * place; they are not multiplied by the slope of x and y's logistic function, nor by 1/width of the grid or the anchor,
 * but by e^w and e^h. Otherwise than there: cls_normalizer multiplies all deltas of classes, and ignore_thresh looks at
 * the overlap alone, as in Darknet.
 */
#ifndef TEXP_YOLO_H
#define TEXP_YOLO_H

#include "net/box_loss.h"

#include "darknet.h"

typedef struct texp_yolo {
    double scale_x_y;
    texp_box_loss loss;
    double iou_normalizer, obj_normalizer, cls_normalizer; /* factors of the deltas of boxes, objectness and classes */
    double iou_thresh; /* anchors that overlap a box's size by more learn it, too; from 1 on the best one alone */
    double max_delta; /* bounds each of a box's deltas by overlap */
} texp_yolo;

/* Makes a [yolo] compute so; it keeps a copy. */
void texp_use_yolo(layer *l, const texp_yolo *settings);

#endif
