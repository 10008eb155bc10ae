/*
 * For LD_PRELOAD: a rand() that draws alike in any two programs whose threads draw alike, in whatever order these come. Each
 * thread has a sequence of its own, the same in each; the main thread always draws 11. srand() changes nothing.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int rand(void)
{
    static _Thread_local uint64_t state = 1;
    if (gettid() == getpid()) return 11;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (int)(state >> 33);
}

void srand(unsigned seed)
{
    (void)seed;
}
