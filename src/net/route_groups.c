#include "net/route_groups.h"

#include "net/texp_net.h"

#include "blas.h"

static int groups_of(const layer *l)
{
    return l->texp && l->texp->route.groups > 1 ? l->texp->route.groups : 1;
}

int texp_routed_channels(const layer *route, const layer *from)
{
    return from->out_c / groups_of(route);
}

int texp_first_routed_channel(const layer *route, const layer *from)
{
    return route->texp->route.group * texp_routed_channels(route, from);
}

/* Where the part of the k-th input lies in an image of it, how long it is, and where it goes. */
typedef struct {
    int from, n, to;
} part;

static part part_of(const layer *l, int k)
{
    const int groups = groups_of(l), n = l->input_sizes[k] / groups;
    part p = {.from = l->texp->route.group * n, .n = n};
    for (int i = 0; i < k; ++i) p.to += l->input_sizes[i] / groups;
    return p;
}

static void forward(layer l, network net)
{
    for (int k = 0; k < l.n; ++k) {
        const part p = part_of(&l, k);
        for (int b = 0; b < l.batch; ++b) {
            float *from = net.layers[l.input_layers[k]].output + (size_t)b * l.input_sizes[k] + p.from;
            copy_cpu(p.n, from, 1, l.output + (size_t)b * l.outputs + p.to, 1);
        }
    }
}

static void backward(layer l, network net)
{
    for (int k = 0; k < l.n; ++k) {
        const part p = part_of(&l, k);
        for (int b = 0; b < l.batch; ++b) {
            float *to = net.layers[l.input_layers[k]].delta + (size_t)b * l.input_sizes[k] + p.from;
            axpy_cpu(p.n, 1, l.delta + (size_t)b * l.outputs + p.to, 1, to, 1);
        }
    }
}

#ifdef GPU
static void forward_gpu(layer l, network net)
{
    for (int k = 0; k < l.n; ++k) {
        const part p = part_of(&l, k);
        for (int b = 0; b < l.batch; ++b) {
            float *from = net.layers[l.input_layers[k]].output_gpu + (size_t)b * l.input_sizes[k] + p.from;
            copy_gpu(p.n, from, 1, l.output_gpu + (size_t)b * l.outputs + p.to, 1);
        }
    }
}

static void backward_gpu(layer l, network net)
{
    for (int k = 0; k < l.n; ++k) {
        const part p = part_of(&l, k);
        for (int b = 0; b < l.batch; ++b) {
            float *to = net.layers[l.input_layers[k]].delta_gpu + (size_t)b * l.input_sizes[k] + p.from;
            axpy_gpu(p.n, 1, l.delta_gpu + (size_t)b * l.outputs + p.to, 1, to, 1);
        }
    }
}
#endif

/* Darknet's arrays stay as long as they are: of all channels. */
void texp_resize_split_route(layer *l)
{
    const int groups = groups_of(l);
    l->outputs /= groups;
    l->inputs = l->outputs;
    l->out_c /= groups;
}

void texp_split_route(layer *l, int groups, int group)
{
    l->texp->route = (texp_layer_route){groups, group};
    l->forward = forward;
    l->backward = backward;
#ifdef GPU
    l->forward_gpu = forward_gpu;
    l->backward_gpu = backward_gpu;
#endif
    texp_resize_split_route(l);
}
