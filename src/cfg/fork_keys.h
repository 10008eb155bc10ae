/* What cfgs of other Darknets say that this one does not understand: keys, layers and activations, by name. */
#ifndef TEXP_FORK_KEYS_H
#define TEXP_FORK_KEYS_H

#include "darknet.h"

#include <stddef.h>
#include <stdint.h>

/* The Darknet that they come from, as a message says it; hank-ai's has them from there. */
#define TEXP_FORK "AlexeyAB's fork"

typedef struct {
    const char *name;
    uint32_t sections; /* where it stands: 1 << LAYER_TYPE each, NETWORK for [net] */
    /* The value that asks for nothing: a number, a word, or "=KEY", the value of that key of the section. Such a line is
     * no news. NULL: every value asks for something. */
    const char *neutral;
    int is_refused; /* without it the network, its loss or its updates would be others; otherwise it is ignored */
    const char *what; /* what it does there, as in "images mixed of four" */
} texp_fork_key;

/* The row of a key in a section of that type; NULL: no Darknet known has it there. */
const texp_fork_key *texp_fork_key_of(LAYER_TYPE type, const char *name);

/* The i-th row, i = 0, 1, ...; NULL behind the last. */
const texp_fork_key *texp_fork_key_at(size_t i);

/* Whether a layer there has that section, as in "[sam]"; whether an activation there has that name. */
int texp_is_fork_layer(const char *section);
int texp_is_fork_activation(const char *word);

#endif
