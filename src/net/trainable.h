/* Whether a network's layers can be trained, as it stands. Nothing here prints or exits. */
#ifndef TEXP_TRAINABLE_H
#define TEXP_TRAINABLE_H

#include "base/message.h"

#include "darknet.h"

/* Returns -1 and a message that names the first layer that can't: one whose passes Darknet has on the GPU alone, one that
 * compares with more truths than there are, or one with batch normalisation of a single value a channel, whose variance
 * is divided by 0. */
int texp_check_trainable(const network *net, texp_message *message);

/* The first layer whose backward pass does nothing on the CPU, so that it and what is before it stay as they are; -1. */
int texp_layer_without_gradient(const network *net);

#endif
