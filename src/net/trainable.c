#include "net/trainable.h"

#include "net/layers.h"
#include "net/texp_net.h"

/* Values of a channel that batch normalisation sees at once: of the layers inside a recurrent one, at one time step. */
static long values_a_channel(const layer *l)
{
    int is_image = l->out_w > 0 && l->out_h > 0;
    return (long)l->batch * (is_image ? (long)l->out_w * l->out_h : 1);
}

static int normalises_single_values(const layer *l)
{
    layer *inner[TEXP_MOST_INNER_LAYERS];
    int n = texp_inner_layers(l, inner);
    for (int i = 0; i < n; ++i) {
        if (texp_has_bn(inner[i]) && values_a_channel(inner[i]) == 1) return 1;
    }
    return !n && texp_has_bn(l) && values_a_channel(l) == 1;
}

/* Truths of an image that the layer compares with, which are those of the network's last layer; 0: none. */
static long truths_read(const layer *l)
{
    if (texp_layer_traits_of(l->type)->truth == TEXP_TRUTH_NONE || (l->type == SOFTMAX && l->noloss)) return 0;
    return l->truths ? l->truths : l->inputs;
}

/* Whether a layer's output is the truth of those behind it, by truth=1. */
static int has_truth_of_its_own(const network *net, int index)
{
    for (int i = 0; i < index; ++i) {
        if (net->layers[i].truth) return 1;
    }
    return 0;
}

__attribute__((format(printf, 4, 5))) static int say(texp_message *message, const network *net, int index,
                                                     const char *format, ...)
{
    char why[320];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return texp_say(message, "%s: layer %d [%s]: %s", net->texp->file ? texp_path_tail(net->texp->file) : "cfg", index,
                    texp_layer_name(net->layers + index), why);
}

static int check_layer(const network *net, int i, texp_message *message)
{
    const layer *l = net->layers + i;
    if (texp_layer_traits_of(l->type)->cpu_training == TEXP_TRAINS_NOT) {
        return say(
            message, net, i,
            "Darknet can't train it on the CPU, where its passes use memory that it doesn't have; train on a GPU, "
            "or replace the layer");
    }
    if (l->binary)
        return say(message, net, i, "binary=1: Darknet has binary weights on the GPU alone; train there, or remove it");
    if (truths_read(l) > net->truths && !has_truth_of_its_own(net, i)) {
        return say(
            message, net, i,
            "compares with %ld truths an image, and the last layer has %d; make the ends of the network alike, or "
            "remove one",
            truths_read(l), net->truths);
    }
    if (normalises_single_values(l)) {
        return say(message, net, i,
                   "batch normalisation of one value a channel, whose variance is 0/0; make batch/subdivisions 2 or "
                   "more, or leave it out of this layer");
    }
    return 0;
}

int texp_check_trainable(const network *net, texp_message *message)
{
    for (int i = 0; i < net->n; ++i) {
        if (check_layer(net, i, message)) return -1;
    }
    return 0;
}

int texp_layer_without_gradient(const network *net)
{
    for (int i = 0; i < net->n; ++i) {
        if (texp_layer_traits_of(net->layers[i].type)->cpu_training == TEXP_TRAINS_NOTHING) return i;
    }
    return -1;
}
