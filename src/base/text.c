#include "base/text.h"

#include "base/files.h"

#include <errno.h>
#include <stdlib.h>

int texp_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

static int say_no_text(const texp_text *text, size_t size, texp_message *message)
{
    const unsigned char *bytes = (const unsigned char *)text->bytes;
    int is_utf16 = size > 1 && ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff));
    int line = 1;
    for (const char *p = text->bytes; *p; ++p) line += *p == '\n';
    return texp_say(message, "%s:%d: a zero byte: %s", texp_path_tail(text->file), line,
                    is_utf16 ? "the file is UTF-16; save it as UTF-8" : "the file is no text; correct it or its name");
}

int texp_text_open(texp_text *text, const char *file, texp_message *message)
{
    size_t size;
    *text = (texp_text){.file = file};
    text->bytes = text->rest = (char *)texp_file_read(file, &size);
    if (!text->bytes) {
        return texp_say(message, "%s: can't read: %s%s; correct the path", texp_path_tail(file), strerror(errno),
                        texp_looked_from(file).text);
    }
    if (strlen(text->bytes) == size) return 0;
    say_no_text(text, size, message);
    texp_text_close(text);
    return -1;
}

texp_text texp_text_of(char *bytes)
{
    return (texp_text){.file = "", .bytes = bytes, .rest = bytes};
}

void texp_text_close(texp_text *text)
{
    free(text->bytes);
    text->bytes = text->rest = NULL;
}

/* Without the blanks at both ends; `end` is behind its last byte. */
static char *trim(char *from, char *end)
{
    while (from < end && texp_is_blank(*from)) ++from;
    while (end > from && texp_is_blank(end[-1])) --end;
    *end = 0;
    return from;
}

/* Cuts the next line off the rest, blank or not; files that were joined have their byte order marks inside. */
static char *cut_line(texp_text *text)
{
    char *line = text->rest, *end = line + strcspn(line, "\r\n");
    if (!*line) return NULL;
    text->rest = end + (*end ? 1 + (end[0] == '\r' && end[1] == '\n') : 0);
    ++text->line;
    return trim(line + (strncmp(line, "\xef\xbb\xbf", 3) ? 0 : 3), end);
}

char *texp_text_line(texp_text *text)
{
    char *line;
    do {
        line = cut_line(text);
    } while (line && !*line);
    return line;
}

static char *cut_comment(char *line)
{
    for (char *p = line; *p; ++p) {
        if ((*p == '#' || *p == ';') && (p == line || texp_is_blank(p[-1]))) return trim(line, p);
    }
    return line;
}

char *texp_text_setting(texp_text *text)
{
    char *line;
    do {
        line = texp_text_line(text);
        if (line) line = cut_comment(line);
    } while (line && !*line);
    return line;
}

char *texp_setting_value(char *setting)
{
    char *sign = strchr(setting, '='), *value;
    if (!sign || sign == setting) return NULL;
    value = sign + 1 + strspn(sign + 1, " \t\v\f");
    if (!*value) return NULL;
    trim(setting, sign);
    return value;
}
