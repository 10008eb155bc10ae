/*
 * The kernels of blocked.h for one block and one type. Included by blocked.c once for each, with
 *     B           channels in a block
 *     STORED      the type in memory
 *     TYPE        TEXP_F32 or TEXP_BF16
 *     NAME(x)     x with a suffix of its own
 *     ANYWHERE    attributes: the processors to compile for
 *     FUSED       what they fuse with (vectors.h)
 */

#include "cpu/vectors.h"

/*
 * e^x = 2^k e^r, |r| <= log(2)/2, of x in [-87, 87], and what is beyond as the nearest of these; NaN stays NaN. The
 * polynomial is Cephes' expf: below 2^-24 off. k is rounded by adding 1.5 * 2^23, whose last place is 1.
 */
INLINE V NAME(exp)(V x)
{
    const V most = NAME(all)(87), magic = NAME(all)(0x1.8p23f);
    x = NAME(choose)(x > most, most, NAME(choose)(x < -most, -most, x));
    const V shifted = x * 0x1.715476p0f + magic, k = shifted - magic;
    const V r = FMA(k, NAME(all)(-0x1.7f7d1cp-20f), FMA(k, NAME(all)(-0x1.62e4p-1f), x));
    V p = NAME(all)(1.9875691500e-4f);
    p = FMA(p, r, NAME(all)(1.3981999507e-3f));
    p = FMA(p, r, NAME(all)(8.3334519073e-3f));
    p = FMA(p, r, NAME(all)(4.1665795894e-2f));
    p = FMA(p, r, NAME(all)(1.6666665459e-1f));
    p = FMA(p, r, NAME(all)(5.0000001201e-1f));
    return (FMA(p, r * r, r) + 1) * (V)(((I)shifted - (I)magic + 127) << 23);
}
/* The curves and their derivatives as in net/activation.c. From 20 on mish is x to the last bit of a float. */
INLINE V NAME(mish)(V x)
{
    const V e = NAME(exp)(NAME(choose)(x > 20, NAME(all)(20), x)), n = e * (e + 2);
    return NAME(choose)(x > 20, x, x * (n / (n + 2)));
}
INLINE V NAME(mish_slope)(V x)
{
    const V e = NAME(exp)(NAME(choose)(x > 20, NAME(all)(20), x)), n = e * (e + 2), m = n + 2;
    return NAME(choose)(x > 20, NAME(all)(1), (n + 4 * x * (e * (e + 1) / m)) / m);
}
INLINE V NAME(swish)(V x)
{
    return x / (1 + NAME(exp)(-x));
}
INLINE V NAME(swish_slope)(V x)
{
    const V s = 1 / (1 + NAME(exp)(-x));
    return s * (1 + x * (1 - s));
}
/* What becomes of x, by slope. The comparisons are written so that NaN passes: a diverged run must be seen. */
INLINE V NAME(act)(V x, V slope, texp_bend bend)
{
    if (bend == TEXP_CURVED_MISH) return NAME(mish)(x);
    if (bend == TEXP_CURVED_SWISH) return NAME(swish)(x);
    return bend == TEXP_STRAIGHT ? x : bend == TEXP_RELU ? (V)(~(x < 0) & (I)x) : NAME(choose)(x > 0, x, x * slope);
}
/* The gradient g of what x became; without a curve what it became will do for x. */
INLINE V NAME(act_back)(V g, V x, V slope, texp_bend bend)
{
    if (bend == TEXP_CURVED_MISH) return g * NAME(mish_slope)(x);
    if (bend == TEXP_CURVED_SWISH) return g * NAME(swish_slope)(x);
    return bend == TEXP_STRAIGHT ? g : bend == TEXP_RELU ? (V)((x > 0) & (I)g) : NAME(choose)(x > 0, g, g * slope);
}
/*
 * factor * (x - mean) + bias. Of bfloat16 as one product: what that loses where the mean is far larger than the
 * deviation, x has lost before.
 */
#ifdef STORES_HALVES
#define SHIFTED(mean, factor, bias) FMA(-(mean), factor, bias)
#define FROM(x, mean)               (x)
#else
#define SHIFTED(mean, factor, bias) (bias)
#define FROM(x, mean)               ((x) - (mean))
#endif
INLINE void NAME(add_to)(double *sums, V v)
{
    for (int l = 0; l < B; ++l) sums[l] += v[l];
}

