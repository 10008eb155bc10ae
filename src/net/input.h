/* Prediction sees images normalised as training did: mean and std of [net] hold for every tool. */
#ifndef TEXP_INPUT_H
#define TEXP_INPUT_H

#include "darknet.h"

/* What network_predict feeds: `input` (net->batch images, values 0..1), or a normalised copy owned by the network. */
float *texp_normalised_input(network *net, float *input);

#endif
