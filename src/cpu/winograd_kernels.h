/*
 * The kernels of winograd.h for floats in one block. Included by winograd.c once for each, with
 *     B           channels in a block
 *     NAME(x)     x with a suffix of its own
 *     ANYWHERE    attributes: the processors to compile for
 *     FUSED       what they fuse with (vectors.h)
 *     FEW         tiles whose products, with two blocks of channels, the registers hold
 */

#define STORED float
#include "cpu/vectors.h"
#include "cpu/winograd_columns.h"

/* B^T x B of the segment's tiles. */
INLINE void NAME(transform)(float *u, size_t step, const float *x, const float *outside, int h, int w, texp_segment g)
{
    const NAME(window) window = NAME(window_of)(x, outside, h, w, g.row);
    NAME(column) p = NAME(column_at)(&window, 2 * g.column - 1), q = NAME(column_at)(&window, 2 * g.column);
    for (int i = g.column; i < g.column + g.n; ++i, u += B) {
        const NAME(column) s = NAME(column_at)(&window, 2 * i + 1), t = NAME(column_at)(&window, 2 * i + 2);
        UNROLL for (int r = 0; r < 4; ++r)
        {
            STORE(u + (4 * r + 0) * step, p.v[r] - s.v[r]);
            STORE(u + (4 * r + 1) * step, q.v[r] + s.v[r]);
            STORE(u + (4 * r + 2) * step, s.v[r] - q.v[r]);
            STORE(u + (4 * r + 3) * step, q.v[r] - t.v[r]);
        }
        p = s, q = t;
    }
}

/* A dy A^T, but for the signs of its last row and column. */
INLINE void NAME(transform_gradient)(float *u, size_t step, const float *dy, const float *outside, int h, int w,
                                     texp_segment g)
{
    const float *top = dy + (size_t)2 * g.row * w * B, *bottom = 2 * g.row + 1 < h ? top + (size_t)w * B : outside;
    const V zero = {0};
    for (int i = g.column; i < g.column + g.n; ++i, u += B) {
        const size_t at = (size_t)2 * i * B;
        const int has_right = 2 * i + 1 < w;
        const V a = LOAD(top + at), b = has_right ? LOAD(top + at + B) : zero;
        const V c = LOAD(bottom + at), d = has_right ? LOAD(bottom + at + B) : zero;
        const V left[4] = {a, a + c, a - c, c}, right[4] = {b, b + d, b - d, d};
        UNROLL for (int r = 0; r < 4; ++r)
        {
            STORE(u + (4 * r + 0) * step, left[r]);
            STORE(u + (4 * r + 1) * step, left[r] + right[r]);
            STORE(u + (4 * r + 2) * step, left[r] - right[r]);
            STORE(u + (4 * r + 3) * step, right[r]);
        }
    }
}

/* y = act(A^T m A + bias) */
INLINE void NAME(transform_back)(float *y, const float *m, size_t step, int h, int w, texp_segment g, V bias, V slope,
                                 int bent)
{
    const int has_below = 2 * g.row + 1 < h;
    float *to = y + ((size_t)2 * g.row * w + 2 * g.column) * B;
    for (int i = g.column; i < g.column + g.n; ++i, m += B, to += 2 * B) {
        const int has_right = 2 * i + 1 < w;
        V top[4], bottom[4];
        UNROLL for (int k = 0; k < 4; ++k)
        {
            const V m0 = LOAD(m + k * step), m1 = LOAD(m + (4 + k) * step);
            const V m2 = LOAD(m + (8 + k) * step), m3 = LOAD(m + (12 + k) * step);
            top[k] = m0 + (m1 + m2);
            bottom[k] = (m1 - m2) - m3;
        }
        V a = top[0] + (top[1] + top[2]) + bias, b = (top[1] - top[2]) - top[3] + bias;
        V c = bottom[0] + (bottom[1] + bottom[2]) + bias, d = (bottom[1] - bottom[2]) - bottom[3] + bias;
        if (bent) {
            a = NAME(choose)(a > 0, a, a * slope), b = NAME(choose)(b > 0, b, b * slope);
            c = NAME(choose)(c > 0, c, c * slope), d = NAME(choose)(d > 0, d, d * slope);
        }
        STORE(to, a);
        if (has_right) STORE(to + B, b);
        if (has_below) STORE(to + (size_t)w * B, c);
        if (has_below && has_right) STORE(to + (size_t)w * B + B, d);
    }
}

