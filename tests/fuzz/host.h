/*
 * Included before everything in the fuzz build: a program that would end itself comes back to the fuzzer instead, and
 * what it had allocated and opened until then is given back, so that a million refusals fit into one process.
 */
#ifndef TEXP_FUZZ_HOST_H
#define TEXP_FUZZ_HOST_H

/* Their own declarations come first. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *fuzz_malloc(size_t size);
void *fuzz_calloc(size_t count, size_t size);
void *fuzz_realloc(void *block, size_t size);
char *fuzz_strdup(const char *text);
void fuzz_free(void *block);
FILE *fuzz_fopen(const char *file, const char *mode);
FILE *fuzz_fmemopen(void *block, size_t size, const char *mode);
int fuzz_fclose(FILE *stream);
void fuzz_exit(int status) __attribute__((noreturn));

#define malloc  fuzz_malloc
#define calloc  fuzz_calloc
#define realloc fuzz_realloc
#undef strdup
#define strdup   fuzz_strdup
#define free     fuzz_free
#define fopen    fuzz_fopen
#define fmemopen fuzz_fmemopen
#define fclose   fuzz_fclose
#define exit     fuzz_exit

/* Runs body(input) to its end or to the exit() in it; afterwards no block or stream of its is left. Input that asks for
 * more than FUZZ_MEMORY bytes at once is dropped there. Returns 0, or 1 where it ended the program. */
enum { FUZZ_MEMORY = 16 << 20 };
typedef struct {
    const uint8_t *bytes;
    size_t size;
} fuzz_input;
int fuzz_run(void (*body)(const fuzz_input *input), const fuzz_input *input);

/* Puts bytes into a file in memory and returns its name, the same one for the same number 0..4. */
const char *fuzz_file(int number, const void *bytes, size_t size);
const char *fuzz_name(int number);

#endif
