/*
 * Convolutions on blocked tensors (blocked.h) or plain ones (NCHW): by the Winograd algorithm (winograd.h) where that is faster,
 * else by oneDNN (versions 2 and 3).
 *
 *     x  N x c x h x w        y  N x n x out_h x out_w        out_h = (h + 2*pad - size)/stride + 1, out_w alike
 *     weights  n x (c/groups) x size x size, as Darknet has them: float; and in the convolution's own order or domain
 *
 * Compiled with -DONEDNN; without it the same functions exist and texp_conv_context_make() gives NULL.
 *
 * All that changes belongs to a context; contexts have nothing in common, so threads that use each its own need no lock.
 *
 * Results of a call depend neither on the lane nor on the time. Of threads = 1 neither on the number of threads.
 */
#ifndef TEXP_CONV_H
#define TEXP_CONV_H

#include "cpu/blocked.h"

typedef enum { TEXP_CONV_FORWARD, TEXP_CONV_BACKWARD_WEIGHTS, TEXP_CONV_BACKWARD_DATA } texp_conv_kind;

typedef struct {
    int c, h, w, n, size, stride, pad, groups;
} texp_conv_shape;

typedef struct {
    int images; /* N of one call */
    int lanes; /* threads that call at once, each with a lane of its own, 0 .. lanes-1 */
    int threads; /* that work on one call: 1, from inside a parallel region; or OpenMP's number, from outside */
    int plain_x, plain_y; /* NCHW instead of blocked */
    texp_type type; /* of x and y; biases and gradients of the weights are float */
    int bias; /* forward alone: y += bias[n] */
    float slope; /* forward alone: y = y > 0 ? y : slope*y; 1: as it is */
} texp_conv_use;

typedef struct texp_conv texp_conv;

/* What the convolutions of one plan share: oneDNN's engine, and a stream and scratch memory for each lane. */
typedef struct texp_conv_context texp_conv_context;

/* With lanes 0 .. lanes-1. NULL: there are no convolutions here, or only in blocks that blocked.h does not have. */
texp_conv_context *texp_conv_context_make(int lanes);
/* Once its convolutions are closed. NULL: nothing */
void texp_conv_context_free(texp_conv_context *context);
/* The block that convolutions on this processor work in: 16 or 8. */
int texp_conv_block(const texp_conv_context *context);

/* Whether texp_conv_open() would make one; sooner answered. */
int texp_conv_can(const texp_conv_context *context, texp_conv_kind kind, const texp_conv_shape *shape,
                  const texp_conv_use *use);
/*
 * NULL where oneDNN has no fast convolution for this shape and use. The use's lanes and threads are at most the context's
 * lanes. Not from inside a parallel region, nor while another convolution of the context runs.
 */
texp_conv *texp_conv_open(texp_conv_context *context, texp_conv_kind kind, const texp_conv_shape *shape,
                          const texp_conv_use *use);
void texp_conv_close(texp_conv *conv);

/* Bytes of the weights, or of their gradient, in the convolution's own form; to be aligned to 64. */
size_t texp_conv_own_bytes(const texp_conv *conv);

/* The following return 0, or -1 where oneDNN failed. */

/* own = weights; forward and input gradient. */
int texp_conv_set_weights(texp_conv *conv, int lane, void *own, const float *weights);
/* updates += own; backward by weights. */
int texp_conv_add_updates(texp_conv *conv, int lane, float *updates, const float *own);

/*
 * forward: y = x * own + bias;  weight gradient: own = gradient of sum(y.dy), with dy in y;  input gradient: x =
 * gradient by x, with dy in y. bias is read where the use says so.
 */
int texp_conv_run(texp_conv *conv, int lane, void *x, void *y, void *own, const float *bias);

/* C = alpha op(A) op(B) + beta C, row-major, op(A) m x k, op(B) k x n; by all threads. Returns 0, or -1: nothing done. */
int texp_onednn_gemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                     const float *b, int ldb, float beta, float *c, int ldc);

#endif
