/* `regressor train`: what the training loop is told by a network whose outputs are numbers that stand in label files. */
#ifndef TEXP_REGRESSOR_H
#define TEXP_REGRESSOR_H

#include "train/task.h"

extern const texp_task texp_regressor;

#endif
