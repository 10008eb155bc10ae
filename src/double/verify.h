/*
 * ./darknet texp verify: trains the base recipe of a cfg and its policy side by side, on the same batches, and judges
 * whether they are one run. In the double build alone; compile.mk puts that into ./darknet.
 */
#ifndef TEXP_VERIFY_H
#define TEXP_VERIFY_H

#include "base/arguments.h"

#include "darknet.h"

#include <stdio.h>

typedef struct {
    const char *cfg;
    const char *data; /* a .data file, or NULL: random numbers */
    long updates; /* 1 or more; a cfg's max_batches ends it, too */
    int batch; /* images an update; 0: the cfg's, 8 at most */
    int resync; /* 1: the policy's state is set to the base's after each update, and each judged by itself */
    int csv; /* 1: numbers for machines, all digits */
    long every; /* one row for so many updates; 0: a screenful, or with csv every update */
    FILE *out;
    /* For tests, to break what should be equal; NULL. Called on the network that follows the cfg's policy: */
    void (*after_parsing)(network *net);
    void (*after_update)(network *net); /* before anything is compared */
} texp_verify_options;

/* TEXP_EQUIVALENT, or what else was found; all said on options->out. Exits with a message where cfg or data are bad. */
enum { TEXP_EQUIVALENT = 0, TEXP_NOT_EQUIVALENT = 1, TEXP_NOT_JUDGED = 2 };
int texp_verify(const texp_verify_options *options);

/* ./darknet texp verify, with the arguments of tools/command.c; the exit status is what texp_verify returns, or
 * TEXP_NOT_JUDGED where nothing could be judged. */
int texp_verify_main(const texp_arguments *arguments);

#endif
