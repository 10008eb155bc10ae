/* Batch normalisation of Darknet's layers with the plug-in's epsilon (docs/mathematics.md: epsilon follows the scale). */
#ifndef TEXP_BN_LAYER_H
#define TEXP_BN_LAYER_H

#include "darknet.h"

/* On the CPU; return 0, and do nothing, where Darknet shall do it. */
int texp_bn_forward(layer l, network net);
int texp_bn_backward(layer l, network net);

/* For the GPU: what Darknet's variance (of N-1) must be multiplied by. */
double texp_bn_variance_factor(layer l);

#endif
