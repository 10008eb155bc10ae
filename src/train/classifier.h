/* `darknet classifier train` and `valid`: what training by classes tells the loop. */
#ifndef TEXP_CLASSIFIER_H
#define TEXP_CLASSIFIER_H

#include "train/task.h"

extern const texp_task texp_classifier;

/* `classifier valid` for cfgs with our loader; returns 0 where Darknet shall do it, otherwise 1. */
int texp_validate_classifier(network *net, const char *data_file);

#endif
