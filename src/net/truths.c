#include "net/truths.h"

#include "base/refuse.h"
#include "net/layer_traits.h"

static int reads_boxes(const layer *l)
{
    return texp_layer_traits_of(l->type)->truth == TEXP_TRUTH_BOXES;
}

static void make_room(network *net, int truths)
{
    if (truths == net->truths) return;
    net->truths = truths;
    free(net->truth);
    net->truth = calloc((size_t)truths * net->batch, sizeof *net->truth);
    if (!net->truth) texp_fail("no memory for %d numbers of truth an image", truths);
#ifdef GPU
    if (gpu_index < 0) return;
    cuda_free(net->truth_gpu);
    net->truth_gpu = cuda_make_array(net->truth, (size_t)truths * net->batch);
#endif
}

void texp_fit_truths(network *net)
{
    int truths = 0;
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        int coords = l->type == REGION ? l->coords : 4;
        if (reads_boxes(l) && l->max_boxes * (coords + 1) > truths) truths = l->max_boxes * (coords + 1);
    }
    for (int i = 0; i < net->n; ++i) {
        if (reads_boxes(net->layers + i)) net->layers[i].truths = truths;
    }
    if (truths && reads_boxes(net->layers + net->n - 1)) make_room(net, truths);
}
