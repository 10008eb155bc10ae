#include "net/keys.h"

#include "net/box_loss.h"
#include "net/texp_net.h"

#include <float.h>
#include <limits.h>
#include <math.h>

/* Types with their ranges. Darknet keeps whole numbers as ints. */
#define RANGE(kind, least, most) .type = kind, .lowest = least, .highest = most
#define ANY_NUMBER               RANGE(TEXP_NUMBER, -INFINITY, INFINITY)
#define NUMBER(least)            RANGE(TEXP_NUMBER, least, INFINITY)
#define POSITIVE                 RANGE(TEXP_NUMBER, DBL_MIN, INFINITY)
#define ANY_WHOLE                RANGE(TEXP_WHOLE, INT_MIN, INT_MAX)
#define WHOLE(least)             RANGE(TEXP_WHOLE, least, INT_MAX)
#define FLAG                     RANGE(TEXP_FLAG, 0, 1)
#define LIST                     .type = TEXP_LIST
#define WORD                     .type = TEXP_WORD

/* Fields of texp_net, and what they hold where the key is absent. */
#define FIELD(kind, member, value) .field = kind, .offset = offsetof(texp_net, member), .otherwise = value
#define INT(member, value)         FIELD(TEXP_FIELD_INT, member, value)
#define LONG(member, value)        FIELD(TEXP_FIELD_LONG, member, value)
#define DOUBLE(member, value)      FIELD(TEXP_FIELD_DOUBLE, member, value)

#define AUGMENTS .flags = TEXP_REPLACED_LOADER
#define OURS     .flags = TEXP_OURS
#define UPDATES  .flags = TEXP_OURS | TEXP_ASKS_UPDATE
#define LOADS    .flags = TEXP_OURS | TEXP_ASKS_LOADER | TEXP_OF_LOOP
#define OF_LOOP  .flags = TEXP_OURS | TEXP_OF_LOOP
#define OF_FORMS .flags = TEXP_OURS | TEXP_OF_FORMS
#define WARNED   .resume = TEXP_RESUME_WARNED
#define FREE     .resume = TEXP_RESUME_FREE

enum { MOST_THREADS = 1024 };

/* --- [net] -------------------------------------------------------------------------------------------------------- */

/* Which of the schedule's keys a policy uses, its row says (theory/policy.c). */
static const texp_key net_keys[] = {
    /* The network and its updates. */
    {"batch", WHOLE(1)},
    {"subdivisions", WHOLE(1)},
    {"time_steps", WHOLE(1)},
    {"height", WHOLE(0)},
    {"width", WHOLE(0)},
    {"channels", WHOLE(0)},
    {"inputs", WHOLE(0)},
    {"notruth", ANY_WHOLE},
    {"seen", NUMBER(0)}, /* nobody reads it, yet a cfg of Darknet's own has it */
    {"adam", ANY_WHOLE},
    {"B1", NUMBER(0)},
    {"B2", NUMBER(0)},
    {"eps", NUMBER(0)},
    {"clip", NUMBER(0)},
    {"seed", RANGE(TEXP_WHOLE, 0, UINT32_MAX), OF_LOOP},
    {"affine", FLAG, UPDATES},
    {"batchnorm_eps", POSITIVE, UPDATES, DOUBLE(bn.eps, 0)},

    /* The schedule. */
    {"policy", WORD},
    {"base_policy", WORD, OURS},
    {"learning_rate", NUMBER(0), DOUBLE(schedule.recipe.learning_rate, .001)},
    {"momentum", NUMBER(0), DOUBLE(schedule.recipe.momentum, .9)},
    {"decay", NUMBER(0), DOUBLE(schedule.recipe.decay, .0001)},
    {"burn_in", WHOLE(0), LONG(schedule.recipe.burn_in, 0)},
    {"max_batches", WHOLE(0), LONG(schedule.recipe.max_batches, 0), .resume = TEXP_RESUME_UNLESS_END},
    {"power", NUMBER(0), DOUBLE(schedule.recipe.power, 4)},
    {"step", WHOLE(0), LONG(schedule.recipe.step, 1)},
    {"scale", NUMBER(0), DOUBLE(schedule.recipe.scale, 1)},
    {"gamma", ANY_NUMBER, DOUBLE(schedule.recipe.gamma, 1)},
    {"steps", LIST},
    {"scales", LIST},
    {"decays", LIST, UPDATES},
    {"learning_rate_min", NUMBER(0), OURS, DOUBLE(schedule.recipe.learning_rate_min, .00001)},
    {"sgdr_cycle", WHOLE(0), OURS, LONG(schedule.recipe.sgdr_cycle, 0)},
    {"sgdr_mult", NUMBER(0), OURS, DOUBLE(schedule.recipe.sgdr_mult, 2)},
    {"momentum_correction", FLAG, OURS, INT(schedule.recipe.momentum_correction, 0)},
    {"texp_layers", WORD, OF_FORMS},
    {"rescale", FLAG, OF_FORMS},

    /* Images. */
    {"random", ANY_WHOLE, AUGMENTS},
    {"max_crop", WHOLE(0), AUGMENTS},
    {"min_crop", WHOLE(0), AUGMENTS},
    {"max_ratio", NUMBER(0), AUGMENTS},
    {"min_ratio", NUMBER(0), AUGMENTS},
    {"center", ANY_WHOLE, AUGMENTS},
    {"angle", ANY_NUMBER, AUGMENTS},
    {"aspect", NUMBER(0), AUGMENTS},
    {"saturation", NUMBER(0), AUGMENTS},
    {"exposure", NUMBER(0), AUGMENTS},
    {"hue", ANY_NUMBER, AUGMENTS},
    {"crop_pad", WHOLE(0), LOADS, INT(images.augment.pad, 0)},
    {"flip", FLAG, LOADS, INT(images.augment.flip, 0)},
    {"mean", LIST, LOADS},
    {"std", LIST, LOADS},

    /* The run. */
    {"valid_every", WHOLE(1), OF_LOOP, FREE, INT(run.valid_every, 1)},
    {"save_every", WHOLE(1), OF_LOOP, FREE, INT(run.save_every, 0)},
    {"norms", FLAG, UPDATES | TEXP_OF_LOOP, FREE, INT(run.logs_weight_norms, 0)},
    {"backend", WORD, OURS, WARNED},
    {"precision", WORD, OURS, WARNED},
    {"threads", RANGE(TEXP_WHOLE, 1, MOST_THREADS), OURS, WARNED, INT(cpu.threads, 0)},
};

