/*
 * The fast CPU backend: a network's forward and backward pass as lists of operations on blocked tensors (blocked.h).
 *
 * Like the GPU path it keeps the layers' activations in a form of its own. Layers without a fast form run Darknet's own
 * code, between the unpacking of what they read into Darknet's arrays and the packing of what they wrote. Weights, gradients of
 * weights, and all of batch normalisation's parameters and statistics stay where Darknet has them: they are read anew
 * in each pass, so whoever changes them need not know of this.
 *
 * Most operations treat each image alone. Such operations that follow one another form a stage: each thread takes a few images at
 * a time, as many as its cache holds, through all of the stage, its own share first and then what slower threads have not begun. What needs all images (statistics, Darknet's own
 * layers) ends the stage. Where there are fewer images than threads, each operation is split by channels instead, and a
 * convolution as conv.h does it.
 */
#ifndef TEXP_PLAN_H
#define TEXP_PLAN_H

#include "cpu/blocked.h"
#include "cpu/conv.h"
#include "net/texp_net.h"

#include "darknet.h"

typedef struct {
    void *data; /* images one after another */
    int c, h, w, pixels; /* pixels = h*w */
    int plain; /* NCHW */
    texp_type type;
    int blocks; /* of channels; 1 where plain */
    size_t image; /* values an image */
    size_t lane_bytes; /* not 0: holds the images of one part alone, for each lane; made anew where it is read */
} texp_tensor;

/* Batch normalisation of one layer, or the sums of its biases' gradients. Arrays of channels, filled up to whole blocks. */
typedef struct {
    int layer, channels, padded;
    double n; /* values a channel */
    double *sums, *squares; /* of each part and channel: mean and squares forward, sum(g) and sum(g(x-mean)) backward */
    float *mean, *factor, *bias, *direct, *by_x, *constant;
    float *slope; /* texp_bn_slope */
} texp_bn;

/* A convolution, its weights and their gradient in the form of the operation that uses them. */
typedef struct {
    int layer;
    texp_conv_shape shape;
    int in_plain; /* works on NCHW, converted for each call: no blocked form is fast */
    int plain_input; /* reads the NCHW array of the layer before it: too few channels for a block */
    texp_type type;
    void *weights, *back_weights;
    size_t weights_bytes; /* room in `weights`, which training and evaluation use in turn */
    float *folded_biases; /* in evaluation, of a normalisation that the weights have taken in; or NULL */
    float *updates; /* of each sum */
    size_t updates_size; /* floats a sum, a multiple of 16 */
} texp_convolution;

typedef struct texp_plan texp_plan;
typedef struct texp_op texp_op;

/* What one call of an operation shall treat. */
typedef struct {
    int lane; /* whose scratch it may use */
    int image, images;
    int share, shares; /* of the blocks of channels */
    int part; /* number of this part of the images */
    int sum; /* of a convolution's weight gradient, to which this part belongs */
    int is_first; /* of the parts of this sum */
} texp_part;

typedef enum { TEXP_BY_IMAGE, TEXP_BY_CONVOLUTION, TEXP_ALONE } texp_op_kind;

typedef void texp_runs(const texp_op *, texp_plan *, const texp_part *);
typedef void texp_finishes(const texp_op *, texp_plan *);

struct texp_op {
    texp_runs *run;
    texp_finishes *finish; /* once all images are done; ends a stage */
    texp_op_kind kind;
    int layer;
    const texp_tensor *in, *in2;
    texp_tensor *out;
    int in_block, out_block; /* first block of channels */
    int blocks; /* how many */
    int add;
    float slope, scale;
    texp_bn *bn;
    int parts; /* of the images, in this operation's stage */
    int sums; /* the same as in texp_stage */
    texp_convolution *convolution;
    texp_conv_kind conv_kind;
    texp_conv *conv;
    int calls; /* of it for each part */
    int joined; /* to the operation before it: both in one stage */
    uint8_t *which; /* of [maxpool] */
};

typedef struct {
    int first, ops; /* in the list */
    int images; /* a part; all: threads share channels or convolve together */
    int whole;
    int sums; /* weight gradients are first summed over so many groups of neighbouring parts, each by one thread */
} texp_stage;

/* Of the groups of parts that a lane has at first those that nobody has taken yet; in a cache line of its own. */
typedef struct {
    _Alignas(64) int next;
    int end;
} texp_claims;

typedef struct {
    texp_op *ops;
    int n, room;
    texp_stage *stages;
    int n_stages;
} texp_list;

struct texp_plan {
    network *net;
    int n, batch, w, h, lanes; /* what it was made for */
    texp_conv_context *convs; /* what its convolutions share */
    const texp_kernels *kernels;
    texp_type type;
    texp_list train, backward, evaluate;
    network state; /* of the forward pass under way: input and truth */
    texp_bn *bns; /* of each layer; channels 0 where none */
    texp_convolution *convolutions; /* of each layer, shape.n 0 where none */
    texp_tensor input; /* of the network, NCHW */
    texp_tensor **recomputed; /* of each layer whose output is made anew for each part, or NULL */
    texp_claims *claims; /* of each lane */
    void *scratch; /* lanes x scratch_bytes */
    size_t scratch_bytes;
    int failed; /* a convolution */
    int times_work;
    double *seconds; /* lanes x WORKS, with times_work */
    void **owned; /* all else that was allocated */
    int n_owned, owned_room;
};

/* --- plans -------------------------------------------------------------------------------------------------------- */

/* Without operations. NULL where there are no convolutions or kernels for this processor. */
texp_plan *texp_plan_new(network *net, int lanes);
void texp_plan_free(texp_plan *plan); /* NULL: nothing */

/* Memory aligned to 64 that the plan owns; it ends the program where there is none. */
void *texp_plan_alloc(texp_plan *plan, size_t bytes);
void *texp_plan_zeros(texp_plan *plan, size_t bytes);

/* --- tensors, owned by the plan ----------------------------------------------------------------------------------- */

texp_tensor *texp_tensor_new(texp_plan *plan, int c, int h, int w, int plain, texp_type type); /* without memory */
texp_tensor *texp_tensor_of_output(texp_plan *plan, const layer *l); /* blocked, without memory */
texp_tensor *texp_tensor_of_array(texp_plan *plan, float *data, int c, int h, int w); /* one of Darknet's arrays */
texp_tensor *texp_tensor_with_memory(texp_plan *plan, texp_tensor *t); /* t, which has it then */

size_t texp_type_bytes(texp_type type);
size_t texp_image_bytes(const texp_tensor *t); /* NULL: 0 */
/* Of a convolution, in its type. */
size_t texp_weight_bytes(const texp_convolution *c);

#endif
