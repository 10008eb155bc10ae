/* What the plug-in keeps with each network and layer. Shared by the glue; Darknet sees incomplete types. */
#ifndef TEXP_NET_H
#define TEXP_NET_H

#include "augment.h"
#include "darknet.h"
#include "schedule.h"

#include <stdint.h>

/* The schedule of all layers with one value of their own key learning_rate. */
typedef struct {
    double factor; /* that value: their base rate is this many times the cfg's */
    texp_schedule schedule;
    texp_step step; /* of the update done last; update == 0 before the first */
} texp_track;

struct texp_run;
struct texp_state;

typedef struct texp_net {
    const char *file; /* the cfg */
    char *cfg_text; /* all of it in normal form (cfgtext.h), as it was when parsed; owned */
    const char *policy; /* as written in the cfg */
    texp_recipe recipe; /* owns its three lists */
    texp_track *tracks; /* of factor 1, then of every other factor among the layers in S; owned */
    int n_tracks; /* 1 or more */
    struct texp_norms *norms; /* what theory says of the weights' norms, with norms=1; owned */
    int logs_norms; /* norms=1 */
    int all_layers; /* texp_layers=all: one rate for all that trains */
    float parsed_rate; /* net->learning_rate as parsed: programs scale it afterwards */
    int ours; /* a key of ours asks for our update; otherwise Darknet's own code runs */
    int plain; /* backend=plain: Darknet's loops instead of oneDNN */
    int fast; /* the fast CPU backend runs it (fast.h) */
    int bf16; /* precision=bf16: activations are stored so, and convolutions take them so */
    int went_fast; /* it ran the last forward pass */
    struct texp_plan *plan; /* of the fast backend; owned */
    int frozen_affine; /* affine=0 */
    double norm_eps; /* batchnorm_eps, 0: Darknet's formulas and literals */
    int has_seed;
    uint64_t seed;
    int has_loader; /* one of crop_pad, flip, mean, std: our loader and its augmentation */
    int normalises; /* mean or std */
    texp_augment augment;
    int valid_every; /* epochs between validations */
    int save_every; /* updates between saves of _last, 0: at epochs' ends alone */
    void (*add_run)(const struct texp_run *run, struct texp_state *state); /* records of the run; NULL outside */
    const struct texp_run *run;
    int growing, base, fixed, weighted; /* layers with weights: in S, at the base rate, never changed, and all */
    int invariant; /* Algorithm 1 says yes: scale invariant in all that trains */
    float *input; /* normalised copy of network_predict's input */
    size_t input_size;
} texp_net;

typedef struct texp_layer {
    int fixed; /* weights and biases never change */
    int frozen_affine; /* batch-norm scale and bias never change */
    int frozen_bias; /* bias=0: none is trained */
    int growing; /* in S: takes the exponential rate */
    int unfoldable; /* the recipe of its own learning_rate has no exponential form: not in S */
    int group; /* in S: of layers that are scale invariant together; -1 */
    int norm_group; /* norm_degree > 0: the group that feeds it; -1 */
    int degree_in, degree; /* of input and output, the weights of S scaled */
    int norm_degree; /* of what this layer normalises */
    int swallowed_bias; /* its bias stands before a degree above 0, and [batchnorm] takes it away (analysis.h) */
    int track; /* in S: whose rate it takes; indices of texp_net.tracks */
    int norm_track; /* norm_degree > 0: whose scale it follows */
    /* Of batch normalisation, at the current scale of the weights: */
    double eps; /* inside the square root: Darknet's 1e-5, or batchnorm_eps */
    double eps_root; /* Darknet's CPU forward pass alone: 1e-6 added to the root; 0 with batchnorm_eps */
    int exact; /* batchnorm_eps: the textbook formula */
    int follows_scale; /* the epsilons are P^norm_degree's */
} texp_layer;

/* The seed of a run whose cfg has none. */
void texp_set_seed(texp_net *t, uint64_t seed);
/* Called with the keys of [net], checked but not yet read, to change values; NULL: nobody does (netcfg.c). */
extern void (*texp_change_net_keys)(list *options);

/* Puts Darknet's own convolutions on several threads (plainlayers.c). */
void texp_use_plain_layers(network *net);
/* Has the fast CPU backend run this network, where it can (fast.c). */
void texp_use_fast_layers(network *net);
/* NULL where precision=bf16 can be had, else why not and what to do. */
const char *texp_why_no_bf16(void);
void texp_plan_free(struct texp_plan *plan);

/* Batch normalisation of l.x (of the input: [batchnorm]) into l.output, with batchnorm_eps (batchnorm.c). */
void texp_forward_norm(layer l, network net);

/* The epsilons of all layers where the weights of S are held at `scale` times the base's (update.c). */
void texp_follow_scale(network *net, long double scale);

/* Holds the weights of a track at 2^-doublings of what they were: weights x 2^-n, momentum x 2^n, rolling mean x 2^-nd,
 * rolling variance x 2^-2nd, epsilons likewise; nothing is rounded (MATHEMATICS.md, range; update.c). */
void texp_move_scale(network *net, int track, long doublings);

/* A network just parsed becomes that of the base of its policy: no layer is in S, every rate is the base's (tracks.c). */
void texp_unfold(network *net);

#endif
