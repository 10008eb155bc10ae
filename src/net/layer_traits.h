/*
 * What the plug-in knows of each type of layer: one table with a row a type. A type without a row is one whose degree
 * must be 0, without parameters of its own, and which the fast backend refuses.
 */
#ifndef TEXP_LAYER_TRAITS_H
#define TEXP_LAYER_TRAITS_H

#include "theory/degrees.h"

#include "darknet.h"

/* No layer, where -1 is the network's input. */
enum { TEXP_NO_INPUT = -2 };

/* What a layer that ends a network compares its outputs with. */
typedef enum {
    TEXP_TRUTH_NONE,
    TEXP_TRUTH_NUMBERS, /* one an output */
    TEXP_TRUTH_CLASS, /* one class in each group of outputs */
    TEXP_TRUTH_LABELS, /* 0 or 1 an output */
    TEXP_TRUTH_BOXES, /* a list of boxes with their classes */
    TEXP_TRUTH_GRID, /* a box and its class in some cells of a grid */
    TEXP_TRUTH_MASKS /* an image of instances */
} texp_truth;

/* What a recurrent layer carries from batch to batch. */
typedef enum {
    TEXP_CARRIES_NOTHING,
    TEXP_CARRIES_STATE, /* state */
    TEXP_CARRIES_CELLS /* h, c, and those of the time step before */
} texp_carried;

/* What Darknet's passes on the CPU make of it in training. */
typedef enum {
    TEXP_TRAINS,
    TEXP_TRAINS_NOTHING, /* the backward pass is empty */
    TEXP_TRAINS_NOT /* they end the program, or worse */
} texp_cpu_training;

/* By which of its forms the fast backend runs a layer, where the layer's settings allow it (cpu/select.c). */
typedef enum {
    TEXP_FAST_UNKNOWN, /* no row, or nobody has thought of it: refused */
    TEXP_FAST_NONE, /* by Darknet's own code */
    TEXP_FAST_CONVOLUTION,
    TEXP_FAST_BATCHNORM,
    TEXP_FAST_ACTIVATION,
    TEXP_FAST_SHORTCUT,
    TEXP_FAST_ROUTE,
    TEXP_FAST_MAXPOOL,
    TEXP_FAST_AVGPOOL,
    TEXP_FAST_UPSAMPLE,
    TEXP_FAST_FORMS /* how many */
} texp_fast_form;

typedef struct {
    const char *name; /* in the brackets of a cfg; "none" without a row */
    const char *alias; /* another name that a cfg may use; NULL: none */

    /* Its own parameters; functions are NULL where it has none. */
    size_t (*weights)(const layer *l); /* how many */
    size_t (*biases)(const layer *l); /* how many, those of batch normalisation included */
    int (*fan_in)(const layer *l); /* weights of one output: what a unit of this layer sums over */
    void (*push)(layer l); /* GPU builds alone: weights to the device */
    void (*pull)(layer l); /* and to the host */
    int has_bias_key; /* bias=0 leaves its bias out */
    int takes_bn; /* batch_normalize=1 fits into it, before its activation */
    int is_bn; /* batch normalisation is all that it does */
    int is_recurrent; /* layers of its own hold its weights (texp_inner_layers) */
    texp_carried carries;
    texp_cpu_training cpu_training;
    int writes_input_gradient; /* as the first layer, too, where there is no memory for it */

    /* Its values. */
    texp_node_kind degree_rule;
    int (*is_opaque)(const layer *l); /* whether its settings make it TEXP_NODE_FIXED after all; NULL: never */
    int activates; /* applies l->activation at the end */
    int keeps_channels; /* without an activation: a number added to a whole channel comes out as one */
    int (*input)(const layer *l, int index, int k); /* texp_layer_input; NULL: the layer before it alone */
    texp_truth truth;

    texp_fast_form fast_form;
} texp_layer_traits;

/* The row of a type; never NULL. */
const texp_layer_traits *texp_layer_traits_of(LAYER_TYPE type);

/* The type that a cfg means by a section, as in "[conv]"; BLANK where it is the name of no row. */
LAYER_TYPE texp_layer_type(const char *section);

#endif
