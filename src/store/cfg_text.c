#include "store/cfg_text.h"

#include "base/text.h"

#include <stdlib.h>

/* ---- the normal form ---------------------------------------------------------------------------------------- */

/* The settings of `text`, which is changed by reading it. */
static char *normal_of(texp_text *text, size_t size)
{
    char *normal = malloc(size + 2), *out = normal;
    if (!normal) return NULL;
    for (char *line; (line = texp_text_setting(text)); *out++ = '\n') {
        for (; *line; ++line) {
            if (!texp_is_blank(*line)) *out++ = *line;
        }
    }
    *out = 0;
    return normal;
}

char *texp_cfg_normal(const char *cfg)
{
    char *copy = strdup(cfg), *normal;
    if (!copy) return NULL;
    texp_text text = texp_text_of(copy);
    normal = normal_of(&text, strlen(cfg));
    free(copy);
    return normal;
}

char *texp_cfg_normal_of(const char *file)
{
    texp_text text;
    if (texp_text_open(&text, file, NULL)) return NULL;
    char *normal = normal_of(&text, strlen(text.bytes));
    texp_text_close(&text);
    return normal;
}

/* ---- two of them -------------------------------------------------------------------------------------------- */

/* A line without its newline, and its key: up to the first '='. */
typedef struct {
    const char *text;
    int length, key;
} line;

static line line_at(const char *text)
{
    line l = {text, (int)strcspn(text, "\n"), 0};
    l.key = (int)strcspn(text, "=\n");
    return l;
}

static const char *next_line(const char *text)
{
    text += strcspn(text, "\n");
    return text + (*text == '\n');
}

/* Whether a line of a section stands here, and no header of the next or the end. */
static int in_section(const char *text)
{
    return *text && *text != '[';
}

static const char *next_section(const char *text)
{
    while (in_section(text)) text = next_line(text);
    return text;
}

static int same_key(line a, line b)
{
    return a.key == b.key && !memcmp(a.text, b.text, (size_t)a.key);
}

static int same_line(line a, line b)
{
    return a.length == b.length && !memcmp(a.text, b.text, (size_t)a.length);
}

/* The section's first line of that key, or an empty one. */
static line find_key(const char *section, line wanted)
{
    for (; in_section(section); section = next_line(section)) {
        if (same_key(line_at(section), wanted)) return line_at(section);
    }
    return (line){"", 0, 0};
}

/* Whose differences count. */
typedef struct {
    texp_key_counts *counts;
    const void *context;
    int section;
} judge;

static int counts(const judge *j, line l)
{
    char key[64]; /* longer ones are no key that anybody knows */
    snprintf(key, sizeof key, "%.*s", l.key, l.text);
    return j->counts(j->context, j->section, key);
}

static int say_difference(texp_message *message, int section, line header, line there, line here)
{
    enum { MOST = 80 }; /* letters of a line; the rest of a message must fit beside them */
    static const line nothing = {"nothing", 7, 0};
    char place[32] = "";
    if (section) snprintf(place, sizeof place, "layer %d ", section - 1);
    if (!there.length) there = nothing;
    if (!here.length) here = nothing;
    texp_say(message, "%s%.*s%s%.*s there, %.*s here", place, header.length < MOST ? header.length : MOST, header.text,
             header.length ? " " : "", there.length < MOST ? there.length : MOST, there.text,
             here.length < MOST ? here.length : MOST, here.text);
    return 1;
}

static int compare_sections(const char *there, const char *here, const judge *j, line header, texp_message *difference)
{
    for (const char *p = there; in_section(p); p = next_line(p)) {
        line a = find_key(there, line_at(p)), b = find_key(here, line_at(p));
        if (!same_line(a, b) && counts(j, a)) {
            return say_difference(difference, j->section, header, a, b);
        }
    }
    for (const char *p = here; in_section(p); p = next_line(p)) {
        line a = find_key(there, line_at(p)), b = find_key(here, line_at(p));
        if (!a.length && counts(j, b)) return say_difference(difference, j->section, header, a, b);
    }
    return 0;
}

int texp_cfg_difference(const char *there, const char *here, texp_key_counts *counts, const void *context,
                        texp_message *difference)
{
    static const line none = {"", 0, 0};
    there = next_section(there);
    here = next_section(here);
    for (int section = 0; *there || *here; ++section) {
        line a = line_at(there), b = line_at(here);
        if (!same_line(a, b)) return say_difference(difference, section, none, a, b);
        there = next_line(there);
        here = next_line(here);
        if (compare_sections(there, here, &(judge){counts, context, section}, a, difference)) return 1;
        there = next_section(there);
        here = next_section(here);
    }
    return 0;
}
