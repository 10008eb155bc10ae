/*
 * State files: named arrays of numbers, whole or refused. Nothing here knows of Darknet, prints or exits.
 *
 * The format, version 1. All numbers are little-endian, whatever the host:
 *
 *     8 bytes   "TEXPSTAT"
 *     u32       version, 1
 *     u32       number of records
 *     u64       bytes of the whole file
 *     records   one after the other, without gaps:
 *         u8        type: 1 u64, 2 f64, 3 extended, 4 f32, 5 bytes
 *         u8        bytes of the name, 1..63
 *         u64       number of values
 *         name      without a 0 at its end
 *         values    u64, f64, f32: 8, 8, 4 bytes, IEEE 754; extended: 16 bytes, see below; bytes: 1 each
 *     u64       CRC-64/XZ of all bytes before it
 *
 * An extended number is u64 mantissa, i32 exponent, u32 sign: (-1)^sign mantissa 2^(exponent - 64), the mantissa's
 * highest bit set, or all three 0 for 0. What is not finite is not written. A long double of the x87, of 64 bits, is one;
 * of a machine with more (113 on aarch64) it is its highest 64 bits and, where there is one, the rest as a second value.
 * So a file means the same wherever it is read; where a machine's long double has too few bits for it, it is refused.
 *
 * A later version may add records, which readers look up by name; it gets another number only where the meaning of
 * what is there changes.
 */
#ifndef TEXP_STATE_H
#define TEXP_STATE_H

#include "base/message.h"

#include <stddef.h>
#include <stdint.h>

typedef enum {
    TEXP_U64 = 1, /* uint64_t */
    TEXP_F64 = 2, /* double */
    TEXP_EXTENDED = 3, /* long double, finite, of at most 64 bits */
    TEXP_F32 = 4, /* float */
    TEXP_BYTES = 5 /* unsigned char */
} texp_record_type;

enum { TEXP_LONGEST_RECORD_NAME = 63 };

/* ---- Writing: what shall be written is collected first. */

typedef struct texp_state texp_state;

/* Never NULL: want of memory shows when it is written. Freed by the caller. */
texp_state *texp_state_new(void);
void texp_state_free(texp_state *state);

/* Adds a record of `count` values (an array of the type named above), copied; names are unique and at most 63 bytes. */
void texp_state_add(texp_state *state, const char *name, texp_record_type type, const void *values, size_t count);

/* The same without a copy: the values must stay as they are until the state is written. */
void texp_state_lend(texp_state *state, const char *name, texp_record_type type, const void *values, size_t count);

/* One value; of an extended one all bits, whatever the machine. */
void texp_state_add_u64(texp_state *state, const char *name, uint64_t value);
void texp_state_add_f64(texp_state *state, const char *name, double value);
void texp_state_add_extended(texp_state *state, const char *name, long double value);

/* Writes FILE.part, whole and on the disk: texp_file_publish gives it its name. Returns 0, or -1 with a message and
 * without FILE.part. */
int texp_state_write(const texp_state *state, const char *file, texp_message *message);

/* ---- Reading. */

typedef struct texp_saved texp_saved;

/* Reads a whole file and checks all of it. Returns 0 and what was read, to be closed by the caller; or -1 with
 * *out = NULL and a message that begins with the file's name and says what it is: missing, no state file, of a newer
 * version, cut, longer than it says, damaged. */
int texp_saved_open(const char *file, texp_saved **out, texp_message *message);

/* The same from memory, which is borrowed; `file` is for messages alone. Allocates nothing that the lengths in the
 * bytes could make large. */
int texp_saved_parse(const void *bytes, size_t size, const char *file, texp_saved **out, texp_message *message);

void texp_saved_close(texp_saved *saved);

/* Copies the `count` values of a record. Returns 0; or -1 with a message, and the values untouched, where the record is
 * missing, has another type or count, or holds an extended number that this machine would round. values == NULL: only
 * looks. */
int texp_saved_get(const texp_saved *saved, const char *name, texp_record_type type, void *values, size_t count,
                   texp_message *message);

int texp_saved_u64(const texp_saved *saved, const char *name, uint64_t *value, texp_message *message);
int texp_saved_f64(const texp_saved *saved, const char *name, double *value, texp_message *message);
int texp_saved_extended(const texp_saved *saved, const char *name, long double *value, texp_message *message);

/* The bytes of a record and their number, valid until it is closed; NULL where there is none of that type. */
const unsigned char *texp_saved_bytes(const texp_saved *saved, const char *name, size_t *count);

/* Whether there is a record of that name. */
int texp_saved_has(const texp_saved *saved, const char *name);

#endif
