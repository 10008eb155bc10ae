/* links: math */
/* State files: the format to the byte, what is damaged refused, pairs of files whole wherever a save is killed. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/cfg_text.h"
#include "base/files.h"
#include "base/libc_rand.h"
#include "store/weights_and_state.h"
#include "store/state.h"

static char folder[64];

/* A name in this test's folder; good until the fourth call after it. */
static const char *in_folder(const char *name)
{
    static char names[4][128];
    static int i;
    i = (i + 1) % 4;
    snprintf(names[i], sizeof names[i], "%s/%s", folder, name);
    return names[i];
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "build/state-XXXXXX");
    return !mkdtemp(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static size_t read_bytes(const char *file, uint8_t *bytes, size_t room)
{
    FILE *f = fopen(file, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, room, f);
    fclose(f);
    return n;
}

static void write_bytes(const char *file, const void *bytes, size_t n)
{
    FILE *f = fopen(file, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* --- the format -------------------------------------------------------------------------------------------------- */

/* Bit by bit, as the polynomial says: ECMA-182, reflected. */
static uint64_t slow_crc(const uint8_t *p, size_t n)
{
    uint64_t crc = ~UINT64_C(0);
    for (; n--; ++p) {
        crc ^= *p;
        for (int i = 0; i < 8; ++i) crc = crc & 1 ? crc >> 1 ^ UINT64_C(0xC96C5795D7870F42) : crc >> 1;
    }
    return ~crc;
}

static void the_checksum_is_crc_64_xz(void **state)
{
    (void)state;
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = (uint8_t)(i * i * 7 + i / 3);
    /* The check value that catalogues of checksums give. */
    assert_true(texp_crc64(0, "123456789", 9) == UINT64_C(0x995DC9BBDF1939FA));
    for (size_t n = 0; n <= sizeof bytes; n += 37) {
        assert_true(texp_crc64(0, bytes, n) == slow_crc(bytes, n));
        assert_true(texp_crc64(texp_crc64(0, bytes, n), bytes + n, sizeof bytes - n) == slow_crc(bytes, sizeof bytes));
    }
}

/* Of each type, written by hand from the description in state.h. */
/* clang-format off */
static const uint8_t by_hand[] = {
    'T', 'E', 'X', 'P', 'S', 'T', 'A', 'T',
    1, 0, 0, 0, /* version */
    6, 0, 0, 0, /* records */
    154, 0, 0, 0, 0, 0, 0, 0, /* bytes */
    1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 'u', /* two u64: */
    0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 5, 0, 0, 0, 0, 0, 0, 0, /* 0x0123456789abcdef, 5 */
    2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 'd', '1', /* one f64: */
    0, 0, 0, 0, 0, 0, 0xf8, 0xbf, /* -1.5: sign 1, exponent 0x3ff, fraction .1 in binary */
    3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 'e', /* one extended: */
    0, 0, 0, 0, 0, 0, 0, 0xa0, 3, 0, 0, 0, 1, 0, 0, 0, /* -5 = -.625 2^3, .625 = .101 in binary */
    4, 1, 2, 0, 0, 0, 0, 0, 0, 0, 'f', /* two f32: */
    0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, /* 1, -2 */
    5, 1, 3, 0, 0, 0, 0, 0, 0, 0, 'b', 'x', 0, 255, /* three bytes */
    4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 'e', 'm', 'p', 't', 'y', /* no f32 */
};
/* clang-format on */

static size_t complete(uint8_t *bytes)
{
    memcpy(bytes, by_hand, sizeof by_hand);
    uint64_t crc = slow_crc(by_hand, sizeof by_hand);
    for (int i = 0; i < 8; ++i) bytes[sizeof by_hand + i] = (uint8_t)(crc >> 8 * i);
    return sizeof by_hand + 8;
}

static texp_state *example(void)
{
    texp_state *s = texp_state_new();
    const uint64_t u[] = {UINT64_C(0x0123456789abcdef), 5};
    const float f[] = {1, -2};
    texp_state_add(s, "u", TEXP_U64, u, 2);
    texp_state_add_f64(s, "d1", -1.5);
    texp_state_add_extended(s, "e", -5);
    texp_state_add(s, "f", TEXP_F32, f, 2);
    texp_state_lend(s, "b", TEXP_BYTES, "x\0\377", 3);
    texp_state_add(s, "empty", TEXP_F32, NULL, 0);
    return s;
}

static void the_layout_is_the_headers_to_the_byte(void **state)
{
    (void)state;
    uint8_t expected[256], found[256];
    size_t size = complete(expected);
    texp_state *s = example();
    texp_message message;
    assert_int_equal(size, sizeof by_hand + 8);
    assert_int_equal(texp_state_write(s, in_folder("a.state"), &message), 0);
    assert_int_equal(texp_file_publish(in_folder("a.state"), &message), 0);
    assert_int_equal(read_bytes(in_folder("a.state"), found, sizeof found), size);
    assert_memory_equal(found, expected, size);
    texp_state_free(s);
}

static void bytes_written_by_hand_are_read(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t size = complete(bytes), count;
    uint64_t u[2];
    double d;
    long double e;
    float f[2];
    texp_saved *saved;
    assert_int_equal(texp_saved_parse(bytes, size, "x", &saved, NULL), 0);
    assert_int_equal(texp_saved_get(saved, "u", TEXP_U64, u, 2, NULL), 0);
    assert_true(u[0] == UINT64_C(0x0123456789abcdef) && u[1] == 5);
    assert_int_equal(texp_saved_f64(saved, "d1", &d, NULL), 0);
    assert_int_equal(texp_saved_extended(saved, "e", &e, NULL), 0);
    assert_int_equal(texp_saved_get(saved, "f", TEXP_F32, f, 2, NULL), 0);
    assert_true(d == -1.5 && e == -5 && f[0] == 1 && f[1] == -2);
    assert_memory_equal(texp_saved_bytes(saved, "b", &count), "x\0\377", 3);
    assert_int_equal(count, 3);
    assert_int_equal(texp_saved_get(saved, "empty", TEXP_F32, NULL, 0, NULL), 0);
    assert_true(texp_saved_has(saved, "u") && !texp_saved_has(saved, "uu"));
    texp_saved_close(saved);
}

static void extended_numbers_survive_with_all_their_bits(void **state)
{
    (void)state;
    const long double values[] = {0,       1,       -1, 1 / 3.L, LDBL_MAX, -LDBL_MAX, LDBL_MIN, nextafterl(1, 2),
                                  1e4000L, 3e-4930L};
    enum { N = sizeof values / sizeof *values };
    long double found[N];
    texp_message message;
    texp_state *s = texp_state_new();
    texp_saved *saved;
    texp_state_add(s, "e", TEXP_EXTENDED, values, N);
    assert_int_equal(texp_state_write(s, in_folder("e"), &message) || texp_file_publish(in_folder("e"), &message), 0);
    assert_int_equal(texp_saved_open(in_folder("e"), &saved, &message), 0);
    assert_int_equal(texp_saved_get(saved, "e", TEXP_EXTENDED, found, N, &message), 0);
    for (int i = 0; i < N; ++i) assert_true(found[i] == values[i]);
    texp_saved_close(saved);
    texp_state_free(s);
    s = texp_state_new();
    texp_state_add_extended(s, "e", INFINITY);
    assert_int_equal(texp_state_write(s, in_folder("e"), &message), -1);
    assert_non_null(strstr(message.text, "not finite"));
    texp_state_free(s);
}

static void a_larger_array_survives(void **state)
{
    (void)state;
    enum { N = 5000 }; /* more than is written at once */
    static float values[N], found[N];
    texp_message message;
    texp_state *s = texp_state_new();
    texp_saved *saved;
    for (int i = 0; i < N; ++i) values[i] = (float)sin(i);
    values[7] = NAN;
    values[8] = -0.f;
    values[9] = FLT_TRUE_MIN;
    texp_state_lend(s, "f", TEXP_F32, values, N);
    assert_int_equal(texp_state_write(s, in_folder("f"), &message) || texp_file_publish(in_folder("f"), &message), 0);
    assert_int_equal(texp_saved_open(in_folder("f"), &saved, &message), 0);
    assert_int_equal(texp_saved_get(saved, "f", TEXP_F32, found, N, &message), 0);
    assert_memory_equal(found, values, sizeof values);
    texp_saved_close(saved);
    texp_state_free(s);
}

/* --- what is refused --------------------------------------------------------------------------------------------- */

/* Parses bytes in a heap block of exactly that size, so that a sanitizer sees a step beyond. */
static int parse(const uint8_t *bytes, size_t size, texp_message *message)
{
    texp_saved *saved;
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, bytes, size);
    int status = texp_saved_parse(copy, size, "x.state", &saved, message);
    if (!status) texp_saved_close(saved);
    free(copy);
    assert_true(!status || !saved);
    return status;
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t size = complete(bytes);
    texp_message message;
    assert_int_equal(parse(bytes, size, &message), 0);
    for (size_t i = 0; i < 8 * size; ++i) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        message.text[0] = 0;
        assert_int_equal(parse(bytes, size, &message), -1);
        assert_memory_equal(message.text, "x.state: ", 9);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

static void every_changed_byte_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t size = complete(bytes);
    for (size_t i = 0; i < size; ++i) {
        for (int by = 1; by < 256; ++by) {
            bytes[i] ^= (uint8_t)by;
            assert_int_equal(parse(bytes, size, NULL), -1);
            bytes[i] ^= (uint8_t)by;
        }
    }
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t size = complete(bytes);
    texp_message message;
    texp_saved *saved;
    for (size_t cut = 0; cut < size; ++cut) {
        assert_int_equal(parse(bytes, cut, &message), -1);
        assert_non_null(strstr(message.text, cut < 8 ? "no training state" : "cut off"));
        write_bytes(in_folder("cut"), bytes, cut);
        assert_int_equal(texp_saved_open(in_folder("cut"), &saved, &message), -1);
    }
    assert_int_equal(parse(bytes, size + 1, &message), -1);
    assert_non_null(strstr(message.text, "damaged"));
}

/* Sets `n` bytes from `at` to a number and makes length and checksum fit again. */
static int parse_changed(size_t at, uint64_t value, int n, texp_message *message)
{
    uint8_t bytes[256];
    size_t size = complete(bytes);
    for (int i = 0; i < n; ++i) bytes[at + (size_t)i] = (uint8_t)(value >> 8 * i);
    uint64_t crc = slow_crc(bytes, size - 8);
    for (int i = 0; i < 8; ++i) bytes[size - 8 + (size_t)i] = (uint8_t)(crc >> 8 * i);
    return parse(bytes, size, message);
}

static void nonsense_with_a_right_checksum_is_refused(void **state)
{
    (void)state;
    enum { VERSION = 8, RECORDS = 12, FIRST = 24, NAME = 25, COUNT = 26 };
    texp_message message;
    assert_int_equal(parse_changed(VERSION, 1, 4, &message), 0); /* the helper itself changes nothing */
    assert_int_equal(parse_changed(VERSION, 2, 4, &message), -1);
    assert_non_null(strstr(message.text, "of version 2"));
    const struct {
        size_t at;
        uint64_t value;
        int n;
    } cases[] = {{RECORDS, 5, 4},
                 {RECORDS, 7, 4},
                 {RECORDS, UINT32_MAX, 4},
                 {FIRST, 0, 1},
                 {FIRST, 6, 1},
                 {FIRST, 255, 1},
                 {NAME, 0, 1},
                 {NAME, 64, 1},
                 {NAME, 255, 1},
                 {NAME, 2, 1},
                 {COUNT, 1, 8},
                 {COUNT, 3, 8},
                 {COUNT, UINT64_MAX, 8},
                 {COUNT, UINT64_C(1) << 61, 8},
                 {COUNT, (UINT64_C(1) << 61) + 2, 8},
                 {COUNT, UINT64_C(1) << 63, 8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        assert_int_equal(parse_changed(cases[i].at, cases[i].value, cases[i].n, &message), -1);
        assert_non_null(strstr(message.text, "damaged"));
    }
}

/* As on a machine with more bits: two values, where only their sum counts, and it must fit. The layout's "e" is -5. */
static void an_extended_number_this_machine_would_round_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t mantissa;
        int32_t exponent;
        int fits;
    } cases[] = {
        {UINT64_C(1) << 63, 0, 1}, /* .5 */
        {UINT64_C(3) << 62, 16384, 1},     {UINT64_C(3) << 62, 16385, 0}, /* beyond LDBL_MAX */
        {UINT64_C(1) << 63, INT32_MAX, 0}, {UINT64_C(1) << 63, -16444, 1}, /* the smallest of all */
        {UINT64_C(3) << 62, -16444, 0},    {1, 0, 0}, /* the highest bit must be set */
    };
    uint8_t bytes[256];
    texp_message message;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        texp_saved *saved;
        long double value = 7;
        size_t size = complete(bytes), at = 24 + 10 + 1 + 16 + 10 + 2 + 8 + 10 + 1; /* behind u, d1 and the head of e */
        for (int j = 0; j < 8; ++j) bytes[at + (size_t)j] = (uint8_t)(cases[i].mantissa >> 8 * j);
        for (int j = 0; j < 4; ++j) bytes[at + 8 + (size_t)j] = (uint8_t)((uint32_t)cases[i].exponent >> 8 * j);
        uint64_t crc = slow_crc(bytes, size - 8);
        for (int j = 0; j < 8; ++j) bytes[size - 8 + (size_t)j] = (uint8_t)(crc >> 8 * j);
        assert_int_equal(texp_saved_parse(bytes, size, "x.state", &saved, &message), 0);
        assert_int_equal(texp_saved_extended(saved, "e", &value, &message), cases[i].fits ? 0 : -1);
        if (cases[i].fits) {
            assert_true(value == -ldexpl((long double)cases[i].mantissa, cases[i].exponent - 64));
        } else {
            assert_non_null(strstr(message.text, "x.state: e has more bits than a long double of this machine"));
            assert_true(value == 7);
        }
        texp_saved_close(saved);
    }
}