#define AT(p)  ((p) + (size_t)i * B)
#define IMAGES for (int b = 0; b < p.images; ++b)
#define PIXELS for (int i = 0; i < p.pixels; ++i)
#define PIECES for (int from = 0, to; from < p.pixels; from = to)

/*
 * Squares are of distances from the mean of the first pixels, so that one pass is enough. It loses no more than half of
 * log2(values/first pixels) bits of the float, and that only where these pixels lie far from all others.
 */
ANYWHERE static void NAME(moments)(const void *x, texp_planes p, double *mean, double *squares)
{
    const STORED *in = x;
    const int first = p.pixels < 64 ? p.pixels : 64;
    const double n = (double)p.images * p.pixels;
    double sum[B] = {0}, square[B] = {0};
    V middle = {0};
    for (int i = 0; i < first; ++i) middle += LOAD(AT(in));
    middle /= (float)first;
    IMAGES
    {
        PIECES
        {
            V s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, q0 = {0}, q1 = {0}, q2 = {0}, q3 = {0};
            int i = from;
            to = p.pixels - from > PIECE ? from + PIECE : p.pixels;
            for (; i + 4 <= to; i += 4) {
                V d0 = LOAD(AT(in)) - middle, d1 = LOAD(AT(in) + B) - middle;
                V d2 = LOAD(AT(in) + 2 * B) - middle, d3 = LOAD(AT(in) + 3 * B) - middle;
                s0 += d0, s1 += d1, s2 += d2, s3 += d3;
                q0 = FMA(d0, d0, q0), q1 = FMA(d1, d1, q1), q2 = FMA(d2, d2, q2), q3 = FMA(d3, d3, q3);
            }
            for (; i < to; ++i) {
                V d = LOAD(AT(in)) - middle;
                s0 += d, q0 = FMA(d, d, q0);
            }
            NAME(add_to)(sum, (s0 + s1) + (s2 + s3));
            NAME(add_to)(square, (q0 + q1) + (q2 + q3));
        }
        in += p.stride;
    }
    for (int l = 0; l < B; ++l) {
        double rest = square[l] - sum[l] * sum[l] / n;
        mean[l] = middle[l] + sum[l] / n;
        squares[l] = rest < 0 ? 0 : rest;
    }
}

INLINE void NAME(normalize_bent)(STORED *out, const STORED *in, texp_planes p, const texp_affine *a, texp_bend bend)
{
    const V mean = NAME(of)(a->mean), factor = NAME(of)(a->factor), slope = NAME(all)(a->slope);
    const V bias = SHIFTED(mean, factor, NAME(of)(a->bias));
    IMAGES
    {
        PIXELS STORE(AT(out), NAME(act)(FMA(FROM(LOAD(AT(in)), mean), factor, bias), slope, bend));
        in += p.stride, out += p.stride;
    }
}

ANYWHERE static void NAME(normalize)(void *y, const void *x, texp_planes p, const texp_affine *a)
{
    BENT(a->slope, NAME(normalize_bent)(y, x, p, a, BEND));
}

INLINE void NAME(gradient_sums_bent)(const STORED *in, const STORED *delta, texp_planes p, const texp_affine *a,
                                     double *sums, double *with_x, texp_bend bend)
{
    const V mean = NAME(of)(a->mean), factor = NAME(of)(a->factor), bias = NAME(of)(a->bias);
    const V slope = NAME(all)(a->slope);
    double sum[B] = {0}, with[B] = {0};
    IMAGES
    {
        PIECES
        {
            V s0 = {0}, s1 = {0}, w0 = {0}, w1 = {0};
            int i = from;
            to = p.pixels - from > PIECE ? from + PIECE : p.pixels;
            for (; i + 2 <= to; i += 2) {
                V c0 = LOAD(AT(in)) - mean, c1 = LOAD(AT(in) + B) - mean;
                V d0 = LOAD(AT(delta)), d1 = LOAD(AT(delta) + B);
                d0 = NAME(act_back)(d0, FMA(c0, factor, bias), slope, bend);
                d1 = NAME(act_back)(d1, FMA(c1, factor, bias), slope, bend);
                s0 += d0, s1 += d1, w0 = FMA(d0, c0, w0), w1 = FMA(d1, c1, w1);
            }
            for (; i < to; ++i) {
                V c = LOAD(AT(in)) - mean, d = NAME(act_back)(LOAD(AT(delta)), FMA(c, factor, bias), slope, bend);
                s0 += d, w0 = FMA(d, c, w0);
            }
            NAME(add_to)(sum, s0 + s1);
            NAME(add_to)(with, w0 + w1);
        }
        in += p.stride, delta += p.stride;
    }
    memcpy(sums, sum, sizeof sum);
    memcpy(with_x, with, sizeof with);
}

