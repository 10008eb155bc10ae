/* What the plug-in keeps with each network and layer. Shared by the glue; Darknet sees incomplete types. */
#ifndef TEXP_NET_H
#define TEXP_NET_H

#include "base/refuse.h"
#include "data/augment.h"
#include "theory/schedule.h"

#include "darknet.h"

#include <stdint.h>

/* The schedule of all layers with one value of their own key learning_rate. */
typedef struct {
    double factor; /* that value: their base rate is this many times the cfg's */
    texp_schedule schedule;
    texp_step step; /* of the update done last; update == 0 before the first */
} texp_track;

struct texp_run;
struct texp_state;

/* What the policy of [net] makes of the learning rate. */
typedef struct {
    const char *policy; /* as written in the cfg; owned */
    texp_recipe recipe; /* owns its three lists */
    texp_track *tracks; /* of factor 1, then of every other factor among the layers in S; owned */
    int n_tracks; /* 1 or more */
    int all_layers; /* texp_layers=all: one rate for all that trains */
    float parsed_rate; /* net->learning_rate as parsed: programs scale it afterwards */
} texp_net_schedule;

/* Which CPU backend runs it (cpu/run.h). */
typedef struct {
    int plain; /* backend=plain: Darknet's loops instead of oneDNN */
    int fast; /* the fast backend runs it */
    int threads; /* threads=; 0: as many as OpenMP gives the thread that runs it */
    int bf16; /* precision=bf16: activations are stored so, and convolutions take them so */
    int went_fast; /* the fast backend ran the last forward pass */
    struct texp_plan *plan; /* of the fast backend; owned */
} texp_net_cpu;

/* [net]'s keys of batch normalisation. */
typedef struct {
    int frozen_affine; /* affine=0 */
    double eps; /* batchnorm_eps, 0: Darknet's formulas and literals */
} texp_net_bn;

/* Images on their way into the network. */
typedef struct {
    int ours; /* one of crop_pad, flip, mean, std: our loader and its augmentation for small images */
    int seeded; /* any key or policy of ours: what is drawn follows from the seed */
    int has_flip;
    texp_origin replaced; /* of a key that belongs to Darknet's augmentation; file NULL: there is none */
    const char *replaced_key;
    char *replaced_value; /* owned */
    int normalises; /* mean or std */
    texp_augment augment;
    float *normalised; /* copy of network_predict's input; owned */
    size_t normalised_size;
    float *gradient; /* of the input (net/input.h); owned */
    size_t gradient_size;
} texp_net_images;

/* The run that trains it. */
typedef struct {
    int valid_every; /* epochs between validations */
    int save_every; /* updates between saves of _last, 0: at epochs' ends alone */
    int logs_weight_norms; /* norms=1 */
    int is_checked; /* its layers can be trained (trainable.h) */
    int rounds_otherwise; /* it was resumed, and computes otherwise than the run that it goes on with */
    void (*add_records)(const struct texp_run *run, struct texp_state *state); /* of the run; NULL outside */
    const struct texp_run *run;
} texp_net_run;

/* What the analysis found (analysis.h): layers with weights, in S, at the base rate, never changed, and all. */
typedef struct {
    int growing, base, fixed, weighted;
    int invariant; /* Algorithm 1 says yes: scale invariant in all that trains */
} texp_net_counts;

/* Activations that Darknet does not have (activation.h). */
typedef enum { TEXP_DARKNETS, TEXP_MISH, TEXP_SWISH } texp_activation_kind;

typedef struct texp_net {
    const char *file; /* the cfg */
    char *cfg_text; /* all of it in normal form (cfg_text.h), as it was when parsed; owned */
    int ours; /* a key of ours asks for our update; otherwise Darknet's own code runs */
    int has_seed;
    uint64_t seed;
    texp_net_schedule schedule;
    texp_net_counts counts;
    texp_net_bn bn;
    texp_net_images images;
    texp_net_cpu cpu;
    texp_net_run run;
    texp_activation_kind parsed_activation; /* of the layer that is being parsed: Darknet's parser sees a linear one */
    struct texp_weight_norms *weight_norms; /* what theory says of the weights' norms, with norms=1; owned */
} texp_net;

/* What a layer's own keys, or those of [net], keep from training. */
typedef struct {
    int weights; /* fixed=1: weights and biases */
    int affine; /* affine=0, or fixed=1: batch normalisation's scale and bias */
    int bias; /* bias=0: none is trained */
} texp_layer_frozen;

/* What the analysis found (analysis.h). */
typedef struct {
    int growing; /* in S: takes the exponential rate */
    int in, out; /* degrees of input and output, the weights of S scaled */
    int bn; /* degree of what this layer normalises */
    int group; /* in S: of layers that are scale invariant together; -1 */
    int bn_group; /* bn > 0: the group that feeds it; -1 */
    int swallowed_bias; /* its bias stands before a degree above 0, and [batchnorm] takes it away (analysis.h) */
} texp_layer_degrees;

/* Its schedule: indices of texp_net_schedule.tracks. */
typedef struct {
    int unfoldable; /* the recipe of its own learning_rate has no exponential form: not in S */
    int track; /* in S: whose rate it takes */
    int bn_track; /* degrees.bn > 0: whose scale its statistics follow */
} texp_layer_schedule;

/* Its batch normalisation. */
typedef struct {
    int exact; /* batchnorm_eps: the textbook formula */
    int follows_scale; /* the layer's bn_eps and bn_eps_root are set anew at each scale of the weights */
    double eps, eps_root; /* what they are where the scale is 1 */
} texp_layer_bn;

/* Its activation, where Darknet has none of this kind. */
typedef struct {
    texp_activation_kind kind;
    void (*forward)(struct layer l, struct network net); /* the layer's own passes, which are linear */
    void (*backward)(struct layer l, struct network net);
    float *before; /* its values before the activation, as the last forward pass left them; owned */
    size_t room; /* how many fit */
#ifdef GPU
    void (*forward_gpu)(struct layer l, struct network net);
    void (*backward_gpu)(struct layer l, struct network net);
    float *before_gpu;
    size_t room_gpu;
#endif
} texp_layer_activation;

/* Of a [route]: which group of its inputs' channels it takes (route_groups.h). */
typedef struct {
    int groups; /* 0 or 1: all channels */
    int group; /* 0, 1, ... */
} texp_layer_route;

typedef struct texp_layer {
    texp_layer_frozen frozen;
    texp_layer_degrees degrees;
    texp_layer_schedule schedule;
    texp_layer_bn bn;
    texp_layer_activation activation;
    texp_layer_route route;
    struct texp_yolo *yolo; /* of a [yolo] with keys of ours (yolo.h), or NULL; owned */
} texp_layer;

/* Whether a key of ours asks for our update; otherwise Darknet's own code runs. Also of networks without a texp_net. */
int texp_is_ours(const network *net);

/* The seed of a run whose cfg has none. */
void texp_set_seed(texp_net *t, uint64_t seed);

/* All that it owns but the plan and the weight norms, which others make. */
void texp_net_free(texp_net *t);

#endif
