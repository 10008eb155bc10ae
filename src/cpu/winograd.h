/*
 * Convolutions of size 3, stride 1 and padding 1 by the Winograd algorithm F(2x2, 3x3), for training:
 *
 *     Y = A^T [ (G w G^T) . (B^T x B) ] A         Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks" (2016)
 *
 *     B^T =  1  0 -1  0     G =   1    0    0      A^T =  1  1  1  0
 *            0  1  1  0          1/2  1/2  1/2            0  1 -1 -1
 *            0 -1  1  0          1/2 -1/2  1/2
 *            0  1  0 -1           0    0    1
 *
 * Each tile of 2x2 outputs takes 16 products a pair of channels where the sum over 3x3 takes 36. oneDNN's own Winograd
 * does the three steps for a whole layer, one after another in memory, and has no backward pass; here a few rows of tiles
 * go through all of them in the cache. Gradients are the transposed steps:
 *
 *     dx  as the forward pass, weights turned by 180 degrees, channels exchanged
 *     dw = G^T [ sum over tiles of (B^T x B) . (A dy A^T) ] G
 *
 * x  images x c x h x w and y  images x n x h x w are blocked tensors (blocked.h); c and n multiples of B. As the constants
 * are 0, 1 and 1/2 alone, nothing is lost in the transforms but the rounding of up to four additions; tests/test_winograd.c
 * has the bound.
 */
#ifndef TEXP_WINOGRAD_H
#define TEXP_WINOGRAD_H

#include "cpu/blocked.h"
#include "cpu/winograd_tiles.h"

/* One call. */
typedef struct {
    int block; /* B */
    texp_type type; /* of x, y and dy */
    int images;
    int share, shares; /* of the blocks of y's channels, with which this call deals */
    void *scratch;
} texp_winograd_use;

/* Whether this processor has the kernels for this block and type, which are for x86-64 alone: float with AVX-512 or AVX2 and
 * FMA; bfloat16 with AVX512_BF16, and of it the weight gradient only. */
int texp_winograd_can(int block, texp_type type);

/* Bytes of the weights, or of their gradient, in the transformed domain: 16 x n x c floats. To be aligned to 64. */
size_t texp_winograd_own_bytes(const texp_winograd_shape *s);
/* Bytes of what a thread needs for itself, aligned to 64. */
size_t texp_winograd_scratch_bytes(const texp_winograd_shape *s, int block, texp_type type);

/* own = G w G^T of weights n x c x 3 x 3; for the input gradient with `backward`. */
void texp_winograd_set_weights(const texp_winograd_shape *s, int block, float *own, const float *weights, int backward);
/* updates += G^T own G */
void texp_winograd_add_updates(const texp_winograd_shape *s, int block, float *updates, const float *own);

/* y = act(x * w + bias), act(v) = v > 0 ? v : slope*v. bias[n], or NULL. For dx: x is dy, and c and n change places. */
void texp_winograd_run(const texp_winograd_shape *s, const texp_winograd_use *use, void *y, const void *x,
                       const float *own, const float *bias, float slope);
/* own = the gradient of sum(y.dy) by the transformed weights */
void texp_winograd_run_weights(const texp_winograd_shape *s, const texp_winograd_use *use, float *own, const void *x,
                               const void *dy);

#endif
