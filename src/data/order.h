/*
 * Which image comes when: epoch after epoch, each a permutation of 0..n-1 that follows from the seed and the epoch alone. Sample
 * number s (s = 0, 1, 2, ...) is the (s mod n)-th image of epoch s / n. Nothing here knows of Darknet.
 */
#ifndef TEXP_ORDER_H
#define TEXP_ORDER_H

#include <stdint.h>

typedef struct {
    uint64_t seed;
    uint32_t n; /* images */
    uint64_t epoch; /* whose order is at hand */
    uint32_t *of_epoch; /* that order; owned */
} texp_order;

/* Returns 0, or -1 where there is no memory. n is at least 1. */
int texp_order_open(texp_order *order, uint64_t seed, int n);

/* The image of a sample. One thread at a time: the order of one epoch is kept. */
int texp_order_image(texp_order *order, uint64_t sample);

void texp_order_close(texp_order *order);

#endif
