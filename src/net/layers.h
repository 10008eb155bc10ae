/* What layers of every type have in common: their parameters. */
#ifndef TEXP_LAYERS_H
#define TEXP_LAYERS_H

#include "darknet.h"

/* The layers of its own that a recurrent layer holds and trains, written to inner; returns how many, 0 for others. */
enum { TEXP_MOST_INNER_LAYERS = 17 };
int texp_inner_layers(const layer *l, layer **inner);

/* On the GPU: copies weights to the host. */
void texp_pull_weights(const layer *l);

size_t texp_layer_weights(const layer *l); /* 0: none that could train */
size_t texp_layer_biases(const layer *l); /* of the layer, or of its batch normalisation */

int texp_has_norm(const layer *l); /* batch normalisation, in the layer or as the layer */
int texp_fan_in(const layer *l); /* weights of one output: what a unit of this layer sums over */

/* New weights from N(0, std^2), on the device too. */
void texp_draw_weights(layer *l, double std);

#endif
