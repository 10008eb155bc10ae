/*
 * What the transforms of winograd_kernels.h and winograd_bf16.c have in common: B^T x B column by column, each of which two
 * neighbouring tiles share. Included after vectors.h.
 */

typedef struct {
    const STORED *rows[4];
    int w;
} NAME(window);

/* A column of B^T x. */
typedef struct {
    V v[4];
} NAME(column);

/* The four rows of x that a row of tiles sees. `outside`: a row of zeros. */
INLINE NAME(window) NAME(window_of)(const STORED *x, const STORED *outside, int h, int w, int row)
{
    NAME(window) made = {.w = w};
    for (int r = 0; r < 4; ++r) {
        const int y = 2 * row - 1 + r;
        made.rows[r] = y >= 0 && y < h ? x + (size_t)y * w * B : outside;
    }
    return made;
}

INLINE NAME(column) NAME(column_at)(const NAME(window) * x, int at)
{
    if (at < 0 || at >= x->w) return (NAME(column)){{{0}}};
    const size_t i = (size_t)at * B;
    const V d0 = LOAD(x->rows[0] + i), d1 = LOAD(x->rows[1] + i), d2 = LOAD(x->rows[2] + i), d3 = LOAD(x->rows[3] + i);
    return (NAME(column)){{d0 - d2, d1 + d2, d2 - d1, d1 - d3}};
}