ANYWHERE static void NAME(gradient_sums)(const void *x, const void *dy, texp_planes p, const texp_affine *a,
                                         double *sums, double *with_x)
{
    BENT(a->slope, NAME(gradient_sums_bent)(x, dy, p, a, sums, with_x, BEND));
}

INLINE void NAME(gradient_bent)(STORED *out, const STORED *in, const STORED *delta, texp_planes p, const texp_affine *a,
                                const float *direct, const float *by_x, const float *constant, int add, texp_bend bend)
{
    const V mean = NAME(of)(a->mean), factor = NAME(of)(a->factor), slope = NAME(all)(a->slope);
    const V bias = SHIFTED(mean, factor, NAME(of)(a->bias));
    const V d = NAME(of)(direct), e = NAME(of)(by_x), f = SHIFTED(mean, e, NAME(of)(constant));
    IMAGES
    {
        PIXELS
        {
            V c = FROM(LOAD(AT(in)), mean);
            V g = NAME(act_back)(LOAD(AT(delta)), FMA(c, factor, bias), slope, bend);
            V r = FMA(d, g, FMA(e, c, f));
            STORE(AT(out), add ? LOAD(AT(out)) + r : r);
        }
        in += p.stride, delta += p.stride, out += p.stride;
    }
}

ANYWHERE static void NAME(gradient)(void *dx, const void *x, const void *dy, texp_planes p, const texp_affine *a,
                                    const float *direct, const float *by_x, const float *constant, int add)
{
    if (add) {
        BENT(a->slope, NAME(gradient_bent)(dx, x, dy, p, a, direct, by_x, constant, 1, BEND));
    } else {
        BENT(a->slope, NAME(gradient_bent)(dx, x, dy, p, a, direct, by_x, constant, 0, BEND));
    }
}

ANYWHERE static void NAME(add)(void *y, const void *a, const void *b_, texp_planes p, float slope)
{
    const STORED *one = a, *two = b_;
    STORED *out = y;
    const V s = NAME(all)(slope);
    IMAGES
    {
        PIXELS STORE(AT(out), NAME(act)(LOAD(AT(one)) + LOAD(AT(two)), s, TEXP_BENT));
        one += p.stride, two += p.stride, out += p.stride;
    }
}

INLINE void NAME(activate_bent)(STORED *out, const STORED *in, texp_planes p, float slope, texp_bend bend)
{
    const V s = NAME(all)(slope);
    IMAGES
    {
        PIXELS STORE(AT(out), NAME(act)(LOAD(AT(in)), s, bend));
        in += p.stride, out += p.stride;
    }
}

ANYWHERE static void NAME(activate)(void *y, const void *x, texp_planes p, float slope)
{
    BENT(slope, NAME(activate_bent)(y, x, p, slope, BEND));
}

INLINE void NAME(activate_gradient_bent)(STORED *out, const STORED *in, const STORED *delta, texp_planes p, float slope,
                                         int add, texp_bend bend)
{
    const V s = NAME(all)(slope);
    IMAGES
    {
        PIXELS
        {
            const V d = NAME(act_back)(LOAD(AT(delta)), LOAD(AT(in)), s, bend);
            STORE(AT(out), add ? LOAD(AT(out)) + d : d);
        }
        in += p.stride, delta += p.stride, out += p.stride;
    }
}

