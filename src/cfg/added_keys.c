#include "cfg/added_keys.h"

#include "cfg/options.h"
#include "net/activation.h"
#include "net/route_groups.h"

#include "option_list.h"

static kvp *pair_of(list *options, const char *key)
{
    for (node *n = options->front; n; n = n->next) {
        kvp *pair = n->val;
        if (!strcmp(pair->key, key)) return pair;
    }
    return NULL;
}

void texp_read_activation(list *options, texp_net *t)
{
    kvp *pair = pair_of(options, "activation");
    t->parsed_activation = pair ? texp_activation_named(pair->val) : TEXP_DARKNETS;
    if (t->parsed_activation == TEXP_DARKNETS) return;
    pair->val = "linear";
}

static void read_groups(layer *l, list *options, const network *net)
{
    const long groups = texp_whole_of(options, "groups", 1), group = texp_whole_of(options, "group_id", 0);
    if (group >= groups) texp_refuse_option(options, "group_id", "must be below groups=%ld; they count from 0", groups);
    if (groups == 1) return;
    for (int k = 0; k < l->n; ++k) {
        const layer *from = net->layers + l->input_layers[k];
        if (from->out_c > 0 && from->out_c % groups == 0) continue;
        texp_refuse_option(options, "groups", "does not divide the %d channels of layer %d", from->out_c,
                           l->input_layers[k]);
    }
    texp_split_route(l, (int)groups, (int)group);
}

void texp_add_to_layer(layer *l, list *options, network *net)
{
    texp_activate_behind(l, net->texp->parsed_activation);
    if (l->type == ROUTE) read_groups(l, options, net);
}
