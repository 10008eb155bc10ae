#include "net/layer_traits.h"

#include "connected_layer.h"
#include "convolutional_layer.h"
#include "local_layer.h"

/* --- columns that are computed ------------------------------------------------------------------------------------ */

static size_t kernel_weights(const layer *l)
{
    return (size_t)l->nweights;
}

static size_t matrix_weights(const layer *l)
{
    return (size_t)l->inputs * l->outputs;
}

static size_t local_weights(const layer *l)
{
    return (size_t)l->size * l->size * l->c * l->n * l->out_w * l->out_h;
}

static size_t one_a_filter(const layer *l)
{
    return (size_t)l->n;
}

static size_t one_an_output(const layer *l)
{
    return (size_t)l->outputs;
}

static size_t one_a_channel(const layer *l)
{
    return (size_t)l->c;
}

/* Darknet leaves groups at 0 in all layers but [convolutional]. */
static int kernel_fan_in(const layer *l)
{
    return l->size * l->size * l->c / (l->groups > 0 ? l->groups : 1);
}

static int matrix_fan_in(const layer *l)
{
    return l->inputs;
}

static int has_binary_weights(const layer *l)
{
    return l->binary || l->xnor;
}

/* It moves pixels; with noadjust=0 it maps 0..1 to -1..1, too. */
static int shifts_pixels(const layer *l)
{
    return !l->noadjust;
}

static int shortcut_input(const layer *l, int index, int k)
{
    return k == 0 ? index - 1 : k == 1 ? l->index : TEXP_NO_INPUT;
}

