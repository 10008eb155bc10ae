/* `segmenter train`: what the training loop is told by a network whose output is an image of a channel for each class. */
#ifndef TEXP_SEGMENTER_H
#define TEXP_SEGMENTER_H

#include "train/task.h"

extern const texp_task texp_segmenter;

#endif
