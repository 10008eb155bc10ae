/*
 * Overlap of two boxes, and how it rises: the losses of [yolo] with iou_loss=.
 *
 * Boxes are centre and size, in any unit. With I the area of what both cover, U of what one of them covers, C of the
 * smallest box around both, c its diagonal, d the distance of the centres:
 *
 *     IoU  = I/U
 *     GIoU = IoU - (C - U)/C                     Rezatofighi et al. 2019, Algorithm 1
 *     DIoU = IoU - d^2/c^2                       Zheng et al. 2020, eq. 7
 *     CIoU = DIoU - alpha v                      eqs. 8 to 11: v = 4/pi^2 (atan(w'/h') - atan(w/h))^2,
 *                                                alpha = v/(1 - IoU + v), which is not differentiated
 *
 * Steps are those of AlexeyAB's fork, on whose scale cfgs choose iou_normalizer: the derivatives of IoU and GIoU by width
 * and height are doubled, and that of v is multiplied by w^2 + h^2, as the paper has it (below its eq. 12). Where the
 * fork's code is no derivative, this is: boxes apart have I = 0, and d^2/c^2 falls as c grows whichever way it does.
 */
#ifndef TEXP_BOX_LOSS_H
#define TEXP_BOX_LOSS_H

typedef enum { TEXP_MSE, TEXP_IOU, TEXP_GIOU, TEXP_DIOU, TEXP_CIOU } texp_box_loss;

typedef struct {
    double x, y, w, h;
} texp_rectangle;

typedef struct {
    double iou, value; /* value: of the loss's kind, 1 at most; IoU for TEXP_MSE */
    texp_rectangle step; /* in which direction of the predicted box the value rises; not finite where sizes are not */
} texp_overlap;

double texp_iou_of(texp_rectangle a, texp_rectangle b);
texp_overlap texp_overlap_of(texp_box_loss kind, texp_rectangle predicted, texp_rectangle truth);

#endif
