/*
 * Included before everything in each C file of the patched Darknet (scripts/compile.mk): its texts fit where they are written to
 * or the program ends with a message, and it ends from any thread without disturbing the others.
 *
 * Darknet writes names into arrays of 256 or 4096 characters, in a hundred places. The compiler knows the size of each; here it
 * is looked at.
 */
#ifndef TEXP_GUARD_H
#define TEXP_GUARD_H

#include "base/refuse.h"

/* Their own declarations come first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sprintf, strcat and strncpy into `room` bytes; a text that does not fit with its 0, or that fills n bytes without one, ends the
 * program with a message that begins with the text. room is (size_t)-1 where the compiler does not know it: Darknet has such
 * calls in find_replace() alone, all of whose callers have TEXP_LABEL_PATH bytes. */
enum { TEXP_LABEL_PATH = 4096 };
int texp_print_into(char *to, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));
char *texp_append_into(char *to, size_t room, const char *from);
char *texp_copy_into(char *to, const char *from, size_t n);

#define exit(status)         texp_exit(status)
#define sprintf(to, ...)     texp_print_into(to, __builtin_object_size(to, 1), __VA_ARGS__)
#define strcat(to, from)     texp_append_into(to, __builtin_object_size(to, 1), from)
#define strncpy(to, from, n) texp_copy_into(to, from, n)

#endif
