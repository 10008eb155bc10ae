/* The numbers of truth that detection layers read. */
#ifndef TEXP_TRUTHS_H
#define TEXP_TRUTHS_H

#include "darknet.h"

/* Darknet gives [yolo] 90 boxes an image and [region] 30, whatever their max= says: with less, an image is compared with the
 * boxes of another one, with more, memory behind the truths is read and written. Here each image has as many as the layers of
 * the network read at most. */
void texp_fit_truths(network *net);

#endif
