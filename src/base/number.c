#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Entries of a list have blanks beside their commas. */
static int ends(const char *text)
{
    return !text[strspn(text, " \t\v\f")];
}

int texp_read_long(const char *text, long *number)
{
    char *end;
    errno = 0;
    long parsed = strtol(text, &end, 10);
    if (end == text || !ends(end) || errno) return 0;
    *number = parsed;
    return 1;
}

int texp_read_double(const char *text, double *number)
{
    char *end;
    double parsed = strtod(text, &end);
    if (end == text || !ends(end) || !isfinite(parsed)) return 0;
    *number = parsed;
    return 1;
}

/* Row by row; keys are short. */
int texp_spelling_distance(const char *a, const char *b)
{
    enum { LONGEST = 32 };
    int row[LONGEST + 1];
    size_t n = strlen(b);
    if (n > LONGEST) return LONGEST;
    for (size_t j = 0; j <= n; ++j) row[j] = (int)j;
    for (size_t i = 0; a[i]; ++i) {
        int diagonal = row[0];
        row[0] = (int)i + 1;
        for (size_t j = 1; j <= n; ++j) {
            int change = diagonal + (a[i] != b[j - 1]);
            diagonal = row[j];
            int gap = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            row[j] = change < gap ? change : gap;
        }
    }
    return row[n];
}