static void records_of_another_shape_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t size = complete(bytes), count;
    float f[3] = {7, 7, 7};
    double d;
    texp_message message;
    texp_saved *saved;
    assert_int_equal(texp_saved_parse(bytes, size, "x.state", &saved, NULL), 0);
    assert_int_equal(texp_saved_get(saved, "f", TEXP_F32, f, 3, &message), -1);
    assert_string_equal(message.text, "x.state: f has 2 values, not 3");
    assert_int_equal(texp_saved_get(saved, "f", TEXP_F32, f, 1, &message), -1);
    assert_int_equal(texp_saved_f64(saved, "e", &d, &message), -1);
    assert_string_equal(message.text, "x.state: e is of another type");
    assert_int_equal(texp_saved_f64(saved, "d", &d, &message), -1);
    assert_string_equal(message.text, "x.state: has no d");
    assert_null(texp_saved_bytes(saved, "u", &count));
    assert_true(f[0] == 7);
    texp_saved_close(saved);
}

static void a_missing_file_and_a_folder_are_refused(void **state)
{
    (void)state;
    texp_saved *saved;
    texp_message message;
    assert_int_equal(texp_saved_open(in_folder("nothere"), &saved, &message), -1);
    assert_non_null(strstr(message.text, "nothere: can't read: No such file"));
    assert_int_equal(texp_saved_open(folder, &saved, &message), -1);
    assert_null(saved);
}

