/* Numbers as printf's %.17Lg writes them, several times faster: a schedule of a million updates has six million. */
#ifndef TEXP_DIGITS_H
#define TEXP_DIGITS_H

enum { TEXP_DIGITS_ROOM = 48 };

/* Writes `value` to text, which has TEXP_DIGITS_ROOM bytes; returns the length. */
int texp_digits(char *text, long double value);

#endif
