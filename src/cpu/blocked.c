#include "cpu/blocked.h"

#include <float.h>
#include <string.h>

/* How many pixels are summed in float before the sum goes to double. */
#define PIECE 256

/*
 * Each kernel is compiled for the processors whose convolutions work in its block, and for any other; the program takes
 * the best that the processor can run when it starts. (The thread sanitiser does not survive functions that are chosen
 * at the start.)
 */
#if defined(__x86_64__) && defined(__GLIBC__) && __GNUC__ >= 12 && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define CHOSEN_AT_START(level) __attribute__((target_clones("default", "arch=x86-64-" level), noinline))
#else
#define CHOSEN_AT_START(level)
#endif

/* Activations by their slope below 0: 1, 0, any. Loops are compiled for each. */
typedef enum { TEXP_STRAIGHT, TEXP_RELU, TEXP_BENT } texp_bend;

/* What `call` does, its BEND that of the slope. */
#define BENT(slope, call)                                                                                              \
    do {                                                                                                               \
        if ((slope) == 1) {                                                                                            \
            const texp_bend BEND = TEXP_STRAIGHT;                                                                      \
            call;                                                                                                      \
        } else if ((slope) == 0) {                                                                                     \
            const texp_bend BEND = TEXP_RELU;                                                                          \
            call;                                                                                                      \
        } else {                                                                                                       \
            const texp_bend BEND = TEXP_BENT;                                                                          \
            call;                                                                                                      \
        }                                                                                                              \
    } while (0)

#define B       16
#define STORED  float
#define TYPE    TEXP_F32
#define NAME(x) x##_f32_16
#define WIDE    CHOSEN_AT_START("v4")
#define ANYWHERE
#include "cpu/blocked_kernels.h"

#define B       8
#define STORED  float
#define TYPE    TEXP_F32
#define NAME(x) x##_f32_8
#define WIDE    CHOSEN_AT_START("v3")
#define ANYWHERE
#include "cpu/blocked_kernels.h"

#ifdef __x86_64__
#include <immintrin.h>
#define B        16
#define STORED   uint16_t
#define TYPE     TEXP_BF16
#define NAME(x)  x##_bf16_16
#define ANYWHERE __attribute__((target("arch=x86-64-v4,avx512bf16")))
#define WIDE     ANYWHERE
#define STORES_HALVES
#include "cpu/blocked_kernels.h"
#endif

int texp_has_bf16(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}

const texp_kernels *texp_kernels_of(int block, texp_type type)
{
    if (type == TEXP_F32) return block == 16 ? &kernels_f32_16 : block == 8 ? &kernels_f32_8 : NULL;
#ifdef __x86_64__
    return block == 16 && texp_has_bf16() ? &kernels_bf16_16 : NULL;
#else
    return NULL;
#endif
}
