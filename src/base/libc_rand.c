#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* initstate, setstate */
#endif
#include "base/libc_rand.h"

#include <stdlib.h>
#include <string.h>

enum { KINDS = 5, KIND = 3, DEGREE = 31 };

/* The state in use after a restore, and one to be in while it is copied. */
static uint32_t own[TEXP_RAND_WORDS], other[TEXP_RAND_WORDS];

void texp_rand_save(texp_rand *state)
{
    /* Leaving a state writes its place into its first word. */
    char *current = initstate(1, (char *)other, sizeof other);
    uint32_t words[TEXP_RAND_WORDS];
    memcpy(words, current, sizeof words);
    setstate(current);
    for (int i = 0; i < TEXP_RAND_WORDS; ++i) state->words[i] = words[i];
}

static int is_state(const texp_rand *state)
{
    uint64_t place = state->words[0] / KINDS, any = 0;
    for (int i = 0; i < TEXP_RAND_WORDS; ++i) {
        if (state->words[i] > UINT32_MAX) return 0;
        any |= i ? state->words[i] : 0;
    }
    return state->words[0] % KINDS == KIND && place < DEGREE && any;
}

int texp_rand_restore(const texp_rand *state)
{
    if (!is_state(state)) return -1;
    initstate(1, (char *)other, sizeof other); /* leaves `own`, where that is in use */
    for (int i = 0; i < TEXP_RAND_WORDS; ++i) own[i] = (uint32_t)state->words[i];
    setstate((char *)own);
    return 0;
}
