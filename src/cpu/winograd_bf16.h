/* The weight gradient by the Winograd algorithm (winograd.h) from bfloat16 tensors. */
#ifndef TEXP_WINOGRAD_BF16_H
#define TEXP_WINOGRAD_BF16_H

#include "cpu/winograd_tiles.h"

/* texp_winograd_run_weights() of bfloat16, for a share of the blocks of y's channels. */
void texp_winograd_bf16_weights(const texp_winograd_shape *s, int images, texp_blocks share, float *own, const void *x,
                                const void *dy, void *scratch);
size_t texp_winograd_bf16_scratch_bytes(const texp_winograd_shape *s);

#endif
