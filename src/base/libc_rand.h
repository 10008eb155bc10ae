/*
 * The state of libc's rand(), from which Darknet draws: saved and restored without disturbing its sequence. Of glibc,
 * where rand() is random() and begins with POSIX's state of 128 bytes. Nothing here knows of Darknet, prints or exits.
 */
#ifndef TEXP_LIBRAND_H
#define TEXP_LIBRAND_H

#include <stdint.h>

/* 31 words of an additive feedback generator; the first word is 5 times the place within them, plus 3. */
enum { TEXP_RAND_WORDS = 32 };
typedef struct {
    uint64_t words[TEXP_RAND_WORDS]; /* each below 2^32 */
} texp_rand;

/* No other thread may call rand() meanwhile. */
void texp_rand_save(texp_rand *state);

/* rand() goes on as it did after the save, and srand() works as before. Returns 0, or -1 and changes nothing where the
 * words are no such state. */
int texp_rand_restore(const texp_rand *state);

#endif
