/* Whether a network's outputs stay when the weights of S are scaled: with numbers, not with degrees. */
#ifndef TEXP_PROBE_H
#define TEXP_PROBE_H

#include "darknet.h"

typedef struct {
    int scaled; /* layers; 0: there was nothing to scale */
    double difference; /* largest relative one of an output: of its largest number */
    int layer; /* where */
    double allowed; /* by rounding; derived in probe.c */
    int passed; /* difference <= allowed */
} texp_probe_result;

/*
 * Multiplies the weights of S (with texp_layers=all: all that trains) by some factors, epsilons and rolling statistics
 * by what the degrees say, and compares all outputs, in training and in evaluation, on random input. The network was
 * parsed with a batch of 2 or more, is analysed (analysis.h), and is spent afterwards: its biases, affine and statistics
 * have become random. On the host.
 */
texp_probe_result texp_probe(network *net);

#endif
