/*
 * What the degrees of homogeneity (degrees.h) say of a network of Darknet's: which layers take the exponential rate, what
 * stands in the way of Algorithm 1, and biases that batch normalisation takes away again.
 */
#ifndef TEXP_ANALYSIS_H
#define TEXP_ANALYSIS_H

#include "darknet.h"

#include <stdio.h>

/*
 * Fills the degrees of every layer and the counts of the network (texp_net.h). With texp_layers=all, what grows is all that trains, and degrees are
 * those of Algorithm 1. Recurrent layers and those with binary weights are not looked into: their weights keep the base
 * rate. May be called again.
 */
void texp_analyse(network *net);

/* One line each for what Algorithm 1 finds in the way, as in "layer 41 [shortcut] adds degrees 1 and 2: put a [batchnorm]
 * before layer 39". take gets `to`, the layer's number and the line, which lasts until it returns; NULL: they are only
 * counted. Returns how many there are: 0 where the network is scale invariant in all that trains. */
int texp_obstacles(const network *net, void (*take)(void *to, int layer, const char *line), void *to);

/* "exponential rate: 33 of 34 layers with weights" */
void texp_print_rates(FILE *out, const network *net);

/* Whether layer i is an output: the last one, or one where a degree of 0 is demanded (softmax, costs, detection). */
int texp_is_output(const network *net, int i);

/* What a layer's own parameters do. */
typedef enum {
    TEXP_RATE_NONE, /* it has none */
    TEXP_RATE_EXPONENTIAL, /* its weights are in S (its affine is not) */
    TEXP_RATE_BASE,
    TEXP_RATE_FIXED /* none of them ever changes */
} texp_layer_rate;
texp_layer_rate texp_rate_of(const layer *l);

/*
 * Moves every swallowed bias (texp_layer_degrees) into the rolling means of the batch normalisations that take it away,
 * on the device too, and leaves it at 0, its momentum as well: predictions stay, and the bias is no longer in the
 * way of the scale. In training it never mattered; its gradient is 0. May be called again.
 */
void texp_absorb_biases(network *net);

#endif
