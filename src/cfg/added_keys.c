#include "cfg/added_keys.h"

#include "cfg/options.h"
#include "net/activation.h"
#include "net/keys.h"
#include "net/route_groups.h"
#include "net/yolo.h"

#include "option_list.h"

#include <math.h>

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

/* AlexeyAB's default where the loss is one of overlap; Darknet's own loss has none. */
static const double IOU_NORMALIZER = .75;

static texp_box_loss box_loss_of(list *options)
{
    const char *word = texp_word_of(options, "iou_loss", "mse"), *const *words =
                                                                     texp_layer_key_named("iou_loss")->words;
    int i = 0;
    while (strcmp(words[i], word)) ++i;
    return (texp_box_loss)i;
}

static void read_yolo(layer *l, list *options)
{
    static const char *const keys[] = {"scale_x_y",      "iou_loss",   "iou_normalizer", "obj_normalizer",
                                       "cls_normalizer", "iou_thresh", "max_delta"};
    int given = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i) given |= pair_of(options, keys[i]) != NULL;
    if (!given) return;
    texp_yolo settings = {.loss = box_loss_of(options)};
    settings.scale_x_y = texp_number_of(options, "scale_x_y", 1);
    settings.iou_normalizer = texp_number_of(options, "iou_normalizer", settings.loss == TEXP_MSE ? 1 : IOU_NORMALIZER);
    settings.obj_normalizer = texp_number_of(options, "obj_normalizer", 1);
    settings.cls_normalizer = texp_number_of(options, "cls_normalizer", 1);
    settings.iou_thresh = texp_number_of(options, "iou_thresh", 1);
    settings.max_delta = texp_number_of(options, "max_delta", INFINITY);
    texp_use_yolo(l, &settings);
}

void texp_add_to_layer(layer *l, list *options, network *net)
{
    texp_activate_behind(l, net->texp->parsed_activation);
    if (l->type == ROUTE) read_groups(l, options, net);
    if (l->type == YOLO) read_yolo(l, options);
}
