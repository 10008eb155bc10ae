/* Batch normalisation of Darknet's layers by net/bn.h (docs/mathematics.md: epsilon follows the scale). */
#ifndef TEXP_BN_LAYER_H
#define TEXP_BN_LAYER_H

#include "net/bn.h"

#include "darknet.h"

/* The form in which a layer of ours normalises, at the current scale of the weights. */
texp_bn_form texp_bn_form_of(const layer *l);

/* On the CPU; return 0, and do nothing, where Darknet shall do it. */
int texp_bn_layer_forward(layer l, network net);
int texp_bn_layer_backward(layer l, network net);

/* For the GPU: what Darknet's variance (of N-1) must be multiplied by. */
double texp_bn_variance_factor(layer l);

#endif
