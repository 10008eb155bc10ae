#include "cfg/text_files.h"

#include "base/number.h"
#include "base/refuse.h"
#include "base/text.h"
#include "cfg/options.h"
#include "data/boxes.h"
#include "data/label_path.h"

#include "option_list.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

static texp_text open_text(const char *file)
{
    texp_text text;
    texp_message message;
    if (texp_text_open(&text, file, &message)) texp_fail("%s", message.text);
    return text;
}

/* A file in memory of `size` bytes at most. */
static FILE *open_memory(const char *name, size_t size)
{
    FILE *file = fmemopen(NULL, size, "w+");
    if (!file) texp_fail("%s: no memory for its %zu bytes", name, size);
    return file;
}

FILE *texp_open_list(const char *name)
{
    texp_text text = open_text(name);
    FILE *file = open_memory(name, strlen(text.bytes) + 2);
    for (char *line; (line = texp_text_line(&text));) fprintf(file, "%s\n", line);
    texp_text_close(&text);
    rewind(file);
    return file;
}

/* --- cfgs ----------------------------------------------------------------------------------------------------------- */

static void remove_blanks(char *line)
{
    char *to = line;
    for (; *line; ++line) {
        if (!texp_is_blank(*line)) *to++ = *line;
    }
    *to = 0;
}

FILE *texp_open_cfg(const char *name)
{
    texp_text text = open_text(name);
    FILE *file = open_memory(name, strlen(text.bytes) + 2);
    int written = 0;
    for (char *line; (line = texp_text_setting(&text));) {
        for (; written + 1 < text.line; ++written) fputc('\n', file);
        if (*line == '[') remove_blanks(line);
        fprintf(file, "%s\n", line);
        ++written;
    }
    texp_text_close(&text);
    rewind(file);
    return file;
}

void texp_read_cfg_option(list *options, const char *file, const char *section, int number, char *line)
{
    char *value = options ? texp_setting_value(line) : NULL;
    if (!value)
        texp_fail("%s:%d: '%s' is neither [section] nor key=value; correct it or start it with #", file, number, line);
    option_insert(options, line, value);
    texp_set_origin(options, file, section, number);
}

/* --- trees and maps of classes --------------------------------------------------------------------------------------- */

/* Darknet keeps names in 256 bytes and trusts the parents. */
static void check_branch(const char *file, int line, const char *branch, int n)
{
    size_t name = strcspn(branch, " \t\v\f");
    const char *number = branch + name + strspn(branch + name, " \t\v\f");
    long parent = -1;
    if (name > 255) texp_fail("%s:%d: '%.60s...' is longer than 255 letters; shorten the name", file, line, branch);
    if ((*number && !texp_read_long(number, &parent)) || parent < -1 || parent >= n)
        texp_fail("%s:%d: '%s': the parent must be -1 or the number of a line before it, from 0", file, line, branch);
}

FILE *texp_open_tree(const char *name)
{
    texp_text text = open_text(name);
    int n = 0;
    for (char *line; (line = texp_text_line(&text)); ++n) check_branch(name, text.line, line, n);
    texp_text_close(&text);
    if (!n) texp_fail("%s: names no class; write NAME PARENT, one a line", name);
    return texp_open_list(name);
}

int *texp_read_class_map(const char *file)
{
    texp_text text = open_text(file);
    size_t n = 0, room = strlen(text.bytes) / 2 + 1;
    int *map = malloc(room * sizeof *map);
    if (!map) texp_fail("%s: no memory for %zu classes", file, room);
    for (char *line; (line = texp_text_line(&text)); ++n) {
        long class_id;
        if (!texp_read_long(line, &class_id) || class_id < 0 || class_id > INT_MAX)
            texp_fail("%s:%d: '%s' is no class; write one whole number a line, 0 or more", file, text.line, line);
        map[n] = (int)class_id;
    }
    texp_text_close(&text);
    return map;
}

/* --- label files ---------------------------------------------------------------------------------------------------- */

static box_label box_of(const texp_box *b)
{
    return (box_label){.id = b->class_id,
                       .x = b->x,
                       .y = b->y,
                       .w = b->w,
                       .h = b->h,
                       .left = b->x - b->w / 2,
                       .right = b->x + b->w / 2,
                       .top = b->y - b->h / 2,
                       .bottom = b->y + b->h / 2};
}

box_label *texp_read_box_labels(const char *file, int *n)
{
    texp_message message;
    *n = 0;
    if (access(file, F_OK) && errno == ENOENT) return calloc(1, sizeof(box_label));
    texp_box *boxes = texp_boxes_read(file, INT_MAX, n, &message);
    if (!boxes) texp_fail("%s", message.text);
    box_label *labels = calloc((size_t)*n + 1, sizeof *labels);
    for (int i = 0; i < *n; ++i) labels[i] = box_of(&boxes[i]);
    free(boxes);
    return labels;
}

void texp_find_label_file(const char *image, char file[4096])
{
    texp_label_places places = texp_label_places_of(image);
    if (!places.n) texp_fail("%s: the path is too long", image);
    int place = texp_label_place(&places);
    snprintf(file, 4096, "%s", places.path[place < 0 ? places.n - 1 : place]);
}
