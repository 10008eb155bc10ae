/* links: stock, plain */
/*
 *     inert_main CFG SEED
 * trains a network for 20 updates on numbers from a formula and writes all that its owner can see: its table, losses,
 * rates and predictions to the terminal (bits as %a), inert.weights to this folder. test_inert.sh compares what it
 * writes on stock and on patched Darknet.
 */
#include "darknet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UPDATES = 20 };

static unsigned state;

static float next(void)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 16) / 65536.f;
}

/* Classes for a softmax, boxes (x, y, w, h, class) for a detector, values otherwise. */
static void draw_truth(network *net)
{
    int n = net->truths * net->batch, i;
    int boxes = net->layers[net->n - 1].type == YOLO || net->layers[net->n - 1].type == REGION;
    memset(net->truth, 0, n * sizeof *net->truth);
    for (i = 0; i < n; ++i) {
        if (net->layers[net->n - 1].type == COST)
            net->truth[i] = next();
        else if (boxes)
            net->truth[i] = i % net->truths >= 15 ? 0 : i % 5 == 4 ? (int)(2 * next()) : .1f + .8f * next();
    }
    for (i = 0; net->layers[net->n - 1].type == SOFTMAX && i < net->batch; ++i) {
        net->truth[i * net->truths + (int)(net->truths * next())] = 1;
    }
}

static void draw_input(network *net)
{
    int i;
    for (i = 0; i < net->inputs * net->batch; ++i) net->input[i] = next();
}

static void train(network *net)
{
    int k;
    for (k = 1; k <= UPDATES * net->subdivisions; ++k) {
        float loss;
        draw_input(net);
        draw_truth(net);
        loss = train_network_datum(net);
        printf("%d: loss %a, rate %a\n", k, loss, get_current_rate(net));
    }
}

static void predict(network *net)
{
    int i;
    float *out;
    draw_input(net);
    out = network_predict(net, net->input);
    for (i = 0; i < net->outputs * net->batch; ++i) printf("%a\n", out[i]);
}

int main(int argc, char **argv)
{
    network *net;
    if (argc != 3) {
        fprintf(stderr, "usage: %s CFG SEED\n", argv[0]);
        return 1;
    }
    state = atoi(argv[2]);
    srand(state);
    gpu_index = -1;
    net = parse_network_cfg(argv[1]);
    train(net);
    predict(net);
    save_weights(net, "inert.weights");
    return 0;
}
