/*
 * Checks of many files by threads, whose answer is that of one thread that takes them in their order. Where it lasts, a line
 * on stderr counts.
 */
#ifndef TEXP_CHECK_EACH_H
#define TEXP_CHECK_EACH_H

#include "base/message.h"

/* Checks item i, which other threads don't; returns 0, or -1 with a message. */
typedef int texp_check_one(void *context, int i, texp_message *message);

/*
 * Calls `check` for the items 0..n-1 with the threads of OpenMP, in no order; behind the first bad one some may be left out.
 *   what    what they are, as "label files"; where it takes more than two seconds, stderr gets "checking WHAT: 1 of 2"
 * Returns 0, or -1 with the message of the first bad item (message may be NULL).
 */
int texp_check_each(const char *what, int n, texp_check_one *check, void *context, texp_message *message);

#endif
