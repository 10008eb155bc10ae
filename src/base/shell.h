/* Words of a command that a user copies into a shell. Nothing here knows of Darknet, prints or exits. */
#ifndef TEXP_SHELL_H
#define TEXP_SHELL_H

/* `word` as POSIX's shell takes it: as it is where all its bytes stand for themselves, otherwise between single quotes. To be
 * freed by the caller; NULL without memory. */
char *texp_shell_word(const char *word);

#endif
