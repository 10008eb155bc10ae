#include "base/shell.h"

#include <stdlib.h>
#include <string.h>

char *texp_shell_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+=:,@%";
    if (*word && !word[strspn(word, plain)]) return strdup(word);
    /* A quote ends the quoted part, stands by itself behind a backslash, and begins the next part. */
    char *quoted = malloc(4 * strlen(word) + 3), *end = quoted;
    if (!quoted) return NULL;
    *end++ = '\'';
    for (; *word; ++word) {
        if (*word == '\'')
            end = stpcpy(end, "'\\''");
        else
            *end++ = *word;
    }
    strcpy(end, "'");
    return quoted;
}
