#include "data/dataset.h"

#include "base/files.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* stb_image 2.19, compiled in Darknet's image.c. */
unsigned char *stbi_load_from_memory(const unsigned char *data, int length, int *w, int *h, int *in_file, int wanted);
int stbi_info_from_memory(const unsigned char *data, int length, int *w, int *h, int *in_file);
const char *stbi_failure_reason(void);
void stbi_image_free(void *pixels);

struct texp_dataset {
    int n, classes, w, h, c;
    char *list; /* name of the list file, for messages */
    char *text; /* its contents; the paths point into it */
    char **paths; /* n of them */
    int *lines; /* line of each path, for messages */
    int *labels; /* class of each image */
    uint8_t *pixels; /* n images, or NULL: decoded on demand */
};

/* Cuts the next line off *rest; NULL at the end. White space at its end, CR included, is dropped, so that a blank line
 * is an empty one. */
static char *next_line(char **rest)
{
    char *line = *rest, *end;
    if (!*line) return NULL;
    end = line + strcspn(line, "\n");
    *rest = *end ? end + 1 : end;
    while (end > line && isspace((unsigned char)end[-1])) --end;
    *end = 0;
    return line;
}

/* ---- labels ------------------------------------------------------------------------------------------------- */

static int find_label(const char *text, size_t length, char *const *labels, int n)
{
    int k;
    for (k = 0; k < n; ++k) {
        if (strncmp(labels[k], text, length) == 0 && labels[k][length] == 0) return k;
    }
    return TEXP_LABEL_NONE;
}

static int ends_part(char c)
{
    return c == '_' || c == '-';
}

/* Every run of whole parts of the name is looked up. The longest label found decides; another one that does not lie
 * within it makes the name ambiguous. */
static int label_of_name(const char *name, size_t length, char *const *labels, int n)
{
    size_t from, to, best_from = 0, best_to = 0;
    int k, pass, best = TEXP_LABEL_NONE;
    for (pass = 0; pass < 2; ++pass) {
        for (from = 0; from < length; ++from) {
            if (from > 0 && !ends_part(name[from - 1])) continue;
            for (to = from + 1; to <= length; ++to) {
                if (to < length && !ends_part(name[to])) continue;
                k = find_label(name + from, to - from, labels, n);
                if (k < 0) continue;
                if (pass == 0 && to - from > best_to - best_from) {
                    best = k;
                    best_from = from;
                    best_to = to;
                }
                if (pass == 1 && k != best && (from < best_from || to > best_to)) return TEXP_LABEL_AMBIGUOUS;
            }
        }
    }
    return best;
}

int texp_label_of_path(const char *path, char *const *labels, int n)
{
    const char *slash = strrchr(path, '/'), *folder = slash;
    const char *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    int k = TEXP_LABEL_NONE;
    if (slash) {
        while (folder > path && folder[-1] != '/') --folder;
        k = find_label(folder, (size_t)(slash - folder), labels, n);
    }
    if (k >= 0) return k;
    return label_of_name(name, dot && dot > name ? (size_t)(dot - name) : strlen(name), labels, n);
}

/* Reads the first n labels into labels[], which point into the returned text. */
static char *read_labels(const char *name, char **labels, int n, texp_message *message)
{
    size_t length;
    int k = 0, line = 0, same;
    char *text = (char *)texp_file_read(name, &length), *rest = text, *label;
    if (!text) {
        texp_say(message, "cannot read labels from %s: %s (key `labels` of the .data file)", texp_path_tail(name),
                 strerror(errno));
        return NULL;
    }
    while (k < n && (label = next_line(&rest))) {
        ++line;
        if (!*label) continue;
        same = find_label(label, strlen(label), labels, k);
        if (same >= 0) {
            texp_say(message, "%s: line %d repeats the label `%.60s`: each class needs its own", texp_path_tail(name),
                     line, label);
            free(text);
            return NULL;
        }
        labels[k++] = label;
    }
    if (k < n) {
        texp_say(message, "%s has %d labels, %d are needed: one a line, as many as `classes` of the .data file says",
                 texp_path_tail(name), k, n);
        free(text);
        return NULL;
    }
    return text;
}

/* ---- the list ----------------------------------------------------------------------------------------------- */