ANYWHERE static void NAME(activate_gradient)(void *dx, const void *x, const void *dy, texp_planes p, float slope,
                                             int add)
{
    BENT(slope, NAME(activate_gradient_bent)(dx, x, dy, p, slope, add, BEND));
}

ANYWHERE static void NAME(copy)(void *out_, size_t out_stride, const void *in_, texp_planes p, int add)
{
    const STORED *in = in_;
    STORED *out = out_;
    IMAGES
    {
        if (add) {
            PIXELS STORE(AT(out), LOAD(AT(out)) + LOAD(AT(in)));
        } else {
            memcpy(out, in, (size_t)p.pixels * B * sizeof *in);
        }
        in += p.stride, out += out_stride;
    }
}

ANYWHERE static void NAME(sums)(const void *x, texp_planes p, double *sums)
{
    const STORED *in = x;
    double sum[B] = {0};
    IMAGES
    {
        PIECES
        {
            V s = {0};
            to = p.pixels - from > PIECE ? from + PIECE : p.pixels;
            for (int i = from; i < to; ++i) s += LOAD(AT(in));
            NAME(add_to)(sum, s);
        }
        in += p.stride;
    }
    memcpy(sums, sum, sizeof sum);
}

ANYWHERE static void NAME(average)(void *y, size_t y_stride, const void *x, texp_planes p)
{
    const STORED *in = x;
    STORED *out = y;
    IMAGES
    {
        V s = {0};
        PIXELS s += LOAD(AT(in));
        STORE(out, s / (float)p.pixels);
        in += p.stride, out += y_stride;
    }
}

ANYWHERE static void NAME(average_gradient)(void *dx, const void *dy, size_t dy_stride, texp_planes p, int add)
{
    const STORED *delta = dy;
    STORED *out = dx;
    IMAGES
    {
        const V d = LOAD(delta) / (float)p.pixels;
        PIXELS STORE(AT(out), add ? LOAD(AT(out)) + d : d);
        delta += dy_stride, out += p.stride;
    }
}

ANYWHERE static void NAME(largest)(void *y, uint8_t *which, size_t y_stride, const void *x, size_t stride, int images,
                                   const texp_windows *w)
{
    for (int b = 0; b < images; ++b) {
        const STORED *in = (const STORED *)x + b * stride;
        STORED *out = (STORED *)y + b * y_stride;
        uint8_t *place = which + b * y_stride;
        for (int i = 0; i < w->out_h; ++i) {
            for (int j = 0; j < w->out_w; ++j, out += B, place += B) {
                V best = NAME(all)(-FLT_MAX);
                I chosen = (I){0} + 255;
                for (int k = 0; k < w->size * w->size; ++k) {
                    int row = i * w->stride - w->offset + k / w->size, col = j * w->stride - w->offset + k % w->size;
                    if (row < 0 || row >= w->h || col < 0 || col >= w->w) continue;
                    V value = LOAD(in + ((size_t)row * w->w + col) * B);
                    I better = value > best;
                    best = NAME(choose)(better, value, best);
                    chosen = (better & k) | (~better & chosen);
                }
                STORE(out, best);
                *(NAME(bytes) *)place = __builtin_convertvector(chosen, NAME(bytes));
            }
        }
    }
}

ANYWHERE static void NAME(largest_gradient)(void *dx, size_t stride, const uint8_t *which, const void *dy,
                                            size_t dy_stride, int images, const texp_windows *w, int add)
{
    for (int b = 0; b < images; ++b) {
        STORED *out = (STORED *)dx + b * stride;
        const STORED *delta = (const STORED *)dy + b * dy_stride;
        const uint8_t *place = which + b * dy_stride;
        if (!add) memset(out, 0, (size_t)w->h * w->w * B * sizeof *out);
        for (int i = 0; i < w->out_h; ++i) {
            for (int j = 0; j < w->out_w; ++j, delta += B, place += B) {
                const V d = LOAD(delta);
                const I chosen = __builtin_convertvector(*(const NAME(bytes) *)place, I);
                for (int k = 0; k < w->size * w->size; ++k) {
                    int row = i * w->stride - w->offset + k / w->size, col = j * w->stride - w->offset + k % w->size;
                    if (row < 0 || row >= w->h || col < 0 || col >= w->w) continue;
                    STORED *to = out + ((size_t)row * w->w + col) * B;
                    STORE(to, LOAD(to) + (V)((chosen == k) & (I)d));
                }
            }
        }
    }
}

