/* links: math */
/* How the program ends from any of its threads, and texts that fit where they are written to. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/guard.h"
/* The test's own. */
#undef exit

static void destructor(void)
{
    dprintf(STDERR_FILENO, "destructor\n");
}

/* Runs body() in a process of its own; what it writes to stderr and stdout, and its exit status. */
static int run(void (*body)(void), char *text, size_t room)
{
    int ends[2];
    size_t length = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        atexit(destructor);
        body();
        _exit(99);
    }
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], text + length, room - 1 - length)) > 0;) length += (size_t)got;
    text[length] = 0;
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void *end_by_seven(void *unused)
{
    (void)unused;
    printf("said");
    texp_exit(7);
}

static void in_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, end_by_seven, NULL);
    pthread_join(thread, NULL);
}

static void in_main_thread(void)
{
    end_by_seven(NULL);
}

static void a_thread_ends_the_program_without_destructors(void **state)
{
    (void)state;
    char text[64];
    assert_int_equal(run(in_thread, text, sizeof text), 7);
    assert_string_equal(text, "said");
}

static void the_main_thread_ends_it_with_them(void **state)
{
    (void)state;
    char text[64];
    assert_int_equal(run(in_main_thread, text, sizeof text), 7);
    assert_string_equal(text, "destructor\nsaid");
}

static const char *given = "12345678"; /* the compiler shall not count it */
static char eight[8];

static void print(void)
{
    sprintf(eight, "%s", given);
}

static void append(void)
{
    eight[0] = 0;
    strcat(eight, given);
}

static void copy(void)
{
    strncpy(eight, given, sizeof eight);
}

/* The longest text that fits, and one character more. */
static void a_text_with_its_end_fits_or_ends_the_program(void **state)
{
    (void)state;
    void (*const all[])(void) = {print, append, copy};
    char text[256];
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
        given = "1234567";
        all[i]();
        assert_string_equal(eight, given);
        given = "12345678";
        assert_int_equal(run(all[i], text, sizeof text), 1);
        assert_non_null(strstr(text, "...: longer than the 7 characters that there is room for; use a shorter name\n"));
        assert_memory_equal(text, "1234567", 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_ends_the_program_without_destructors),
        cmocka_unit_test(the_main_thread_ends_it_with_them),
        cmocka_unit_test(a_text_with_its_end_fits_or_ends_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
