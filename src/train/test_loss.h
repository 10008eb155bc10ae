/* Validation by the loss alone: of tasks that have no other measure. */
#ifndef TEXP_TEST_LOSS_H
#define TEXP_TEST_LOSS_H

#include "train/crop_source.h"
#include "train/source.h"
#include "train/task.h"

/* For task.h: what the network's cost is over all images of a source of plain samples, the mean of an image; the network predicts,
 * and nothing of it changes but its outputs. The quality falls from 1 to 0 as the loss grows: 1 / (1 + loss). The source
 * is that of `valid=`, NULL where there is none, and in runs without a key of ours, which stock Darknet does not validate. Exits
 * with a message where an image can't be read. */
void *texp_open_test_source(const network *net, list *data, const texp_truths *truths);
texp_validation texp_validate_by_loss(network *net, const void *source);
void texp_close_test_source(void *source);

#endif
