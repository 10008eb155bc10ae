/*
 * Darknet's own convolutions on several threads: each takes its share of the batch through Darknet's code, with a
 * workspace, and gradients of weights, of its own. One thread runs Darknet's code as it is. Results are the same from
 * run to run for a fixed number of threads; forward, for any number.
 */
#include "base/refuse.h"
#include "cpu/cpu.h"

#include "activations.h"
#include "batchnorm_layer.h"
#include "convolutional_layer.h"

#include <stdlib.h>

#ifdef _OPENMP
#define SHARES_OUT
#include <omp.h>
#endif

#ifdef SHARES_OUT

/* What one thread needs besides the layer. */
typedef struct {
    float *workspace, *weight_updates, *biases, *bias_updates;
} thread_room;

static int threads_for(const layer *l)
{
    int threads = omp_in_parallel() ? 1 : omp_get_max_threads();
    return threads < l->batch ? threads : l->batch;
}

static thread_room *make_rooms(const layer *l, int threads, int backward)
{
    thread_room *rooms = calloc((size_t)threads, sizeof *rooms);
    int good = rooms != NULL;
    for (int t = 0; good && t < threads; ++t) {
        rooms[t].workspace = malloc(l->workspace_size + sizeof(float));
        rooms[t].biases = calloc((size_t)l->n, sizeof(float));
        rooms[t].bias_updates = calloc((size_t)l->n, sizeof(float));
        if (backward) rooms[t].weight_updates = calloc((size_t)l->nweights, sizeof(float));
        good = rooms[t].workspace && rooms[t].biases && rooms[t].bias_updates && (!backward || rooms[t].weight_updates);
    }
    if (!good) texp_fail("out of memory for %d threads of a convolution; lower threads in [net]", threads);
    return rooms;
}

static void free_rooms(thread_room *rooms, int threads)
{
    for (int t = 0; t < threads; ++t) {
        free(rooms[t].workspace);
        free(rooms[t].biases);
        free(rooms[t].bias_updates);
        free(rooms[t].weight_updates);
    }
    free(rooms);
}

/* The layer of some images alone, without what follows the convolution. */
static layer share_of(layer l, const thread_room *room, int first, int images)
{
    l.batch = images;
    l.output += (size_t)first * l.outputs;
    if (l.delta) l.delta += (size_t)first * l.outputs;
    l.batch_normalize = 0;
    l.activation = LINEAR;
    l.biases = room->biases;
    l.bias_updates = room->bias_updates;
    l.weight_updates = room->weight_updates;
    return l;
}

static network net_of(network net, const layer *l, const thread_room *room, int first)
{
    net.input += (size_t)first * l->inputs;
    if (net.delta) net.delta += (size_t)first * l->inputs;
    net.workspace = room->workspace;
    return net;
}

static int first_of(const layer *l, int t, int threads)
{
    return (int)((long)l->batch * t / threads);
}

static void forward_convolution(layer l, network net)
{
    const int threads = threads_for(&l);
    if (threads < 2) {
        forward_convolutional_layer(l, net);
        return;
    }
    thread_room *rooms = make_rooms(&l, threads, 0);
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int t = 0; t < threads; ++t) {
        const int first = first_of(&l, t, threads), images = first_of(&l, t + 1, threads) - first;
        forward_convolutional_layer(share_of(l, rooms + t, first, images), net_of(net, &l, rooms + t, first));
        if (l.batch_normalize) continue;
        float *output = l.output + (size_t)first * l.outputs;
        add_bias(output, l.biases, images, l.n, l.out_h * l.out_w);
        activate_array(output, images * l.outputs, l.activation);
    }
    if (l.batch_normalize) {
        forward_batchnorm_layer(l, net);
#pragma omp parallel for schedule(static, 1) num_threads(threads)
        for (int t = 0; t < threads; ++t) {
            const int first = first_of(&l, t, threads), images = first_of(&l, t + 1, threads) - first;
            activate_array(l.output + (size_t)first * l.outputs, images * l.outputs, l.activation);
        }
    }
    free_rooms(rooms, threads);
}

static void backward_convolution(layer l, network net)
{
    const int threads = threads_for(&l);
    if (threads < 2) {
        backward_convolutional_layer(l, net);
        return;
    }
    thread_room *rooms = make_rooms(&l, threads, 1);
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int t = 0; t < threads; ++t) {
        const int first = first_of(&l, t, threads), images = first_of(&l, t + 1, threads) - first;
        const size_t from = (size_t)first * l.outputs;
        gradient_array(l.output + from, images * l.outputs, l.activation, l.delta + from);
    }
    if (l.batch_normalize)
        backward_batchnorm_layer(l, net);
    else
        backward_bias(l.bias_updates, l.delta, l.batch, l.n, l.out_h * l.out_w);
#pragma omp parallel for schedule(static, 1) num_threads(threads)
    for (int t = 0; t < threads; ++t) {
        const int first = first_of(&l, t, threads), images = first_of(&l, t + 1, threads) - first;
        backward_convolutional_layer(share_of(l, rooms + t, first, images), net_of(net, &l, rooms + t, first));
    }
#pragma omp parallel for simd schedule(static) num_threads(threads)
    for (int i = 0; i < l.nweights; ++i) {
        for (int t = 0; t < threads; ++t) l.weight_updates[i] += rooms[t].weight_updates[i];
    }
    free_rooms(rooms, threads);
}

static int is_shared_out(const layer *l)
{
    return l->type == CONVOLUTIONAL && !l->binary && !l->xnor;
}

#endif

void texp_use_plain_layers(network *net)
{
#ifdef SHARES_OUT
    for (int i = 0; i < net->n; ++i) {
        layer *l = net->layers + i;
        if (!is_shared_out(l)) continue;
        l->forward = forward_convolution;
        l->backward = backward_convolution;
    }
#else
    (void)net;
#endif
}
