/* What the plug-in keeps with each network and layer. Shared by the glue; Darknet sees incomplete types. */
#ifndef TEXP_NET_H
#define TEXP_NET_H

#include "augment.h"
#include "darknet.h"
#include "fastconv.h"
#include "schedule.h"

#include <stdint.h>

typedef struct texp_net {
    const char *file; /* the cfg */
    const char *policy; /* as written in the cfg */
    texp_recipe recipe; /* owns its three lists */
    texp_schedule schedule;
    texp_step step; /* of the update done last; update == 0 before the first */
    float parsed_rate; /* net->learning_rate as parsed: programs scale it afterwards */
    int ours; /* a key of ours asks for our update; otherwise Darknet's own code runs */
    int plain; /* backend=plain: Darknet's loops instead of oneDNN */
    int fast; /* the layers' pointers lead to fastlayers.c */
    int frozen_affine; /* affine=0 */
    double norm_eps; /* batchnorm_eps, 0: Darknet's formulas and literals */
    int has_seed;
    uint64_t seed;
    int has_loader; /* one of crop_pad, flip, mean, std: our loader and its augmentation */
    int normalises; /* mean or std */
    texp_augment augment;
    int valid_every; /* epochs between validations */
    int growing, trainable; /* layers with weights: in S, and all that train */
    float *input; /* normalised copy of network_predict's input */
    size_t input_size;
} texp_net;

typedef struct texp_layer {
    int fixed; /* weights and biases never change */
    int frozen_affine; /* batch-norm scale and bias never change */
    int frozen_bias; /* bias=0: none is trained */
    int growing; /* in S: takes the exponential rate */
    int norm_degree; /* degree of what this layer normalises */
    /* Of batch normalisation, at the current scale of the weights: */
    double eps; /* inside the square root: Darknet's 1e-5, or batchnorm_eps */
    double eps_root; /* Darknet's CPU forward pass alone: 1e-6 added to the root; 0 with batchnorm_eps */
    int exact; /* batchnorm_eps: the textbook formula */
    texp_fastconv *conv;
    int conv_batch, conv_h, conv_w; /* the shape that conv was made for */
    /* Of the fast layers: */
    int writes; /* the backward pass overwrites the previous layer's delta instead of adding to it */
    int writes_from; /* the same for the other layer that a shortcut or route reads */
    int keeps_delta; /* this layer's delta need not be cleared: its first writer overwrites it */
    int fused; /* the rectifier of the next layer is done here */
} texp_layer;

/* Puts oneDNN and threaded loops behind the layers' forward and backward pointers (fastlayers.c). */
void texp_use_fast_layers(network *net);

/* Batch normalisation of l.x (of the input: [batchnorm]) into l.output, with batchnorm_eps (batchnorm.c). */
void texp_forward_norm(layer l, network net);

/* The epsilons of all layers for weights of scale P (update.c). */
void texp_follow_scale(network *net, long double scale);

#endif
