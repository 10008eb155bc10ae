#include "base/guard.h"

#include <stdarg.h>

static __attribute__((noreturn)) void refuse(const char *text, size_t room)
{
    texp_fail("%.100s...: longer than the %zu characters that there is room for; use a shorter name", text, room - 1);
}

static size_t known(size_t room)
{
    return room == (size_t)-1 ? TEXP_LABEL_PATH : room;
}

int texp_print_into(char *to, size_t room, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(to, known(room), format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= known(room)) refuse(to, known(room));
    return length;
}

char *texp_append_into(char *to, size_t room, const char *from)
{
    size_t before = strlen(to);
    if (strlen(from) >= known(room) - before) refuse(from, known(room));
    memcpy(to + before, from, strlen(from) + 1);
    return to;
}

char *texp_copy_into(char *to, const char *from, size_t n)
{
    size_t length = strlen(from);
    if (length >= n) refuse(from, n);
    memcpy(to, from, length);
    memset(to + length, 0, n - length);
    return to;
}