/* --- files that are whole or not there ---------------------------------------------------------------------------- */

static void a_limit_on_file_size_is_an_error(void **state)
{
    (void)state;
    static float values[4096];
    write_bytes(in_folder("g.state"), "before", 6);
    pid_t child = fork();
    if (!child) {
        const struct rlimit little = {1000, 1000};
        texp_message message;
        texp_state *s = texp_state_new();
        texp_state_lend(s, "f", TEXP_F32, values, 4096);
        setrlimit(RLIMIT_FSIZE, &little);
        int bad = texp_state_write(s, in_folder("g.state"), &message) == -1 && strstr(message.text, "File too large");
        _exit(bad ? 17 : 1);
    }
    int status;
    uint8_t found[16];
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 17);
    assert_int_equal(read_bytes(in_folder("g.state"), found, sizeof found), 6);
    assert_int_equal(access(in_folder("g.state.part"), F_OK), -1);
}

/* --- pairs: killed at every step ---------------------------------------------------------------------------------- */

/* What changes folders in files.c and weights_and_state.c comes here instead of to libc: it dies in front of step `die_at`. */
static int steps, die_at;

static void step(void)
{
    if (die_at && ++steps == die_at) kill(getpid(), SIGKILL);
}

int rename(const char *from, const char *to)
{
    step();
    return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

int unlink(const char *file)
{
    step();
    return (int)syscall(SYS_unlinkat, AT_FDCWD, file, 0);
}

int fsync(int fd)
{
    (void)fd;
    step();
    return 0;
}

static const char *weights(void)
{
    return in_folder("w.weights");
}

/* Saves weights number `id`, with a state that says so, or without. */
static void save_pair(uint64_t id, int with_state)
{
    texp_message message;
    FILE *f = texp_file_create(weights(), &message);
    char text[32] = "";
    snprintf(text, sizeof text, "weights %d", (int)id);
    fwrite(text, 1, sizeof text, f);
    if (texp_file_finish(f, weights(), &message)) exit(99);
    texp_state *s = texp_state_new();
    texp_state_add_u64(s, "id", id);
    int bad = with_state ? texp_publish_with_state(weights(), s, &message) : texp_file_publish(weights(), &message);
    if (!with_state) texp_drop_state_of(weights());
    texp_state_free(s);
    if (bad) exit(98);
}

/* Returns whether it was killed in front of that step. */
static int save_killed(uint64_t id, int at)
{
    pid_t child = fork();
    if (!child) {
        die_at = at;
        save_pair(id, 1);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) || (WIFEXITED(status) && !WEXITSTATUS(status)));
    return WIFSIGNALED(status);
}