ANYWHERE static void NAME(enlarge)(void *y, size_t y_stride, const void *x, size_t stride, int images, int h, int w,
                                   int times, float scale)
{
    for (int b = 0; b < images; ++b) {
        const STORED *in = (const STORED *)x + b * stride;
        STORED *out = (STORED *)y + b * y_stride;
        for (int i = 0; i < h * times; ++i) {
            for (int j = 0; j < w * times; ++j, out += B) {
                STORE(out, LOAD(in + ((size_t)(i / times) * w + j / times) * B) * scale);
            }
        }
    }
}

ANYWHERE static void NAME(enlarge_gradient)(void *dx, size_t stride, const void *dy, size_t dy_stride, int images,
                                            int h, int w, int times, float scale, int add)
{
    for (int b = 0; b < images; ++b) {
        STORED *out = (STORED *)dx + b * stride;
        const STORED *delta = (const STORED *)dy + b * dy_stride;
        for (int i = 0; i < h; ++i) {
            for (int j = 0; j < w; ++j, out += B) {
                V sum = {0};
                for (int k = 0; k < times * times; ++k) {
                    sum += LOAD(delta + (((size_t)i * times + k / times) * w * times + j * times + k % times) * B);
                }
                sum *= scale;
                STORE(out, add ? LOAD(out) + sum : sum);
            }
        }
    }
}

ANYWHERE static void NAME(pack)(void *blocked, const float *plain, size_t plain_stride, int channels, texp_planes p,
                                int add)
{
    STORED *out = blocked;
    IMAGES
    {
        PIXELS
        {
            V v = {0};
            for (int l = 0; l < channels; ++l) v[l] = plain[(size_t)l * p.pixels + i];
            STORE(AT(out), add ? LOAD(AT(out)) + v : v);
        }
        out += p.stride, plain += plain_stride;
    }
}

ANYWHERE static void NAME(unpack)(float *plain, size_t plain_stride, const void *blocked, int channels, texp_planes p,
                                  int add)
{
    const STORED *in = blocked;
    IMAGES
    {
        PIXELS
        {
            const V v = LOAD(AT(in));
            for (int l = 0; l < channels; ++l) {
                float *to = plain + (size_t)l * p.pixels + i;
                *to = add ? *to + v[l] : v[l];
            }
        }
        in += p.stride, plain += plain_stride;
    }
}

ANYWHERE static void NAME(convert)(void *out, const float *in, size_t n)
{
    STORED *to = out;
    size_t i = 0;
    for (; i + B <= n; i += B) STORE(to + i, NAME(of)(in + i));
    if (i < n) {
        float rest[B] = {0};
        STORED last[B];
        memcpy(rest, in + i, (n - i) * sizeof *in);
        STORE(last, NAME(of)(rest));
        memcpy(to + i, last, (n - i) * sizeof *to);
    }
}

static const texp_kernels NAME(kernels) = {
    .block = B,
    .type = TYPE,
    .bytes = sizeof(STORED),
    .moments = NAME(moments),
    .normalize = NAME(normalize),
    .gradient_sums = NAME(gradient_sums),
    .gradient = NAME(gradient),
    .add = NAME(add),
    .activate = NAME(activate),
    .activate_gradient = NAME(activate_gradient),
    .copy = NAME(copy),
    .sums = NAME(sums),
    .average = NAME(average),
    .average_gradient = NAME(average_gradient),
    .largest = NAME(largest),
    .largest_gradient = NAME(largest_gradient),
    .enlarge = NAME(enlarge),
    .enlarge_gradient = NAME(enlarge_gradient),
    .pack = NAME(pack),
    .unpack = NAME(unpack),
    .convert = NAME(convert),
};

#undef B
#undef STORED
#undef TYPE
#undef NAME
#undef ANYWHERE
#undef FUSED
#undef STORES_HALVES
#undef SHIFTED
#undef FROM
