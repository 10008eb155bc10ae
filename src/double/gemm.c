/*
 * Matrix products of the double-precision build, in the place of Darknet's gemm.c, whose loops are a tenth as fast.
 *
 * Panels of both factors are copied into the order in which a kernel of MR x NR results reads them; each tile of C is
 * one thread's. The order of every sum is fixed by the shape, so results depend neither on the number of threads nor on
 * chance; processors with other vectors or without fused multiply-add round otherwise.
 */
#include "gemm.h"

#include <stddef.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { NR = 8, MOST_MR = 8 };
enum { TILE_M = 96, TILE_N = 192, TILE_K = 192 }; /* both panels stay in a second-level cache */

typedef double vector __attribute__((vector_size(NR * sizeof(double))));

/* A matrix as gemm is given it: element (i, j) is at[i*row + j*column]. */
typedef struct {
    const double *at;
    size_t row, column;
} matrix_view;

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* --- kernels: c[MR x NR] += a panel * b panel --------------------------------------------------------------------- */

/* a: k columns of MR; b: k rows of NR; out: MR rows of NR. */
typedef void kernel_function(size_t k, const double *a, const double *b, double *out);

/* For any processor: products and sums round each for themselves. */
static void multiply_2(size_t k, const double *a, const double *b, double *out)
{
    vector sum[2] = {{0}, {0}};
    for (size_t p = 0; p < k; ++p, a += 2, b += NR) {
        vector row;
        memcpy(&row, b, sizeof row);
        sum[0] += a[0] * row, sum[1] += a[1] * row;
    }
    memcpy(out, sum, sizeof sum);
}

#ifdef __x86_64__
/* Fused where the code says so and nowhere else, as in src/cpu/vectors.h. */
static __attribute__((target("avx2,fma"))) void multiply_4(size_t k, const double *a, const double *b, double *out)
{
    __m256d sum[4][2];
    for (int i = 0; i < 4; ++i) sum[i][0] = sum[i][1] = _mm256_setzero_pd();
    for (size_t p = 0; p < k; ++p, a += 4, b += NR) {
        const __m256d left = _mm256_loadu_pd(b), right = _mm256_loadu_pd(b + 4);
        for (int i = 0; i < 4; ++i) {
            const __m256d x = _mm256_set1_pd(a[i]);
            sum[i][0] = _mm256_fmadd_pd(x, left, sum[i][0]);
            sum[i][1] = _mm256_fmadd_pd(x, right, sum[i][1]);
        }
    }
    memcpy(out, sum, sizeof sum);
}

static __attribute__((target("avx512f"))) void multiply_8(size_t k, const double *a, const double *b, double *out)
{
    __m512d sum[8];
    for (int i = 0; i < 8; ++i) sum[i] = _mm512_setzero_pd();
    for (size_t p = 0; p < k; ++p, a += 8, b += NR) {
        const __m512d row = _mm512_loadu_pd(b);
        for (int i = 0; i < 8; ++i) sum[i] = _mm512_fmadd_pd(_mm512_set1_pd(a[i]), row, sum[i]);
    }
    memcpy(out, sum, sizeof sum);
}
#endif

typedef struct {
    int rows; /* MR */
    kernel_function *run;
} kernel;

static kernel choose_kernel(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) return (kernel){8, multiply_8};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return (kernel){4, multiply_4};
#endif
    return (kernel){2, multiply_2};
}

/* --- panels ------------------------------------------------------------------------------------------------------- */

/* Strips of `width` rows of m (m x k from (i0, p0) on), each column by column; zeros behind the last row. */
static void pack(double *out, matrix_view v, size_t i0, size_t m, size_t p0, size_t k, size_t width, double factor)
{
    for (size_t i = 0; i < m; i += width) {
        size_t rows = at_most(width, m - i);
        for (size_t p = 0; p < k; ++p, out += width) {
            const double *from = v.at + (i0 + i) * v.row + (p0 + p) * v.column;
            for (size_t j = 0; j < rows; ++j) out[j] = factor * from[j * v.row];
            for (size_t j = rows; j < width; ++j) out[j] = 0;
        }
    }
}

static void add_results(double *c, size_t ldc, const double *results, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows; ++i) {
        for (size_t j = 0; j < columns; ++j) c[i * ldc + j] += results[i * NR + j];
    }
}

typedef struct {
    matrix_view a, b; /* b transposed: element (column, row) */
    size_t m, n, k, ldc;
    double alpha, *c;
    kernel kernel;
} product;

static void multiply_panels(const product *g, const double *a, const double *b, double *c, size_t m, size_t n, size_t k)
{
    double results[MOST_MR * NR] __attribute__((aligned(64)));
    size_t mr = (size_t)g->kernel.rows;
    for (size_t j = 0; j < n; j += NR) {
        for (size_t i = 0; i < m; i += mr) {
            g->kernel.run(k, a + i * k, b + j * k, results);
            add_results(c + i * g->ldc + j, g->ldc, results, at_most(mr, m - i), at_most(NR, n - j));
        }
    }
}

static void multiply_tile(const product *g, size_t i, size_t j, double *a, double *b)
{
    size_t m = at_most(TILE_M, g->m - i), n = at_most(TILE_N, g->n - j);
    for (size_t p = 0; p < g->k; p += TILE_K) {
        size_t k = at_most(TILE_K, g->k - p);
        pack(a, g->a, i, m, p, k, (size_t)g->kernel.rows, g->alpha);
        pack(b, g->b, j, n, p, k, NR, 1);
        multiply_panels(g, a, b, g->c + i * g->ldc + j, m, n, k);
    }
}

static void multiply_all(const product *g)
{
    long rows = (long)((g->m + TILE_M - 1) / TILE_M), columns = (long)((g->n + TILE_N - 1) / TILE_N);
#pragma omp parallel if (rows * columns > 1 && g->m * g->n * g->k > 1u << 16)
    {
        /* 430 KB of each thread's stack. */
        double a[TILE_M * TILE_K] __attribute__((aligned(64))), b[TILE_N * TILE_K] __attribute__((aligned(64)));
#pragma omp for schedule(dynamic)
        for (long t = 0; t < rows * columns; ++t) {
            multiply_tile(g, (size_t)(t / columns) * TILE_M, (size_t)(t % columns) * TILE_N, a, b);
        }
    }
}

/* --- Darknet's names ---------------------------------------------------------------------------------------------- */

void gemm_cpu(int TA, int TB, int M, int N, int K, float ALPHA, float *A, int lda, float *B, int ldb, float BETA,
              float *C, int ldc)
{
    size_t a = (size_t)lda, b = (size_t)ldb;
    product g = {.a = {A, TA ? 1 : a, TA ? a : 1},
                 .b = {B, TB ? b : 1, TB ? 1 : b},
                 .m = (size_t)M,
                 .n = (size_t)N,
                 .k = (size_t)K,
                 .ldc = (size_t)ldc,
                 .alpha = ALPHA,
                 .c = C,
                 .kernel = choose_kernel()};
    for (int i = 0; BETA != 1 && i < M; ++i) {
        for (int j = 0; j < N; ++j) C[i * g.ldc + j] = BETA ? BETA * C[i * g.ldc + j] : 0;
    }
    multiply_all(&g);
}

void gemm(int TA, int TB, int M, int N, int K, float ALPHA, float *A, int lda, float *B, int ldb, float BETA, float *C,
          int ldc)
{
    gemm_cpu(TA, TB, M, N, K, ALPHA, A, lda, B, ldb, BETA, C, ldc);
}
