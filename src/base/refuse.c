#include "base/refuse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

texp_origin texp_origin_now;

void texp_origin_set(const char *file, const char *section, int line)
{
    /* One copy a file: an origin is kept by every option and may outlive the caller's string. */
    static const char *last;
    if (!last || strcmp(last, file)) last = strdup(file);
    texp_origin_now = (texp_origin){last, section, line};
}

static __attribute__((noreturn)) void end_message(const char *format, va_list args)
{
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    exit(EXIT_FAILURE);
}

void texp_refuse(const texp_origin *origin, const char *key, const char *value, const char *format, ...)
{
    fflush(stdout);
    if (origin && origin->file) {
        fprintf(stderr, "%s:", origin->file);
        if (origin->line) fprintf(stderr, "%d:", origin->line);
        fprintf(stderr, " ");
        if (origin->section && *origin->section) fprintf(stderr, "%s ", origin->section);
    }
    if (key) fprintf(stderr, "%s%s%s: ", key, value ? "=" : "", value ? value : "");
    va_list args;
    va_start(args, format);
    end_message(format, args);
}

void texp_fail(const char *format, ...)
{
    fflush(stdout);
    va_list args;
    va_start(args, format);
    end_message(format, args);
}

void texp_refuse_line(const char *line)
{
    texp_refuse(&texp_origin_now, NULL, NULL, "'%s' is neither [section] nor key=value; correct it or start it with #",
                line);
}
