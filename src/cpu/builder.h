/*
 * What the lists of operations are made with: the state while they are made, and what selection (select.h), the forward
 * pass (forward.h) and the backward pass (backward.h) have in common.
 */
#ifndef TEXP_BUILDER_H
#define TEXP_BUILDER_H

#include "cpu/plan.h"

/* An activation array has one or more layouts; which of them hold the values changes along a list. Halves are NCHW of
 * bfloat16. */
enum { TEXP_NCHW = 1, TEXP_BLOCKED = 2, TEXP_HALVES = 4, TEXP_LAYOUTS = 3 };

/*
 * Memory that gradients share one after another. Between two barriers one image is ahead of another, so there its next
 * user must have images of the same size: then no image's place is another's.
 */
typedef struct {
    size_t bytes, image;
    int readers; /* layers whose gradient lies there */
    int barrier; /* how many came before the last user's end */
} texp_slot;

typedef struct {
    texp_plan *plan;
    network *net;
    texp_list *list; /* that is being made */
    char *fast; /* of each layer: its fast form runs, not Darknet's code */
    char *fused; /* of each layer: the batch normalisation before it does its work */
    texp_tensor *(*layouts)[TEXP_LAYOUTS]; /* of the input and of each layer's output; see texp_layout_of() */
    int *ready; /* layouts that hold the values, at this point of the list */
    texp_tensor **raw; /* of each layer that keeps them: values before batch normalisation, or before a curve */
    uint8_t **which; /* of each [maxpool] */

    /* Of the backward pass alone: */
    texp_tensor **gradients; /* of each layer's output, or NULL: no reader has written it yet */
    int *slots; /* where it lies */
    texp_slot *pool;
    int n_slots;
    int barriers; /* operations so far that end a stage */
    struct {
        texp_tensor *tensor;
        int slot;
    } * placed;
    int n_placed, lowest; /* layer that the backward pass reaches */
} texp_builder;

/* One more operation at the end of the list, of layer `index`; good until the next one. */
texp_op *texp_build_op(texp_builder *b, texp_runs *run, int index);
/* From one tensor to another of as many blocks; either may be NULL. */
texp_op *texp_build_io(texp_builder *b, texp_runs *run, int index, const texp_tensor *in, texp_tensor *out);
/* out = act(batch normalisation i of in), by the statistics that stand in its texp_bn then. */
void texp_build_normalize(texp_builder *b, int i, const texp_tensor *in, texp_tensor *out, float slope);

/* The number of a layer's activation (blocked.h). */
float texp_slope_of(const layer *l);
/* How many layers read the output of layer `index`. */
int texp_count_readers(const network *net, int index);

/* The place of a layout of layer `index`, -1: the network's input. */
texp_tensor **texp_layout_of(texp_builder *b, int index, int layout);
/* The values of layer `index` in this layout, after an operation that makes it where need be. */
texp_tensor *texp_need(texp_builder *b, int index, int layout);
/* Where layer `index` writes its output, which then is what holds the values. */
texp_tensor *texp_output_of(texp_builder *b, int index);
/* What a convolution reads, in the layout that it reads. */
texp_tensor *texp_conv_input(texp_builder *b, const texp_convolution *c);
/* The blocks of channels that a [route] takes of layer `from`. */
typedef struct {
    int first, n;
} texp_blocks;
texp_blocks texp_routed_blocks(const texp_builder *b, const layer *route, int from);
/* Whether [route] i has the values of one layer and no others. */
int texp_routes_whole(const texp_builder *b, int i);

/* Made where they are not there yet. */
texp_tensor *texp_raw_of(texp_builder *b, int i);
texp_bn *texp_bn_of(texp_builder *b, int i);
/* Darknet's array of a layer's gradient. */
texp_tensor *texp_delta_of(texp_builder *b, int i);

#endif
