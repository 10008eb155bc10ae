#include "cublas_v2.h"
#include "cuda_runtime.h"
#include "curand.h"

extern "C" {
#include "net/activation_gpu.h"

#include "cuda.h"
}

/* The functions of activation.c in floats; from 20 on mish is x to the last bit of one. */

static __device__ float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

static __device__ float activated(texp_activation_kind kind, float x)
{
    if (kind == TEXP_SWISH) return x * sigmoid(x);
    const float e = expf(x), n = e * (e + 2);
    return x > 20 ? x : x * (n / (n + 2));
}

static __device__ float slope(texp_activation_kind kind, float x)
{
    if (kind == TEXP_SWISH) return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
    const float e = expf(x), n = e * (e + 2), m = n + 2;
    return x > 20 ? 1 : (n + 4 * x * (e * (e + 1) / m)) / m;
}

static __device__ size_t this_value(void)
{
    return ((size_t)blockIdx.y * gridDim.x + blockIdx.x) * blockDim.x + threadIdx.x;
}

static __global__ void activate(float *y, float *before, size_t n, texp_activation_kind kind)
{
    const size_t i = this_value();
    if (i >= n) return;
    before[i] = y[i];
    y[i] = activated(kind, before[i]);
}

static __global__ void differentiate(float *delta, const float *before, size_t n, texp_activation_kind kind)
{
    const size_t i = this_value();
    if (i < n) delta[i] *= slope(kind, before[i]);
}

void texp_activate_gpu(float *y, float *before, size_t n, texp_activation_kind kind)
{
    activate<<<cuda_gridsize(n), BLOCK>>>(y, before, n, kind);
    check_error(cudaPeekAtLastError());
}

void texp_differentiate_gpu(float *delta, const float *before, size_t n, texp_activation_kind kind)
{
    differentiate<<<cuda_gridsize(n), BLOCK>>>(delta, before, n, kind);
    check_error(cudaPeekAtLastError());
}
