#include "base/random.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

/* The finaliser of splitmix64 (Steele, Lea and Flood 2014, constants by Stafford): a bijection of 64 bits. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t texp_random_bits(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint64_t key = mix(mix(seed + GOLDEN) + stream * GOLDEN);

    /* The key enters twice: entering once, two streams would be one sequence at two offsets. */
    return mix(mix(key + index * GOLDEN) ^ key);
}

double texp_random_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return (double)(texp_random_bits(seed, stream, index) >> 11) * 0x1p-53;
}

uint32_t texp_random_below(uint64_t seed, uint64_t stream, uint64_t index, uint32_t n)
{
    uint64_t bits = texp_random_bits(seed, stream, index);
    uint64_t high = (bits >> 32) * n;
    uint64_t low = ((bits & UINT32_MAX) * n) >> 32;

    return (uint32_t)((high + low) >> 32);
}

void texp_random_permutation(uint64_t seed, uint64_t epoch, uint32_t *order, uint32_t n)
{
    for (uint32_t i = 0; i < n; ++i) {
        /* Fisher and Yates, inside out: item i goes to one of the i + 1 places, whoever sat there moves to the end. */
        uint32_t place = texp_random_below(seed, TEXP_STREAM_ORDER, (epoch << 32) | i, i + 1);
        order[i] = i;
        order[i] = order[place];
        order[place] = i;
    }
}
