/*
 * Where an option stands (file, line, section), and the one-line refusals that name it.
 * Darknet's option lists carry an origin with every key; its number readers come here.
 */
#ifndef TEXP_ORIGIN_H
#define TEXP_ORIGIN_H

#include "darknet.h"

typedef struct {
    const char *file; /* never freed: messages may come at any time */
    const char *section; /* "[net]", "" in a .data file; lives as long as the option's section */
    int line; /* 1, 2, ...; 0 where unknown */
} texp_origin;

/* The origin of the line being read; option_insert copies it. */
extern texp_origin texp_origin_now;
void texp_origin_set(const char *file, const char *section, int line);

/* Prints "file:line: section key=value: MESSAGE" and exits with a failure. key or value may be NULL. */
void texp_refuse(const texp_origin *origin, const char *key, const char *value, const char *format, ...)
    __attribute__((noreturn, format(printf, 4, 5)));

/* The same without an origin: "MESSAGE". For files, flags and running training. */
void texp_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The line being read is neither a section, a comment nor key=value. */
void texp_refuse_line(const char *line);

/* A section of a type that Darknet does not have. */
void texp_refuse_section(list *options, const char *type);

/* Refuses a layer whose numbers Darknet would divide by or count too far with, that does not fit what comes before it,
 * or whose inputs are not layers before it (layercheck.c). index: its own. */
void texp_check_layer(list *options, const char *type, int index, const network *net);

/* How many letters must be changed, added or left out to make b of a: Levenshtein's distance. */
int texp_spelling_distance(const char *a, const char *b);

/* The origin of a key in a list; the list's first option's, where the key is absent. */
texp_origin texp_origin_of(list *options, const char *key);

/* Numbers, whole and finite or refused. `value` must come from `options`. */
int texp_option_int(list *options, const char *key, const char *value);
double texp_option_float(list *options, const char *key, const char *value);

/* Strict readers of a string; 0 where it is not wholly a finite number in range. */
int texp_read_long(const char *text, long *number);
int texp_read_double(const char *text, double *number);

#endif
