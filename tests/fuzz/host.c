#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include "host.h"

/* Here are libc's own. */
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef fopen
#undef fmemopen
#undef fclose

#include <setjmp.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is in use, in the order of its allocation; few enough to look through from the end. */
enum { MOST_BLOCKS = 1 << 16, MOST_STREAMS = 64 };
static struct {
    void *block;
    size_t size;
} blocks[MOST_BLOCKS];
static FILE *streams[MOST_STREAMS];
static size_t n_blocks, n_streams, in_use;
static jmp_buf back;
static int running;

void fuzz_exit(int status)
{
    if (!running) _exit(status);
    longjmp(back, 1);
}

static void *keep_block(void *block, size_t size)
{
    if (!running || !block) return block;
    if (n_blocks == MOST_BLOCKS) {
        free(block);
        fuzz_exit(1);
    }
    blocks[n_blocks].block = block;
    blocks[n_blocks++].size = size;
    in_use += size;
    return block;
}

static void forget_block(const void *block)
{
    for (size_t i = n_blocks; i-- > 0;) {
        if (blocks[i].block != block) continue;
        in_use -= blocks[i].size;
        blocks[i] = blocks[--n_blocks];
        return;
    }
}

static void demand_memory(size_t size)
{
    if (running && (size > FUZZ_MEMORY || in_use + size > FUZZ_MEMORY)) fuzz_exit(1);
}

void *fuzz_malloc(size_t size)
{
    demand_memory(size);
    return keep_block(malloc(size), size);
}

void *fuzz_calloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size) demand_memory(SIZE_MAX);
    demand_memory(count * size);
    return keep_block(calloc(count, size), count * size);
}

void *fuzz_realloc(void *block, size_t size)
{
    demand_memory(size);
    forget_block(block);
    return keep_block(realloc(block, size), size);
}

char *fuzz_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(fuzz_malloc(size), text, size);
}

void fuzz_free(void *block)
{
    forget_block(block);
    free(block);
}

static FILE *remember(FILE *stream)
{
    if (running && stream && n_streams < MOST_STREAMS) streams[n_streams++] = stream;
    return stream;
}

FILE *fuzz_fopen(const char *file, const char *mode)
{
    return remember(fopen(file, mode));
}

FILE *fuzz_fmemopen(void *block, size_t size, const char *mode)
{
    return remember(fmemopen(block, size, mode));
}

int fuzz_fclose(FILE *stream)
{
    for (size_t i = 0; i < n_streams; ++i) {
        if (streams[i] == stream) streams[i] = streams[--n_streams];
    }
    return fclose(stream);
}

int fuzz_run(void (*body)(const fuzz_input *input), const fuzz_input *input)
{
    int ended = setjmp(back);
    if (!ended) {
        running = 1;
        body(input);
    }
    running = 0;
    while (n_blocks) free(blocks[--n_blocks].block);
    while (n_streams) fclose(streams[--n_streams]);
    in_use = 0;
    return ended;
}

enum { MOST_FILES = 5 };
static int files[MOST_FILES];
static char names[MOST_FILES][32];

const char *fuzz_name(int number)
{
    if (!files[number]) {
        files[number] = memfd_create("fuzz", 0);
        snprintf(names[number], sizeof names[number], "/proc/self/fd/%d", files[number]);
    }
    return names[number];
}

const char *fuzz_file(int number, const void *bytes, size_t size)
{
    const char *name = fuzz_name(number);
    if (ftruncate(files[number], 0) || pwrite(files[number], bytes, size, 0) != (ssize_t)size) abort();
    return name;
}