/*
 * m[tile] = sum over channels of u[tile]*w for one value of the transformed tiles: `tiles` of them, `wide` (1 or 2) blocks of
 * m's channels. u has `blocks` blocks of channels; from block to block it is u_block floats, m m_block, w w_block.
 */
INLINE void NAME(multiply)(float *m, size_t m_block, const float *u, size_t u_block, const float *w, size_t w_block,
                           int blocks, const int tiles, const int wide)
{
    V sums[2 * FEW][2];
    UNROLL for (int t = 0; t < tiles; ++t) sums[t][0] = sums[t][1] = (V){0};
    for (int b = 0; b < blocks; ++b, u += u_block) {
        for (int i = 0; i < B; ++i, w += B) {
            const V w0 = LOAD(w), w1 = wide > 1 ? LOAD(w + w_block) : w0;
            UNROLL for (int t = 0; t < tiles; ++t)
            {
                const V x = NAME(all)(u[t * B + i]);
                sums[t][0] = FMA(x, w0, sums[t][0]);
                if (wide > 1) sums[t][1] = FMA(x, w1, sums[t][1]);
            }
        }
    }
    UNROLL for (int t = 0; t < tiles; ++t)
    {
        STORE(m + t * B, sums[t][0]);
        if (wide > 1) STORE(m + m_block + t * B, sums[t][1]);
    }
}

/* The same of n tiles, as many at a time as the registers hold. */
INLINE void NAME(multiply_all)(float *m, size_t m_block, const float *u, size_t u_block, const float *w, size_t w_block,
                               int blocks, int n, const int wide)
{
    const int most = wide > 1 ? FEW : 2 * FEW;
    int t = 0;
    for (; t + most <= n; t += most)
        NAME(multiply)(m + t * B, m_block, u + t * B, u_block, w, w_block, blocks, most, wide);
#define REST(k)                                                                                                        \
    if (n - t >= k) {                                                                                                  \
        NAME(multiply)(m + t * B, m_block, u + t * B, u_block, w, w_block, blocks, k, wide);                           \
        t += k;                                                                                                        \
    }
    if (most > 8) REST(8)
    REST(4) REST(2) REST(1)
#undef REST
}

/* Segments `from` to `to` of x, block after block. Returns how many tiles they have. */
INLINE int NAME(transform_all)(float *u, size_t step, const texp_winograd_shape *s, const texp_tiles *all, int from,
                               int to, const float *x, const float *outside)
{
    const size_t plane = (size_t)s->h * s->w * B;
    int tiles = 0;
    for (int i = from; i < to; ++i) {
        const texp_segment g = texp_segment_of(all, i);
        const float *in = x + g.image * (s->c / B) * plane;
        for (int b = 0; b < s->c / B; ++b, in += plane)
            NAME(transform)(u + 16 * b * step + tiles * B, step, in, outside, s->h, s->w, g);
        tiles += g.n;
    }
    return tiles;
}

