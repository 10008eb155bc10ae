/* The activations of activation.h on the GPU, where it is built in; kernels in activation_gpu.cu. */
#ifndef TEXP_ACTIVATION_GPU_H
#define TEXP_ACTIVATION_GPU_H

#include "net/texp_net.h"

#include <stddef.h>

/* Arrays on the device, of n values. before = y, y = act(y). */
void texp_activate_gpu(float *y, float *before, size_t n, texp_activation_kind kind);
/* delta *= act'(before). */
void texp_differentiate_gpu(float *delta, const float *before, size_t n, texp_activation_kind kind);

#endif
