/*
 * One-line messages, most of which end the program, and the place in a file that they name. Nothing here knows of
 * Darknet; whoever calls it prints and exits.
 */
#ifndef TEXP_REFUSE_H
#define TEXP_REFUSE_H

/* Where an option stands. Darknet's option lists carry one with every key. */
typedef struct {
    const char *file; /* never freed: messages may come at any time */
    const char *section; /* "[net]", "" in a .data file; lives as long as the option's section */
    int line; /* 1, 2, ...; 0 where unknown */
} texp_origin;

/* Prints "file:line: section key=value: MESSAGE" and exits with a failure. key or value may be NULL. */
void texp_refuse(const texp_origin *origin, const char *key, const char *value, const char *format, ...)
    __attribute__((noreturn, format(printf, 4, 5)));

/* The same line, and the program goes on. */
void texp_report(const texp_origin *origin, const char *key, const char *value, const char *message);

/* Prints "MESSAGE" and exits with a failure. For files, flags and running training. */
void texp_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* exit() from any thread. In another than the main thread it runs no destructors: those of libraries would take from under the
 * other threads what these compute with. stdout is flushed. Of several threads at once the first one's status counts. */
void texp_exit(int status) __attribute__((noreturn));

#endif
