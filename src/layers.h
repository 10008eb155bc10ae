/* Sizes of a layer's parameters, for every type that has its own weights. */
#ifndef TEXP_LAYERS_H
#define TEXP_LAYERS_H

#include "darknet.h"

size_t texp_layer_weights(const layer *l); /* 0: none that could train */
size_t texp_layer_biases(const layer *l);  /* of the layer, or of its batch normalisation */

#endif
