/*
 * Random numbers that depend on what they are for and on nothing else: a function of (seed, stream, index), so that
 * order and augmentation of a run do not depend on threads, and a resumed run draws what it would have drawn.
 */
#ifndef TEXP_RANDOM_H
#define TEXP_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Streams in use. */
enum {
    TEXP_STREAM_ORDER = 1,
    TEXP_STREAM_AUGMENT = 2,
    TEXP_STREAM_RATE = 3,
    TEXP_STREAM_PHOTO = 4,
    TEXP_STREAM_SIZE = 5,
    TEXP_STREAM_VERIFY = 9
};

/* 64 random bits, a hash of its arguments (two rounds of the splitmix64 finaliser or better). */
uint64_t texp_random_bits(uint64_t seed, uint64_t stream, uint64_t index);

/* Uniform in [0, 1), a multiple of 2^-53. */
double texp_random_uniform(uint64_t seed, uint64_t stream, uint64_t index);

/* Uniform integer in 0..n-1, n >= 1, without modulo bias to speak of (64-bit multiply-shift). */
uint32_t texp_random_below(uint64_t seed, uint64_t stream, uint64_t index, uint32_t n);

/* The order of epoch `epoch` (0, 1, ...) over n items: a permutation of 0..n-1, written to order. */
void texp_random_permutation(uint64_t seed, uint64_t epoch, uint32_t *order, uint32_t n);

#endif
