#include "cpu/winograd.h"

#include "cpu/winograd_bf16.h"

#include <string.h>

/* Tiles that go through all steps at once: their transforms lie in the cache, and weights are read once for all of them. */
enum { TILES = 32, TILES_FOR_WEIGHTS = 64 };

typedef struct {
    void (*run)(const texp_winograd_shape *s, int images, texp_blocks share, void *y, const void *x, const float *own,
                const float *bias, float slope, void *scratch);
    void (*run_weights)(const texp_winograd_shape *s, int images, texp_blocks share, float *own, const void *x,
                        const void *dy, void *scratch);
    void (*set_weights)(const texp_winograd_shape *s, float *own, const float *weights, int backward);
    void (*add_updates)(const texp_winograd_shape *s, float *updates, const float *own);
} kernels;

/*
 * Floats from a value of the transformed tiles to the next of its 16. A power of 2 would put all 16 into one set of the
 * cache.
 */
static size_t step_of(const texp_tiles *t, int block)
{
    return (size_t)(t->tiles + 1) * block;
}

#ifdef __x86_64__

#include <immintrin.h>

#define B        16
#define NAME(x)  x##_16
#define ANYWHERE __attribute__((target("avx512f")))
#define FUSED    _mm512_fmadd_ps
#define FEW      8
#include "cpu/winograd_kernels.h"

#define B        8
#define NAME(x)  x##_8
#define ANYWHERE __attribute__((target("avx2,fma")))
#define FUSED    _mm256_fmadd_ps
#define FEW      4
#include "cpu/winograd_kernels.h"

static const kernels *kernels_of(int block)
{
    if (block == 16) return __builtin_cpu_supports("avx512f") ? &kernels_16 : NULL;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kernels_8 : NULL;
}

#else

static const kernels *kernels_of(int block)
{
    (void)block;
    return NULL;
}

#endif

int texp_winograd_can(int block, texp_type type)
{
    return texp_kernels_of(block, type) && kernels_of(block);
}

size_t texp_winograd_own_bytes(const texp_winograd_shape *s)
{
    return sizeof(float) * 16 * (size_t)s->n * s->c;
}

size_t texp_winograd_scratch_bytes(const texp_winograd_shape *s, int block, texp_type type)
{
    const texp_tiles run = texp_tiles_of(s, block, 1, TILES), weights = texp_tiles_of(s, block, 1, TILES_FOR_WEIGHTS);
    const size_t in = (size_t)(s->c > s->n ? s->c : s->n) / block;
    const size_t for_run = run.outside_bytes + sizeof(float) * 16 * (in + 2) * step_of(&run, block);
    const size_t for_weights = weights.outside_bytes + sizeof(float) * 16 * (in + 1) * step_of(&weights, block);
    if (type == TEXP_BF16) return texp_winograd_bf16_scratch_bytes(s);
    return for_run > for_weights ? for_run : for_weights;
}

void texp_winograd_set_weights(const texp_winograd_shape *s, int block, float *own, const float *weights, int backward)
{
    kernels_of(block)->set_weights(s, own, weights, backward);
}

void texp_winograd_add_updates(const texp_winograd_shape *s, int block, float *updates, const float *own)
{
    kernels_of(block)->add_updates(s, updates, own);
}

static texp_blocks share_of(const texp_winograd_shape *s, const texp_winograd_use *use)
{
    const int all = s->n / use->block;
    return (texp_blocks){all * use->share / use->shares, all * (use->share + 1) / use->shares};
}

void texp_winograd_run(const texp_winograd_shape *s, const texp_winograd_use *use, void *y, const void *x,
                       const float *own, const float *bias, float slope)
{
    kernels_of(use->block)->run(s, use->images, share_of(s, use), y, x, own, bias, slope, use->scratch);
}

void texp_winograd_run_weights(const texp_winograd_shape *s, const texp_winograd_use *use, float *own, const void *x,
                               const void *dy)
{
    const texp_blocks share = share_of(s, use);
    if (use->type == TEXP_BF16)
        texp_winograd_bf16_weights(s, use->images, share, own, x, dy, use->scratch);
    else
        kernels_of(use->block)->run_weights(s, use->images, share, own, x, dy, use->scratch);
}
