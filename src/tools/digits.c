#include "tools/digits.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS = 17, LARGEST_POWER = 27 };

/* Exact in a significand of 64 bits. */
static const long double powers[LARGEST_POWER + 1] = {
    1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
    1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};

/* value * 10^(16 - exponent); *roundings counts the operations, each off by 2^-64 of the result at most. */
static long double scaled(long double value, int exponent, int *roundings)
{
    int power = DIGITS - 1 - exponent;
    *roundings = 1;
    for (; power < -LARGEST_POWER; power += LARGEST_POWER, ++*roundings) value /= powers[LARGEST_POWER];
    for (; power > LARGEST_POWER; power -= LARGEST_POWER, ++*roundings) value *= powers[LARGEST_POWER];
    return power >= 0 ? value * powers[power] : value / powers[-power];
}

/*
 * The 17 digits of a positive value as an integer, and its decimal exponent; 0 where rounding cannot be decided here.
 * scaled() is below 2^57, so off by .008 a rounding: a fraction farther from one half rounds as the exact one does.
 */
static uint64_t digits_of(long double value, int *exponent)
{
    int binary, roundings;
    frexpl(value, &binary);
    *exponent = (int)floor((binary - 1) * .30102999566398120);
    long double y = scaled(value, *exponent, &roundings);
    if (y >= 1e17L) y = scaled(value, ++*exponent, &roundings);
    /* Beyond 1e500 the doubt would be as large as the digit; that also keeps what is near the ends of the range out. */
    if (y < 1e16L || roundings > 18) return 0;
    uint64_t whole = (uint64_t)y;
    double fraction = (double)(y - whole);
    if (fabs(fraction - .5) < .01 * roundings) return 0;
    whole += fraction > .5;
    if (whole < 100000000000000000u) return whole;
    ++*exponent;
    return whole / 10;
}

/* As %g: without trailing zeros, with an exponent below -4 and from 17 on. */
static int lay_out(char *text, uint64_t digits, int exponent)
{
    char all[DIGITS];
    int n = DIGITS, length = 0;
    for (int i = DIGITS; i-- > 0; digits /= 10) all[i] = (char)('0' + digits % 10);
    while (n > 1 && all[n - 1] == '0') --n;
    if (exponent < -4 || exponent >= DIGITS) {
        text[length++] = all[0];
        if (n > 1) text[length++] = '.';
        memcpy(text + length, all + 1, (size_t)(n - 1));
        return length + n - 1 + sprintf(text + length + n - 1, "e%+03d", exponent);
    }
    if (exponent < 0) {
        memcpy(text, "0.0000", (size_t)(1 - exponent));
        length = 1 - exponent;
        memcpy(text + length, all, (size_t)n);
        length += n;
    } else {
        for (int i = 0; i < n || i <= exponent; ++i) {
            if (i == exponent + 1) text[length++] = '.';
            text[length++] = i < n ? all[i] : '0';
        }
    }
    text[length] = 0;
    return length;
}

int texp_digits(char *text, long double value)
{
    int exponent;
    if (value == 0 && !signbit(value)) {
        memcpy(text, "0", 2);
        return 1;
    }
    uint64_t digits = value > 0 && isfinite(value) ? digits_of(value, &exponent) : 0;
    return digits ? lay_out(text, digits, exponent) : snprintf(text, TEXP_DIGITS_ROOM, "%.17Lg", value);
}
