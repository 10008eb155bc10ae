/* links: float */
/* Numbers of the schedule's CSV: as the C library writes them, to the last character. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/digits.h"
#include "base/random.h"

static void check(long double value)
{
    char ours[TEXP_DIGITS_ROOM], expected[64];
    int length = texp_digits(ours, value);
    snprintf(expected, sizeof expected, "%.17Lg", value);
    if (strcmp(ours, expected)) print_error("'%s' where printf writes '%s'\n", ours, expected);
    assert_string_equal(ours, expected);
    assert_int_equal(length, strlen(ours));
}

static void special_values_are_written_as_by_printf(void **state)
{
    static const long double values[] = {0,
                                         -0.L,
                                         1,
                                         10,
                                         .1L,
                                         .0001L,
                                         .00001L,
                                         1e16L,
                                         1e17L,
                                         1e18L,
                                         1e43L,
                                         1e44L,
                                         1e-11L,
                                         1e-12L,
                                         9.5L,
                                         99999999999999995.L,
                                         .5,
                                         .25,
                                         1.5,
                                         123456789,
                                         LDBL_MAX,
                                         LDBL_MIN,
                                         DBL_MAX,
                                         DBL_MIN,
                                         INFINITY,
                                         -INFINITY,
                                         -1.25,
                                         1e-300L,
                                         1e300L,
                                         1e4000L,
                                         9.9999999999999999L};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; ++i) check(values[i]);
    check(NAN);
}

/* Doubles, and the long doubles between them, of all sizes that schedules have and beyond. */
static void any_value_is_written_as_by_printf(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 300000; ++i) {
        int exponent = (int)texp_random_below(1, 1, i, 4000) - 2000;
        long double value = ldexpl(1 + (long double)texp_random_bits(1, 2, i) * 0x1p-64L, exponent);
        check(value);
        check((double)value);
    }
}

/* Short decimals and their neighbours, where rounding is a matter of the last bits. */
static void decimals_and_their_neighbours_are_written_as_by_printf(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 50000; ++i) {
        long double value = (long double)texp_random_below(2, 1, i, 1000000) / 1e7L;
        check(value);
        check((double)value);
        check(nextafterl(value, 1));
        check(nextafter((double)value, 0));
    }
    for (int power = -300; power <= 300; ++power) {
        check(powl(10, power));
        check(nextafterl(powl(10, power), 0));
        check(nextafter(pow(10, power), 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_values_are_written_as_by_printf),
        cmocka_unit_test(any_value_is_written_as_by_printf),
        cmocka_unit_test(decimals_and_their_neighbours_are_written_as_by_printf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
