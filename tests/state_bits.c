/*
 * Writes and reads a state file as machines of another long double do; test_state_bits.sh compiles it and state.c with
 * REAL and the functions that belong to it.
 *
 *     state_bits write FILE    writes records `third`, `long` and `short` and prints their bits
 *     state_bits read FILE     prints the bits of what can be read, and the message where it can't
 */
#include "store/state.h"

#include "base/files.h"

#include <stdlib.h>

static const char *const names[] = {"third", "long", "short"};

/* 128 bits behind the point of a number in [0, 1). */
static void print_bits(const char *name, REAL value)
{
    printf("%s ", name);
    for (int i = 0; i < 4; ++i) {
        value *= 4294967296.;
        uint32_t bits = (uint32_t)value;
        printf("%08x", bits);
        value -= bits;
    }
    printf("\n");
}

static int write_all(const char *file)
{
    const REAL tiny = (REAL)1 / ((REAL)(1ul << 32) * (1ul << 32)); /* 2^-64 */
    const REAL values[] = {(REAL)1 / 3, (REAL).5 + tiny, (REAL).625};
    texp_message message;
    texp_state *state = texp_state_new();
    for (int i = 0; i < 3; ++i) {
        texp_state_add_extended(state, names[i], values[i]);
        print_bits(names[i], values[i]);
    }
    int bad = texp_state_write(state, file, &message) || texp_file_publish(file, &message);
    if (bad) printf("%s\n", message.text);
    texp_state_free(state);
    return bad;
}

static int read_all(const char *file)
{
    texp_message message;
    texp_saved *saved;
    if (texp_saved_open(file, &saved, &message)) {
        printf("%s\n", message.text);
        return 1;
    }
    for (int i = 0; i < 3; ++i) {
        REAL value;
        if (texp_saved_extended(saved, names[i], &value, &message))
            printf("%s\n", message.text);
        else
            print_bits(names[i], value);
    }
    texp_saved_close(saved);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    return !strcmp(argv[1], "write") ? write_all(argv[2]) : read_all(argv[2]);
}