/* The number of the weights that are there, 0: none; their state must say the same, or be absent for `stock` ones. */
static int whole_pair(int stock)
{
    uint8_t text[64];
    texp_message message;
    texp_saved *saved;
    int id = 0;
    uint64_t of_state = 0;
    if (access(weights(), F_OK)) return 0;
    assert_int_equal(read_bytes(weights(), text, sizeof text), 32);
    assert_int_equal(sscanf((char *)text, "weights %d", &id), 1);
    if (texp_open_state_of(weights(), &saved, &message)) fail_msg("%s", message.text);
    if (!saved) {
        assert_int_equal(id, stock);
        return id;
    }
    assert_int_equal(texp_saved_u64(saved, "id", &of_state, NULL), 0);
    assert_int_equal(of_state, id);
    texp_saved_close(saved);
    return id;
}

static void begin_with(int what)
{
    const char *all[] = {"w.weights", "w.weights.part", "w.state", "w.state.part", "w.state.old"};
    for (size_t i = 0; i < 5; ++i) unlink(in_folder(all[i]));
    if (what) save_pair(1, what == 1);
}

static void a_save_killed_at_any_step_leaves_a_whole_pair(void **state)
{
    (void)state;
    for (int what = 0; what < 3; ++what) { /* nothing, weights with a state, weights without one */
        const int stock = what == 2, first = what ? 1 : 0;
        int at = 1, killed = 1, before = 0, behind = 0;
        for (; killed; ++at) {
            begin_with(what);
            killed = save_killed(2, at);
            int id = whole_pair(stock);
            assert_true(id == first || id == 2);
            before += id == first;
            behind += id == 2;
        }
        assert_true(at > 7 && before > 3 && behind > 1); /* it was killed on both sides of the change */
    }
}

