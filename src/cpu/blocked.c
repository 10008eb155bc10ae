#include "cpu/blocked.h"

#include <float.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* How many pixels are summed in float before the sum goes to double. */
#define PIECE 256

/* Activations by their slope below 0: 1, 0, any; and the curves. Loops are compiled for each. */
typedef enum { TEXP_STRAIGHT, TEXP_RELU, TEXP_BENT, TEXP_CURVED_MISH, TEXP_CURVED_SWISH } texp_bend;

/* What `call` does, its BEND that of the slope. */
#define BENT(slope, call)                                                                                              \
    do {                                                                                                               \
        if ((slope) == 1) {                                                                                            \
            const texp_bend BEND = TEXP_STRAIGHT;                                                                      \
            call;                                                                                                      \
        } else if ((slope) == 0) {                                                                                     \
            const texp_bend BEND = TEXP_RELU;                                                                          \
            call;                                                                                                      \
        } else if ((slope) == TEXP_MISH_CURVE) {                                                                       \
            const texp_bend BEND = TEXP_CURVED_MISH;                                                                   \
            call;                                                                                                      \
        } else if ((slope) == TEXP_SWISH_CURVE) {                                                                      \
            const texp_bend BEND = TEXP_CURVED_SWISH;                                                                  \
            call;                                                                                                      \
        } else {                                                                                                       \
            const texp_bend BEND = TEXP_BENT;                                                                          \
            call;                                                                                                      \
        }                                                                                                              \
    } while (0)

/* Kernels are compiled for the processors whose convolutions work in their block, and for any other. */
#define B       16
#define STORED  float
#define TYPE    TEXP_F32
#define NAME(x) x##_f32_16
#define ANYWHERE
#include "cpu/blocked_kernels.h"

#define B       8
#define STORED  float
#define TYPE    TEXP_F32
#define NAME(x) x##_f32_8
#define ANYWHERE
#include "cpu/blocked_kernels.h"

#ifdef __x86_64__
#define B        16
#define STORED   float
#define TYPE     TEXP_F32
#define NAME(x)  x##_f32_16_avx512
#define ANYWHERE __attribute__((target("avx512f,avx512bw,avx512vl")))
#define FUSED    _mm512_fmadd_ps
#include "cpu/blocked_kernels.h"

#define B        8
#define STORED   float
#define TYPE     TEXP_F32
#define NAME(x)  x##_f32_8_avx2
#define ANYWHERE __attribute__((target("avx2,fma")))
#define FUSED    _mm256_fmadd_ps
#include "cpu/blocked_kernels.h"

#define B        16
#define STORED   uint16_t
#define TYPE     TEXP_BF16
#define NAME(x)  x##_bf16_16
#define ANYWHERE __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#define FUSED    _mm512_fmadd_ps
#define STORES_HALVES
#include "cpu/blocked_kernels.h"

static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

static int has_bf16(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512bf16");
}

const texp_kernels *texp_kernels_nth(int n)
{
    const texp_kernels *all[5];
    int count = 0;
    if (has_bf16()) all[count++] = &kernels_bf16_16;
    if (has_avx512()) all[count++] = &kernels_f32_16_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all[count++] = &kernels_f32_8_avx2;
    all[count++] = &kernels_f32_16;
    all[count++] = &kernels_f32_8;
    return n < count ? all[n] : NULL;
}

#else

const texp_kernels *texp_kernels_nth(int n)
{
    return n == 0 ? &kernels_f32_16 : n == 1 ? &kernels_f32_8 : NULL;
}

#endif

const texp_kernels *texp_kernels_of(int block, texp_type type)
{
    const texp_kernels *k;
    for (int i = 0; (k = texp_kernels_nth(i)); ++i) {
        if (k->block == block && k->type == type) return k;
    }
    return NULL;
}
