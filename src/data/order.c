#include "data/order.h"

#include "base/random.h"

#include <stdlib.h>

int texp_order_open(texp_order *order, uint64_t seed, int n)
{
    *order = (texp_order){.seed = seed, .n = (uint32_t)n, .of_epoch = malloc((size_t)n * sizeof *order->of_epoch)};
    if (!order->of_epoch) return -1;
    texp_random_permutation(seed, 0, order->of_epoch, order->n);
    return 0;
}

int texp_order_image(texp_order *order, uint64_t sample)
{
    uint64_t epoch = sample / order->n;
    if (epoch != order->epoch) texp_random_permutation(order->seed, epoch, order->of_epoch, order->n);
    order->epoch = epoch;
    return (int)order->of_epoch[sample % order->n];
}

void texp_order_close(texp_order *order)
{
    free(order->of_epoch);
}
