/*
 * Trains the network of a cfg on random images, one step for each byte that comes in: for `make bench`.
 *
 *     step CFG            prints seconds for each step
 *     step CFG evaluate   predicts instead
 *     step CFG split      trains 20 steps, prints what each kind of work takes of them, and stops
 *     step CFG check      compares loss and gradients of the cfg's backend with those of backend=plain; 1 where they part
 *
 * Links with Darknet as it was (-DSTOCK) too, which has the first two alone.
 */
#include "darknet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifndef STOCK
#include "cpu/run.h"
#include "net/texp_net.h"
#endif

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void fill(network *net)
{
    srand(1);
    for (size_t i = 0; i < (size_t)net->inputs * net->batch; ++i) net->input[i] = rand() / (float)RAND_MAX - .5;
    memset(net->truth, 0, (size_t)net->truths * net->batch * sizeof *net->truth);
    for (int b = 0; b < net->batch; ++b) net->truth[(size_t)b * net->truths + rand() % net->truths] = 1;
}

static int gate(void)
{
    char byte;
    return read(STDIN_FILENO, &byte, 1) == 1;
}

static void run(network *net, int evaluates)
{
    while (gate()) {
        double start = now();
        if (evaluates)
            network_predict(net, net->input);
        else
            train_network_datum(net);
        printf("%.6f\n", now() - start);
        fflush(stdout);
    }
}

#ifndef STOCK

static void split(network *net)
{
    enum { WARM = 2, STEPS = 20 };
    for (int i = 0; i < WARM; ++i) train_network_datum(net);
    texp_cpu_time_work(net, 1);
    double start = now();
    for (int i = 0; i < STEPS; ++i) train_network_datum(net);
    texp_cpu_print_work(net, stdout, now() - start);
}

/* Relative distance of arrays, in the 2-norm. */
static double apart(const float *a, const float *b, size_t n)
{
    double distance = 0, length = 0;
    for (size_t i = 0; i < n; ++i) {
        distance += (a[i] - (double)b[i]) * (a[i] - (double)b[i]);
        length += (double)b[i] * b[i];
    }
    return length > 0 ? sqrt(distance / length) : distance;
}

static void one_pass(network *net)
{
    fill(net);
    *net->seen = (size_t)net->batch;
    net->train = 1;
    srand(2);
    forward_network(net);
    backward_network(net);
}

/*
 * Both backends add the same products in another order; a network of L layers turns a relative error u of each into one
 * of some sqrt(L) u to L u in what comes out. 1e-3 is far above that and far below any mistake; activations of 8 bits
 * leave 2^-9 in each layer, and half of the gradient's direction in the first ones.
 */
static int check(network *net, network *plain)
{
    const double most = net->texp->cpu.bf16 ? .7 : 1e-2;
    double worst = 0;
    one_pass(net);
    one_pass(plain);
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i, *p = plain->layers + i;
        if (!l->weights || !l->weight_updates || l->type != CONVOLUTIONAL || l->texp->frozen.weights) continue;
        worst = fmax(worst, apart(l->weight_updates, p->weight_updates, (size_t)l->nweights));
    }
    const double loss = fabs(*net->cost / *plain->cost - 1);
    printf("%.1e in the loss, at most %.1e in a layer's gradient\n", loss, worst);
    return !(worst < most && loss < most / 10);
}

static network *plain_twin(network *net, char *cfg)
{
    network *plain = parse_network_cfg(cfg);
    plain->texp->cpu.fast = 0;
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        if (l->weights && l->weight_updates && l->type == CONVOLUTIONAL) {
            memcpy(plain->layers[i].weights, l->weights, (size_t)l->nweights * sizeof *l->weights);
        } else if (l->weights && l->type == CONNECTED) {
            memcpy(plain->layers[i].weights, l->weights, (size_t)l->inputs * l->outputs * sizeof *l->weights);
        }
    }
    return plain;
}

#endif

int main(int argc, char **argv)
{
    if (argc < 2) return 2;
    const char *what = argc > 2 ? argv[2] : "";
    if (!freopen("/dev/null", "w", stderr)) return 2;
    srand(0);
    network *net = parse_network_cfg(argv[1]);
    fill(net);
#ifndef STOCK
    if (!strcmp(what, "check")) return check(net, plain_twin(net, argv[1]));
    if (!strcmp(what, "split")) {
        split(net);
        return 0;
    }
#endif
    run(net, !strcmp(what, "evaluate"));
    return 0;
}
