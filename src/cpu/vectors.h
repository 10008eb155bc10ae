/*
 * Vectors of one block of channels, for code that is compiled once for each block and type. Included with
 *     B           channels in a block
 *     STORED      the type in memory
 *     NAME(x)     x with a suffix of its own
 *     ANYWHERE    attributes of functions that become part of others
 *     STORES_HALVES  where STORED is bfloat16
 *     FUSED(a, b, c)  a*b + c rounded once, where the processors of ANYWHERE have an instruction for it
 * V, I, INLINE, LOAD, STORE and FMA mean those of the NAME, B and ANYWHERE that are defined where they are used.
 *
 * A product and a sum are fused where the code says FMA and nowhere else: our sources are compiled with
 * -ffp-contract=off. A compiler that chose for itself would choose differently for loops of different lengths, and the
 * bits of a result would depend on how the work was divided.
 */

/* Before a loop of few turns over vectors, all of which shall stay in registers. */
#ifndef UNROLL
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif
#endif

typedef float NAME(vec) __attribute__((vector_size(B * 4)));
typedef int32_t NAME(ivec) __attribute__((vector_size(B * 4)));
/* The same anywhere in memory. */
typedef float NAME(floats) __attribute__((vector_size(B * 4), aligned(4), may_alias));
typedef uint8_t NAME(bytes) __attribute__((vector_size(B), aligned(1), may_alias));

#define V      NAME(vec)
#define I      NAME(ivec)
#define INLINE static inline __attribute__((always_inline)) ANYWHERE

#ifdef STORES_HALVES
INLINE V NAME(load)(const STORED *p)
{
    return (V)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p)), 16);
}
/* To the nearest, ties to even; NaN stays NaN. */
INLINE void NAME(store)(STORED *p, V v)
{
    _mm256_storeu_si256((void *)p, (__m256i)_mm512_cvtneps_pbh((__m512)v));
}
#else
INLINE V NAME(load)(const STORED *p)
{
    return *(const NAME(floats) *)p;
}
INLINE void NAME(store)(STORED *p, V v)
{
    *(NAME(floats) *)p = v;
}
#endif

INLINE V NAME(all)(float x)
{
    return x - (V){0};
}
INLINE V NAME(of)(const float *p)
{
    return *(const NAME(floats) *)p;
}
INLINE V NAME(choose)(I mask, V yes, V no)
{
    return (V)((mask & (I)yes) | (~mask & (I)no));
}
/* a*b + c: rounded once where FUSED is defined, else twice. */
INLINE V NAME(fma)(V a, V b, V c)
{
#ifdef FUSED
    return FUSED(a, b, c);
#else
    return a * b + c;
#endif
}
#define LOAD  NAME(load)
#define STORE NAME(store)
#define FMA   NAME(fma)
