/* Values of cfg keys held against the rows of their table (net/keys.h). */
#ifndef TEXP_KEY_CHECK_H
#define TEXP_KEY_CHECK_H

#include "net/keys.h"

/* What is wrong with a value, as in "negative; must be 0 or more", written to `fault`. Returns 0 where nothing is. */
int texp_value_fault(const texp_key *key, const char *value, char *fault, size_t room);

#endif
