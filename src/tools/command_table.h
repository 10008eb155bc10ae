/* What each of Darknet's own commands takes. */
#ifndef TEXP_COMMAND_TABLE_H
#define TEXP_COMMAND_TABLE_H

#include "base/arguments.h"

/* Darknet reads its flags one by one, wherever they stand, and takes what is left for names; a misspelled flag is a weights file
 * there. So each of its commands has a row, and what no row has is refused. */
typedef struct {
    const char *name; /* "detector train"; words that follow `darknet` */
    const char *names; /* see arguments.h; a name that is one of TEXP_WHOLE_NAMES is a whole number from 0 on */
    const texp_flag *flags;
    const char *help; /* one line */
    /* Does all of it and returns the exit status; NULL: Darknet does it. */
    int (*run)(const texp_arguments *arguments);
} texp_darknet_command;

/* The last row has no name. */
extern const texp_darknet_command texp_darknet_commands[];
extern const char *const texp_whole_names[]; /* ends with NULL */

#endif