static void saves_killed_one_after_another_leave_a_whole_pair(void **state)
{
    (void)state;
    for (int what = 0; what < 3; ++what) {
        const int stock = what == 2;
        for (int i = 1, killed = 1; killed; ++i) {
            for (int j = 1, again = 1; again; ++j) {
                begin_with(what);
                killed = save_killed(2, i);
                again = save_killed(3, j);
                int id = whole_pair(stock);
                assert_true(again || id == 3);
            }
        }
        save_pair(5, 1);
        assert_int_equal(whole_pair(stock), 5);
        assert_int_equal(access(in_folder("w.state.part"), F_OK), -1);
    }
}

static void a_state_of_other_weights_is_refused(void **state)
{
    (void)state;
    texp_saved *saved;
    texp_message message;
    begin_with(1);
    save_pair(2, 1);
    write_bytes(weights(), "other", 5);
    assert_int_equal(texp_open_state_of(weights(), &saved, &message), -1);
    assert_non_null(strstr(message.text, "w.state: belongs to other weights than"));
    begin_with(1);
    save_pair(3, 0); /* as a program without states saves, or `partial` */
    assert_int_equal(whole_pair(3), 3);
    assert_int_equal(access(in_folder("w.state"), F_OK), -1);
}

static void a_state_alone_behind_part_is_no_reason_to_refuse(void **state)
{
    (void)state;
    begin_with(1);
    assert_int_equal(rename(in_folder("w.state"), in_folder("w.state.part")), 0);
    write_bytes(weights(), "other", 5);
    texp_saved *saved;
    assert_int_equal(texp_open_state_of(weights(), &saved, NULL), 0);
    assert_null(saved);
}

