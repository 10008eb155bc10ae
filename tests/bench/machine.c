/*
 * What this machine can do at most, on all processors that the process may use: float multiply-adds in registers, and
 * memory read and written. Prints GFLOP/s and GB/s: medians.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 9, ROUNDS = 1 << 21, CHAINS = 12 };

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

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double peak(int threads)
{
    double seconds[TRIES], sum = 0;
    for (int t = 0; t < TRIES; ++t) {
        double start = omp_get_wtime();
#pragma omp parallel reduction(+ : sum)
        sum += multiply_and_add(.5f);
        seconds[t] = omp_get_wtime() - start;
    }
    qsort(seconds, TRIES, sizeof *seconds, ascending);
    return sum != 0 ? 2. * 16 * CHAINS * ROUNDS * threads / seconds[TRIES / 2] : 0;
}

static double bandwidth(void)
{
    const size_t n = 64 << 20;
    float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
    double seconds[TRIES];
    if (!a || !b) return 0;
#pragma omp parallel for simd
    for (size_t i = 0; i < n; ++i) a[i] = b[i] = 1;
    for (int t = 0; t < TRIES; ++t) {
        double start = omp_get_wtime();
#pragma omp parallel for simd schedule(static)
        for (size_t i = 0; i < n; ++i) a[i] = b[i] * .5f + a[i];
        seconds[t] = omp_get_wtime() - start;
    }
    qsort(seconds, TRIES, sizeof *seconds, ascending);
    double bytes = 3. * n * sizeof(float);
    if (a[n / 2] == 0) bytes = 0;
    free(a);
    free(b);
    return bytes / seconds[TRIES / 2];
}

int main(void)
{
    const int threads = omp_get_max_threads();
    printf("%d threads, %.0f GFLOP/s, %.1f GB/s\n", threads, 1e-9 * peak(threads), 1e-9 * bandwidth());
    return 0;
}
