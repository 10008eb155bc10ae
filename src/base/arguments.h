/*
 * Command lines in Darknet's style: names, and between them in any place flags, "-name" or "-name value". Nothing here
 * knows of Darknet, prints or exits.
 */
#ifndef TEXP_ARGUMENTS_H
#define TEXP_ARGUMENTS_H

#include "base/message.h"

/* A table of flags ends with one without a name. */
typedef struct {
    const char *name; /* "-every" */
    const char *value; /* what stands for its value in the usage, as "N"; NULL: it takes none */
    /* The value is a number in this range, whole but where it is called "X", or "T" as thresholds are; 0, 0: it is any text. */
    long least, most;
    const char *help; /* part of a line */
} texp_flag;

enum { TEXP_MOST_FLAGS = 16 };

typedef struct {
    const texp_flag *flags;
    const char *values[TEXP_MOST_FLAGS]; /* by flag: NULL where it isn't given */
    int n; /* names */
    char **names; /* n of them and NULL, in the caller's argv */
} texp_arguments;

/*
 * Reads argv, which ends with NULL; names are moved to its front.
 *   names   what the names mean, as "CFG", "CFG [WEIGHTS]" or "BATCH... OUT": so many words, so many names; fewer where the last
 *           are in brackets, more where one has "..."
 *   flags   at most TEXP_MOST_FLAGS
 * Returns 0, or -1 with a message: an unknown flag, one given twice, a value that is missing, no number or out of range,
 * a name that is missing or too many.
 */
int texp_arguments_read(texp_arguments *a, const char *names, const texp_flag *flags, char **argv,
                        texp_message *message);

/* The value of a flag of the table, "" where it takes none; NULL where it isn't given. */
const char *texp_argument(const texp_arguments *a, const char *flag);

/* The same of a number; `otherwise` where it isn't given. */
long texp_argument_number(const texp_arguments *a, const char *flag, long otherwise);
double texp_argument_real(const texp_arguments *a, const char *flag, double otherwise);

#endif
