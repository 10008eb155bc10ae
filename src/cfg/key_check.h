/* Values of cfg keys held against the rows of their table (net/keys.h). */
#ifndef TEXP_KEY_CHECK_H
#define TEXP_KEY_CHECK_H

#include "net/keys.h"

#include "darknet.h"

/* What is wrong with a value, as in "negative; must be 0 or more", written to `fault`. Returns 0 where nothing is. */
int texp_value_fault(const texp_key *key, const char *value, char *fault, size_t room);

/* Refuses a key that [net] does not have, with the name that it may be, and a value out of its range. */
void texp_check_net_keys(list *options);

#endif
