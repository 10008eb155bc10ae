/*
 * Included before everything in the double-precision build of Darknet, which tests exactness: `float` becomes double.
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
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define float double
#define sqrtf  sqrt
#define powf   pow
#define expf   exp
#define logf   log
#define fabsf  fabs
#define floorf floor

#endif
