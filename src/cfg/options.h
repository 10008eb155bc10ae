/* Darknet's option lists: where a key stands, strict readers of its value, and messages that name it. */
#ifndef TEXP_OPTIONS_H
#define TEXP_OPTIONS_H

#include "base/refuse.h"

#include "darknet.h"

/* Where the option stands that was inserted last: its origin. `section` must live as long as the options, "" in a .data
 * file. */
void texp_set_origin(list *options, const char *file, const char *section, int line);

/* The origin of a key in a list; the list's first option's, where the key is absent. */
texp_origin texp_origin_of(list *options, const char *key);

/* Refuses a key with its value, or the section where the key is absent: "file:line: [net] key=value: MESSAGE". */
void texp_refuse_option(list *options, const char *key, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

/* Numbers, whole and finite or refused. `value` must come from `options`. */
int texp_option_int(list *options, const char *key, const char *value);
double texp_option_float(list *options, const char *key, const char *value);

/* As Darknet's option_find_*, quiet and strict; `otherwise` where the key is absent. */
double texp_number_of(list *options, const char *key, double otherwise);
long texp_whole_of(list *options, const char *key, long otherwise);
const char *texp_word_of(list *options, const char *key, const char *otherwise);
int texp_flag_of(list *options, const char *key, int otherwise); /* 0 or 1 */

/* A list like 1,2,3 as a new array, to be freed; *n is its length, 0 and NULL where the key is absent. */
double *texp_numbers_of(list *options, const char *key, size_t *n);

#endif
