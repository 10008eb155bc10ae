/*
 * Weight gradients by the Winograd algorithm (winograd.h) where x and dy are bfloat16. The transforms are made in float and rounded to
 * bfloat16 again, two tiles side by side, as the processor's products of pairs want them; sums are float. The rounding
 * adds an error of the size and kind of the one that the stored x and dy have, which the sum over tiles averages.
 */
#include "cpu/winograd_bf16.h"

#include "cpu/blocked.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

#define B        16
#define STORED   uint16_t
#define NAME(x)  x##_bf16
#define ANYWHERE __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))
#define STORES_HALVES
#include "cpu/vectors.h"
#include "cpu/winograd_columns.h"

enum { PAIR = 2 * B, TILES = 128 };

/* Values from one value of the transformed pairs to the next of their 16; as in winograd.c no power of 2. */
static size_t step_of(const texp_tiles *t)
{
    return (size_t)(t->tiles / 2 + 1) * PAIR;
}

/* Channel by channel those of the two tiles. */
INLINE void put_pair(STORED *to, V first, V second)
{
    const __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)first));
    const __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)second));
    _mm512_store_si512(to, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
}

/* B^T x B of the segment's tiles; a missing second of a pair is some number, which transform_gradient() multiplies by 0. */
INLINE void transform(STORED *u, size_t step, const STORED *x, const STORED *outside, int h, int w, texp_segment g)
{
    const NAME(window) window = NAME(window_of)(x, outside, h, w, g.row);
    NAME(column) p = NAME(column_at)(&window, 2 * g.column - 1), q = NAME(column_at)(&window, 2 * g.column);
    for (int i = g.column; i < g.column + g.n; i += 2, u += PAIR) {
        const NAME(column) s = NAME(column_at)(&window, 2 * i + 1), t = NAME(column_at)(&window, 2 * i + 2);
        const NAME(column) e = NAME(column_at)(&window, 2 * i + 3), f = NAME(column_at)(&window, 2 * i + 4);
        UNROLL for (int r = 0; r < 4; ++r)
        {
            put_pair(u + (4 * r + 0) * step, p.v[r] - s.v[r], s.v[r] - e.v[r]);
            put_pair(u + (4 * r + 1) * step, q.v[r] + s.v[r], t.v[r] + e.v[r]);
            put_pair(u + (4 * r + 2) * step, s.v[r] - q.v[r], e.v[r] - t.v[r]);
            put_pair(u + (4 * r + 3) * step, q.v[r] - t.v[r], t.v[r] - f.v[r]);
        }
        p = e, q = f;
    }
}

/* A dy A^T, but for the signs of its last row and column. */
INLINE void transform_gradient(STORED *u, size_t step, const STORED *dy, const STORED *outside, int h, int w,
                               texp_segment g)
{
    const STORED *top = dy + (size_t)2 * g.row * w * B, *bottom = 2 * g.row + 1 < h ? top + (size_t)w * B : outside;
    const int end = 2 * (g.column + g.n) < w ? 2 * (g.column + g.n) : w;
    const V zero = {0};
    for (int i = 2 * g.column; i < end; i += 4, u += PAIR) {
        V v[4][4];
        UNROLL for (int k = 0; k < 4; ++k)
        {
            const size_t at = (size_t)(i + k) * B;
            const V a = i + k < end ? LOAD(top + at) : zero, c = i + k < end ? LOAD(bottom + at) : zero;
            v[0][k] = a, v[1][k] = a + c, v[2][k] = a - c, v[3][k] = c;
        }
        UNROLL for (int r = 0; r < 4; ++r)
        {
            put_pair(u + (4 * r + 0) * step, v[r][0], v[r][2]);
            put_pair(u + (4 * r + 1) * step, v[r][0] + v[r][1], v[r][2] + v[r][3]);
            put_pair(u + (4 * r + 2) * step, v[r][0] - v[r][1], v[r][2] - v[r][3]);
            put_pair(u + (4 * r + 3) * step, v[r][1], v[r][3]);
        }
    }
}

