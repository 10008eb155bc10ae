/* What layers of every type have in common: their name, parameters and inputs. layer_traits.h has what differs. */
#ifndef TEXP_LAYERS_H
#define TEXP_LAYERS_H

#include "net/layer_traits.h"

#include "darknet.h"

/* The layers of its own that a recurrent layer holds and trains, written to inner; returns how many, 0 for others. */
enum { TEXP_MOST_INNER_LAYERS = 17 };
int texp_inner_layers(const layer *l, layer **inner);

/* On the GPU: copies weights to the host. */
void texp_pull_weights(const layer *l);

/* The word between brackets, as in "convolutional". */
const char *texp_layer_name(const layer *l);

/* The k-th of the layers that layer `index` reads, k = 0, 1, ...; -1: the network's input; TEXP_NO_INPUT behind the
 * last. */
int texp_layer_input(const layer *l, int index, int k);

size_t texp_layer_weights(const layer *l); /* 0: none that could train */
size_t texp_layer_biases(const layer *l); /* of the layer, or of its batch normalisation */

int texp_has_bn(const layer *l); /* batch normalisation, in the layer or as the layer */
int texp_has_parameters(const layer *l); /* weights or an affine of its own, those of inner layers aside */
int texp_fan_in(const layer *l); /* of a layer with weights: what a unit of this layer sums over */

/* Frees what the plug-in keeps with a layer. */
void texp_layer_free(struct texp_layer *own);

/* New weights from N(0, std^2), on the device too. */
void texp_draw_weights(layer *l, double std);

#endif
