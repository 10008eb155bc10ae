/*
 * The text of an error, for functions that return a status and leave printing to their caller. It names the file, the
 * line, the value and the remedy; the caller adds nothing but its own name.
 */
#ifndef TEXP_MESSAGE_H
#define TEXP_MESSAGE_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    char text[512]; /* one line, no newline at its end */
} texp_message;

/* printf into a message; nothing where message is NULL. Returns -1, the status of what failed. */
__attribute__((format(printf, 2, 3), unused)) static int texp_say(texp_message *message, const char *format, ...)
{
    va_list list;
    if (!message) return -1;
    va_start(list, format);
    vsnprintf(message->text, sizeof message->text, format, list);
    va_end(list);
    return -1;
}

/* The end of a path where the whole would crowd the remedy out of a message. */
__attribute__((unused)) static const char *texp_path_tail(const char *path)
{
    size_t length = strlen(path);
    return length > 150 ? path + length - 150 : path;
}

#endif