/* As where the folder can't be written, or a folder is called so. */
static void a_state_that_cant_get_its_name_is_read_where_it_is(void **state)
{
    (void)state;
    begin_with(1);
    assert_int_equal(rename(in_folder("w.state"), in_folder("w.state.part")), 0);
    assert_int_equal(mkdir(in_folder("w.state"), 0777), 0);
    assert_int_equal(whole_pair(0), 1);
    assert_int_equal(access(in_folder("w.state.part"), F_OK), 0);
    assert_int_equal(rmdir(in_folder("w.state")), 0);
    assert_int_equal(whole_pair(0), 1);
    assert_int_equal(access(in_folder("w.state.part"), F_OK), -1);
}

/* Weights 2, whose save was killed before they had their name, have left their state as w.state, and that of weights 1
 * as w.state.old. */
static void what_a_killed_save_of_an_earlier_version_left_is_read(void **state)
{
    (void)state;
    begin_with(1);
    assert_int_equal(rename(weights(), in_folder("kept")), 0);
    assert_int_equal(rename(in_folder("w.state"), in_folder("w.state.old")), 0);
    save_pair(2, 1);
    assert_int_equal(rename(in_folder("kept"), weights()), 0);
    assert_int_equal(whole_pair(0), 1);
    save_pair(3, 1);
    assert_int_equal(whole_pair(0), 3);
}

/* What can't get its name leaves what was there. */
static void a_state_that_cant_be_written_changes_nothing(void **state)
{
    (void)state;
    texp_message message;
    begin_with(1);
    FILE *f = texp_file_create(weights(), &message);
    fputs("new", f);
    assert_int_equal(texp_file_finish(f, weights(), &message), 0);
    texp_state *s = texp_state_new();
    texp_state_add_extended(s, "scale", INFINITY);
    assert_int_equal(texp_publish_with_state(weights(), s, &message), -1);
    texp_state_free(s);
    assert_int_equal(whole_pair(0), 1);
    assert_int_equal(access(in_folder("w.weights.part"), F_OK), -1);
}

