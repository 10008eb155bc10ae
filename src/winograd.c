#include "winograd.h"

#include <string.h>

/* Floats of transformed tiles that lie in the cache at once. */
enum { ROOM = 48 << 10 };
#ifndef RUN_TILES
#define RUN_TILES 32
#endif
#ifndef WEIGHT_TILES
#define WEIGHT_TILES 64
#endif

typedef enum { RUN, WEIGHTS } pass;

/* The tiles of all images in segments of neighbours, and how many segments go through all steps at once. */
typedef struct {
    int rows, columns; /* of tiles, an image */
    int in_row; /* segments in a row of tiles */
    int segments, at_once;
    size_t
        step; /* floats from a value of a transformed tile to its next; no power of 2, or all would share a line of the cache */
    size_t outside_bytes;
} plan;

typedef struct {
    int image, row, column, n;
} segment;

static plan plan_of(const texp_winograd_shape *s, int block, int images, pass which)
{
    plan p = {.rows = (s->h + 1) / 2, .columns = (s->w + 1) / 2};
    int tiles = which == RUN ? RUN_TILES : WEIGHT_TILES;
    (void)ROOM;
    p.in_row = (p.columns + tiles - 1) / tiles;
    const int longest = (p.columns + p.in_row - 1) / p.in_row;
    p.segments = images * p.rows * p.in_row;
    p.at_once = tiles / longest;
    p.step = (size_t)(p.at_once * longest + 1) * block;
    p.outside_bytes = ((size_t)s->w * block * sizeof(float) + 63) / 64 * 64;
    return p;
}

static segment segment_of(const plan *p, int index)
{
    const int row = index / p->in_row, part = index % p->in_row;
    const int from = p->columns * part / p->in_row, to = p->columns * (part + 1) / p->in_row;
    return (segment){row / p->rows, row % p->rows, from, to - from};
}

/* Blocks of y's channels. */
typedef struct {
    int from, to;
} blocks;

typedef struct {
    void (*run)(const texp_winograd_shape *s, int images, blocks share, void *y, const void *x, const float *own,
                const float *bias, float slope, void *scratch);
    void (*run_weights)(const texp_winograd_shape *s, int images, blocks share, float *own, const void *x,
                        const void *dy, void *scratch);
    void (*set_weights)(const texp_winograd_shape *s, float *own, const float *weights, int backward);
    void (*add_updates)(const texp_winograd_shape *s, float *updates, const float *own);
} kernels;

#ifdef __x86_64__
#include <immintrin.h>

#define B        16
#define STORED   float
#define NAME(x)  x##_f32_16
#define ANYWHERE __attribute__((target("arch=x86-64-v4")))
#define TILES    8
#include "winograd_kernels.h"

#define B        8
#define STORED   float
#define NAME(x)  x##_f32_8
#define ANYWHERE __attribute__((target("arch=x86-64-v3")))
#define TILES    4
#include "winograd_kernels.h"

#define B        16
#define STORED   uint16_t
#define NAME(x)  x##_bf16_16
#define ANYWHERE __attribute__((target("arch=x86-64-v4,avx512bf16")))
#define STORES_HALVES
#define TILES 8
#include "winograd_kernels.h"
#endif

static const kernels *kernels_of(int block, texp_type type)
{
    if (!texp_kernels_of(block, type)) return NULL;
#ifdef __x86_64__
    if (type == TEXP_BF16) return &kernels_bf16_16;
#endif
    return block == 16 ? &kernels_f32_16 : &kernels_f32_8;
}

int texp_winograd_can(int block, texp_type type)
{
    return kernels_of(block, type) != NULL;
}

size_t texp_winograd_own_bytes(const texp_winograd_shape *s)
{
    return sizeof(float) * 16 * (size_t)s->n * s->c;
}

size_t texp_winograd_scratch_bytes(const texp_winograd_shape *s, int block)
{
    const plan run = plan_of(s, block, 1, RUN), weights = plan_of(s, block, 1, WEIGHTS);
    const size_t in = (size_t)s->c / block, out = (size_t)s->n / block, most = in > out ? in : out;
    const size_t for_run = run.outside_bytes + (most + 2) * 16 * run.step * sizeof(float);
    const size_t for_weights = weights.outside_bytes + (in + out) * 16 * weights.step * sizeof(float);
    return for_run > for_weights ? for_run : for_weights;
}

void texp_winograd_set_weights(const texp_winograd_shape *s, int block, float *own, const float *weights, int backward)
{
    kernels_of(block, TEXP_F32)->set_weights(s, own, weights, backward);
}

void texp_winograd_add_updates(const texp_winograd_shape *s, int block, float *updates, const float *own)
{
    kernels_of(block, TEXP_F32)->add_updates(s, updates, own);
}

static blocks share_of(const texp_winograd_shape *s, const texp_winograd_use *use)
{
    const int all = s->n / use->block;
    return (blocks){all * use->share / use->shares, all * (use->share + 1) / use->shares};
}

void texp_winograd_run(const texp_winograd_shape *s, const texp_winograd_use *use, void *y, const void *x,
                       const float *own, const float *bias, float slope)
{
    kernels_of(use->block, use->type)->run(s, use->images, share_of(s, use), y, x, own, bias, slope, use->scratch);
}

void texp_winograd_run_weights(const texp_winograd_shape *s, const texp_winograd_use *use, float *own, const void *x,
                               const void *dy)
{
    kernels_of(use->block, use->type)->run_weights(s, use->images, share_of(s, use), own, x, dy, use->scratch);
}
