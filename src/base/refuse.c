#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/refuse.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void texp_exit(int status)
{
    static atomic_flag ends = ATOMIC_FLAG_INIT;
    if (syscall(SYS_gettid) == getpid()) exit(status);
    while (atomic_flag_test_and_set(&ends)) pause();
    fflush(stdout);
    _exit(status);
}

static __attribute__((noreturn)) void end_message(const char *format, va_list args)
{
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    texp_exit(EXIT_FAILURE);
}

static void print_place(const texp_origin *origin, const char *key, const char *value)
{
    if (origin && origin->file) {
        fprintf(stderr, "%s:", origin->file);
        if (origin->line) fprintf(stderr, "%d:", origin->line);
        fprintf(stderr, " ");
        if (origin->section && *origin->section) fprintf(stderr, "%s ", origin->section);
    }
    if (key) fprintf(stderr, "%s%s%s: ", key, value ? "=" : "", value ? value : "");
}

void texp_refuse(const texp_origin *origin, const char *key, const char *value, const char *format, ...)
{
    fflush(stdout);
    print_place(origin, key, value);
    va_list args;
    va_start(args, format);
    end_message(format, args);
}

void texp_report(const texp_origin *origin, const char *key, const char *value, const char *message)
{
    fflush(stdout);
    print_place(origin, key, value);
    fprintf(stderr, "%s\n", message);
}

void texp_fail(const char *format, ...)
{
    fflush(stdout);
    va_list args;
    va_start(args, format);
    end_message(format, args);
}