static void states_are_called_after_their_weights(void **state)
{
    (void)state;
    char name[64];
    assert_int_equal(texp_state_name_of("a/b.weights", name, sizeof name, NULL), 0);
    assert_string_equal(name, "a/b.state");
    assert_int_equal(texp_state_name_of("a/b.backup", name, sizeof name, NULL), 0);
    assert_string_equal(name, "a/b.backup.state");
    assert_int_equal(texp_state_name_of("weights", name, sizeof name, NULL), 0);
    assert_string_equal(name, "weights.state");
    assert_int_equal(texp_state_name_of("12345678.weights", name, 14, NULL), -1);
    assert_int_equal(texp_state_name_of("12345678.weights", name, 15, NULL), 0);
}

/* --- rand() ------------------------------------------------------------------------------------------------------ */

static void rand_goes_on_as_glibcs(void **state)
{
    (void)state;
    /* The well-known sequence of srand(1). */
    static const int known[] = {1804289383, 846930886, 1681692777, 1714636915, 1957747793, 424238335};
    texp_rand before, middle;
    srand(1);
    texp_rand_save(&before);
    for (int i = 0; i < 6; ++i) {
        if (i == 3) texp_rand_save(&middle);
        assert_int_equal(rand(), known[i]);
    }
    for (int turn = 0; turn < 3; ++turn) {
        assert_int_equal(texp_rand_restore(&middle), 0);
        for (int i = 3; i < 6; ++i) assert_int_equal(rand(), known[i]);
        assert_int_equal(texp_rand_restore(&before), 0);
        for (int i = 0; i < 6; ++i) assert_int_equal(rand(), known[i]);
    }
    srand(1); /* works in the restored state, too */
    for (int i = 0; i < 6; ++i) assert_int_equal(rand(), known[i]);
}

static void long_sequences_survive_at_any_place(void **state)
{
    (void)state;
    texp_rand saved;
    for (int place = 0; place < 70; ++place) { /* the generator goes round in 31 */
        int expected[200];
        srand(42);
        for (int i = 0; i < place; ++i) rand();
        texp_rand_save(&saved);
        for (int i = 0; i < 200; ++i) expected[i] = rand();
        assert_int_equal(texp_rand_restore(&saved), 0);
        for (int i = 0; i < 200; ++i) assert_int_equal(rand(), expected[i]);
    }
}

static void words_that_are_no_state_of_rand_are_refused(void **state)
{
    (void)state;
    texp_rand good, bad;
    srand(3);
    texp_rand_save(&good);
    int next = rand();
    const uint64_t firsts[] = {0, 1, 2, 4, 3 + 5 * 31, 3 + 5 * 1000, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; ++i) {
        bad = good;
        bad.words[0] = firsts[i];
        assert_int_equal(texp_rand_restore(&bad), -1);
    }
    memset(bad.words + 1, 0, sizeof bad.words - sizeof *bad.words);
    bad.words[0] = good.words[0];
    assert_int_equal(texp_rand_restore(&bad), -1); /* would draw 0 for ever */
    assert_int_equal(texp_rand_restore(&good), 0);
    assert_int_equal(rand(), next);
}

/* --- what a cfg says ---------------------------------------------------------------------------------------------- */

static void a_cfgs_normal_form_has_no_looks(void **state)
{
    (void)state;
    char *normal =
        texp_cfg_normal("# a comment\n[ net ]\r\n momentum = 0.9 \n\n;another\n\tsteps= 1, 2\n[conv]\nsize=3");
    assert_string_equal(normal, "[net]\nmomentum=0.9\nsteps=1,2\n[conv]\nsize=3\n");
    free(normal);
    normal = texp_cfg_normal("");
    assert_string_equal(normal, "");
    free(normal);
}

