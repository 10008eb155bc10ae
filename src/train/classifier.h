/* `darknet classifier train` and `valid`: what training by classes tells the loop. */
#ifndef TEXP_CLASSIFIER_H
#define TEXP_CLASSIFIER_H

#include "train/task.h"

extern const texp_task texp_classifier;

/* `classifier valid` for cfgs with our loader, and where Darknet's loop would find other classes; returns 0 where Darknet shall do it, otherwise 1. Exits with a message where lists
 * or images are bad, or an image has no class, whatever the loader. */
int texp_validate_classifier(network *net, const char *data_file);

/* For Darknet's loader: the n numbers of an image's truth, 1 for its class (data/image_class.h) and 0 for the others. Returns 1, or 0
 * and changes nothing where its path tells no class. */
int texp_fill_class(const char *path, char *const *labels, int n, float *truth);

#endif
