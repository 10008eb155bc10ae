/* `detector train`: what the training loop is told by a network that ends in [yolo] or [region]. */
#ifndef TEXP_DETECTOR_H
#define TEXP_DETECTOR_H

#include "train/task.h"

extern const texp_task texp_detector;

#endif
