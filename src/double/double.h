/*
 * Included before everything in the double-precision build of Darknet, which `texp verify` and tests of exactness run:
 * `float` becomes double.
 * System headers come first, while `float` still means what they say.
 */
#ifndef TEXP_DOUBLE_H
#define TEXP_DOUBLE_H

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Darknet reads numbers by %f and %g. */
static inline void texp_double_format(char *out, size_t room, const char *format)
{
    size_t n = 0;
    for (; *format && n + 2 < room; ++format) {
        out[n++] = *format;
        if (format[0] == '%' && (format[1] == 'f' || format[1] == 'g')) out[n++] = 'l';
    }
    out[n] = 0;
}

static inline int texp_double_fscanf(FILE *file, const char *format, ...)
{
    char wide[256];
    va_list list;
    texp_double_format(wide, sizeof wide, format);
    va_start(list, format);
    int read = vfscanf(file, wide, list);
    va_end(list);
    return read;
}

static inline int texp_double_sscanf(const char *text, const char *format, ...)
{
    char wide[256];
    va_list list;
    texp_double_format(wide, sizeof wide, format);
    va_start(list, format);
    int read = vsscanf(text, wide, list);
    va_end(list);
    return read;
}

#define fscanf texp_double_fscanf
#define sscanf texp_double_sscanf

#define float double
#define sqrtf  sqrt
#define powf   pow
#define expf   exp
#define logf   log
#define fabsf  fabs
#define floorf floor
#define strtof strtod

#endif