static int counts(const void *context, int section, const char *key)
{
    assert_null(context);
    return strcmp(key, section ? "dontload" : "max_batches") != 0;
}

static const char *difference_of(const char *there, const char *here)
{
    static texp_message message;
    return texp_cfg_difference(there, here, counts, NULL, &message) ? message.text : NULL;
}

static void the_first_difference_of_two_cfgs_is_named(void **state)
{
    (void)state;
    const char *base = "[net]\nbatch=1\nmomentum=0.9\n[conv]\nsize=3\n[max]\n";
    assert_null(difference_of(base, base));
    assert_null(difference_of(
        base, "[net]\nmomentum=0.9\nmax_batches=7\nbatch=1\nbatch=2\n[conv]\nsize=3\ndontload=1\n[max]\n"));
    assert_string_equal(difference_of(base, "[net]\nbatch=1\nmomentum=0.8\n[conv]\nsize=3\n[max]\n"),
                        "[net] momentum=0.9 there, momentum=0.8 here");
    assert_string_equal(difference_of(base, "[net]\nbatch=1\nmomentum=0.9\n[conv]\nsize=5\n[max]\n"),
                        "layer 0 [conv] size=3 there, size=5 here");
    assert_string_equal(difference_of(base, "[net]\nbatch=1\nmomentum=0.9\n[conv]\nsize=3\npad=1\n[max]\n"),
                        "layer 0 [conv] nothing there, pad=1 here");
    assert_string_equal(difference_of(base, "[net]\nbatch=1\n[conv]\nsize=3\n[max]\n"),
                        "[net] momentum=0.9 there, nothing here");
    assert_string_equal(difference_of(base, "[net]\nbatch=1\nmomentum=0.9\n[conv]\nsize=3\n[avg]\n"),
                        "layer 1 [max] there, [avg] here");
    assert_string_equal(difference_of(base, "[net]\nbatch=1\nmomentum=0.9\n[conv]\nsize=3\n"),
                        "layer 1 [max] there, nothing here");
    assert_string_equal(difference_of(base, "[net]\nbatch=1\nmomentum=0.9\n[conv]\nsize=3\nmax_batches=1\n[max]\n"),
                        "layer 0 [conv] nothing there, max_batches=1 here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum_is_crc_64_xz),
        cmocka_unit_test(the_layout_is_the_headers_to_the_byte),
        cmocka_unit_test(bytes_written_by_hand_are_read),
        cmocka_unit_test(extended_numbers_survive_with_all_their_bits),
        cmocka_unit_test(a_larger_array_survives),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(every_changed_byte_is_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(nonsense_with_a_right_checksum_is_refused),
        cmocka_unit_test(an_extended_number_this_machine_would_round_is_refused),
        cmocka_unit_test(records_of_another_shape_are_refused),
        cmocka_unit_test(a_missing_file_and_a_folder_are_refused),
        cmocka_unit_test(a_limit_on_file_size_is_an_error),
        cmocka_unit_test(a_save_killed_at_any_step_leaves_a_whole_pair),
        cmocka_unit_test(saves_killed_one_after_another_leave_a_whole_pair),
        cmocka_unit_test(a_state_of_other_weights_is_refused),
        cmocka_unit_test(a_state_alone_behind_part_is_no_reason_to_refuse),
        cmocka_unit_test(a_state_that_cant_get_its_name_is_read_where_it_is),
        cmocka_unit_test(what_a_killed_save_of_an_earlier_version_left_is_read),
        cmocka_unit_test(a_state_that_cant_be_written_changes_nothing),
        cmocka_unit_test(states_are_called_after_their_weights),
        cmocka_unit_test(rand_goes_on_as_glibcs),
        cmocka_unit_test(long_sequences_survive_at_any_place),
        cmocka_unit_test(words_that_are_no_state_of_rand_are_refused),
        cmocka_unit_test(a_cfgs_normal_form_has_no_looks),
        cmocka_unit_test(the_first_difference_of_two_cfgs_is_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
