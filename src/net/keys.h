/*
 * The cfg keys: one table for [net], and one for layers, whose rows name the types of layer that read the key. To add a
 * key: its row; where its value has no field, also whoever reads it (cfg/). What stands in neither is refused, by name
 * where another Darknet knows it (cfg/fork_keys.h).
 */
#ifndef TEXP_KEYS_H
#define TEXP_KEYS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    TEXP_NUMBER, /* finite */
    TEXP_WHOLE, /* a whole number */
    TEXP_FLAG, /* 0 or 1 */
    TEXP_LIST, /* numbers between commas */
    TEXP_WORD /* one of `words`; where there are none, whoever reads it checks it */
} texp_key_type;

/* Flags. */
enum {
    TEXP_OURS = 1, /* stock Darknet does not know it */
    TEXP_ASKS_UPDATE = 2, /* our update and batch normalisation run where it is given */
    TEXP_ASKS_LOADER = 4, /* our loader does */
    TEXP_REPLACED_LOADER = 8, /* of Darknet's augmentation, which stands aside for our loader */
    TEXP_OF_FORMS = 16, /* belongs to the exponential forms alone */
    TEXP_OF_LOOP = 32 /* says something to our training loop, or to its loader, alone */
};

/* What becomes of a run that is resumed with another value. */
typedef enum {
    TEXP_RESUME_REFUSED, /* it would be another run */
    TEXP_RESUME_WARNED, /* the same sums, rounded otherwise */
    TEXP_RESUME_UNLESS_END, /* nothing changes, unless the schedule uses max_batches */
    TEXP_RESUME_FREE /* nothing of what is done changes */
} texp_resume_rule;

/* What a layer must have for its key. */
typedef enum { TEXP_NEEDS_NOTHING, TEXP_NEEDS_WEIGHTS, TEXP_NEEDS_BN, TEXP_NEEDS_BIAS } texp_key_needs;

/* Where a value goes. */
typedef enum { TEXP_NO_FIELD, TEXP_FIELD_INT, TEXP_FIELD_LONG, TEXP_FIELD_DOUBLE } texp_field_type;

typedef struct {
    const char *name;
    texp_key_type type;
    double lowest, highest; /* of numbers, both allowed; lowest between 0 and 1: must be positive */
    int flags;
    texp_resume_rule resume;
    texp_field_type field; /* of [net]: filled with the value, or with `otherwise` where the key is absent */
    size_t offset; /* of the field in texp_net */
    double otherwise;
    uint32_t layers; /* of layers: the types that read it, 1 << LAYER_TYPE each */
    texp_key_needs needs; /* of layers */
    const char *const *words; /* that a word may be, ended by NULL; NULL: any */
} texp_key;

/* The i-th row, i = 0, 1, ...; NULL behind the last. A layer's key has several where its range differs between types. */
const texp_key *texp_net_key_at(size_t i);
const texp_key *texp_layer_key_at(size_t i);

/* The row of that name, of several the first; NULL: there is none. */
const texp_key *texp_net_key_named(const char *name);
const texp_key *texp_layer_key_named(const char *name);

/* The flags of a key of [net]; 0 where it has no row, as a key of another Darknet. */
int texp_net_key_flags(const char *name);

/* The row by which a type of layer, a LAYER_TYPE, reads the key; NULL where it doesn't. */
const texp_key *texp_layer_key_of(int type, const char *name);

#endif
