/* All keys of a cfg held against the tables (net/keys.h, cfg/fork_keys.h), before a layer is made. */
#ifndef TEXP_SECTIONS_H
#define TEXP_SECTIONS_H

#include "darknet.h"

/* What read_cfg()'s list holds: parser.c keeps the type to itself. */
typedef struct {
    char *type; /* "[net]" */
    list *options;
    int line;
} texp_section;

/* Checks the first n sections, of which the first is [net]: their names, their keys, and the range of each value. Prints
 * a line for each key that is ignored, and ends the program with a line for all that can't be meant, of the whole cfg at
 * once. Keys that Darknet itself reports as unused are left to it. */
void texp_check_sections(const list *sections, int n);

#endif
