/*
 * What makes the samples of our own loader: images and truths that follow from the seed and a sample's number alone.
 * Darknet's loader, which draws from rand(), is the other way to batches (loader.h).
 */
#ifndef TEXP_SOURCE_H
#define TEXP_SOURCE_H

#include "base/message.h"

#include "darknet.h"

#include <stdint.h>

typedef struct texp_source texp_source;
struct texp_source {
    int images; /* in the list, at least 1: an epoch */
    /* Fills a batch with the samples from number `first` on: its rows of X have w x h pixels a channel. In a thread of the loader;
     * one batch at a time. Returns 0, or -1 with a message. */
    int (*fill)(texp_source *source, uint64_t first, int w, int h, data batch, texp_message *message);
    void (*close)(texp_source *source);
};

#endif
