/* Keys and values by which a layer does what Darknet's own does not: the activations mish and swish, groups of a
 * [route], the losses of a [yolo]. */
#ifndef TEXP_ADDED_KEYS_H
#define TEXP_ADDED_KEYS_H

#include "net/texp_net.h"

#include "darknet.h"

/* Before a layer is made: keeps an activation that Darknet does not have in t->parsed_activation, and shows Darknet's
 * parser a linear layer. */
void texp_read_activation(list *options, texp_net *t);

/* Once the layer is made, with its texp_layer: adds what the keys ask for. */
void texp_add_to_layer(layer *l, list *options, network *net);

#endif