ANYWHERE static void NAME(run)(const texp_winograd_shape *s, int images, texp_blocks share, void *y, const void *x,
                               const float *own, const float *bias, float slope, void *scratch)
{
    const int in_blocks = s->c / B, out_blocks = s->n / B;
    const texp_tiles all = texp_tiles_of(s, B, images, TILES);
    const size_t step = step_of(&all, B), block = 16 * step, w_block = (size_t)16 * s->c * B;
    const size_t plane = (size_t)s->h * s->w * B;
    const V slopes = NAME(all)(slope);
    float *outside = scratch, *u = outside + all.outside_bytes / sizeof *u, *m = u + in_blocks * block;
    memset(outside, 0, all.outside_bytes);
    for (int from = 0, to; from < all.segments; from = to) {
        to = from + all.at_once < all.segments ? from + all.at_once : all.segments;
        const int tiles = NAME(transform_all)(u, step, s, &all, from, to, x, outside);
        for (int k = share.from; k < share.to; k += 2) {
            const int wide = share.to - k > 1 ? 2 : 1;
            const float *w = own + k * w_block;
            for (int i = 0; i < 16; ++i, w += w_block / 16) {
                if (wide > 1)
                    NAME(multiply_all)(m + i * step, block, u + i * step, block, w, w_block, in_blocks, tiles, 2);
                else
                    NAME(multiply_all)(m + i * step, block, u + i * step, block, w, w_block, in_blocks, tiles, 1);
            }
            for (int j = 0; j < wide; ++j) {
                const V add = bias ? NAME(of)(bias + (k + j) * B) : (V){0};
                const float *sums = m + j * block;
                for (int i = from; i < to; ++i) {
                    const texp_segment g = texp_segment_of(&all, i);
                    float *out = (float *)y + ((size_t)g.image * out_blocks + k + j) * plane;
                    if (slope == 1)
                        NAME(transform_back)(out, sums, step, s->h, s->w, g, add, slopes, 0);
                    else
                        NAME(transform_back)(out, sums, step, s->h, s->w, g, add, slopes, 1);
                    sums += g.n * B;
                }
            }
        }
    }
}

/* own (B x B) = (add ? own : 0) + sum over n tiles of u*d */
INLINE void NAME(multiply_tiles)(float *own, const float *u, const float *d, int n, int add)
{
    V sums[B];
    UNROLL for (int i = 0; i < B; ++i) sums[i] = add ? LOAD(own + i * B) : (V){0};
    for (int t = 0; t < n; ++t, u += B, d += B) {
        const V g = LOAD(d);
        UNROLL for (int i = 0; i < B; ++i) sums[i] = FMA(NAME(all)(u[i]), g, sums[i]);
    }
    UNROLL for (int i = 0; i < B; ++i) STORE(own + i * B, sums[i]);
}

ANYWHERE static void NAME(run_weights)(const texp_winograd_shape *s, int images, texp_blocks share, float *own,
                                       const void *x, const void *dy, void *scratch)
{
    const int in_blocks = s->c / B, out_blocks = s->n / B;
    const texp_tiles all = texp_tiles_of(s, B, images, TILES_FOR_WEIGHTS);
    const size_t step = step_of(&all, B), block = 16 * step, plane = (size_t)s->h * s->w * B;
    float *outside = scratch, *u = outside + all.outside_bytes / sizeof *u, *d = u + in_blocks * block;
    memset(outside, 0, all.outside_bytes);
    for (int from = 0, to; from < all.segments; from = to) {
        to = from + all.at_once < all.segments ? from + all.at_once : all.segments;
        const int tiles = NAME(transform_all)(u, step, s, &all, from, to, x, outside);
        for (int k = share.from; k < share.to; ++k) {
            float *sums = own + (size_t)16 * k * s->c * B, *to_d = d;
            for (int i = from; i < to; ++i) {
                const texp_segment g = texp_segment_of(&all, i);
                const float *delta = (const float *)dy + ((size_t)g.image * out_blocks + k) * plane;
                NAME(transform_gradient)(to_d, step, delta, outside, s->h, s->w, g);
                to_d += g.n * B;
            }
            for (int i = 0; i < 16; ++i) {
                for (int b = 0; b < in_blocks; ++b, sums += B * B)
                    NAME(multiply_tiles)(sums, u + b * block + i * step, d + i * step, tiles, from > 0);
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
                STORE(to, g[r][0]);
                STORE(to + step, .5f * (g[r][0] + g[r][1] + g[r][2]));
                STORE(to + 2 * step, .5f * (g[r][0] - g[r][1] + g[r][2]));
                STORE(to + 3 * step, g[r][2]);
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
                const V m0 = LOAD(from), m1 = LOAD(from + 4 * step), m2 = LOAD(from + 8 * step);
                const V m3 = LOAD(from + 12 * step);
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
#undef FUSED
#undef FEW