/* --- layers ------------------------------------------------------------------------------------------------------- */

/* Which types of layer read a key. */
#define IN(type)     (UINT32_C(1) << (type))
#define BY(types)    .layers = (types)
#define ALL_TYPES    (IN(BLANK) - 1)
#define KERNELS      (IN(CONVOLUTIONAL) | IN(DECONVOLUTIONAL) | IN(LOCAL))
#define VECTORS      (IN(CONNECTED) | IN(RNN) | IN(GRU) | IN(LSTM))
#define ACTIVATED    (KERNELS | IN(CONNECTED) | IN(SHORTCUT) | IN(ACTIVE))
#define NORMALISED   (IN(CONVOLUTIONAL) | IN(DECONVOLUTIONAL) | VECTORS | IN(CRNN))
#define DETECTORS    (IN(YOLO) | IN(REGION) | IN(DETECTION))
#define ONE_OF(list) WORD, .words = (list)

/* What get_activation() and get_cost_type() of Darknet understand; of any other word they make ReLU, or sse. Ours stand
 * behind a layer (net/activation.h), and not inside a recurrent one. */
#define OF_DARKNET                                                                                                     \
    "logistic", "loggy", "relu", "elu", "selu", "relie", "plse", "hardtan", "lhtan", "ramp", "linear", "leaky",        \
        "tanh", "stair"
static const char *const activations[] = {OF_DARKNET, "mish", "swish", NULL};
static const char *const inner_activations[] = {OF_DARKNET, NULL};
static const char *const box_losses[] = {
    [TEXP_MSE] = "mse", [TEXP_IOU] = "iou", [TEXP_GIOU] = "giou", [TEXP_DIOU] = "diou", [TEXP_CIOU] = "ciou", NULL};
static const char *const costs[] = {"sse", "masked", "smooth", "L1", "seg", "wgan", NULL};

