/* Darknet's commands that train by the plug-in's loop, which computes to the bit what Darknet's own loops do. */
#ifndef TEXP_TRAIN_COMMANDS_H
#define TEXP_TRAIN_COMMANDS_H

#include "base/arguments.h"

/* `classifier train` and so on; they return the exit status. */
int texp_train_classifier(const texp_arguments *arguments);
int texp_train_detector(const texp_arguments *arguments);
int texp_train_regressor(const texp_arguments *arguments);
int texp_train_segmenter(const texp_arguments *arguments);

#endif
