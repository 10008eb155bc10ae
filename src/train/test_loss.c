#include "train/test_loss.h"

#include "base/refuse.h"
#include "net/texp_net.h"

#include "network.h"
#include "option_list.h"

/* The cost of what stands in the batch, all of it. */
static double cost_of(network *net, data batch)
{
    const network before = *net;
    for (int i = 0; i < batch.X.rows; ++i) {
        memcpy(net->input + (size_t)i * net->inputs, batch.X.vals[i], (size_t)net->inputs * sizeof(float));
        memcpy(net->truth + (size_t)i * net->truths, batch.y.vals[i], (size_t)net->truths * sizeof(float));
    }
    net->train = 0;
    net->delta = NULL;
    forward_network(net);
    *net = before;
    return *net->cost;
}

/* Of the first n samples: the others are all the last of them, whose cost a batch of its own tells. */
static double cost_of_first(network *net, data batch, int n)
{
    for (int i = n; i < net->batch; ++i) {
        memcpy(batch.X.vals[i], batch.X.vals[n - 1], (size_t)net->inputs * sizeof(float));
        memcpy(batch.y.vals[i], batch.y.vals[n - 1], (size_t)net->truths * sizeof(float));
    }
    double all = cost_of(net, batch);
    if (n == net->batch) return all;
    for (int i = 0; i < n - 1; ++i) {
        memcpy(batch.X.vals[i], batch.X.vals[n - 1], (size_t)net->inputs * sizeof(float));
        memcpy(batch.y.vals[i], batch.y.vals[n - 1], (size_t)net->truths * sizeof(float));
    }
    return all - cost_of(net, batch) * (net->batch - n) / net->batch;
}

texp_validation texp_validate_by_loss(network *net, const void *examples)
{
    texp_source *source = (texp_source *)examples;
    data batch = {.X = make_matrix(net->batch, net->inputs), .y = make_matrix(net->batch, net->truths)};
    texp_message message;
    double sum = 0;
    for (int first = 0; first < source->images; first += net->batch) {
        int n = source->images - first < net->batch ? source->images - first : net->batch;
        data part = batch;
        part.X.rows = part.y.rows = n;
        if (source->fill(source, (uint64_t)first, net->w, net->h, part, &message)) texp_fail("%s", message.text);
        sum += cost_of_first(net, batch, n);
    }
    free_data(batch);
    double loss = sum / source->images;
    return (texp_validation){.loss = loss, .quality = 1 / (1 + loss)};
}

void *texp_open_test_source(const network *net, list *data, const texp_truths *truths)
{
    if (!net->texp->images.seeded || !option_find(data, "valid")) return NULL;
    return texp_crop_source_open(net, data, "valid", net->w, net->w, truths);
}

void texp_close_test_source(void *examples)
{
    texp_source *source = examples;
    if (source) source->close(source);
}
