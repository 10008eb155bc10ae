#include "net/layers.h"

#include "convolutional_layer.h"
#include "connected_layer.h"
#include "local_layer.h"

static int has_weights(const layer *l)
{
    return l->weights && l->weight_updates;
}

int texp_inner_layers(const layer *l, layer **inner)
{
    layer *const all[TEXP_MOST_INNER_LAYERS] = {l->input_layer, l->self_layer, l->output_layer, l->wz, l->uz, l->wr,
                                                l->ur,          l->wh,         l->uh,           l->uo, l->wo, l->uf,
                                                l->wf,          l->ui,         l->wi,           l->ug, l->wg};
    int n = 0;
    if (l->type != RNN && l->type != GRU && l->type != LSTM && l->type != CRNN) return 0;
    for (int i = 0; i < TEXP_MOST_INNER_LAYERS; ++i) {
        if (all[i]) inner[n++] = all[i];
    }
    return n;
}

int texp_has_norm(const layer *l)
{
    return l->batch_normalize || l->type == BATCHNORM;
}

/* Weights of one output: what a unit of this layer sums over. */
int texp_fan_in(const layer *l)
{
    if (l->type == CONNECTED) return l->inputs;
    return l->size * l->size * l->c / (l->groups > 0 ? l->groups : 1);
}

static size_t count_weights(const layer *l)
{
    if (l->type == CONNECTED) return (size_t)l->inputs * l->outputs;
    if (l->type == LOCAL) return (size_t)l->size * l->size * l->c * l->n * l->out_w * l->out_h;
    return (size_t)l->nweights;
}

size_t texp_layer_weights(const layer *l)
{
    return has_weights(l) ? count_weights(l) : 0;
}

size_t texp_layer_biases(const layer *l)
{
    if (!l->biases || !l->bias_updates) return 0;
    if (l->type == CONNECTED || l->type == LOCAL) return (size_t)l->outputs;
    return l->type == BATCHNORM ? (size_t)l->c : (size_t)l->n;
}

void texp_draw_weights(layer *l, double std)
{
    size_t n = count_weights(l);
    for (size_t i = 0; i < n; ++i) l->weights[i] = std * rand_normal();
#ifdef GPU
    if (gpu_index < 0) return;
    if (l->type == CONNECTED)
        push_connected_layer(*l);
    else if (l->type == LOCAL)
        push_local_layer(*l);
    else
        push_convolutional_layer(*l);
#endif
}

void texp_pull_weights(const layer *l)
{
#ifdef GPU
    if (gpu_index < 0 || !texp_layer_weights(l)) return;
    if (l->type == CONNECTED)
        pull_connected_layer(*l);
    else if (l->type == LOCAL)
        pull_local_layer(*l);
    else
        pull_convolutional_layer(*l);
#else
    (void)l;
#endif
}
