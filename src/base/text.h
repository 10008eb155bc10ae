/*
 * Text files by lines, under the same rules wherever a user writes one: .data files, cfgs, lists of images, labels, names,
 * label files. Nothing here knows of Darknet, prints or exits.
 *
 *   - A line ends with LF, CR LF or CR, the last one with the file, too. A UTF-8 byte order mark at its begin is skipped.
 *   - Blanks around a line are dropped, those inside it are kept. Blank lines are skipped; they count as lines.
 *   - A file with a NUL byte in it is no text, and is refused.
 *   - In settings (.data files and cfgs) alone a '#' or ';' begins a comment: in front of all else, or behind a blank.
 *     The value of `names=a#b` is a#b, that of `names=a #b` is a.
 */
#ifndef TEXP_TEXT_H
#define TEXP_TEXT_H

#include "base/message.h"

typedef struct {
    const char *file; /* its name; the caller's */
    int line; /* number of the line read last: 1, 2, ...; 0 before the first */
    char *bytes, *rest; /* inner; lines point into the bytes */
} texp_text;

/* Opens a file and reads it whole. Returns 0, or -1 with a message: it can't be read, or is no text. */
int texp_text_open(texp_text *text, const char *file, texp_message *message);

/* The same of text in memory, which ends with a 0, is the caller's, and is changed by reading it. Not to be closed. */
texp_text texp_text_of(char *bytes);

/* Frees it, with all lines read from it. */
void texp_text_close(texp_text *text);

/* The next line that isn't blank; NULL at the end. It may be changed. */
char *texp_text_line(texp_text *text);

/* The next line of a file of settings that isn't blank without its comment, and without it; NULL at the end. */
char *texp_text_setting(texp_text *text);

/* The value of a setting `key=value`, whose key is then what `setting` holds, both without blanks around them. NULL where
 * there is no '=' or nothing on one side of it; `setting` is then as it was. */
char *texp_setting_value(char *setting);

/* Whether c is a blank within a line: a space, tab, vertical tab or form feed. */
int texp_is_blank(char c);

#endif
