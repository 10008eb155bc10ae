/*
 * Batch normalisation on plain arrays, in two forms: the textbook's (Ioffe & Szegedy 2015) and Darknet's. What belongs
 * to one channel is defined here once, for these loops and for those of the fast backend.
 *
 * Shapes, of all functions:
 *     x, y, dx, dy                                     batch x channels x spatial (NCHW; spatial = height*width)
 *     mean, variance, rolling_*, scales, biases, *_updates      channels
 * All sizes >= 1. scales NULL means 1, biases NULL means 0.
 *
 * With N = batch*spatial, sums over one channel's N values:
 *     mean = sum(x)/N,   xhat = (x - mean) * slope,   y = scales*xhat + biases
 *
 *                  textbook                        Darknet on the CPU
 *     variance     sum((x - mean)^2)/N             sum((x - mean)^2)/(N-1)
 *     slope        1 / sqrt(variance + eps)        1 / (sqrt(variance) + eps_root)
 *     gradient     with inverse = 1 / sqrt(variance + eps), which is not Darknet's slope:
 *                  dx = scales*inverse * (dy - sum(dy)/N - (x - mean)*inverse^2 * sum(dy*(x - mean))/N)
 *
 * The textbook's gradient is exact. xhat is not kept: the backward pass computes it again from x, which must be
 * unchanged since the forward pass.
 *
 * Sums are taken in double, one value after another: in the double build as Darknet's loops do. OpenMP shares out
 * channels, each to one thread: results do not depend on the number of threads.
 */
#ifndef TEXP_BN_H
#define TEXP_BN_H

typedef struct {
    int textbook; /* 0: Darknet's */
    double eps; /* added to the variance; Darknet adds it in the backward pass alone */
    double eps_root; /* added to the variance's root by Darknet's forward pass; 0 in the textbook's */
} texp_bn_form;

/* --- one channel -------------------------------------------------------------------------------------------------- */

/* Of n values whose squared distances from their mean add up to `squares`. */
double texp_bn_variance(const texp_bn_form *form, double squares, double n);

/* rolling = .99 rolling + .01 value; NULL is left alone. */
void texp_bn_roll(float *rolling, double value);

/* What the rolling variance takes: the unbiased one in both forms, but the biased one, 0, where the textbook has a single
 * value; Darknet then has NaN. */
double texp_bn_rolling_variance(const texp_bn_form *form, double squares, double n);

double texp_bn_slope(const texp_bn_form *form, double variance);

/* dx = direct*dy + by_x*(x - mean) + constant */
typedef struct {
    double direct, by_x, constant;
} texp_bn_gradient;

/* sum_dy = sum(dy), sum_dyx = sum(dy*(x - mean)), over n values. */
texp_bn_gradient texp_bn_gradient_of(const texp_bn_form *form, double variance, double scale, double sum_dy,
                                     double sum_dyx, double n);

/* --- whole arrays ------------------------------------------------------------------------------------------------- */

/* Writes y, mean, variance and moves the rolling statistics, of which either or both may be NULL. y may be x where no
 * backward pass follows. */
void texp_bn_train(float *y, float *mean, float *variance, float *rolling_mean, float *rolling_variance, const float *x,
                   const float *scales, const float *biases, const texp_bn_form *form, int batch, int channels,
                   int spatial);

/* y from given statistics, as rolling_mean and rolling_variance; y may be x. */
void texp_bn_evaluate(float *y, const float *x, const float *mean, const float *variance, const float *scales,
                      const float *biases, const texp_bn_form *form, int batch, int channels, int spatial);

/*
 * With mean and variance as texp_bn_train wrote them:
 *     bias_updates += sum(dy),   scale_updates += sum(dy*xhat)                         (either may be NULL)
 *     dx = accumulate ? dx + gradient : gradient                                       (dx may be NULL)
 * dx may be dy where accumulate is 0.
 */
void texp_bn_backward(float *dx, float *scale_updates, float *bias_updates, const float *x, const float *dy,
                      const float *mean, const float *variance, const float *scales, const texp_bn_form *form,
                      int accumulate, int batch, int channels, int spatial);

#endif