static size_t count_lines(const char *text)
{
    size_t n = 1;
    for (; *text; ++text) n += *text == '\n';
    return n;
}

static int read_list(texp_dataset *set, texp_message *message)
{
    size_t length, room;
    int line = 0;
    char *rest, *path;
    set->text = (char *)texp_file_read(set->list, &length);
    if (!set->text)
        return texp_say(message, "cannot read the list of images %s: %s", texp_path_tail(set->list), strerror(errno));
    if (strlen(set->text) != length)
        return texp_say(message, "%s is no list of images: it isn't plain text", texp_path_tail(set->list));
    room = count_lines(set->text);
    if (room > INT_MAX / 2) return texp_say(message, "%s: more lines than fit", texp_path_tail(set->list));
    set->paths = malloc(room * sizeof *set->paths);
    set->lines = malloc(room * sizeof *set->lines);
    set->labels = malloc(room * sizeof *set->labels);
    if (!set->paths || !set->lines || !set->labels) return texp_say(message, "no memory for a list of %zu lines", room);
    rest = set->text;
    while ((path = next_line(&rest))) {
        ++line;
        if (!*path) continue;
        set->paths[set->n] = path;
        set->lines[set->n++] = line;
    }
    if (!set->n) return texp_say(message, "%s lists no image: it takes one path a line", texp_path_tail(set->list));
    return 0;
}

/* Starts a message with where the image is listed. */
static int say_image(const texp_dataset *set, int i, texp_message *message, const char *what)
{
    return texp_say(message, "%s, line %d: %s: %s", texp_path_tail(set->list), set->lines[i],
                    texp_path_tail(set->paths[i]), what);
}

static int label_images(texp_dataset *set, char *const *labels, const char *labels_name, texp_message *message)
{
    int i;
    for (i = 0; i < set->n; ++i) {
        int k = texp_label_of_path(set->paths[i], labels, set->classes);
        char what[256];
        if (k < 0) {
            snprintf(what, sizeof what,
                     "%s of %.120s: put the image into a folder called as its label, or name it NUMBER_LABEL",
                     k == TEXP_LABEL_NONE ? "neither folder nor file name has a label" : "the file name has two labels",
                     texp_path_tail(labels_name));
            return say_image(set, i, message, what);
        }
        set->labels[i] = k;
    }
    return 0;
}

/* ---- images ------------------------------------------------------------------------------------------------- */

/* stb_image fills what a cut JPEG lacks with grey and reports nothing; the mark at its end is there only if it was
 * written whole. */
static int is_cut_jpeg(const unsigned char *data, size_t length)
{
    size_t i;
    if (length < 4 || data[0] != 0xff || data[1] != 0xd8) return 0;
    for (i = length - 1; i > 2; --i) {
        if (data[i - 1] == 0xff && data[i] == 0xd9) return 0;
    }
    return 1;
}

static int check_size(const texp_dataset *set, int i, int w, int h, texp_message *message)
{
    char what[200];
    if (w == set->w && h == set->h) return 0;
    snprintf(what, sizeof what,
             "the image has %dx%d pixels, the network takes %dx%d: convert the images, or set width and height "
             "in the cfg",
             w, h, set->w, set->h);
    return say_image(set, i, message, what);
}

/* stb_image orders by pixel, the network by channel. */
static void to_planes(uint8_t *out, const unsigned char *in, size_t plane, int c)
{
    size_t i;
    int k;
    for (k = 0; k < c; ++k) {
        for (i = 0; i < plane; ++i) out[k * plane + i] = in[i * c + k];
    }
}

static int decode(const texp_dataset *set, int i, const unsigned char *data, int length, uint8_t *out,
                  texp_message *message)
{
    int w, h, in_file, status;
    unsigned char *pixels = stbi_load_from_memory(data, length, &w, &h, &in_file, set->c);
    if (!pixels) {
        char what[100];
        snprintf(what, sizeof what, "no image, or a damaged one (%s)", stbi_failure_reason());
        return say_image(set, i, message, what);
    }
    status = check_size(set, i, w, h, message);
    if (!status) to_planes(out, pixels, (size_t)w * h, set->c);
    stbi_image_free(pixels);
    return status;
}

