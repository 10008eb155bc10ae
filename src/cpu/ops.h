/* What operations do: to their part of the images, and once all images are done. */
#ifndef TEXP_OPS_H
#define TEXP_OPS_H

#include "cpu/plan.h"

texp_runs texp_run_pack, texp_run_unpack, texp_run_convert, texp_run_conv, texp_run_conv_weights, texp_run_conv_data,
    texp_run_moments, texp_run_normalize, texp_run_gradient_sums, texp_run_gradient, texp_run_add, texp_run_activate,
    texp_run_activate_gradient, texp_run_copy, texp_run_bias_sums, texp_run_average, texp_run_average_gradient,
    texp_run_largest, texp_run_largest_gradient, texp_run_enlarge, texp_run_enlarge_gradient, texp_run_zero,
    texp_run_layer, texp_run_layer_backward;
texp_finishes texp_finish_moments, texp_finish_gradient_sums, texp_finish_bias_sums;

/* Batch normalisation by the rolling statistics. */
void texp_bn_use_rolling(texp_plan *plan, texp_bn *bn);
/*
 * Weights and biases of a convolution that is to yield what batch normalisation makes of it: factor * (w*x + b - mean) +
 * bias. folded has room for the layer's weights.
 */
void texp_bn_fold(const texp_op *op, texp_plan *plan, float *folded);

#endif
