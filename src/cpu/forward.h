/* The forward pass as a list of operations. */
#ifndef TEXP_FORWARD_H
#define TEXP_FORWARD_H

#include "cpu/builder.h"

/*
 * train: batch normalisation by the statistics of the batch, and whatever the backward pass reads is kept. Otherwise by
 * the rolling statistics, which convolutions take in where they can.
 */
void texp_build_forward(texp_builder *b, texp_list *list, int train);

#endif
