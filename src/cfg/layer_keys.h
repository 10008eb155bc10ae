/* Keys of layers: affine, fixed, bias, init_std. */
#ifndef TEXP_LAYER_KEYS_H
#define TEXP_LAYER_KEYS_H

#include "darknet.h"

/* Reads them, makes what the plug-in keeps with the layer (net/texp_net.h), and draws its weights where a key says how.
 * Called before unused keys are reported; ends the program where one can't be meant. */
void texp_read_layer_keys(layer *l, list *options, network *net);

#endif
