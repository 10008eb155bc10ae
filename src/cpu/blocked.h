/*
 * Activations in the layout that oneDNN's convolutions work in, and all loops over them but the convolutions.
 *
 * A blocked tensor of N images, C channels and P = height*width pixels is stored as N x ceil(C/B) x P x B: B neighbours
 * in memory are the B channels of one pixel (oneDNN's nChw16c, nChw8c). Channels beyond C are 0 and stay 0. B is 16 or
 * 8. Values are float or bfloat16 (the upper half of a float); all arithmetic is float, sums go to double.
 *
 * A kernel works on one block of B channels of `images` images. Parameters of channels (mean, factor, ...) are arrays of
 * B. Kernels touch nothing shared: the caller splits the work among threads, by images or by blocks.
 */
#ifndef TEXP_BLOCKED_H
#define TEXP_BLOCKED_H

#include <stddef.h>
#include <stdint.h>

typedef enum { TEXP_F32, TEXP_BF16 } texp_type;

/* B never exceeds this. */
#define TEXP_MOST_BLOCK 16

/* One block of channels: `images` planes of `pixels` x B values; from image to image `stride` values. */
typedef struct {
    size_t stride;
    int images, pixels;
} texp_planes;

/*
 * Activations, by one number: y = x > 0 ? x : slope*x with 1 linear, 0 relu, .1 leaky; or one of these curves
 * (net/activation.h), whose gradient is had from x alone.
 */
#define TEXP_MISH_CURVE      2.f
#define TEXP_SWISH_CURVE     3.f
#define TEXP_IS_CURVE(slope) ((slope) > 1)

/* y = act(factor * (x - mean) + bias); arrays of B. */
typedef struct {
    const float *mean, *factor, *bias;
    float slope;
} texp_affine;

/* Windows of pooling: out_h x out_w of them, size x size, from -offset on, every `stride` pixels of h x w. */
typedef struct {
    int h, w, out_h, out_w, size, stride, offset;
} texp_windows;

/* Kernels of one B and one type. `void` arrays hold values of the type. */
typedef struct texp_kernels {
    int block;
    texp_type type;
    size_t bytes; /* of one value */

    /* mean[B], and squares[B] = sum((x - mean)^2), of images*pixels values a channel; one pass over memory. */
    void (*moments)(const void *x, texp_planes p, double *mean, double *squares);
    /* y = act(affine(x)); y may be x. */
    void (*normalize)(void *y, const void *x, texp_planes p, const texp_affine *a);
    /* With g = dy * act'(affine(x)):  sums[B] = sum(g), with_x[B] = sum(g*(x - mean)). */
    void (*gradient_sums)(const void *x, const void *dy, texp_planes p, const texp_affine *a, double *sums,
                          double *with_x);
    /* dx = (add ? dx : 0) + direct*g + by_x*(x - mean) + constant, three arrays of B; dx may be dy. */
    void (*gradient)(void *dx, const void *x, const void *dy, texp_planes p, const texp_affine *a, const float *direct,
                     const float *by_x, const float *constant, int add);
    /* y = act(a + b), no curve. y may be a or b. */
    void (*add)(void *y, const void *a, const void *b, texp_planes p, float slope);
    /* y = act(x). y may be x. */
    void (*activate)(void *y, const void *x, texp_planes p, float slope);
    /* dx = (add ? dx : 0) + dy * act'; it is had from x, or without a curve from y. dx may be dy where add is 0. */
    void (*activate_gradient)(void *dx, const void *x, const void *dy, texp_planes p, float slope, int add);
    /* out = (add ? out : 0) + in; the two have strides of their own. */
    void (*copy)(void *out, size_t out_stride, const void *in, texp_planes p, int add);
    /* sums[B] = sum(x). */
    void (*sums)(const void *x, texp_planes p, double *sums);
    /* Of all pixels: y (images x B, y_stride apart) = average of x; dx = (add ? dx : 0) + dy/pixels. */
    void (*average)(void *y, size_t y_stride, const void *x, texp_planes p);
    void (*average_gradient)(void *dx, const void *dy, size_t dy_stride, texp_planes p, int add);
    /* The largest of each window and which it was (0 .. size*size-1, 255: none above -FLT_MAX; y_stride apart). */
    void (*largest)(void *y, uint8_t *which, size_t y_stride, const void *x, size_t stride, int images,
                    const texp_windows *w);
    void (*largest_gradient)(void *dx, size_t stride, const uint8_t *which, const void *dy, size_t dy_stride,
                             int images, const texp_windows *w, int add);
    /* Each of h x w pixels becomes times x times pixels, scaled; and back: dx = (add ? dx : 0) + scale*sum(dy). */
    void (*enlarge)(void *y, size_t y_stride, const void *x, size_t stride, int images, int h, int w, int times,
                    float scale);
    void (*enlarge_gradient)(void *dx, size_t stride, const void *dy, size_t dy_stride, int images, int h, int w,
                             int times, float scale, int add);
    /* From and to Darknet's arrays: NCHW, float. Of `channels` <= B channels; plain_stride values an image. */
    void (*pack)(void *blocked, const float *plain, size_t plain_stride, int channels, texp_planes p, int add);
    void (*unpack)(float *plain, size_t plain_stride, const void *blocked, int channels, texp_planes p, int add);
    /* n values of float into the type. */
    void (*convert)(void *out, const float *in, size_t n);
} texp_kernels;

/* The fastest on this processor. NULL: no kernels for this block. TEXP_BF16 needs AVX512_BF16 and block 16. */
const texp_kernels *texp_kernels_of(int block, texp_type type);

/* All that this processor can run, of a block and a type the fastest first; NULL after the last. */
const texp_kernels *texp_kernels_nth(int n);

#endif
