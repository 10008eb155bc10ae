#include "data/image_list.h"

#include "base/check_each.h"
#include "base/files.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* stb_image 2.19, compiled in Darknet's image.c. */
int stbi_info_from_memory(const unsigned char *data, int length, int *w, int *h, int *in_file);
int stbi_info_from_file(FILE *file, int *w, int *h, int *in_file);

/* --- lists ---------------------------------------------------------------------------------------------------------- */

static size_t count_lines(const char *text)
{
    size_t n = 1;
    for (; *text; ++text) n += *text == '\n' || *text == '\r';
    return n;
}

static int read_lines(texp_image_list *list, texp_message *message)
{
    size_t room = count_lines(list->text.bytes);
    const char *file = texp_path_tail(list->text.file);
    if (room > INT_MAX / 2) return texp_say(message, "%s: more lines than fit", file);
    list->paths = malloc(room * sizeof *list->paths);
    list->lines = malloc(room * sizeof *list->lines);
    if (!list->paths || !list->lines) return texp_say(message, "%s: no memory for a list of %zu lines", file, room);
    for (char *path; (path = texp_text_line(&list->text));) {
        list->paths[list->n] = path;
        list->lines[list->n++] = list->text.line;
    }
    return list->n ? 0 : texp_say(message, "%s: names no image; write one path a line", file);
}

int texp_image_list_open(texp_image_list *list, const char *file, texp_message *message)
{
    *list = (texp_image_list){.n = 0};
    if (texp_text_open(&list->text, file, message)) return -1;
    if (!read_lines(list, message)) return 0;
    texp_image_list_close(list);
    return -1;
}

void texp_image_list_close(texp_image_list *list)
{
    texp_text_close(&list->text);
    free(list->paths);
    free(list->lines);
    *list = (texp_image_list){.n = 0};
}

int texp_image_list_say(const texp_image_list *list, int i, const char *what, texp_message *message)
{
    return texp_say(message, "%s, line %d: %s: %s", texp_path_tail(list->text.file), list->lines[i],
                    texp_path_tail(list->paths[i]), what);
}

/* --- images --------------------------------------------------------------------------------------------------------- */

enum { PIECE = 1 << 16 };

/* The first and the last bytes of a file; one piece where it is short. */
typedef struct {
    unsigned char begin[PIECE], end[PIECE];
    size_t begin_length, end_length;
} pieces;

static int read_pieces(FILE *file, pieces *p)
{
    p->begin_length = fread(p->begin, 1, PIECE, file);
    if (ferror(file) || fseek(file, 0, SEEK_END)) return -1;
    long size = ftell(file), from = size > PIECE ? size - PIECE : 0;
    if (size < 0 || fseek(file, from, SEEK_SET)) return -1;
    p->end_length = fread(p->end, 1, PIECE, file);
    rewind(file);
    return ferror(file) ? -1 : 0;
}

/* Behind an image's end some programs leave bytes of their own. */
static int has_mark(const pieces *p, const char *mark, size_t length)
{
    for (size_t i = 0; i + length <= p->end_length; ++i) {
        if (!memcmp(p->end + i, mark, length)) return 1;
    }
    return 0;
}

/* stb_image fills what a cut JPEG lacks with grey and reports nothing. */
static const char *what_is_cut(const pieces *p)
{
    if (!memcmp(p->begin, "\xff\xd8", 2) && !has_mark(p, "\xff\xd9", 2)) return "JPEG";
    if (!memcmp(p->begin, "\x89PNG", 4) && !has_mark(p, "IEND", 4)) return "PNG";
    return NULL;
}

static int check_pieces(FILE *file, const pieces *p, int *w, int *h, texp_message *message)
{
    int in_file;
    if (!p->begin_length) return texp_say(message, "an empty file; copy it again");
    /* A long comment may stand before the size. */
    if (!stbi_info_from_memory(p->begin, (int)p->begin_length, w, h, &in_file) &&
        !stbi_info_from_file(file, w, h, &in_file)) {
#ifdef OPENCV
        *w = *h = 0;
        return 0;
#else
        return texp_say(message, "no image that stb_image knows; convert it to PNG or JPEG");
#endif
    }
    const char *cut = what_is_cut(p);
    return cut ? texp_say(message, "a %s cut short: its end is missing; copy it again", cut) : 0;
}

int texp_image_check(const char *name, int *w, int *h, texp_message *message)
{
    FILE *file = fopen(name, "rb");
    pieces *p = malloc(sizeof *p);
    int status = -1;
    if (!p)
        texp_say(message, "no memory to read it");
    else if (!file || read_pieces(file, p))
        texp_say(message, "%s%s", strerror(errno), texp_looked_from(name).text);
    else
        status = check_pieces(file, p, w, h, message);
    if (file) fclose(file);
    free(p);
    return status;
}

static int check_one(void *context, int i, texp_message *message)
{
    const texp_image_list *list = context;
    texp_message what;
    int w, h;
    return texp_image_check(list->paths[i], &w, &h, &what) ? texp_image_list_say(list, i, what.text, message) : 0;
}

int texp_image_list_check(const texp_image_list *list, texp_message *message)
{
    return texp_check_each("images", list->n, check_one, (void *)list, message);
}
