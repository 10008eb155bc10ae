#include "cfg/layer_keys.h"

#include "cfg/added_keys.h"
#include "cfg/options.h"
#include "net/keys.h"
#include "net/layers.h"
#include "net/texp_net.h"
#include "net/tracks.h"

#include "option_list.h"

#include <math.h>

/* Refuses keys that need what the layer does not have; notes that there are keys of ours. */
static void check_needs(const layer *l, list *options, texp_net *t)
{
    layer *inner[TEXP_MOST_INNER_LAYERS];
    int n_inner = texp_inner_layers(l, inner);
    const int has[] = {
        [TEXP_NEEDS_NOTHING] = 1,
        [TEXP_NEEDS_WEIGHTS] = texp_layer_weights(l) || n_inner,
        [TEXP_NEEDS_BN] = texp_has_bn(l) || (n_inner && texp_has_bn(inner[0])),
        [TEXP_NEEDS_BIAS] = texp_layer_traits_of(l->type)->has_bias_key,
    };
    static const char *const what[] = {[TEXP_NEEDS_WEIGHTS] = "weights",
                                       [TEXP_NEEDS_BN] = "batch normalisation",
                                       [TEXP_NEEDS_BIAS] = "bias that could be left out"};
    const texp_key *key;
    for (size_t i = 0; (key = texp_layer_key_at(i)); ++i) {
        /* What Darknet does not look up itself stays an "Unused field". */
        if (key->needs == TEXP_NEEDS_NOTHING && !(key->flags & TEXP_OURS)) continue;
        if (!option_find(options, (char *)key->name)) continue;
        t->images.seeded |= (key->flags & TEXP_OURS) != 0;
        if (has[key->needs]) continue;
        texp_refuse_option(options, key->name, "this layer has no %s; remove it", what[key->needs]);
    }
}

/* batchnorm_eps replaces both of Darknet's epsilons. */
static void set_bn(layer *l, const texp_net *t)
{
    l->texp->bn.exact = t->bn.eps > 0;
    if (l->texp->bn.exact) l->bn_eps = t->bn.eps, l->bn_eps_root = 0;
    l->texp->bn.eps = l->bn_eps, l->texp->bn.eps_root = l->bn_eps_root;
}

static void set_weights(layer *l, const texp_layer *own, double std)
{
    if (own->frozen.weights && std < 0) std = sqrt(1. / texp_fan_in(l));
    if (std >= 0) texp_draw_weights(l, std);
}

static int is_unfoldable(const layer *l, const texp_net *t)
{
    return t->schedule.recipe.form != TEXP_PLAIN && l->learning_rate_scale != 1 &&
           !texp_has_form(t, l->learning_rate_scale);
}

static void refuse_own_rate(const layer *l, list *options, const texp_net *t)
{
    if (!t->schedule.all_layers || l->learning_rate_scale == 1) return;
    texp_origin origin = texp_origin_of(options, "learning_rate");
    texp_refuse(&origin, "learning_rate", option_find(options, "learning_rate"),
                "texp_layers=all has one rate for all layers; remove this layer's own, or texp_layers");
}

/* A recurrent layer's keys hold for the layers inside it, and what they need it needs. */
static void parse_inner_layers(layer *l, const texp_layer *own, const texp_net *t, double std)
{
    layer *inner[TEXP_MOST_INNER_LAYERS];
    int n = texp_inner_layers(l, inner);
    for (int i = 0; i < n; ++i) {
        /* Darknet makes one workspace, as large as its layers ask for. */
        if (l->workspace_size < inner[i]->workspace_size) l->workspace_size = inner[i]->workspace_size;
        inner[i]->texp = malloc(sizeof *own);
        *inner[i]->texp = *own;
        set_bn(inner[i], t);
        set_weights(inner[i], own, std);
    }
}

void texp_read_layer_keys(layer *l, list *options, network *net)
{
    texp_net *t = net->texp;
    layer *inner[TEXP_MOST_INNER_LAYERS];
    int weights = texp_layer_weights(l) || texp_inner_layers(l, inner);
    int has_bn = texp_has_bn(l) || (texp_inner_layers(l, inner) && texp_has_bn(inner[0]));
    check_needs(l, options, t);
    texp_layer *own = calloc(1, sizeof *own);
    own->frozen.weights = texp_flag_of(options, "fixed", 0);
    own->frozen.affine = has_bn && (!texp_flag_of(options, "affine", !t->bn.frozen_affine) || own->frozen.weights);
    own->frozen.bias = !texp_flag_of(options, "bias", 1);
    double std = texp_number_of(options, "init_std", -1);
    if (texp_layer_weights(l)) set_weights(l, own, std);
    if (weights) refuse_own_rate(l, options, t);
    own->schedule.unfoldable = is_unfoldable(l, t);
    if (own->frozen.weights || own->frozen.affine || own->frozen.bias) t->ours = 1;
    l->texp = own;
    set_bn(l, t);
    parse_inner_layers(l, own, t, std);
    texp_add_to_layer(l, options, net);
}
