/*
 * Batch normalisation (Ioffe & Szegedy 2015) on plain arrays.
 *
 * Shapes, of all functions:
 *     x, y, dx, dy                                     batch x channels x spatial (NCHW; spatial = height*width)
 *     mean, variance, rolling_*, scales, biases, *_updates      channels
 * All sizes >= 1. scales NULL means 1, biases NULL means 0.
 *
 * With N = batch*spatial, sums over one channel's N values:
 *     mean = sum(x)/N,   variance = sum((x - mean)^2)/N,   xhat = (x - mean) / sqrt(variance + eps)
 *     y = scales*xhat + biases
 * xhat is not kept: the backward pass computes it again from x, which must be unchanged since the forward pass.
 *
 * Sums are taken in float over at most 1024 neighbours (as many partial sums as a vector has lanes) and in double
 * over these. OpenMP shares out channels, each to one thread: results do not depend on the number of threads.
 */
#ifndef TEXP_NORM_H
#define TEXP_NORM_H

/*
 * Writes y, mean, variance (the biased one, which the backward pass wants) and moves the rolling statistics as Darknet
 * does: rolling = .99 rolling + .01 value, with the unbiased variance, variance*N/(N-1) (biased where N is 1). Either
 * or both of rolling_mean, rolling_variance may be NULL: left alone. y may be x where no backward pass follows.
 */
void texp_norm_forward_train(float *y, float *mean, float *variance, float *rolling_mean, float *rolling_variance,
                             const float *x, const float *scales, const float *biases, float eps, int batch,
                             int channels, int spatial);

/* y from given statistics, as rolling_mean and rolling_variance; y may be x. */
void texp_norm_forward_eval(float *y, const float *x, const float *mean, const float *variance, const float *scales,
                            const float *biases, float eps, int batch, int channels, int spatial);

/*
 * The exact gradient of texp_norm_forward_train, mean and variance as it wrote them:
 *     bias_updates += sum(dy),   scale_updates += sum(dy*xhat)                         (either may be NULL)
 *     d = scales / sqrt(variance + eps) * (dy - sum(dy)/N - xhat*sum(dy*xhat)/N)
 *     dx = accumulate ? dx + d : d                                                     (dx may be NULL)
 * dx may be dy where accumulate is 0.
 */
void texp_norm_backward(float *dx, float *scale_updates, float *bias_updates, const float *x, const float *dy,
                        const float *mean, const float *variance, const float *scales, float eps, int accumulate,
                        int batch, int channels, int spatial);

#endif