/* own (B x B) = (add ? own : 0) + sum over the pairs of tiles of u*d */
INLINE void multiply(float *own, const STORED *u, const STORED *d, int pairs, int add)
{
    __m512 sums[B];
    UNROLL for (int i = 0; i < B; ++i) sums[i] = add ? _mm512_load_ps(own + i * B) : _mm512_setzero_ps();
    for (int t = 0; t < pairs; ++t, u += PAIR, d += PAIR) {
        const __m512bh g = (__m512bh)_mm512_load_si512(d);
        UNROLL for (int i = 0; i < B; ++i)
        {
            __m512i x = _mm512_set1_epi32(((const int __attribute__((may_alias)) *)u)[i]);
#if defined(__clang__) && __clang_major__ == 16
            __asm__("" : "+v"(x)); /* This version crashes where it makes the broadcast a part of the product. */
#endif
            sums[i] = _mm512_dpbf16_ps(sums[i], g, (__m512bh)x);
        }
    }
    UNROLL for (int i = 0; i < B; ++i) _mm512_store_ps(own + i * B, sums[i]);
}

size_t texp_winograd_bf16_scratch_bytes(const texp_winograd_shape *s)
{
    const texp_tiles t = texp_tiles_of(s, B, 1, TILES);
    return t.outside_bytes + sizeof(STORED) * 16 * (size_t)(s->c / B + 1) * step_of(&t);
}

ANYWHERE void texp_winograd_bf16_weights(const texp_winograd_shape *s, int images, texp_blocks share, float *own,
                                         const void *x, const void *dy, void *scratch)
{
    const int in_blocks = s->c / B, out_blocks = s->n / B;
    const texp_tiles all = texp_tiles_of(s, B, images, TILES);
    const size_t step = step_of(&all), block = 16 * step, plane = (size_t)s->h * s->w * B;
    STORED *outside = scratch, *u = outside + all.outside_bytes / sizeof *u, *d = u + in_blocks * block;
    memset(outside, 0, all.outside_bytes);
    for (int from = 0, to; from < all.segments; from = to) {
        int pairs = 0;
        to = from + all.at_once < all.segments ? from + all.at_once : all.segments;
        for (int i = from; i < to; ++i) {
            const texp_segment g = texp_segment_of(&all, i);
            const STORED *in = (const STORED *)x + g.image * in_blocks * plane;
            for (int b = 0; b < in_blocks; ++b, in += plane)
                transform(u + b * block + pairs * PAIR, step, in, outside, s->h, s->w, g);
            pairs += (g.n + 1) / 2;
        }
        for (int k = share.from; k < share.to; ++k) {
            float *sums = own + (size_t)16 * k * s->c * B;
            STORED *to_d = d;
            for (int i = from; i < to; ++i) {
                const texp_segment g = texp_segment_of(&all, i);
                const STORED *delta = (const STORED *)dy + ((size_t)g.image * out_blocks + k) * plane;
                transform_gradient(to_d, step, delta, outside, s->h, s->w, g);
                to_d += (g.n + 1) / 2 * PAIR;
            }
            for (int i = 0; i < 16; ++i) {
                for (int b = 0; b < in_blocks; ++b, sums += B * B)
                    multiply(sums, u + b * block + i * step, d + i * step, pairs, from > 0);
            }
        }
    }
}

#else

size_t texp_winograd_bf16_scratch_bytes(const texp_winograd_shape *s)
{
    (void)s;
    return 0;
}

void texp_winograd_bf16_weights(const texp_winograd_shape *s, int images, texp_blocks share, float *own, const void *x,
                                const void *dy, void *scratch)
{
    (void)s, (void)images, (void)share, (void)own, (void)x, (void)dy, (void)scratch;
}

#endif
