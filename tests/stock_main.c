/* links: stock, plain */
/*
 *     stock_main train CFG WEIGHTS      trains for max_batches updates on patterns with noise, saves, predicts
 *     stock_main predict CFG WEIGHTS    predicts
 * Predictions are printed, one a line. test_stock.sh trains with ours and predicts with stock Darknet.
 */
#include "darknet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned state;

static float next(void)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 16) / 65536.f;
}

/* Class c is brighter in the rows that are c modulo the number of classes. */
static void draw(network *net)
{
    int b, i;
    memset(net->truth, 0, net->truths * net->batch * sizeof *net->truth);
    for (b = 0; b < net->batch; ++b) {
        int class = (int)(net->truths * next());
        net->truth[b * net->truths + class] = 1;
        for (i = 0; i < net->inputs; ++i) {
            net->input[b * net->inputs + i] = .7f * next() + .3f * (i / net->w % net->truths == class);
        }
    }
}

static void predict(network *net)
{
    int i;
    float *out;
    state = 99;
    draw(net);
    out = network_predict(net, net->input);
    for (i = 0; i < net->outputs * net->batch; ++i) printf("%.9g\n", out[i]);
}

int main(int argc, char **argv)
{
    network *net;
    if (argc != 4) {
        fprintf(stderr, "usage: %s train|predict CFG WEIGHTS\n", argv[0]);
        return 1;
    }
    state = 1;
    srand(1);
    gpu_index = -1;
    if (!strcmp(argv[1], "predict")) {
        predict(load_network(argv[2], argv[3], 0));
        return 0;
    }
    net = parse_network_cfg(argv[2]);
    while ((int)get_current_batch(net) < net->max_batches) {
        draw(net);
        train_network_datum(net);
    }
    save_weights(net, argv[3]);
    predict(net);
    return 0;
}