static int say_no_file(const texp_dataset *set, int i, texp_message *message)
{
    char what[512];
    snprintf(what, sizeof what, "%s%s", strerror(errno), texp_looked_from(set->paths[i]).text);
    return say_image(set, i, message, what);
}

/* Decodes image i to out, or checks its header where out is NULL. */
static int load(const texp_dataset *set, int i, uint8_t *out, texp_message *message)
{
    size_t length;
    int w, h, in_file, status;
    unsigned char *data = texp_file_read(set->paths[i], &length);
    if (!data) return say_no_file(set, i, message);
    if (length > INT_MAX)
        status = say_image(set, i, message, "larger than 2 GiB: no image");
    else if (is_cut_jpeg(data, length))
        status = say_image(set, i, message, "a JPEG cut short: its end is missing; copy it again");
    else if (out || !stbi_info_from_memory(data, (int)length, &w, &h, &in_file))
        status = out ? decode(set, i, data, (int)length, out, message)
                     : say_image(set, i, message, "no image that stb_image knows");
    else
        status = check_size(set, i, w, h, message);
    free(data);
    return status;
}

static int load_all(texp_dataset *set, size_t byte_limit, texp_message *message)
{
    size_t bytes = (size_t)set->w * set->h * set->c;
    int i;
    if (bytes <= byte_limit / (size_t)set->n) {
        set->pixels = malloc(bytes * set->n);
        if (!set->pixels) return texp_say(message, "no memory for %d images of %zu bytes", set->n, bytes);
    }
    for (i = 0; i < set->n; ++i) {
        if (load(set, i, set->pixels ? set->pixels + bytes * i : NULL, message)) return -1;
    }
    return 0;
}

const uint8_t *texp_dataset_pixels(const texp_dataset *set, int i, uint8_t *buffer, texp_message *message)
{
    if (set->pixels) return set->pixels + (size_t)set->w * set->h * set->c * i;
    return load(set, i, buffer, message) ? NULL : buffer;
}

/* ---- opening and closing ------------------------------------------------------------------------------------ */

static int open_all(texp_dataset *set, const char *list, const char *labels_name, size_t byte_limit,
                    texp_message *message)
{
    char **labels = malloc((size_t)set->classes * sizeof *labels), *text = NULL;
    int status = -1;
    set->list = strdup(list);
    if (!labels || !set->list)
        texp_say(message, "no memory for %d labels", set->classes);
    else if ((text = read_labels(labels_name, labels, set->classes, message)) && !read_list(set, message) &&
             !label_images(set, labels, labels_name, message))
        status = load_all(set, byte_limit, message);
    free(text);
    free(labels);
    return status;
}

int texp_dataset_open(const char *list, const char *labels, int n_classes, int w, int h, int c, size_t byte_limit,
                      texp_dataset **out, texp_message *message)
{
    texp_dataset *set;
    *out = NULL;
    if (c != 1 && c != 3) return texp_say(message, "the network takes %d channels: images have 1 (grey) or 3", c);
    if (n_classes < 1 || w < 1 || h < 1)
        return texp_say(message, "%d classes, %dx%d pixels: all must be at least 1", n_classes, w, h);
    set = calloc(1, sizeof *set);
    if (!set) return texp_say(message, "no memory for %s", texp_path_tail(list));
    set->classes = n_classes;
    set->w = w;
    set->h = h;
    set->c = c;
    if (open_all(set, list, labels, byte_limit, message)) {
        texp_dataset_close(set);
        return -1;
    }
    *out = set;
    return 0;
}

void texp_dataset_close(texp_dataset *set)
{
    if (!set) return;
    free(set->list);
    free(set->text);
    free(set->paths);
    free(set->lines);
    free(set->labels);
    free(set->pixels);
    free(set);
}

int texp_dataset_size(const texp_dataset *set)
{
    return set->n;
}

int texp_dataset_classes(const texp_dataset *set)
{
    return set->classes;
}

int texp_dataset_width(const texp_dataset *set)
{
    return set->w;
}

int texp_dataset_height(const texp_dataset *set)
{
    return set->h;
}

int texp_dataset_channels(const texp_dataset *set)
{
    return set->c;
}

int texp_dataset_label(const texp_dataset *set, int i)
{
    return set->labels[i];
}
