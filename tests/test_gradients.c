/* links: double, float */
/*
 * Gradients of the layers that PreResNet32 uses, and of their neighbours, alone and where several layers read one.
 *
 * One list of networks. In the double build the gradient by every weight, scale, bias and input is held against central
 * differences of the loss. In the float build the fast backend's gradients, outputs and predictions are held against
 * those of Darknet's plain loops in double, which the double build of this program prints (--numbers).
 */
#include "support.h"

#include "net/texp_net.h"

#include "batchnorm_layer.h"

#define SECTION(name, keys) "\n[" name "]\n" keys
#define CONV(n, size, stride, more)                                                                                    \
    SECTION("convolutional", "filters=" #n "\nsize=" #size "\nstride=" #stride "\npad=1\nactivation=linear\n" more)
#define OF_BLOCKS(more) SECTION("convolutional", "filters=16\nsize=3\nstride=1\nactivation=linear\n" more)
#define NO_BIAS         "bias=0\n"
#define BN              SECTION("batchnorm", "")
#define FROZEN_BN       SECTION("batchnorm", "affine=0\n")
#define ACT(kind)       SECTION("activation", "activation=" kind "\n")
#define RELU            ACT("relu")
#define CURVED(n, kind, more)                                                                                          \
    SECTION("convolutional", "filters=" #n "\nsize=3\nstride=1\npad=1\nactivation=" kind "\n" more)
#define ADD(from)             SECTION("shortcut", "from=" #from "\nactivation=linear\n")
#define FROM(layers)          SECTION("route", "layers=" layers "\n")
#define GROUP(layers, of, k)  SECTION("route", "layers=" layers "\ngroups=" of "\ngroup_id=" k "\n")
#define POOL                  SECTION("avgpool", "")
#define MAX_POOL              SECTION("maxpool", "size=2\nstride=2\n")
#define DROPOUT_OF(part)      SECTION("dropout", "probability=" part "\n")
#define CONNECTED_TO(n, more) SECTION("connected", "output=" #n "\nactivation=linear\n" more)
#define LOSS                  CONNECTED_TO(3, "") SECTION("softmax", "")

/* The blocks of PreResNet32, and of the network of He et al. before it. */
#define BLOCK(n)                                                                                                       \
    BN RELU CONV(n, 3, 1, NO_BIAS)                                                                                     \
    BN RELU CONV(n, 3, 1, NO_BIAS) ADD(-7)
#define HALF_BLOCK(n)                                                                                                  \
    BN RELU CONV(n, 3, 2, NO_BIAS)                                                                                     \
    BN RELU CONV(n, 3, 1, NO_BIAS) FROM("-7") BN CONV(n, 1, 2, NO_BIAS) ADD(-4)
#define NORMED   "batch_normalize=1\n"
#define LEAKY(n) SECTION("convolutional", NORMED "filters=" #n "\nsize=3\nstride=1\npad=1\nactivation=leaky\n")
#define POST_BLOCK(n)                                                                                                  \
    SECTION("convolutional", NORMED "filters=" #n "\nsize=3\nstride=1\npad=1\nactivation=relu\n")                      \
    CONV(n, 3, 1, NORMED) SECTION("shortcut", "from=-3\nactivation=relu\n")

typedef struct {
    const char *name;
    int batch, c, h, w;
    const char *body;
    int large; /* 1: too large for differences, backends against each other only; 2: with Darknet's own normalisation, too */
} network_case;

static const network_case cases[] = {
    /* One layer between two convolutions, so that its weight gradient and its input gradient are both seen. */
    {"convolution_3x3", 3, 2, 5, 7, CONV(3, 3, 1, "") CONV(2, 3, 1, "") LOSS, 0},
    {"convolution_3x3_stride_2_odd", 3, 2, 5, 7, CONV(3, 3, 2, "") CONV(2, 3, 2, NO_BIAS) LOSS, 0},
    {"convolution_3x3_stride_2_even", 2, 2, 6, 8, CONV(3, 3, 2, "") CONV(2, 3, 2, "") LOSS, 0},
    {"convolution_1x1", 3, 2, 3, 4, CONV(3, 1, 1, "") CONV(2, 1, 1, "") LOSS, 0},
    {"convolution_1x1_stride_2", 3, 2, 5, 7, CONV(3, 1, 2, "") CONV(2, 1, 2, "") LOSS, 0},
    {"convolution_1x1_padded", 2, 2, 4, 3,
     CONV(2, 3, 1, "") SECTION("convolutional", "filters=2\nsize=1\nstride=2\npadding=1\nactivation=linear\n") LOSS, 0},
    {"convolution_5x5_stride_3_no_padding", 2, 2, 9, 11,
     CONV(2, 3, 1, "") SECTION("convolutional", "filters=2\nsize=5\nstride=3\nactivation=linear\n") LOSS, 0},
    {"convolution_of_groups", 2, 4, 5, 5, CONV(4, 3, 1, "groups=2\n") CONV(6, 3, 2, "groups=2\n") LOSS, 0},
    {"convolution_bias_leaky", 2, 2, 5, 5,
     SECTION("convolutional", "filters=3\nsize=3\nstride=1\npad=1\nactivation=leaky\n") CONV(2, 3, 1, "") LOSS, 0},
    {"convolution_logistic", 2, 2, 5, 5,
     SECTION("convolutional", "filters=3\nsize=3\nstride=1\npad=1\nactivation=logistic\n") CONV(2, 3, 1, "") LOSS, 0},
    {"convolution_batch_normalize", 3, 2, 5, 5, CONV(3, 3, 1, NORMED) CONV(2, 3, 2, NORMED) LOSS, 0},
    {"convolution_batch_normalize_frozen", 3, 2, 5, 5, CONV(3, 3, 1, NORMED "affine=0\n") CONV(2, 3, 2, NORMED) LOSS,
     0},
    {"convolution_batch_normalize_relu", 3, 2, 5, 5,
     SECTION("convolutional", NORMED "filters=3\nsize=3\nstride=1\npad=1\nactivation=relu\n") LOSS, 0},
    {"convolution_mish", 2, 2, 5, 5, CURVED(3, "mish", "") CONV(2, 3, 1, "") LOSS, 0},
    {"convolution_batch_normalize_swish", 3, 2, 5, 5, CURVED(3, "swish", NORMED) CONV(2, 3, 1, "") LOSS, 0},
    {"convolution_batch_normalize_frozen_mish", 3, 2, 5, 5, CURVED(3, "mish", NORMED "affine=0\n") LOSS, 0},
    {"batchnorm", 3, 2, 5, 3, CONV(3, 3, 1, "") BN LOSS, 0},
    {"batchnorm_frozen", 3, 2, 5, 3, CONV(3, 3, 1, "") FROZEN_BN LOSS, 0},
    {"batchnorm_first", 3, 2, 5, 3, BN RELU LOSS, 0},
    {"batchnorm_relu", 3, 2, 5, 3, CONV(3, 3, 1, "") BN RELU CONV(2, 3, 1, "") LOSS, 0},
    {"batchnorm_frozen_relu", 3, 2, 5, 3, CONV(3, 3, 1, "") FROZEN_BN RELU CONV(2, 3, 1, "") LOSS, 0},
    {"batchnorm_leaky", 3, 2, 5, 3, CONV(3, 3, 1, "") BN ACT("leaky") LOSS, 0},
    {"batchnorm_logistic", 3, 2, 5, 3, CONV(3, 3, 1, "") BN ACT("logistic") LOSS, 0},
    {"batchnorm_relu_with_a_second_reader", 3, 2, 5, 3, CONV(3, 3, 1, "") BN RELU ADD(-2) LOSS, 0},
    {"activation_relu", 3, 2, 5, 3, CONV(3, 3, 1, "") RELU CONV(2, 3, 1, "") LOSS, 0},
    {"batchnorm_mish", 3, 2, 5, 3, CONV(3, 3, 1, "") BN ACT("mish") CONV(2, 3, 1, "") LOSS, 0},
    {"activation_swish_with_a_second_reader", 3, 2, 5, 3, CONV(3, 3, 1, "") ACT("swish") ADD(-2) LOSS, 0},
    {"shortcut_mish", 3, 2, 5, 3,
     CONV(2, 3, 1, "") CONV(2, 3, 1, "") SECTION("shortcut", "from=-2\nactivation=mish\n") LOSS, 0},
    {"connected_mish", 4, 2, 2, 3, SECTION("connected", "output=4\nactivation=mish\n" NORMED) LOSS, 0},
    {"local_swish", 3, 2, 4, 4,
     CONV(2, 3, 1, "") SECTION("local", "filters=2\nsize=3\nstride=1\npad=1\nactivation=swish\n") LOSS, 0},
    {"deconvolutional_mish", 3, 2, 3, 3,
     CONV(2, 3, 1, "") SECTION("deconvolutional", "filters=2\nsize=2\nstride=2\nactivation=mish\n") LOSS, 0},
    {"dropout_behind_mish", 3, 2, 4, 3, CURVED(3, "mish", "") DROPOUT_OF(".3") CONV(2, 3, 1, "") LOSS, 0},
    {"activation_first", 3, 2, 5, 3, RELU CONV(2, 3, 1, "") LOSS, 0},
    {"avgpool", 3, 2, 5, 3, CONV(3, 3, 1, "") POOL LOSS, 0},
    {"maxpool", 3, 2, 6, 4, CONV(3, 3, 1, "") MAX_POOL CONV(2, 3, 1, "") LOSS, 0},
    {"dropout", 3, 2, 4, 3, CONV(3, 3, 1, "") RELU DROPOUT_OF(".3") CONV(2, 3, 1, "") DROPOUT_OF(".3") LOSS, 0},
    {"dropout_behind_batchnorm_relu", 3, 2, 4, 3, CONV(3, 3, 1, "") BN RELU DROPOUT_OF(".3") CONV(2, 3, 1, "") LOSS, 0},
    {"connected", 4, 2, 2, 3, CONNECTED_TO(4, "") RELU LOSS, 0},
    {"connected_fixed", 4, 2, 3, 3, CONV(3, 3, 1, "") POOL CONNECTED_TO(4, "fixed=1\n") SECTION("softmax", ""), 0},
    {"connected_batch_normalize", 4, 2, 2, 3, CONNECTED_TO(4, NORMED) RELU LOSS, 0},
    {"convolution_fixed", 2, 2, 5, 5, CONV(3, 3, 1, "") CONV(2, 3, 2, "fixed=1\n") LOSS, 0},
    /* Several readers of one layer. */
    {"shortcut", 3, 2, 5, 3, CONV(2, 3, 1, "") CONV(2, 3, 1, "") ADD(-2) LOSS, 0},
    {"shortcut_relu", 3, 2, 5, 3,
     CONV(2, 3, 1, "") CONV(2, 3, 1, "") SECTION("shortcut", "from=-2\nactivation=relu\n") LOSS, 0},
    {"shortcut_of_one_layer_twice", 3, 2, 5, 3, CONV(2, 3, 1, "") ADD(-1) LOSS, 0},
    {"shortcut_of_other_shape", 3, 2, 6, 4, CONV(2, 3, 1, "") CONV(3, 3, 2, "") ADD(-2) LOSS, 0},
    {"shortcut_weighted", 3, 2, 5, 3,
     CONV(2, 3, 1, "") CONV(2, 3, 1, "") SECTION("shortcut", "from=-2\nalpha=1\nbeta=.5\nactivation=linear\n") LOSS, 0},
    {"shortcut_from_what_a_batchnorm_reads", 3, 2, 5, 3, CONV(2, 3, 1, "") BN ADD(-2) LOSS, 0},
    {"shortcut_from_what_an_activation_reads", 3, 2, 5, 3, CONV(2, 3, 1, "") RELU ADD(-2) LOSS, 0},
    {"shortcut_from_what_a_1x1_convolution_reads", 3, 2, 5, 3, CONV(2, 3, 1, "") CONV(2, 1, 1, "") ADD(-2) LOSS, 0},
    {"shortcut_from_what_a_maxpool_and_a_route_read", 2, 2, 6, 4,
     CONV(2, 3, 1, "") MAX_POOL CONV(2, 3, 1, "") FROM("-3") ADD(-4) LOSS, 0},
    {"shortcut_from_what_a_maxpool_of_its_shape_reads", 3, 2, 6, 4,
     CONV(2, 3, 1, "") SECTION("maxpool", "size=3\nstride=1\n") ADD(-2) LOSS, 0},
    {"shortcuts_of_one_layer", 3, 2, 5, 3,
     CONV(2, 3, 1, "") BN RELU CONV(2, 3, 1, "") ADD(-4) CONV(2, 3, 1, "") ADD(-6) LOSS, 0},
    {"route_of_one_layer", 3, 2, 5, 3, CONV(2, 3, 1, "") BN RELU FROM("-3") CONV(3, 3, 1, "") LOSS, 0},
    {"route_of_the_layer_before", 3, 2, 5, 3, CONV(2, 3, 1, "") FROM("-1") CONV(3, 3, 1, "") LOSS, 0},
    {"route_of_two_layers", 3, 2, 5, 3, CONV(2, 3, 1, "") BN RELU FROM("-1,-3") CONV(3, 3, 1, "") LOSS, 0},
    {"route_of_one_layer_twice", 3, 2, 5, 3, CONV(2, 3, 1, "") RELU FROM("-2,-2") CONV(3, 3, 1, "") LOSS, 0},
    {"route_of_a_group", 3, 2, 5, 3, CONV(4, 3, 1, "") RELU GROUP("-2", "2", "1") CONV(3, 3, 1, "") ADD(-1) LOSS, 0},
    {"routes_of_groups_and_of_all", 3, 2, 5, 3,
     CONV(6, 3, 1, "") RELU GROUP("-1", "3", "1") CONV(2, 3, 1, "") FROM("-1,-3") GROUP("-1,0", "2", "0")
         CONV(3, 3, 1, "") LOSS,
     0},
    {"routes_back_to_one_layer", 3, 2, 5, 3,
     CONV(2, 3, 1, "") BN RELU FROM("-3") CONV(2, 3, 1, "") FROM("-5") CONV(2, 1, 1, "") ADD(-3) LOSS, 0},
    {"layer_that_nothing_reads", 3, 2, 5, 3, CONV(2, 3, 1, "") BN RELU FROM("0") CONV(3, 3, 1, "") LOSS, 0},
    {"dropout_read_by_shortcuts_in_turn", 3, 2, 4, 3, CONV(2, 3, 1, "") DROPOUT_OF(".3") RELU ADD(-3) ADD(-3) LOSS, 0},
    {"dropout_at_a_shortcut", 3, 2, 4, 3, CONV(2, 3, 1, "") DROPOUT_OF(".3") RELU ADD(-2) ADD(-4) LOSS, 0},
    /* Whole networks. */
    {"preresnet_block", 3, 2, 5, 3, CONV(2, 3, 1, NO_BIAS) BLOCK(2) BN RELU POOL LOSS, 0},
    {"preresnet_halving_block", 3, 2, 7, 5, CONV(2, 3, 1, NO_BIAS) HALF_BLOCK(3) BN RELU POOL LOSS, 0},
    {"preresnet", 4, 3, 7, 5,
     CONV(2, 3, 1, NO_BIAS) BLOCK(2) HALF_BLOCK(3) BLOCK(3) BN RELU POOL CONNECTED_TO(3, "fixed=1\n")
         SECTION("softmax", ""),
     0},
    {"resnet", 4, 3, 5, 5, CONV(2, 3, 1, NORMED) POST_BLOCK(2) POST_BLOCK(2) POOL LOSS, 0},
    /* Channels by the sixteen, where oneDNN takes other ways. */
    {"large_preresnet", 8, 3, 15, 16,
     CONV(16, 3, 1, NO_BIAS) BLOCK(16) HALF_BLOCK(32) BLOCK(32) BN RELU POOL CONNECTED_TO(10, "fixed=1\n")
         SECTION("softmax", ""),
     1},
    {"large_resnet", 8, 3, 16, 16, CONV(16, 3, 1, NORMED) POST_BLOCK(16) POST_BLOCK(16) POOL LOSS, 1},
    {"large_convolutions", 8, 3, 13, 16,
     SECTION("convolutional", "filters=16\nsize=3\nstride=1\npad=1\nactivation=leaky\n")
         MAX_POOL SECTION("convolutional", "filters=32\nsize=3\nstride=1\npad=1\nactivation=leaky\n") DROPOUT_OF(".5")
             CONV(32, 1, 1, "groups=2\n") RELU LOSS,
     1},
    /* Channels that fill no block; images whose numbers fill no thread. */
    {"one_channel", 5, 1, 9, 7, CONV(17, 3, 1, NORMED) RELU CONV(24, 3, 2, NO_BIAS) BN RELU LOSS, 1},
    {"odd_channels", 7, 3, 9, 7, CONV(7, 3, 1, NORMED) CONV(33, 1, 1, NORMED) CONV(5, 5, 2, NORMED) RELU LOSS, 1},
    {"one_image", 1, 3, 17, 15, CONV(16, 3, 1, "") RELU CONV(32, 3, 2, NORMED) MAX_POOL CONV(48, 3, 1, "") LOSS, 1},
    {"two_images", 2, 3, 16, 16, CONV(16, 3, 1, NORMED) RELU CONV(40, 3, 2, NORMED) MAX_POOL CONV(16, 3, 1, "") LOSS,
     1},
    {"many_images", 30, 3, 8, 8, CONV(16, 3, 1, NORMED) RELU CONV(16, 3, 1, NORMED) MAX_POOL CONV(16, 3, 1, "") LOSS,
     1},
    /* Gradients of several sizes, as a network goes to smaller images. */
    {"ever_smaller_images", 4, 3, 32, 32,
     LEAKY(16) MAX_POOL LEAKY(32) MAX_POOL LEAKY(64) LEAKY(32) LEAKY(64) MAX_POOL LEAKY(64) POOL LOSS, 2},
    {"ever_smaller_images_of_darknets_bn", 3, 3, 16, 20,
     LEAKY(24) MAX_POOL LEAKY(32) SECTION("maxpool", "size=3\nstride=2\n") LEAKY(48) LEAKY(16) LEAKY(48)
         SECTION("maxpool", "size=2\nstride=1\n") LEAKY(32) POOL LOSS,
     2},
    {"upsampled", 4, 3, 8, 8,
     LEAKY(32) MAX_POOL LEAKY(16) SECTION("upsample", "stride=2\n") FROM("-1,0") LEAKY(16) POOL LOSS, 2},
    {"routes_of_blocks", 4, 3, 8, 8,
     LEAKY(32) LEAKY(16) FROM("-1,-2") LEAKY(7) FROM("-1,-2") LEAKY(16) FROM("-3,-1,-1") LEAKY(20) POOL LOSS, 2},
    {"groups_of_blocks", 4, 3, 8, 8,
     LEAKY(32) GROUP("-1", "2", "1") CURVED(16, "mish", NORMED) CURVED(16, "swish", "") FROM("-1,-2") LEAKY(32)
         FROM("-6,-1") GROUP("-1,-2", "2", "1") LEAKY(48) GROUP("-1", "3", "0") LEAKY(16) POOL LOSS,
     2},
    {"groups_of_parts_of_blocks", 4, 3, 8, 8,
     LEAKY(24) GROUP("-1", "3", "1") LEAKY(16) GROUP("-1", "4", "3") LEAKY(16) FROM("-1,-3") LEAKY(16) POOL LOSS, 2},
    {"shortcuts_onto_shortcuts", 4, 3, 8, 8,
     CONV(16, 3, 1, "") CONV(16, 3, 1, NO_BIAS) ADD(-2) ADD(-3) CONV(16, 3, 1, NORMED) ADD(-2)
         SECTION("shortcut", "from=-4\nactivation=leaky\n") CONV(16, 3, 1, NORMED) ADD(-3) ADD(-2) POOL LOSS,
     1},
    {"convolutions_in_groups", 4, 32, 8, 8,
     CONV(32, 3, 1, NORMED "groups=32\n") RELU CONV(64, 3, 2, NORMED "groups=2\n") RELU CONV(24, 1, 1, "groups=4\n")
         LOSS,
     1},
    /* Convolutions like those that the Winograd algorithm is for, but for one number. */
    {"blocks_without_padding", 3, 16, 9, 10, OF_BLOCKS(NORMED) RELU OF_BLOCKS("") LOSS, 1},
    {"blocks_with_padding_of_2", 3, 16, 5, 6, OF_BLOCKS(NORMED "padding=2\n") RELU OF_BLOCKS("padding=2\n") LOSS, 1},
    {"blocks_in_groups", 3, 32, 6, 8,
     CONV(32, 3, 1, NORMED "groups=2\n") RELU CONV(32, 3, 1, "groups=2\n") CONV(16, 3, 2, "") LOSS, 1},
    {"blocks_of_other_sizes", 3, 16, 9, 8, CONV(16, 5, 1, NORMED) RELU CONV(16, 5, 1, "") CONV(16, 2, 1, "") LOSS, 1},
    {"blocks_of_three_rows", 3, 16, 3, 9, CONV(16, 3, 1, NORMED) RELU CONV(16, 3, 1, "") LOSS, 1},
    {"activations_of_other_kinds", 4, 3, 8, 8,
     SECTION("convolutional", "filters=16\nsize=3\npad=1\nactivation=elu\n") CONV(16, 3, 1, NORMED) ACT("tanh")
         CONV(16, 3, 1, NORMED) ACT("leaky") FROM("-1") CONV(8, 3, 1, "") LOSS,
     1},
    {"curves", 4, 3, 8, 8,
     CURVED(16, "mish", NORMED) CURVED(24, "swish", "") CURVED(24, "mish", "")
         SECTION("shortcut", "from=-2\nactivation=swish\n") ACT("mish") CONV(24, 3, 1, "") BN ACT("swish") FROM("-1,-3")
             CURVED(7, "swish", NORMED) CURVED(16, "mish", NORMED) CONV(8, 1, 1, "") LOSS,
     1},
    {"curves_of_linear_sums", 3, 3, 8, 10,
     CURVED(16, "mish", "") CONV(16, 3, 1, "") SECTION("shortcut", "from=-2\nactivation=mish\n") CONV(16, 3, 1, NORMED)
         SECTION("shortcut", "from=-2\nactivation=swish\n") MAX_POOL LOSS,
     1},
    {"cropped", 4, 3, 12, 12,
     SECTION("crop", "crop_height=8\ncrop_width=8\nflip=0\nangle=0\nsaturation=1\nexposure=1\n") CONV(16, 3, 1, NORMED)
         RELU CONV(16, 3, 1, "") LOSS,
     1},
    {"cropped_channels_of_a_block", 4, 16, 12, 12,
     SECTION("crop", "crop_height=8\ncrop_width=8\nflip=0\nangle=0\nsaturation=1\nexposure=1\n") CONV(16, 3, 1, NORMED)
         RELU CONV(16, 3, 1, "") LOSS,
     1},
    {"many_weights", 4, 3, 4, 4, CONV(64, 3, 1, NORMED) RELU CONV(128, 3, 2, NORMED) RELU CONV(160, 3, 1, NORMED) LOSS,
     1},
};
enum { CASES = sizeof cases / sizeof *cases };

/* An epsilon of the size of the variances: a place that forgot it would be far off. */
#define EPSILON ".1"

/* ---- A network, its parameters and their gradients. */

typedef struct {
    const char *kind;
    int layer;
    float *values, *updates;
    size_t n;
    double *gradient;
} array;

typedef struct {
    network *net;
    array *arrays; /* in the double build the last is the input, whose gradient the fast backend does not have */
    size_t n;
} problem;

static void add_array(problem *p, const char *kind, int layer, float *values, float *updates, size_t n)
{
    p->arrays = realloc(p->arrays, (p->n + 1) * sizeof *p->arrays);
    p->arrays[p->n++] = (array){kind, layer, values, updates, n, calloc(n, sizeof(double))};
}

static void add_layer(problem *p, int i)
{
    const layer *l = p->net->layers + i;
    const texp_layer *own = l->texp;
    int has_bn = l->type == BATCHNORM || l->batch_normalize;
    size_t weights = (size_t)(l->type == CONNECTED       ? l->inputs * l->outputs
                              : l->type == CONVOLUTIONAL ? l->nweights
                                                         : 0);
    size_t units = l->type == CONNECTED ? l->outputs : l->type == BATCHNORM ? l->c : l->n;
    if (weights && !own->frozen.weights) add_array(p, "weights", i, l->weights, l->weight_updates, weights);
    if (has_bn && !own->frozen.affine) add_array(p, "scales", i, l->scales, l->scale_updates, units);
    if ((weights || has_bn) && !own->frozen.weights && !(has_bn ? own->frozen.affine : own->frozen.bias)) {
        add_array(p, "biases", i, l->biases, l->bias_updates, units);
    }
}

/* Everything that trains from a formula; scales and biases, too, that no gradient be right by being 1 or 0. */
static void draw_parameters(problem *p)
{
    size_t i;
    for (i = 0; i < p->n && p->arrays[i].layer >= 0; ++i) {
        const array *a = p->arrays + i;
        const layer *l = p->net->layers + a->layer;
        double amplitude = sqrt(6. / (l->type == CONNECTED ? l->inputs : l->size * l->size * l->c));
        if (!strcmp(a->kind, "weights"))
            fill(a->values, a->n, 100 + i, -amplitude, amplitude);
        else if (!strcmp(a->kind, "scales"))
            fill(a->values, a->n, 100 + i, .5, 1.5);
        else
            fill(a->values, a->n, 100 + i, -.5, .5);
    }
}

/* Whether the gradient by the input is asked for. */
static int has_input;

static problem make_problem(const network_case *k, const char *backend, const char *epsilon)
{
    problem p = {0};
    int i;
    srand(1);
    p.net = network_of("[net]\nbatch=%d\nchannels=%d\nheight=%d\nwidth=%d\naffine=1\n%s%s\nbackend=%s\n%s", k->batch,
                       k->c, k->h, k->w, epsilon ? "batchnorm_eps=" : "", epsilon ? epsilon : "", backend, k->body);
    for (i = 0; i < p.net->n; ++i) add_layer(&p, i);
    if (has_input) {
        p.net->delta = calloc((size_t)p.net->inputs * k->batch, sizeof *p.net->delta);
        add_array(&p, "input", -1, p.net->input, p.net->delta, (size_t)p.net->inputs * k->batch);
    }
    draw_parameters(&p);
    set_batch(p.net, 1);
    return p;
}

static void free_problem(problem *p)
{
    size_t i;
    for (i = 0; i < p->n; ++i) free(p->arrays[i].gradient);
    free(p->arrays);
    free(p->net->delta);
    free_network(p->net);
}

static double loss_of(network *net)
{
    srand(2); /* dropout draws the same mask every time */
    net->train = 1;
    forward_network(net);
    return *net->cost;
}

/* Deltas hold garbage before the pass, and updates what an earlier pass of the same batch left. */
static void backward(problem *p)
{
    size_t i, j;
    int k;
    for (k = 0; k < p->net->n; ++k) {
        layer l = p->net->layers[k];
        for (j = 0; l.delta && j < (size_t)l.outputs * l.batch; ++j) l.delta[j] = NAN;
    }
    for (i = 0; i < p->n; ++i) fill(p->arrays[i].updates, p->arrays[i].n, 50 + i, -.01, .01);
    loss_of(p->net);
    backward_network(p->net);
    for (i = 0; i < p->n; ++i) {
        const array *a = p->arrays + i;
        float *before = malloc(a->n * sizeof *before);
        fill(before, a->n, 50 + i, -.01, .01);
        /* Darknet's deltas and updates are negative gradients. */
        for (j = 0; j < a->n; ++j) a->gradient[j] = (double)before[j] - a->updates[j];
        free(before);
    }
}

static double length_of(const double *values, size_t n)
{
    double sum = 0;
    size_t i;
    for (i = 0; i < n; ++i) sum += values[i] * values[i];
    return sqrt(sum);
}

static double longest_gradient(const problem *p)
{
    double longest = 0;
    size_t i;
    for (i = 0; i < p->n; ++i) longest = fmax(longest, length_of(p->arrays[i].gradient, p->arrays[i].n));
    return longest;
}

/* Which side of its kink every rectifier is on, and where every maximum was found. */
static uint64_t kinks_of(const network *net)
{
    uint64_t hash = 0;
    int i, j;
    for (i = 0; i < net->n; ++i) {
        layer l = net->layers[i];
        int bent = l.type == ACTIVE || l.type == CONVOLUTIONAL || l.type == SHORTCUT;
        for (j = 0; bent && l.activation != LINEAR && j < l.outputs * l.batch; ++j)
            hash = mixed(hash + (l.output[j] > 0));
        for (j = 0; l.type == MAXPOOL && j < l.outputs * l.batch; ++j) hash = mixed(hash + l.indexes[j]);
    }
    return hash;
}

#ifdef TEXP_DOUBLE
/* ---- Central differences. */

/*
 * Fourth-order central difference. With step h the truncation is h^4/30 |f'''''|, the rounding 1.5 u |f| k / h, k for
 * what the network makes of the rounding of each operation. At h = 2^-13 the first is 7e-18 |f'''''|, the second
 * 3e-12 k for a loss of 3. Returns 0 where a kink is within 2h: there the difference says nothing.
 */
static int difference_at(network *net, float *value, double *slope)
{
    const double h = 1. / (1 << 13), at = *value;
    double loss[5];
    uint64_t kinks[5];
    int i, smooth = 1;
    for (i = 0; i < 5; ++i) {
        *value = at + (i - 2) * h;
        loss[i] = loss_of(net);
        kinks[i] = kinks_of(net);
    }
    *value = at;
    for (i = 0; i < 5; ++i) smooth &= kinks[i] == kinks[2];
    *slope = (8 * (loss[3] - loss[1]) - (loss[4] - loss[0])) / (12 * h);
    return smooth;
}

/*
 * Observed: 1e-11 of the largest gradient at most. A wrong factor N/(N-1), the least mistake to be feared, is 1e-2.
 */
static const double DIFFERENCES = 1e-10;

static void gradient_is_that_of_differences(void **state)
{
    const network_case *k = ((const void **)*state)[0];
    const char *backend = ((const void **)*state)[1];
    problem p = make_problem(k, backend, EPSILON);
    size_t i, j, all = 0, smooth = 0;
    double largest = 0;
    backward(&p);
    for (i = 0; i < p.n; ++i) {
        for (j = 0; j < p.arrays[i].n; ++j) largest = fmax(largest, fabs(p.arrays[i].gradient[j]));
    }
    for (i = 0; i < p.n; ++i) {
        const array *a = p.arrays + i;
        size_t before = smooth;
        for (j = 0; j < a->n; ++j, ++all) {
            double slope;
            if (!difference_at(p.net, a->values + j, &slope)) continue;
            ++smooth;
            if (fabs(slope - a->gradient[j]) <= DIFFERENCES * largest) continue;
            fail_msg("layer %d, %s[%zu]: gradient %.12g, difference %.12g", a->layer, a->kind, j, a->gradient[j],
                     slope);
        }
        assert_true(smooth > before);
    }
    /* Few kinks are so near: were they many, this would test nothing. */
    assert_true(smooth >= all * .9);
    free_problem(&p);
}

/*
 * Darknet's own formula (no batchnorm_eps) divides the variance by N-1 in the forward pass and differentiates as if by
 * N, and adds 1e-6 to the root where it differentiates 1e-5 in it. So its gradient is off by up to 1/N of the
 * part that goes through the variance (and by 1e-5/variance): exactness needs batchnorm_eps.
 */
static void darknets_bn_gradient_is_off_by_one_part_in_n(void **state)
{
    const network_case k = {"", 3, 2, 5, 3, BN LOSS, 0};
    const double n = 3 * 5 * 3;
    problem p = make_problem(&k, "plain", NULL);
    const array *input = p.arrays + p.n - 1;
    size_t i;
    double largest = 0, worst = 0;
    (void)state;
    backward(&p);
    for (i = 0; i < input->n; ++i) {
        double slope;
        difference_at(p.net, input->values + i, &slope);
        largest = fmax(largest, fabs(slope));
        worst = fmax(worst, fabs(slope - input->gradient[i]));
    }
    assert_below(worst / largest, 2 / n);
    assert_above(worst / largest, 1e-4);
    free_problem(&p);
}

#endif

/* ---- Numbers, from this build or from the double one. */

/* Statistics that no training has made, so that nothing cancels. */
static void predict(problem *p)
{
    int i;
    for (i = 0; i < p->net->n; ++i) {
        layer l = p->net->layers[i];
        if (!l.rolling_mean) continue;
        fill(l.rolling_mean, l.out_c, 300 + i, -.5, .5);
        fill(l.rolling_variance, l.out_c, 400 + i, .5, 1.5);
    }
    srand(2);
    network_predict(p->net, p->net->input);
}

static const char *epsilon_of(const network_case *k)
{
    return k->large == 2 ? NULL : EPSILON;
}

/* Gradients array by array, then the outputs of the training pass and of a prediction. */
typedef struct {
    uint64_t kinks; /* of plain loops alone: the fast backend does not show them */
    double *values;
    size_t n, gradients, outputs;
    double longest; /* length of the longest array's gradient */
} numbers;

static numbers numbers_of(problem *p)
{
    numbers all = {0};
    size_t i, j, outputs = (size_t)p->net->outputs * p->net->batch;
    backward(p);
    all.kinks = kinks_of(p->net);
    for (i = 0; i < p->n; ++i) all.gradients += p->arrays[i].n;
    all.outputs = outputs;
    all.n = all.gradients + 2 * outputs;
    all.values = calloc(all.n, sizeof *all.values);
    all.longest = longest_gradient(p);
    for (i = 0; i < p->n; ++i) {
        for (j = 0; j < p->arrays[i].n; ++j) *all.values++ = p->arrays[i].gradient[j];
    }
    for (j = 0; j < outputs; ++j) *all.values++ = p->net->output[j];
    predict(p);
    for (j = 0; j < outputs; ++j) *all.values++ = p->net->output[j];
    all.values -= all.n;
    return all;
}

static const network_case *case_of(const char *name)
{
    int i;
    for (i = 0; i < CASES; ++i) {
        if (!strcmp(cases[i].name, name)) return cases + i;
    }
    fail_msg("no case %s", name);
    return NULL;
}

#ifdef TEXP_DOUBLE

static int print_numbers(const char *name, const char *stream)
{
    const network_case *k = case_of(name);
    problem p = make_problem(k, "plain", epsilon_of(k));
    numbers all;
    size_t i;
    set_batch(p.net, strtoul(stream, NULL, 10));
    all = numbers_of(&p);
    printf("%lu %zu %.17g\n", (unsigned long)all.kinks, all.n, all.longest);
    for (i = 0; i < all.n; ++i) printf("%.17g\n", all.values[i]);
    free(all.values);
    free_problem(&p);
    return 0;
}

#else

/* ---- The fast backend against Darknet's plain loops in double. */

static numbers numbers_in_double(const network_case *k, int stream)
{
    numbers all = {0};
    char *command;
    size_t i;
    FILE *from;
    assert_true(asprintf(&command, "%s --numbers %s %d 2>/dev/null", DOUBLE_TWIN, k->name, stream) > 0);
    from = popen(command, "r");
    assert_non_null(from);
    unsigned long kinks;
    assert_int_equal(fscanf(from, "%lu %zu %lg", &kinks, &all.n, &all.longest), 3);
    all.kinks = kinks;
    all.values = calloc(all.n, sizeof *all.values);
    for (i = 0; i < all.n; ++i) assert_int_equal(fscanf(from, "%lg", all.values + i), 1);
    assert_int_equal(pclose(from), 0);
    free(command);
    return all;
}

typedef struct {
    double gradient; /* largest distance of an array's gradient, of the longest gradient */
    double output; /* largest difference of a probability, training or not */
} distances;

static distances distances_of(const problem *p, const numbers *a, const numbers *b)
{
    distances d = {0};
    const double *x = a->values, *y = b->values;
    size_t i, j;
    assert_int_equal(a->n, b->n);
    for (i = 0; i < p->n; ++i) {
        double sum = 0;
        for (j = 0; j < p->arrays[i].n; ++j, ++x, ++y) sum += (*x - *y) * (*x - *y);
        assert_true(isfinite(sum));
        d.gradient = fmax(d.gradient, sqrt(sum) / b->longest);
    }
    for (j = 0; j < 2 * a->outputs; ++j, ++x, ++y) d.output = fmax(d.output, fabs(*x - *y));
    assert_true(isfinite(d.output));
    return d;
}

/*
 * What rounding may do is measured: d is what changes when every parameter and input is moved by a unit in the last
 * place. A sum of K products in another order differs by up to K half units of its terms, by sqrt(K) of them as a rule,
 * where the move makes one of sqrt(K), too. So 8 d, with 8 units where the move happens to change nothing; and no more
 * than 1e-3 however badly conditioned the network is: no mistake stays below.
 */
static double allowed(double moved)
{
    return fmin(8 * (moved + 0x1p-24), 1e-3);
}

static numbers pushed_numbers(const network_case *k, int stream)
{
    problem p = make_problem(k, "plain", epsilon_of(k));
    size_t i, j;
    set_batch(p.net, stream);
    for (i = 0; i < p.n; ++i) {
        array *a = p.arrays + i;
        for (j = 0; j < a->n; ++j) a->values[j] += a->values[j] * (random_bits(9 + i, j) & 1 ? 2 : -1) * 0x1p-24f;
    }
    for (j = 0; j < (size_t)p.net->inputs * p.net->batch; ++j)
        p.net->input[j] += p.net->input[j] * (random_bits(7, j) & 1 ? 2 : -1) * 0x1p-24f;
    numbers all = numbers_of(&p);
    free_problem(&p);
    return all;
}

static void set_threads(int n)
{
#ifdef _OPENMP
    omp_set_num_threads(n);
#else
    (void)n;
#endif
}

/* Twice by each number of threads: the second pass finds what the first left in every buffer. */
static int is_near(const network_case *k, int stream, const numbers *in_double, distances tolerance)
{
    static const int threads[] = {1, 2, 3, 8};
    problem fast = make_problem(k, "auto", epsilon_of(k));
    int i, near = 1;
    assert_true(fast.net->texp->cpu.fast);
    set_batch(fast.net, stream);
    for (i = 0; i < 8; ++i) {
        set_threads(threads[i / 2]);
        numbers all = numbers_of(&fast);
        distances d = distances_of(&fast, &all, in_double);
        assert_true(fast.net->texp->cpu.went_fast);
        if (d.gradient > tolerance.gradient || d.output > tolerance.output) {
            print_message("stream %d, %d threads: gradient %.1e of %.1e, output %.1e of %.1e\n", stream, threads[i / 2],
                          d.gradient, tolerance.gradient, d.output, tolerance.output);
            near = 0;
        }
        free(all.values);
    }
    set_threads(1);
    free_problem(&fast);
    return near;
}

/* Rounding may put a rectifier on the other side of its kink, where the gradient jumps: then other batches. */
static void fast_layers_do_what_plain_loops_do_in_double(void **state)
{
    enum { STREAMS = 12 };
    const network_case *k = *state;
    int stream, passes = 0, misses = 0;
    for (stream = 1; stream <= STREAMS && passes < 2; ++stream) {
        problem plain = make_problem(k, "plain", epsilon_of(k));
        numbers exact = numbers_in_double(k, stream), pushed = pushed_numbers(k, stream), rounded;
        assert_false(plain.net->texp->cpu.fast);
        set_batch(plain.net, stream);
        rounded = numbers_of(&plain);
        if (rounded.kinks == exact.kinks && pushed.kinks == exact.kinks) {
            distances d = distances_of(&plain, &pushed, &rounded);
            if (is_near(k, stream, &exact, (distances){allowed(d.gradient), allowed(d.output)}))
                ++passes;
            else
                ++misses;
        }
        free(exact.values);
        free(pushed.values);
        free(rounded.values);
        free_problem(&plain);
    }
    assert_int_equal(passes, 2);
    assert_true(misses <= 1);
}

static void one_image_is_predicted_as_in_a_batch(void **state)
{
    const network_case *k = *state;
    problem p = make_problem(k, "auto", EPSILON);
    float *of_batch = calloc(p.net->outputs, sizeof *of_batch);
    backward(&p);
    predict(&p);
    memcpy(of_batch, p.net->output, p.net->outputs * sizeof *of_batch);
    set_batch_network(p.net, 1);
    p.net->output[p.net->outputs] = -7;
    predict(&p);
    assert_below(largest_difference(of_batch, p.net->output, p.net->outputs), 0x1p-20);
    /* Nor is anything computed, or written, behind the one image. */
    assert_true(p.net->output[p.net->outputs] == -7);
    free(of_batch);
    free_problem(&p);
}

/* A weights file may bring one to a layer with bias=0. */
static void frozen_bias_that_is_not_zero_is_added_by_both(void **state)
{
    const network_case k = {"", 2, 2, 5, 5, CONV(3, 3, 1, NO_BIAS) RELU LOSS, 0};
    problem fast = make_problem(&k, "auto", EPSILON), plain = make_problem(&k, "plain", EPSILON);
    (void)state;
    fill(fast.net->layers[0].biases, 3, 1, .5, 1);
    fill(plain.net->layers[0].biases, 3, 1, .5, 1);
    numbers a = numbers_of(&fast), b = numbers_of(&plain);
    distances d = distances_of(&fast, &a, &b);
    assert_below(d.gradient, 1e-5);
    assert_below(d.output, 1e-5);
    free(a.values);
    free(b.values);
    free_problem(&fast);
    free_problem(&plain);
}

/* A network made for 7x5 images and resized to 12x9 against one made for 12x9. */
static void resized_network_is_one_made_of_that_size(void **state)
{
    const char *const *what = *state;
    network_case small = *case_of(what[0]), other = small;
    problem p, q;
    other.h = 9;
    other.w = 12;
    p = make_problem(&small, what[1], EPSILON);
    q = make_problem(&other, what[1], EPSILON);
    backward(&p);
    hush();
    resize_network(p.net, other.w, other.h);
    speak();
    set_batch(p.net, 1);
    assert_int_equal(p.net->inputs, q.net->inputs);
    numbers a = numbers_of(&p), b = numbers_of(&q);
    distances d = distances_of(&p, &a, &b);
    assert_true(d.gradient == 0 && d.output == 0);
    free(a.values);
    free(b.values);
    free_problem(&p);
    free_problem(&q);
}

/* A gradient of the input comes from Darknet's own loops, forward and backward. */
static void gradient_of_the_input_is_left_to_darknet(void **state)
{
    const network_case *k = case_of("preresnet_block");
    (void)state;
    has_input = 1;
    problem p = make_problem(k, "auto", EPSILON);
    backward(&p);
    assert_false(p.net->texp->cpu.went_fast);
    assert_above(length_of(p.arrays[p.n - 1].gradient, p.arrays[p.n - 1].n), 0);
    has_input = 0;
    free_problem(&p);
}

#endif

#ifndef TEXP_DOUBLE

/* ---- The same list, timed: for `make bench`. */

static double seconds_of(const network_case *k, const char *backend)
{
    enum { PASSES = 15, MIDDLE = PASSES / 2 };
    problem p = make_problem(k, backend, epsilon_of(k));
    double seconds[PASSES];
    int i, j;
    loss_of(p.net);
    for (i = 0; i < PASSES; ++i) {
        double start = what_time_is_it_now();
        loss_of(p.net);
        backward_network(p.net);
        seconds[i] = what_time_is_it_now() - start;
        for (j = i; j > 0 && seconds[j] < seconds[j - 1]; --j) {
            double larger = seconds[j - 1];
            seconds[j - 1] = seconds[j];
            seconds[j] = larger;
        }
    }
    free_problem(&p);
    return seconds[MIDDLE];
}

static int print_times(void)
{
    int i;
    for (i = 0; i < CASES; ++i) {
        if (!cases[i].large) continue;
        double fast = seconds_of(cases + i, "auto"), plain = seconds_of(cases + i, "plain");
        printf("%-40s %8.0f us, backend=plain %8.0f us, ratio %.1f\n", cases[i].name, 1e6 * fast, 1e6 * plain,
               plain / fast);
    }
    return 0;
}

#endif

/* ---- One test for each case and claim. */

static struct CMUnitTest tests[4 * CASES + 8];
static size_t n_tests;

static void add_test(const char *claim, const char *about, const char *backend, CMUnitTestFunction body, void *state)
{
    char *name;
    if (asprintf(&name, "%s%s%s%s%s", claim, about ? ":" : "", about ? about : "", backend ? "," : "",
                 backend ? backend : "") < 0)
        exit(99);
    tests[n_tests++] = (struct CMUnitTest){name, body, NULL, NULL, state};
}

int main(int argc, char **argv)
{
    int i;
#ifdef _OPENMP
    omp_set_num_threads(1); /* networks this small gain nothing from more */
#endif
#ifdef TEXP_DOUBLE
    if (argc == 4 && !strcmp(argv[1], "--numbers")) return print_numbers(argv[2], argv[3]);
    has_input = 1;
    for (i = 0; i < CASES; ++i) {
        static const void *states[CASES][2];
        if (cases[i].large) continue;
        states[i][0] = cases + i;
        states[i][1] = "plain";
        add_test("gradient_is_that_of_differences", cases[i].name, NULL, gradient_is_that_of_differences, states[i]);
    }
    add_test("darknets_bn_gradient_is_off_by_one_part_in_n", NULL, NULL, darknets_bn_gradient_is_off_by_one_part_in_n,
             NULL);
#else
    if (argc == 2 && !strcmp(argv[1], "--time")) return print_times();
    for (i = 0; i < CASES; ++i) {
        add_test("fast_layers_do_what_plain_loops_do_in_double", cases[i].name, NULL,
                 fast_layers_do_what_plain_loops_do_in_double, (void *)&cases[i]);
    }
    add_test("one_image_is_predicted_as_in_a_batch", NULL, NULL, one_image_is_predicted_as_in_a_batch,
             (void *)case_of("large_preresnet"));
    add_test("frozen_bias_that_is_not_zero_is_added_by_both", NULL, NULL, frozen_bias_that_is_not_zero_is_added_by_both,
             NULL);
    static const char *const resized[][2] = {
        {"preresnet", "auto"}, {"groups_of_blocks", "auto"}, {"groups_of_blocks", "plain"}};
    for (i = 0; i < 3; ++i) {
        add_test("resized_network_is_one_made_of_that_size", resized[i][0], resized[i][1],
                 resized_network_is_one_made_of_that_size, (void *)resized[i]);
    }
    add_test("gradient_of_the_input_is_left_to_darknet", NULL, NULL, gradient_of_the_input_is_left_to_darknet, NULL);
#endif
    return _cmocka_run_group_tests("gradients", tests, n_tests, NULL, NULL);
}
