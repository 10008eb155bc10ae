/* The network's input, normalised, and its gradient. */
#ifndef TEXP_INPUT_H
#define TEXP_INPUT_H

#include "darknet.h"

/* What network_predict feeds: `input` (net->batch images, values 0..1), or a normalised copy owned by the network:
 * prediction sees images as training did, and mean and std of [net] hold for every tool. */
float *texp_normalised_input(network *net, float *input);

/* Memory for the gradient of a batch of inputs, owned by the network, where the first layer is of a type that writes one
 * whether it is asked to or not: Darknet has none. NULL where it isn't. */
float *texp_input_gradient(network *net);

#endif
