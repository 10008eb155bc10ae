/*
 * Convolution on the CPU by oneDNN (versions 2 and 3), on Darknet's arrays: activations NCHW, weights OIHW, float.
 *
 * Compiled with -DONEDNN; without it, and where `float` is double (-DTEXP_DOUBLE), the same functions exist,
 * texp_fastconv_available() is 0 and texp_fastconv_create() returns NULL, so a caller needs no #ifdef.
 *
 * Shapes, of all functions:  out_h = (h + 2*pad - size) / stride + 1, out_w alike (rounded down, as Darknet),
 *     input    batch x c x h x w,                 input_delta alike
 *     output   batch x n x out_h x out_w,         delta alike
 *     weights  n x (c/groups) x size x size,      weight_updates alike
 *
 * The number of threads is OpenMP's at the time of the call (OMP_NUM_THREADS, omp_set_num_threads). For a fixed
 * number results are the same from run to run, bit by bit; for another number sums may be split otherwise.
 *
 * Not reentrant: all objects share one scratch buffer, so calls must come from one thread at a time.
 */
#ifndef TEXP_FASTCONV_H
#define TEXP_FASTCONV_H

#define TEXP_FASTCONV_OK     0
#define TEXP_FASTCONV_FAILED (-1) /* oneDNN refused the call; arrays written to hold undefined values */
#define TEXP_FASTCONV_MEMORY (-2) /* no memory for the scratch buffer; nothing was written */

/* The primitives of one layer's shape. Holds no weights and no activations. */
typedef struct texp_fastconv texp_fastconv;

/* 1 where this build can convolve by oneDNN, else 0. */
int texp_fastconv_available(void);

/*
 * The object for one shape, to be kept in the layer, or NULL: not available, a size out of range, groups that do not
 * divide c and n, an empty output, a shape that oneDNN does not take, or no memory. All sizes > 0, pad >= 0.
 * To be freed with texp_fastconv_free. After a resize of the layer: free it, create another.
 */
texp_fastconv *texp_fastconv_create(int batch, int c, int h, int w, int n, int size, int stride, int pad, int groups);

/* output = input * weights (cross-correlation, no bias); what output held is overwritten. */
int texp_fastconv_forward(texp_fastconv *conv, float *output, const float *input, const float *weights);

/* weight_updates += gradient of sum(output . delta) by weights. */
int texp_fastconv_backward_weights(texp_fastconv *conv, float *weight_updates, const float *input, const float *delta);

/* input_delta += gradient of sum(output . delta) by input where add is 1; where it is 0, overwritten with it. */
int texp_fastconv_backward_data(texp_fastconv *conv, float *input_delta, const float *delta, const float *weights,
                                int add);

/* Frees the object; the last one frees the shared scratch buffer too. NULL is allowed. */
void texp_fastconv_free(texp_fastconv *conv);

#endif
