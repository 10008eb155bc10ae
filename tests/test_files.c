/* links: math */
/* Files that are read whole: of every size, from pipes too, or refused with the reason. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/files.h"

static char name[] = "build/files-XXXXXX";

static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 2654435761u >> 13);
}

static void write_pattern(FILE *file, size_t size)
{
    for (size_t i = 0; i < size; ++i) fputc(byte_at(i), file);
    fclose(file);
}

static void assert_read_back(const char *file, size_t size)
{
    size_t found = 1;
    unsigned char *bytes = texp_file_read(file, &found);
    assert_non_null(bytes);
    assert_int_equal(found, size);
    for (size_t i = 0; i < size; ++i) assert_int_equal(bytes[i], byte_at(i));
    assert_int_equal(bytes[size], 0);
    free(bytes);
}

/* 16384 is what is asked of memory first, and twice that next. */
static void a_file_of_any_size_is_read_whole(void **state)
{
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 32768, 1000000};
    (void)state;
    close(mkstemp(name));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        write_pattern(fopen(name, "wb"), sizes[i]);
        assert_read_back(name, sizes[i]);
    }
    unlink(name);
}

/* A pipe has no size, and gives less at once than is asked for. */
static void a_pipe_is_read_to_its_end(void **state)
{
    enum { SIZE = 300000 };
    int ends[2];
    char file[32];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (!child) {
        write_pattern(fdopen(ends[1], "wb"), SIZE);
        _exit(0);
    }
    close(ends[1]);
    snprintf(file, sizeof file, "/dev/fd/%d", ends[0]);
    assert_read_back(file, SIZE);
    close(ends[0]);
    waitpid(child, NULL, 0);
}

static void what_cant_be_read_is_refused_with_the_reason(void **state)
{
    size_t size;
    (void)state;
    assert_null(texp_file_read("build/nothere", &size));
    assert_int_equal(errno, ENOENT);
    assert_null(texp_file_read("build", &size));
    assert_int_equal(errno, EISDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_any_size_is_read_whole),
        cmocka_unit_test(a_pipe_is_read_to_its_end),
        cmocka_unit_test(what_cant_be_read_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