static int route_input(const layer *l, int index, int k)
{
    (void)index;
    return k < l->n ? l->input_layers[k] : TEXP_NO_INPUT;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#ifdef GPU
#define TRANSFERS(layer_name) .push = push_##layer_name, .pull = pull_##layer_name
#else
#define TRANSFERS(layer_name) .push = NULL, .pull = NULL
#endif

static const texp_layer_traits rows[] = {
    [CONVOLUTIONAL] = {.name = "convolutional",
                       .alias = "conv",
                       .weights = kernel_weights,
                       .biases = one_a_filter,
                       .fan_in = kernel_fan_in,
                       TRANSFERS(convolutional_layer),
                       .has_bias_key = 1,
                       .takes_bn = 1,
                       .degree_rule = TEXP_NODE_LINEAR,
                       .is_opaque = has_binary_weights,
                       .activates = 1,
                       .fast_form = TEXP_FAST_CONVOLUTION},
    [DECONVOLUTIONAL] = {.name = "deconvolutional",
                         .alias = "deconv",
                         .weights = kernel_weights,
                         .biases = one_a_filter,
                         .fan_in = kernel_fan_in,
                         TRANSFERS(convolutional_layer),
                         .takes_bn = 1,
                         .degree_rule = TEXP_NODE_LINEAR,
                         .activates = 1,
                         .fast_form = TEXP_FAST_NONE},
    [CONNECTED] = {.name = "connected",
                   .alias = "conn",
                   .weights = matrix_weights,
                   .biases = one_an_output,
                   .fan_in = matrix_fan_in,
                   TRANSFERS(connected_layer),
                   .has_bias_key = 1,
                   .takes_bn = 1,
                   .degree_rule = TEXP_NODE_LINEAR,
                   .activates = 1,
                   .fast_form = TEXP_FAST_NONE},
    [LOCAL] = {.name = "local",
               .weights = local_weights,
               .biases = one_an_output,
               .fan_in = kernel_fan_in,
               TRANSFERS(local_layer),
               .degree_rule = TEXP_NODE_LINEAR,
               .activates = 1,
               .fast_form = TEXP_FAST_NONE},

    [BATCHNORM] = {.name = "batchnorm",
                   .biases = one_a_channel,
                   .is_bn = 1,
                   .degree_rule = TEXP_NODE_NORMALISE,
                   .fast_form = TEXP_FAST_BATCHNORM},
    [L2NORM] = {.name = "l2norm",
                .writes_input_gradient = 1,
                .degree_rule = TEXP_NODE_NORMALISE,
                .fast_form = TEXP_FAST_NONE},
    [NORMALIZATION] = {.name = "normalization",
                       .writes_input_gradient = 1,
                       .alias = "lrn",
                       .degree_rule = TEXP_NODE_FIXED,
                       .fast_form = TEXP_FAST_NONE},

    [SHORTCUT] = {.name = "shortcut",
                  .degree_rule = TEXP_NODE_ADD,
                  .activates = 1,
                  .keeps_channels = 1,
                  .input = shortcut_input,
                  .fast_form = TEXP_FAST_SHORTCUT},
    [ROUTE] = {.name = "route",
               .degree_rule = TEXP_NODE_ADD,
               .keeps_channels = 1,
               .input = route_input,
               .fast_form = TEXP_FAST_ROUTE},

    [ACTIVE] = {.name = "activation",
                .degree_rule = TEXP_NODE_SAME,
                .activates = 1,
                .keeps_channels = 1,
                .fast_form = TEXP_FAST_ACTIVATION},
    [MAXPOOL] = {.name = "maxpool",
                 .writes_input_gradient = 1,
                 .alias = "max",
                 .degree_rule = TEXP_NODE_SAME,
                 .keeps_channels = 1,
                 .fast_form = TEXP_FAST_MAXPOOL},
    [AVGPOOL] = {.name = "avgpool",
                 .writes_input_gradient = 1,
                 .alias = "avg",
                 .degree_rule = TEXP_NODE_SAME,
                 .keeps_channels = 1,
                 .fast_form = TEXP_FAST_AVGPOOL},
    [UPSAMPLE] = {.name = "upsample",
                  .writes_input_gradient = 1,
                  .degree_rule = TEXP_NODE_SAME,
                  .keeps_channels = 1,
                  .fast_form = TEXP_FAST_UPSAMPLE},
    [DROPOUT] = {.name = "dropout", .degree_rule = TEXP_NODE_SAME, .fast_form = TEXP_FAST_NONE},
    [REORG] = {.name = "reorg", .writes_input_gradient = 1, .degree_rule = TEXP_NODE_SAME, .fast_form = TEXP_FAST_NONE},
    [CROP] = {.name = "crop", .degree_rule = TEXP_NODE_SAME, .is_opaque = shifts_pixels, .fast_form = TEXP_FAST_NONE},

    [RNN] = {.name = "rnn",
             .is_recurrent = 1,
             .cpu_training = TEXP_TRAINS_NOT,
             .carries = TEXP_CARRIES_STATE,
             .degree_rule = TEXP_NODE_FIXED,
             .fast_form = TEXP_FAST_NONE},
    [GRU] = {.name = "gru",
             .is_recurrent = 1,
             .cpu_training = TEXP_TRAINS_NOTHING,
             .carries = TEXP_CARRIES_STATE,
             .degree_rule = TEXP_NODE_FIXED,
             .fast_form = TEXP_FAST_NONE},
    [LSTM] = {.name = "lstm",
              .is_recurrent = 1,
              .cpu_training = TEXP_TRAINS_NOT,
              .carries = TEXP_CARRIES_CELLS,
              .degree_rule = TEXP_NODE_FIXED,
              .fast_form = TEXP_FAST_NONE},
    [CRNN] = {.name = "crnn",
              .is_recurrent = 1,
              .cpu_training = TEXP_TRAINS_NOT,
              .degree_rule = TEXP_NODE_FIXED,
              .fast_form = TEXP_FAST_NONE},

    [SOFTMAX] = {.name = "softmax",
                 .writes_input_gradient = 1,
                 .alias = "soft",
                 .degree_rule = TEXP_NODE_FIXED,
                 .truth = TEXP_TRUTH_CLASS,
                 .fast_form = TEXP_FAST_NONE},
    [LOGXENT] = {.name = "logistic",
                 .writes_input_gradient = 1,
                 .degree_rule = TEXP_NODE_FIXED,
                 .truth = TEXP_TRUTH_LABELS,
                 .fast_form = TEXP_FAST_NONE},
    [COST] = {.name = "cost",
              .writes_input_gradient = 1,
              .degree_rule = TEXP_NODE_FIXED,
              .truth = TEXP_TRUTH_NUMBERS,
              .fast_form = TEXP_FAST_NONE},
    [YOLO] = {.name = "yolo",
              .writes_input_gradient = 1,
              .degree_rule = TEXP_NODE_FIXED,
              .truth = TEXP_TRUTH_BOXES,
              .fast_form = TEXP_FAST_NONE},
    [REGION] = {.name = "region",
                .writes_input_gradient = 1,
                .degree_rule = TEXP_NODE_FIXED,
                .truth = TEXP_TRUTH_BOXES,
                .fast_form = TEXP_FAST_NONE},
    [DETECTION] = {.name = "detection",
                   .writes_input_gradient = 1,
                   .degree_rule = TEXP_NODE_FIXED,
                   .truth = TEXP_TRUTH_GRID,
                   .fast_form = TEXP_FAST_NONE},
    [ISEG] = {.name = "iseg",
              .writes_input_gradient = 1,
              .degree_rule = TEXP_NODE_FIXED,
              .truth = TEXP_TRUTH_MASKS,
              .fast_form = TEXP_FAST_NONE},
};

const texp_layer_traits *texp_layer_traits_of(LAYER_TYPE type)
{
    static const texp_layer_traits unknown = {.name = "none", .degree_rule = TEXP_NODE_FIXED};
    size_t i = (size_t)type;
    return i < sizeof rows / sizeof *rows && rows[i].name ? rows + i : &unknown;
}

static int is_in_brackets(const char *section, const char *name)
{
    size_t length = name ? strlen(name) : 0;
    return name && section[0] == '[' && !strncmp(section + 1, name, length) && !strcmp(section + 1 + length, "]");
}

LAYER_TYPE texp_layer_type(const char *section)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        if (is_in_brackets(section, rows[i].name) || is_in_brackets(section, rows[i].alias)) return (LAYER_TYPE)i;
    }
    return BLANK;
}