static const texp_key layer_keys[] = {
    {"affine", FLAG, OURS, .needs = TEXP_NEEDS_BN, BY(ALL_TYPES)},
    {"fixed", FLAG, OURS, .needs = TEXP_NEEDS_WEIGHTS, BY(ALL_TYPES)},
    {"init_std", NUMBER(0), OURS, .needs = TEXP_NEEDS_WEIGHTS, BY(ALL_TYPES)},
    {"bias", FLAG, OURS, .needs = TEXP_NEEDS_BIAS, BY(ALL_TYPES)},

    /* What Darknet reads of any layer. */
    {"truth", ANY_WHOLE, BY(ALL_TYPES)},
    {"onlyforward", ANY_WHOLE, BY(ALL_TYPES)},
    {"stopbackward", ANY_WHOLE, BY(ALL_TYPES)},
    {"learning_rate", NUMBER(0), BY(ALL_TYPES)},
    {"smooth", ANY_NUMBER, BY(ALL_TYPES)},
    {"dontsave", ANY_WHOLE, BY(ALL_TYPES)},
    /* These take part in loading weights alone, and a state brings all parameters back. */
    {"numload", WHOLE(0), FREE, BY(ALL_TYPES)},
    {"dontload", ANY_WHOLE, FREE, BY(ALL_TYPES)},
    {"dontloadscales", ANY_WHOLE, FREE, BY(ALL_TYPES)},
    {"flipped", ANY_WHOLE, FREE, BY(IN(CONVOLUTIONAL))},

    /* Layers with weights. */
    {"filters", WHOLE(1), BY(KERNELS)},
    {"size", WHOLE(1), BY(KERNELS | IN(MAXPOOL) | IN(NORMALIZATION))},
    {"stride", WHOLE(1), BY(KERNELS | IN(MAXPOOL) | IN(REORG))},
    {"stride", ANY_WHOLE, BY(IN(UPSAMPLE))}, /* a negative one makes images smaller */
    {"pad", WHOLE(0), BY(KERNELS)},
    {"padding", WHOLE(0), BY(IN(CONVOLUTIONAL) | IN(DECONVOLUTIONAL) | IN(MAXPOOL))},
    {"groups", WHOLE(1), BY(IN(CONVOLUTIONAL) | IN(SOFTMAX))},
    {"binary", ANY_WHOLE, BY(IN(CONVOLUTIONAL))},
    {"xnor", ANY_WHOLE, BY(IN(CONVOLUTIONAL))},
    {"dot", ANY_NUMBER, BY(IN(CONVOLUTIONAL))},
    {"output", WHOLE(1), BY(VECTORS)},
    {"output_filters", WHOLE(1), BY(IN(CRNN))},
    {"hidden_filters", WHOLE(1), BY(IN(CRNN))},
    {"batch_normalize", FLAG, BY(NORMALISED)},
    {"activation", ONE_OF(activations), BY(ACTIVATED)},
    {"activation", ONE_OF(inner_activations), BY(IN(RNN) | IN(CRNN))},
    {"shortcut", ANY_WHOLE, BY(IN(RNN) | IN(CRNN))},
    {"tanh", ANY_WHOLE, BY(IN(GRU))},

    /* Layers without. */
    {"from", WORD, BY(IN(SHORTCUT))},
    {"layers", WORD, BY(IN(ROUTE))},
    {"groups", WHOLE(1), OURS, BY(IN(ROUTE))},
    {"group_id", WHOLE(0), OURS, BY(IN(ROUTE))},
    {"alpha", ANY_NUMBER, BY(IN(SHORTCUT) | IN(NORMALIZATION))},
    {"beta", ANY_NUMBER, BY(IN(SHORTCUT) | IN(NORMALIZATION))},
    {"kappa", ANY_NUMBER, BY(IN(NORMALIZATION))},
    {"probability", RANGE(TEXP_NUMBER, 0, 1), BY(IN(DROPOUT))},
    {"scale", ANY_NUMBER, BY(IN(UPSAMPLE) | IN(COST))},
    {"crop_height", WHOLE(1), BY(IN(CROP))},
    {"crop_width", WHOLE(1), BY(IN(CROP))},
    {"flip", FLAG, BY(IN(CROP))},
    {"angle", ANY_NUMBER, BY(IN(CROP))},
    {"saturation", NUMBER(0), BY(IN(CROP))},
    {"exposure", NUMBER(0), BY(IN(CROP))},
    {"shift", ANY_NUMBER, BY(IN(CROP))},
    {"noadjust", ANY_WHOLE, BY(IN(CROP))},
    {"reverse", ANY_WHOLE, BY(IN(REORG))},
    {"flatten", ANY_WHOLE, BY(IN(REORG))},
    {"extra", WHOLE(0), BY(IN(REORG))},

    /* Ends of networks. */
    {"temperature", POSITIVE, BY(IN(SOFTMAX))},
    {"spatial", ANY_NUMBER, BY(IN(SOFTMAX))},
    {"noloss", ANY_WHOLE, BY(IN(SOFTMAX))},
    {"tree", WORD, BY(IN(SOFTMAX) | IN(REGION))},
    {"type", ONE_OF(costs), BY(IN(COST))},
    {"ratio", RANGE(TEXP_NUMBER, 0, 1), BY(IN(COST))},
    {"noobj", ANY_NUMBER, BY(IN(COST))},
    {"thresh", ANY_NUMBER, BY(IN(COST) | IN(REGION))},
    {"classes", WHOLE(1), BY(DETECTORS | IN(ISEG))},
    {"ids", WHOLE(0), BY(IN(ISEG))},
    {"num", WHOLE(1), BY(DETECTORS)},
    {"mask", LIST, BY(IN(YOLO))},
    {"anchors", LIST, BY(IN(YOLO) | IN(REGION))},
    {"map", WORD, BY(IN(YOLO) | IN(REGION))},
    {"max", WHOLE(1), BY(DETECTORS)},
    {"random", ANY_WHOLE, BY(DETECTORS)},
    {"jitter", RANGE(TEXP_NUMBER, 0, 1), BY(DETECTORS)},
    {"ignore_thresh", ANY_NUMBER, BY(IN(YOLO))},
    {"truth_thresh", ANY_NUMBER, BY(IN(YOLO))},
    {"scale_x_y", POSITIVE, OURS, BY(IN(YOLO))},
    {"iou_loss", ONE_OF(box_losses), OURS, BY(IN(YOLO))},
    {"iou_normalizer", NUMBER(0), OURS, BY(IN(YOLO))},
    {"obj_normalizer", NUMBER(0), OURS, BY(IN(YOLO))},
    {"cls_normalizer", NUMBER(0), OURS, BY(IN(YOLO))},
    {"iou_thresh", NUMBER(0), OURS, BY(IN(YOLO))},
    {"max_delta", POSITIVE, OURS, BY(IN(YOLO))},
    {"coords", WHOLE(0), BY(IN(REGION) | IN(DETECTION))},
    {"softmax", ANY_WHOLE, BY(IN(REGION) | IN(DETECTION))},
    {"sqrt", ANY_WHOLE, BY(IN(REGION) | IN(DETECTION))},
    {"rescore", ANY_WHOLE, BY(IN(REGION) | IN(DETECTION))},
    {"object_scale", ANY_NUMBER, BY(IN(REGION) | IN(DETECTION))},
    {"noobject_scale", ANY_NUMBER, BY(IN(REGION) | IN(DETECTION))},
    {"coord_scale", ANY_NUMBER, BY(IN(REGION) | IN(DETECTION))},
    {"class_scale", ANY_NUMBER, BY(IN(REGION) | IN(DETECTION))},
    {"mask_scale", ANY_NUMBER, BY(IN(REGION))},
    {"log", ANY_WHOLE, BY(IN(REGION))},
    {"background", ANY_WHOLE, BY(IN(REGION))},
    {"classfix", ANY_WHOLE, BY(IN(REGION))},
    {"absolute", ANY_WHOLE, BY(IN(REGION))},
    {"bias_match", ANY_WHOLE, BY(IN(REGION))},
    {"side", WHOLE(1), BY(IN(DETECTION))},
    {"forced", ANY_WHOLE, BY(IN(DETECTION))},
    {"reorg", ANY_WHOLE, BY(IN(DETECTION))},
};

/* --- rows --------------------------------------------------------------------------------------------------------- */

static const texp_key *at(const texp_key *rows, size_t n, size_t i)
{
    return i < n ? rows + i : NULL;
}

static const texp_key *named(const texp_key *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; ++i) {
        if (!strcmp(rows[i].name, name)) return rows + i;
    }
    return NULL;
}

#define ROWS(table) table, sizeof(table) / sizeof *(table)

const texp_key *texp_net_key_at(size_t i)
{
    return at(ROWS(net_keys), i);
}

const texp_key *texp_layer_key_at(size_t i)
{
    return at(ROWS(layer_keys), i);
}

const texp_key *texp_net_key_named(const char *name)
{
    return named(ROWS(net_keys), name);
}

int texp_net_key_flags(const char *name)
{
    const texp_key *key = texp_net_key_named(name);
    return key ? key->flags : 0;
}

const texp_key *texp_layer_key_named(const char *name)
{
    return named(ROWS(layer_keys), name);
}

const texp_key *texp_layer_key_of(int type, const char *name)
{
    const texp_key *key;
    for (size_t i = 0; (key = texp_layer_key_at(i)); ++i) {
        if (key->layers & IN(type) && !strcmp(key->name, name)) return key;
    }
    return NULL;
}
