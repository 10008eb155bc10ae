#include "base/refuse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static __attribute__((noreturn)) void end_message(const char *format, va_list args)
{
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    exit(EXIT_FAILURE);
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
