#include "net/layers.h"

#include "net/activation.h"

static const texp_layer_traits *traits_of(const layer *l)
{
    return texp_layer_traits_of(l->type);
}

int texp_inner_layers(const layer *l, layer **inner)
{
    layer *const all[TEXP_MOST_INNER_LAYERS] = {l->input_layer, l->self_layer, l->output_layer, l->wz, l->uz, l->wr,
                                                l->ur,          l->wh,         l->uh,           l->uo, l->wo, l->uf,
                                                l->wf,          l->ui,         l->wi,           l->ug, l->wg};
    int n = 0;
    if (!traits_of(l)->is_recurrent) return 0;
    for (int i = 0; i < TEXP_MOST_INNER_LAYERS; ++i) {
        if (all[i]) inner[n++] = all[i];
    }
    return n;
}

const char *texp_layer_name(const layer *l)
{
    return traits_of(l)->name;
}

int texp_has_bn(const layer *l)
{
    return l->batch_normalize || traits_of(l)->is_bn;
}

int texp_has_parameters(const layer *l)
{
    return texp_layer_weights(l) || traits_of(l)->is_bn;
}

int texp_fan_in(const layer *l)
{
    return traits_of(l)->fan_in(l);
}

size_t texp_layer_weights(const layer *l)
{
    const texp_layer_traits *traits = traits_of(l);
    return traits->weights && l->weights && l->weight_updates ? traits->weights(l) : 0;
}

size_t texp_layer_biases(const layer *l)
{
    const texp_layer_traits *traits = traits_of(l);
    return traits->biases && l->biases && l->bias_updates ? traits->biases(l) : 0;
}

int texp_layer_input(const layer *l, int index, int k)
{
    const texp_layer_traits *traits = traits_of(l);
    if (traits->input) return traits->input(l, index, k);
    return k == 0 ? index - 1 : TEXP_NO_INPUT;
}

void texp_draw_weights(layer *l, double std)
{
    size_t n = traits_of(l)->weights(l);
    for (size_t i = 0; i < n; ++i) l->weights[i] = std * rand_normal();
#ifdef GPU
    if (gpu_index >= 0) traits_of(l)->push(*l);
#endif
}

void texp_pull_weights(const layer *l)
{
#ifdef GPU
    if (gpu_index >= 0 && texp_layer_weights(l)) traits_of(l)->pull(*l);
#else
    (void)l;
#endif
}

void texp_layer_free(struct texp_layer *own)
{
    texp_free_activation(&own->activation);
    free(own->yolo);
    free(own);
}
