/* Strict readers of numbers, and how far two words are apart. Nothing here knows of Darknet, prints or exits. */
#ifndef TEXP_NUMBER_H
#define TEXP_NUMBER_H

/* Return 1, or 0 where the text is not wholly a finite number in range, blanks around it aside; then *number is left alone or means nothing. */
int texp_read_long(const char *text, long *number);
int texp_read_double(const char *text, double *number);

/* How many letters must be changed, added or left out to make b of a: Levenshtein's distance. */
int texp_spelling_distance(const char *a, const char *b);

#endif
