/*
 * The kernels of winograd.h for one block and one type. Included by winograd.c once for each, with what vectors.h asks
 * for and
 *     WIDE        attributes: the processors to compile for
 *     TILES       tiles that one block of products takes at a time, with two blocks of channels
 */

#include "vectors.h"

/* Values of a transformed tile lie `step` floats apart. */
INLINE void NAME(put)(float *to, size_t step, V v)
{
    (void)step;
    *(V *)to = v;
}

/* B^T x B of the n tiles from `column` on, in row `row` of them. `outside`: w*B zeros. */
INLINE void NAME(transform)(float *u, size_t step, const STORED *x, const STORED *outside, int h, int w, int row,
                            int column, int n)
{
    const STORED *rows[4];
    for (int r = 0; r < 4; ++r) {
        const int y = 2 * row - 1 + r;
        rows[r] = y >= 0 && y < h ? x + (size_t)y * w * B : outside;
    }
    const V zero = {0};
/* Column c of B^T x. */
#define COLUMN(v, c)                                                                                                   \
    V v##0 = zero, v##1 = zero, v##2 = zero, v##3 = zero;                                                              \
    if ((c) >= 0 && (c) < w) {                                                                                         \
        const size_t at = (size_t)(c)*B;                                                                               \
        const V d0 = LOAD(rows[0] + at), d1 = LOAD(rows[1] + at), d2 = LOAD(rows[2] + at), d3 = LOAD(rows[3] + at);    \
        v##0 = d0 - d2, v##1 = d1 + d2, v##2 = d2 - d1, v##3 = d1 - d3;                                                \
    }
#define ROW(r)                                                                                                         \
    NAME(put)(u + (4 * r + 0) * step, step, p##r - s##r);                                                              \
    NAME(put)(u + (4 * r + 1) * step, step, q##r + s##r);                                                              \
    NAME(put)(u + (4 * r + 2) * step, step, s##r - q##r);                                                              \
    NAME(put)(u + (4 * r + 3) * step, step, q##r - t##r);
    COLUMN(p, 2 * column - 1)
    COLUMN(q, 2 * column)
    for (int i = column; i < column + n; ++i, u += B) {
        COLUMN(s, 2 * i + 1)
        COLUMN(t, 2 * i + 2)
        ROW(0) ROW(1) ROW(2) ROW(3) p0 = s0, p1 = s1, p2 = s2, p3 = s3;
        q0 = t0, q1 = t1, q2 = t2, q3 = t3;
    }
#undef COLUMN
#undef ROW
}

/* A dy A^T, of the same tiles, but for the signs of its last row and column. */
INLINE void NAME(transform_gradient)(float *u, size_t step, const STORED *dy, const STORED *outside, int h, int w,
                                     int row, int column, int n)
{
    const STORED *r0 = dy + (size_t)2 * row * w * B, *r1 = 2 * row + 1 < h ? r0 + (size_t)w * B : outside;
    const V zero = {0};
    for (int i = column; i < column + n; ++i, u += B) {
        const size_t at = (size_t)2 * i * B;
        const int has_right = 2 * i + 1 < w;
        const V a = LOAD(r0 + at), b = has_right ? LOAD(r0 + at + B) : zero;
        const V c = LOAD(r1 + at), d = has_right ? LOAD(r1 + at + B) : zero;
        const V left[4] = {a, a + c, a - c, c}, right[4] = {b, b + d, b - d, d};
#pragma GCC unroll 4
        for (int r = 0; r < 4; ++r) {
            NAME(put)(u + (4 * r + 0) * step, step, left[r]);
            NAME(put)(u + (4 * r + 1) * step, step, left[r] + right[r]);
            NAME(put)(u + (4 * r + 2) * step, step, left[r] - right[r]);
            NAME(put)(u + (4 * r + 3) * step, step, right[r]);
        }
    }
}

/* y = act(A^T m A + bias) of the same tiles. */
INLINE void NAME(transform_back)(STORED *y, const float *m, size_t step, int h, int w, int row, int column, int n,
                                 V bias, V slope, int bent)
{
    const int has_below = 2 * row + 1 < h;
    STORED *to = y + ((size_t)2 * row * w + 2 * column) * B;
    for (int i = column; i < column + n; ++i, m += B, to += 2 * B) {
        V top[4], bottom[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
            const V m0 = *(const V *)(m + k * step), m1 = *(const V *)(m + (4 + k) * step);
            const V m2 = *(const V *)(m + (8 + k) * step), m3 = *(const V *)(m + (12 + k) * step);
            top[k] = m0 + (m1 + m2);
            bottom[k] = (m1 - m2) - m3;
        }
        V a = top[0] + (top[1] + top[2]) + bias, b = (top[1] - top[2]) - top[3] + bias;
        V c = bottom[0] + (bottom[1] + bottom[2]) + bias, d = (bottom[1] - bottom[2]) - bottom[3] + bias;
        if (bent) {
            a = NAME(choose)(a > 0, a, a * slope), b = NAME(choose)(b > 0, b, b * slope);
            c = NAME(choose)(c > 0, c, c * slope), d = NAME(choose)(d > 0, d, d * slope);
        }
        const int has_right = 2 * i + 1 < w;
        STORE(to, a);
        if (has_right) STORE(to + B, b);
        if (has_below) STORE(to + (size_t)w * B, c);
        if (has_below && has_right) STORE(to + (size_t)w * B + B, d);
    }
}

/*
 * m = sum over channels of u*w, of `tiles` tiles and `wide` blocks of channels, m_block floats apart. u holds `blocks` blocks of
 * channels, u_block apart, w B x B floats for each of them.
 */
INLINE void NAME(multiply)(float *m, size_t m_block, const float *u, size_t u_block, const float *w, size_t w_block,
                           int blocks, const int tiles, const int wide)
{
    V sums[2 * TILES][2];
#pragma GCC unroll 64
    for (int t = 0; t < tiles; ++t) {
#pragma GCC unroll 2
        for (int k = 0; k < wide; ++k) sums[t][k] = (V){0};
    }
    for (int b = 0; b < blocks; ++b, u += u_block) {
        for (int i = 0; i < B; ++i, w += B) {
            const V w0 = *(const V *)w, w1 = wide > 1 ? *(const V *)(w + w_block) : w0;
#pragma GCC unroll 64
            for (int t = 0; t < tiles; ++t) {
                const V x = NAME(all)(u[t * B + i]);
                sums[t][0] += x * w0;
                if (wide > 1) sums[t][1] += x * w1;
            }
        }
    }
#pragma GCC unroll 64
    for (int t = 0; t < tiles; ++t) {
#pragma GCC unroll 2
        for (int k = 0; k < wide; ++k) *(V *)(m + k * m_block + t * B) = sums[t][k];
    }
}

/* The same of n tiles. */
INLINE void NAME(multiply_all)(float *m, size_t m_block, const float *u, size_t u_block, const float *w, size_t w_block,
                               int blocks, int n, const int wide)
{
    const int most = wide > 1 ? TILES : 2 * TILES;
    int t = 0;
    for (; t + most <= n; t += most)
        NAME(multiply)(m + t * B, m_block, u + t * B, u_block, w, w_block, blocks, most, wide);
#define SOME(k)                                                                                                        \
    if (n - t >= k) {                                                                                                  \
        NAME(multiply)(m + t * B, m_block, u + t * B, u_block, w, w_block, blocks, k, wide);                           \
        t += k;                                                                                                        \
    }
    if (most > 8) SOME(8)
    SOME(4) SOME(2) SOME(1)
#undef SOME
}

/* Tiles in a row: `n` from `column` on, in row `row` of image `image`. */
ANYWHERE static void NAME(run)(const texp_winograd_shape *s, int images, blocks share, void *y, const void *x,
                               const float *own, const float *bias, float slope, void *scratch)
{
    const int in_blocks = s->c / B, out_blocks = s->n / B;
    const plan p = plan_of(s, B, images, RUN);
    const size_t step = p.step, block = 16 * step, plane = (size_t)s->h * s->w * B, w_block = (size_t)16 * s->c * B;
    const V slopes = NAME(all)(slope);
    STORED *outside = scratch;
    float *u = (float *)((char *)scratch + p.outside_bytes), *m = u + (size_t)in_blocks * block;
    memset(outside, 0, p.outside_bytes);
    for (int from = 0; from < p.segments; from += p.at_once) {
        const int to = from + p.at_once < p.segments ? from + p.at_once : p.segments;
        int tiles = 0;
        for (int g = from; g < to; ++g) {
            const segment t = segment_of(&p, g);
            const STORED *in = (const STORED *)x + (size_t)t.image * in_blocks * plane;
            for (int b = 0; b < in_blocks; ++b) {
                NAME(transform)
                (u + b * block + tiles * B, step, in + b * plane, outside, s->h, s->w, t.row, t.column, t.n);
            }
            tiles += t.n;
        }
        for (int k = share.from; k < share.to; k += 2) {
            const int wide = share.to - k > 1 ? 2 : 1;
            for (int i = 0; i < 16; ++i) {
                const float *w = own + ((size_t)16 * k + i) * s->c * B;
                if (wide > 1)
                    NAME(multiply_all)(m + i * step, block, u + i * step, block, w, w_block, in_blocks, tiles, 2);
                else
                    NAME(multiply_all)(m + i * step, block, u + i * step, block, w, w_block, in_blocks, tiles, 1);
            }
            for (int j = 0; j < wide; ++j) {
                const V add = bias ? NAME(of)(bias + (k + j) * B) : (V){0};
                const float *part = m + j * block;
                for (int g = from; g < to; ++g) {
                    const segment t = segment_of(&p, g);
                    STORED *out = (STORED *)y + ((size_t)t.image * out_blocks + k + j) * plane;
                    if (slope == 1)
                        NAME(transform_back)(out, part, step, s->h, s->w, t.row, t.column, t.n, add, slopes, 0);
                    else
                        NAME(transform_back)(out, part, step, s->h, s->w, t.row, t.column, t.n, add, slopes, 1);
                    part += t.n * B;
                }
            }
        }
    }
}

/* own (B x B floats of `wide` blocks) = (add ? own : 0) + sum over n tiles of u*d, of B channels of u. */
INLINE void NAME(multiply_tiles)(float *own, const float *u, const float *d, int n, int add)
{
    V sums[B];
#pragma GCC unroll 64
    for (int i = 0; i < B; ++i) sums[i] = add ? *(const V *)(own + i * B) : (V){0};
    for (int t = 0; t < n; ++t, u += B, d += B) {
        const V g = *(const V *)d;
#pragma GCC unroll 64
        for (int i = 0; i < B; ++i) sums[i] += NAME(all)(u[i]) * g;
    }
#pragma GCC unroll 64
    for (int i = 0; i < B; ++i) *(V *)(own + i * B) = sums[i];
}

ANYWHERE static void NAME(run_weights)(const texp_winograd_shape *s, int images, blocks share, float *own,
                                       const void *x, const void *dy, void *scratch)
{
    const int in_blocks = s->c / B, out_blocks = s->n / B;
    const plan p = plan_of(s, B, images, WEIGHTS);
    const size_t step = p.step, block = 16 * step, plane = (size_t)s->h * s->w * B;
    STORED *outside = scratch;
    float *u = (float *)((char *)scratch + p.outside_bytes), *d = u + (size_t)in_blocks * block;
    memset(outside, 0, p.outside_bytes);
    for (int from = 0; from < p.segments; from += p.at_once) {
        const int to = from + p.at_once < p.segments ? from + p.at_once : p.segments;
        int tiles = 0;
        for (int g = from; g < to; ++g) {
            const segment t = segment_of(&p, g);
            const STORED *in = (const STORED *)x + (size_t)t.image * in_blocks * plane;
            const STORED *delta = (const STORED *)dy + (size_t)t.image * out_blocks * plane;
            for (int b = 0; b < in_blocks; ++b) {
                NAME(transform)
                (u + b * block + tiles * B, step, in + b * plane, outside, s->h, s->w, t.row, t.column, t.n);
            }
            for (int b = share.from; b < share.to; ++b) {
                NAME(transform_gradient)
                (d + (b - share.from) * block + tiles * B, step, delta + b * plane, outside, s->h, s->w, t.row,
                 t.column, t.n);
            }
            tiles += t.n;
        }
        for (int k = share.from; k < share.to; ++k) {
            for (int i = 0; i < 16; ++i) {
                const float *left = u + i * step, *right = d + (k - share.from) * block + i * step;
                float *to_own = own + ((size_t)16 * k + i) * s->c * B;
                for (int b = 0; b < in_blocks; ++b)
                    NAME(multiply_tiles)(to_own + (size_t)b * B * B, left + b * block, right, tiles, from > 0);
            }
        }
    }
}

/* weights[3x3] of B pairs of channels, `apart` floats from one to the next. */
INLINE void NAME(gather)(V w[9], const float *weights, size_t apart)
{
    for (int l = 0; l < B; ++l) {
        for (int k = 0; k < 9; ++k) w[k][l] = weights[l * apart + k];
    }
}

ANYWHERE static void NAME(set_weights)(const texp_winograd_shape *s, float *own, const float *weights, int backward)
{
    const int inner = backward ? s->n : s->c, outer = backward ? s->c : s->n;
    const size_t row = (size_t)s->c * 9, step = (size_t)inner * B;
    for (int k = 0; k < outer; k += B, own += 15 * step) {
        for (int c = 0; c < inner; ++c, own += B) {
            V w[9], g[4][3];
            NAME(gather)(w, backward ? weights + c * row + k * 9 : weights + k * row + c * 9, backward ? 9 : row);
            for (int j = 0; j < 3; ++j) {
                const V w0 = w[backward ? 8 - j : j], w1 = w[backward ? 5 - j : 3 + j],
                        w2 = w[backward ? 2 - j : 6 + j];
                g[0][j] = w0;
                g[1][j] = .5f * (w0 + w1 + w2);
                g[2][j] = .5f * (w0 - w1 + w2);
                g[3][j] = w2;
            }
            for (int r = 0; r < 4; ++r) {
                float *to = own + (size_t)4 * r * step;
                *(V *)to = g[r][0];
                *(V *)(to + step) = .5f * (g[r][0] + g[r][1] + g[r][2]);
                *(V *)(to + 2 * step) = .5f * (g[r][0] - g[r][1] + g[r][2]);
                *(V *)(to + 3 * step) = g[r][2];
            }
        }
    }
}

/* The signs are those that transform_gradient() left out. */
ANYWHERE static void NAME(add_updates)(const texp_winograd_shape *s, float *updates, const float *own)
{
    const size_t row = (size_t)s->c * 9, step = (size_t)s->c * B;
    for (int k = 0; k < s->n; k += B, own += 15 * step) {
        for (int c = 0; c < s->c; ++c, own += B) {
            V g[3][4], w[9];
            for (int j = 0; j < 4; ++j) {
                const float *from = own + (size_t)j * step;
                const V m0 = *(const V *)from, m1 = *(const V *)(from + 4 * step), m2 = *(const V *)(from + 8 * step);
                const V m3 = *(const V *)(from + 12 * step);
                g[0][j] = m0 + .5f * (m1 + m2);
                g[1][j] = .5f * (m1 - m2);
                g[2][j] = .5f * (m1 + m2) - m3;
            }
            for (int r = 0; r < 3; ++r) {
                w[3 * r] = g[r][0] + .5f * (g[r][1] + g[r][2]);
                w[3 * r + 1] = .5f * (g[r][1] - g[r][2]);
                w[3 * r + 2] = .5f * (g[r][1] + g[r][2]) - g[r][3];
            }
            for (int l = 0; l < B; ++l) {
                for (int j = 0; j < 9; ++j) updates[(k + l) * row + c * 9 + j] += w[j][l];
            }
        }
    }
}

static const kernels NAME(kernels) = {NAME(run), NAME(run_weights), NAME(set_weights), NAME(add_updates)};

#undef B
#undef STORED
#undef NAME
#undef ANYWHERE
#undef STORES_HALVES
#undef TILES
#undef V
#undef I
#undef INLINE
#undef LOAD
#undef STORE
