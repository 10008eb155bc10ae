/*
 * The endless sequence of training samples: epoch after epoch, each a permutation of the data set, each sample
 * augmented. Sample number s (s = 0, 1, 2, ...) depends on the data set, the seed and s alone, so neither the batch
 * size nor a stop and resume changes the sequence.
 */
#ifndef TEXP_SAMPLER_H
#define TEXP_SAMPLER_H

#include "data/augment.h"
#include "data/dataset.h"

typedef struct texp_sampler texp_sampler;

/* The set is borrowed and must outlive the sampler; augment is copied. Returns 0, or -1 with *out = NULL and a message
 * (may be NULL): channels that differ from the set's, or numbers that texp_augment_fault refuses. */
int texp_sampler_open(const texp_dataset *set, const texp_augment *augment, uint64_t seed, texp_sampler **out,
                      texp_message *message);

/* Frees it; NULL is fine. */
void texp_sampler_close(texp_sampler *sampler);

/* Samples first .. first+n-1 of the training sequence: x[j] gets the c*h*w values of sample first+j, truth[j] its
 * n_classes values, 0 but for a 1, unless truth is NULL. The rows are the caller's. A batch may span epochs. Returns 0,
 * or -1 with a message where an image decoded on demand is damaged or gone.
 * One thread at a time: the order of the current epoch is kept in the sampler. */
int texp_sampler_fill(texp_sampler *sampler, uint64_t first, int n, float **x, float **truth, texp_message *message);

/* The same for images first .. first+n-1 of the list, in its order, normalised and not otherwise changed: for
 * validation. first+n <= size. */
int texp_sampler_fill_plain(texp_sampler *sampler, int first, int n, float **x, float **truth, texp_message *message);

#endif
