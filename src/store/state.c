#include "store/state.h"

#include "base/files.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

static const char magic[8] = {'T', 'E', 'X', 'P', 'S', 'T', 'A', 'T'};
enum { VERSION = 1, HEADER = 24, RECORD_HEADER = 10, TRAILER = 8, LARGEST_VALUE = 16 };

/* Bytes of a value in the file and in memory, by type. */
static const struct {
    size_t encoded, host;
} sizes[] = {{0, 0}, {8, sizeof(uint64_t)}, {8, sizeof(double)}, {16, sizeof(long double)}, {4, sizeof(float)}, {1, 1}};

static int is_type(unsigned type)
{
    return type >= TEXP_U64 && type <= TEXP_BYTES;
}

/* ---- numbers and bytes -------------------------------------------------------------------------------------- */

static void put(uint8_t *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; ++i) out[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t take(const uint8_t *in, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= (uint64_t)in[i] << 8 * i;
    return value;
}

static void put_extended(uint8_t *out, long double value)
{
    int exponent = 0;
    uint64_t mantissa = (uint64_t)ldexpl(frexpl(fabsl(value), &exponent), 64);
    put(out, mantissa, 8);
    put(out + 8, mantissa ? (uint32_t)exponent : 0, 4);
    put(out + 12, mantissa && signbit(value), 4);
}

/* Not finite, or rounded, where the machine's long double has no such exponent or fewer bits: is_exact tells. */
static long double take_extended(const uint8_t *in)
{
    int64_t exponent = (int64_t)(int32_t)take(in + 8, 4) - 64;
    long double value = ldexpl((long double)take(in, 8), exponent < INT_MIN ? INT_MIN : (int)exponent);
    return take(in + 12, 4) ? -value : value;
}

static int is_exact(const uint8_t *in)
{
    uint8_t again[16];
    long double value = take_extended(in);
    if (!isfinite(value)) return 0;
    put_extended(again, value);
    return !memcmp(again, in, sizeof again);
}

static void encode(uint8_t *out, texp_record_type type, const void *values, size_t i)
{
    uint64_t bits = 0;
    uint32_t half;
    switch (type) {
    case TEXP_U64:
        put(out, ((const uint64_t *)values)[i], 8);
        return;
    case TEXP_F64:
        memcpy(&bits, (const double *)values + i, 8);
        put(out, bits, 8);
        return;
    case TEXP_EXTENDED:
        put_extended(out, ((const long double *)values)[i]);
        return;
    case TEXP_F32:
        memcpy(&half, (const float *)values + i, 4);
        put(out, half, 4);
        return;
    case TEXP_BYTES:
        *out = ((const uint8_t *)values)[i];
    }
}

static void decode(const uint8_t *in, texp_record_type type, void *values, size_t i)
{
    uint64_t bits;
    uint32_t half;
    switch (type) {
    case TEXP_U64:
        ((uint64_t *)values)[i] = take(in, 8);
        return;
    case TEXP_F64:
        bits = take(in, 8);
        memcpy((double *)values + i, &bits, 8);
        return;
    case TEXP_EXTENDED:
        ((long double *)values)[i] = take_extended(in);
        return;
    case TEXP_F32:
        half = (uint32_t)take(in, 4);
        memcpy((float *)values + i, &half, 4);
        return;
    case TEXP_BYTES:
        ((uint8_t *)values)[i] = *in;
    }
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

typedef struct {
    char name[TEXP_LONGEST_RECORD_NAME + 1];
    texp_record_type type;
    size_t count;
    const void *values;
    void *owned; /* the copy, where one was made */
} record;

struct texp_state {
    record *records;
    size_t n, room;
    int no_memory;
};

static texp_state out_of_memory = {.no_memory = 1};

texp_state *texp_state_new(void)
{
    texp_state *state = calloc(1, sizeof *state);
    return state ? state : &out_of_memory;
}

void texp_state_free(texp_state *state)
{
    if (!state || state == &out_of_memory) return;
    for (size_t i = 0; i < state->n; ++i) free(state->records[i].owned);
    free(state->records);
    free(state);
}

void texp_state_lend(texp_state *state, const char *name, texp_record_type type, const void *values, size_t count)
{
    if (state->no_memory) return;
    if (state->n == state->room) {
        size_t room = 2 * state->room + 16;
        record *larger = realloc(state->records, room * sizeof *larger);
        if (!larger) {
            state->no_memory = 1;
            return;
        }
        state->records = larger;
        state->room = room;
    }
    record *r = state->records + state->n++;
    *r = (record){.type = type, .count = count, .values = values};
    snprintf(r->name, sizeof r->name, "%s", name);
}

void texp_state_add(texp_state *state, const char *name, texp_record_type type, const void *values, size_t count)
{
    size_t bytes = count * sizes[type].host;
    void *copy = malloc(bytes + 1);
    size_t before = state->n;
    texp_state_lend(state, name, type, values, count);
    if (!copy || state->n == before) {
        state->no_memory = 1;
        free(copy);
        return;
    }
    if (bytes) memcpy(copy, values, bytes); /* values may be NULL there */
    state->records[before].owned = copy;
    state->records[before].values = copy;
}

void texp_state_add_u64(texp_state *state, const char *name, uint64_t value)
{
    texp_state_add(state, name, TEXP_U64, &value, 1);
}

void texp_state_add_f64(texp_state *state, const char *name, double value)
{
    texp_state_add(state, name, TEXP_F64, &value, 1);
}

/* The highest 64 bits; a number that is not finite as it is. */
static long double highest_bits(long double value)
{
    int exponent = 0;
    long double mantissa = frexpl(value, &exponent);
    return ldexpl(truncl(ldexpl(mantissa, 64)), exponent - 64);
}

void texp_state_add_extended(texp_state *state, const char *name, long double value)
{
    long double parts[2] = {highest_bits(value)};
    parts[1] = value - parts[0];
    texp_state_add(state, name, TEXP_EXTENDED, parts, parts[1] != 0 ? 2 : 1);
}

static uint64_t size_of(const texp_state *state)
{
    uint64_t size = HEADER + TRAILER;
    for (size_t i = 0; i < state->n; ++i) {
        const record *r = state->records + i;
        size += RECORD_HEADER + strlen(r->name) + (uint64_t)r->count * sizes[r->type].encoded;
    }
    return size;
}

typedef struct {
    FILE *file;
    uint64_t crc;
} sink;

/* Errors stay with the stream until texp_file_finish looks. */
static void write_bytes(sink *to, const void *bytes, size_t n)
{
    to->crc = texp_crc64(to->crc, bytes, n);
    fwrite(bytes, 1, n, to->file);
}

static void write_values(sink *to, const record *r)
{
    enum { CHUNK = 1024 };
    uint8_t chunk[CHUNK * LARGEST_VALUE];
    size_t size = sizes[r->type].encoded;
    for (size_t first = 0; first < r->count; first += CHUNK) {
        size_t n = r->count - first < CHUNK ? r->count - first : CHUNK;
        for (size_t i = 0; i < n; ++i) encode(chunk + i * size, r->type, r->values, first + i);
        write_bytes(to, chunk, n * size);
    }
}

static void write_record(sink *to, const record *r)
{
    uint8_t header[RECORD_HEADER] = {(uint8_t)r->type, (uint8_t)strlen(r->name)};
    put(header + 2, r->count, 8);
    write_bytes(to, header, sizeof header);
    write_bytes(to, r->name, strlen(r->name));
    write_values(to, r);
}

/* The first record that the format has no form for. */
static const record *find_unwritable(const texp_state *state)
{
    for (size_t i = 0; i < state->n; ++i) {
        const record *r = state->records + i;
        for (size_t j = 0; r->type == TEXP_EXTENDED && j < r->count; ++j) {
            long double value = ((const long double *)r->values)[j];
            if (!isfinite(value) || highest_bits(value) != value) return r;
        }
    }
    return NULL;
}

int texp_state_write(const texp_state *state, const char *file, texp_message *message)
{
    const record *bad = find_unwritable(state);
    if (bad) {
        return texp_say(message, "%s: can't write: %s is not finite, or has too many bits", texp_path_tail(file),
                        bad->name);
    }
    if (state->no_memory) return texp_say(message, "%s: can't write: no memory", texp_path_tail(file));
    sink to = {.file = texp_file_create(file, message)};
    if (!to.file) return -1;
    uint8_t header[HEADER], trailer[TRAILER];
    memcpy(header, magic, sizeof magic);
    put(header + 8, VERSION, 4);
    put(header + 12, state->n, 4);
    put(header + 16, size_of(state), 8);
    write_bytes(&to, header, sizeof header);
    for (size_t i = 0; i < state->n; ++i) write_record(&to, state->records + i);
    put(trailer, to.crc, TRAILER);
    write_bytes(&to, trailer, sizeof trailer);
    return texp_file_finish(to.file, file, message);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

typedef struct {
    const uint8_t *name, *values;
    size_t name_length, count;
    unsigned type;
} saved_record;

struct texp_saved {
    const char *file;
    uint8_t *owned; /* the bytes, where a file was read */
    saved_record *records;
    size_t n;
};

static int check_header(const uint8_t *bytes, size_t size, const char *file, texp_message *message)
{
    file = texp_path_tail(file);
    if (size < sizeof magic || memcmp(bytes, magic, sizeof magic)) {
        return texp_say(message, "%s: no training state: it doesn't begin with TEXPSTAT", file);
    }
    if (size < HEADER + TRAILER) return texp_say(message, "%s: cut off inside its header", file);
    uint64_t version = take(bytes + 8, 4), length = take(bytes + 16, 8);
    if (version != VERSION) {
        return texp_say(message, "%s: of version %lu, and this program reads %d: use the one that wrote it", file,
                        (unsigned long)version, VERSION);
    }
    if (size < length) {
        return texp_say(message, "%s: cut off: it holds %zu of %llu bytes", file, size, (unsigned long long)length);
    }
    if (size > length || texp_crc64(0, bytes, size - TRAILER) != take(bytes + size - TRAILER, TRAILER)) {
        return texp_say(message, "%s: damaged: its checksum is wrong", file);
    }
    return 0;
}

/* The record at *place, which is moved behind it; 0 where it doesn't fit before `end`. */
static int next_record(const uint8_t **place, const uint8_t *end, saved_record *r)
{
    const uint8_t *p = *place;
    if (end - p < RECORD_HEADER) return 0;
    *r = (saved_record){.type = p[0], .name_length = p[1], .name = p + RECORD_HEADER};
    uint64_t count = take(p + 2, 8), left = (uint64_t)(end - p) - RECORD_HEADER;
    if (!is_type(r->type) || !r->name_length || r->name_length > TEXP_LONGEST_RECORD_NAME) return 0;
    if (left < r->name_length) return 0;
    left -= r->name_length;
    if (count > left / sizes[r->type].encoded) return 0;
    r->count = (size_t)count;
    r->values = r->name + r->name_length;
    *place = r->values + r->count * sizes[r->type].encoded;
    return 1;
}

static int read_records(texp_saved *saved, const uint8_t *bytes, size_t size, texp_message *message)
{
    const uint8_t *place = bytes + HEADER, *end = bytes + size - TRAILER;
    size_t n = (size_t)take(bytes + 12, 4);
    if (n > (size_t)(end - place) / RECORD_HEADER)
        return texp_say(message, "%s: damaged: too many records", saved->file);
    saved->records = malloc((n ? n : 1) * sizeof *saved->records);
    if (!saved->records) return texp_say(message, "%s: no memory for %zu records", saved->file, n);
    for (; saved->n < n; ++saved->n) {
        if (next_record(&place, end, saved->records + saved->n)) continue;
        return texp_say(message, "%s: damaged: record %zu does not fit into the file", saved->file, saved->n + 1);
    }
    if (place != end) return texp_say(message, "%s: damaged: bytes behind the last record", saved->file);
    return 0;
}

int texp_saved_parse(const void *bytes, size_t size, const char *file, texp_saved **out, texp_message *message)
{
    *out = NULL;
    if (check_header(bytes, size, file, message)) return -1;
    texp_saved *saved = calloc(1, sizeof *saved);
    if (saved) saved->file = strdup(texp_path_tail(file));
    if (!saved || !saved->file) {
        free(saved);
        return texp_say(message, "%s: no memory", texp_path_tail(file));
    }
    if (read_records(saved, bytes, size, message)) {
        texp_saved_close(saved);
        return -1;
    }
    *out = saved;
    return 0;
}

int texp_saved_open(const char *file, texp_saved **out, texp_message *message)
{
    size_t size;
    uint8_t *bytes = texp_file_read(file, &size);
    *out = NULL;
    if (!bytes) return texp_say(message, "%s: can't read: %s", texp_path_tail(file), strerror(errno));
    if (texp_saved_parse(bytes, size, file, out, message)) {
        free(bytes);
        return -1;
    }
    (*out)->owned = bytes;
    return 0;
}

void texp_saved_close(texp_saved *saved)
{
    if (!saved) return;
    free((void *)saved->file);
    free(saved->owned);
    free(saved->records);
    free(saved);
}

static const saved_record *find(const texp_saved *saved, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < saved->n; ++i) {
        const saved_record *r = saved->records + i;
        if (r->name_length == length && !memcmp(r->name, name, length)) return r;
    }
    return NULL;
}

static int say_inexact(const texp_saved *saved, const char *name, texp_message *message)
{
    return texp_say(message,
                    "%s: %s has more bits than a long double of this machine: go on with it where it was written",
                    saved->file, name);
}

int texp_saved_get(const texp_saved *saved, const char *name, texp_record_type type, void *values, size_t count,
                   texp_message *message)
{
    const saved_record *r = find(saved, name);
    if (!r) return texp_say(message, "%s: has no %s", saved->file, name);
    if (r->type != type) return texp_say(message, "%s: %s is of another type", saved->file, name);
    if (r->count != count) {
        return texp_say(message, "%s: %s has %zu values, not %zu", saved->file, name, r->count, count);
    }
    for (size_t i = 0; type == TEXP_EXTENDED && i < count; ++i) {
        if (!is_exact(r->values + i * sizes[type].encoded)) return say_inexact(saved, name, message);
    }
    for (size_t i = 0; values && i < count; ++i) decode(r->values + i * sizes[type].encoded, type, values, i);
    return 0;
}

int texp_saved_u64(const texp_saved *saved, const char *name, uint64_t *value, texp_message *message)
{
    return texp_saved_get(saved, name, TEXP_U64, value, 1, message);
}

int texp_saved_f64(const texp_saved *saved, const char *name, double *value, texp_message *message)
{
    return texp_saved_get(saved, name, TEXP_F64, value, 1, message);
}

int texp_saved_extended(const texp_saved *saved, const char *name, long double *value, texp_message *message)
{
    long double parts[2] = {0, 0};
    const saved_record *r = find(saved, name);
    if (texp_saved_get(saved, name, TEXP_EXTENDED, parts, r && r->count == 2 ? 2 : 1, message)) return -1;
    long double sum = parts[0] + parts[1];
    if (!isfinite(sum) || sum - parts[0] != parts[1]) return say_inexact(saved, name, message);
    *value = sum;
    return 0;
}

const unsigned char *texp_saved_bytes(const texp_saved *saved, const char *name, size_t *count)
{
    const saved_record *r = find(saved, name);
    *count = r && r->type == TEXP_BYTES ? r->count : 0;
    return r && r->type == TEXP_BYTES ? r->values : NULL;
}

int texp_saved_has(const texp_saved *saved, const char *name)
{
    return find(saved, name) != NULL;
}
