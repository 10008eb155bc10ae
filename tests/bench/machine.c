/*
 * What this machine can do at most, on all processors that the process may use: float multiply-adds in registers, and
 * memory read and written. Prints GFLOP/s and GB/s, the best of many tries: what else runs only takes away.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { TRIES = 25, ROUNDS = 1 << 21, CHAINS = 12 };

typedef float vector __attribute__((vector_size(64)));

__attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"), noinline)) static float
multiply_and_add(float start)
{
    vector sums[CHAINS], factor = start - (vector){0}, total = {0};
    for (int k = 0; k < CHAINS; ++k) sums[k] = factor * (float)k;
    for (int i = 0; i < ROUNDS; ++i) {
#pragma GCC unroll 12
        for (int k = 0; k < CHAINS; ++k) sums[k] = sums[k] * factor + factor;
    }
    for (int k = 0; k < CHAINS; ++k) total += sums[k];
    return total[0];
}

static double peak(int threads)
{
    double least = INFINITY, sum = 0;
    for (int t = 0; t < TRIES; ++t) {
        double start = omp_get_wtime();
#pragma omp parallel reduction(+ : sum)
        sum += multiply_and_add(.5f);
        least = fmin(least, omp_get_wtime() - start);
    }
    return sum != 0 ? 2. * 16 * CHAINS * ROUNDS * threads / least : 0;
}

static double bandwidth(void)
{
    const size_t n = 64 << 20;
    float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
    double least = INFINITY;
    if (!a || !b) return 0;
#pragma omp parallel for simd
    for (size_t i = 0; i < n; ++i) a[i] = b[i] = 1;
    for (int t = 0; t < TRIES; ++t) {
        double start = omp_get_wtime();
#pragma omp parallel for simd schedule(static)
        for (size_t i = 0; i < n; ++i) a[i] = b[i] * .5f + a[i];
        least = fmin(least, omp_get_wtime() - start);
    }
    double bytes = 3. * n * sizeof(float);
    if (a[n / 2] == 0) bytes = 0;
    free(a);
    free(b);
    return bytes / least;
}

int main(void)
{
    const int threads = omp_get_max_threads();
    printf("%d threads, %.0f GFLOP/s, %.1f GB/s\n", threads, 1e-9 * peak(threads), 1e-9 * bandwidth());
    return 0;
}
