#include "data/dataset.h"

#include "base/check_each.h"
#include "base/files.h"
#include "data/image_list.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* stb_image 2.19, compiled in Darknet's image.c. */
unsigned char *stbi_load_from_memory(const unsigned char *data, int length, int *w, int *h, int *in_file, int wanted);
const char *stbi_failure_reason(void);
void stbi_image_free(void *pixels);

struct texp_dataset {
    int n, classes, w, h, c;
    char *list_file;
    texp_image_list list;
    int *labels; /* class of each image */
    uint8_t *pixels; /* n images, or NULL: decoded on demand */
};

/* ---- images ------------------------------------------------------------------------------------------------- */

static int check_size(const texp_dataset *set, int i, int w, int h, texp_message *message)
{
    char what[200];
    if (w == set->w && h == set->h) return 0;
    snprintf(what, sizeof what,
             "the image has %dx%d pixels, the network takes %dx%d: convert the images, or set width and height "
             "in the cfg",
             w, h, set->w, set->h);
    return texp_image_list_say(&set->list, i, what, message);
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
        return texp_image_list_say(&set->list, i, what, message);
    }
    status = check_size(set, i, w, h, message);
    if (!status) to_planes(out, pixels, (size_t)w * h, set->c);
    stbi_image_free(pixels);
    return status;
}

/* Decodes image i to out, or checks its begin and end where out is NULL. */
static int load(const texp_dataset *set, int i, uint8_t *out, texp_message *message)
{
    texp_message what;
    size_t length;
    int w, h;
    if (texp_image_check(set->list.paths[i], &w, &h, &what))
        return texp_image_list_say(&set->list, i, what.text, message);
    if (check_size(set, i, w, h, message)) return -1;
    if (!out) return 0;
    unsigned char *data = texp_file_read(set->list.paths[i], &length);
    if (!data) return texp_image_list_say(&set->list, i, strerror(errno), message);
    int status = length > INT_MAX ? texp_image_list_say(&set->list, i, "larger than 2 GiB: no image", message)
                                  : decode(set, i, data, (int)length, out, message);
    free(data);
    return status;
}

static int load_one(void *context, int i, texp_message *message)
{
    const texp_dataset *set = context;
    size_t bytes = (size_t)set->w * set->h * set->c;
    return load(set, i, set->pixels ? set->pixels + bytes * i : NULL, message);
}

static int load_all(texp_dataset *set, size_t byte_limit, texp_message *message)
{
    size_t bytes = (size_t)set->w * set->h * set->c;
    if (bytes <= byte_limit / (size_t)set->n) {
        set->pixels = malloc(bytes * set->n);
        if (!set->pixels) return texp_say(message, "no memory for %d images of %zu bytes", set->n, bytes);
    }
    return texp_check_each("images", set->n, load_one, set, message);
}

const uint8_t *texp_dataset_pixels(const texp_dataset *set, int i, uint8_t *buffer, texp_message *message)
{
    if (set->pixels) return set->pixels + (size_t)set->w * set->h * set->c * i;
    return load(set, i, buffer, message) ? NULL : buffer;
}

/* ---- opening and closing ------------------------------------------------------------------------------------ */

static int find_classes(texp_dataset *set, const char *labels_name, texp_message *note, texp_message *message)
{
    texp_text text;
    char **labels = malloc((size_t)set->classes * sizeof *labels);
    int status = -1;
    set->labels = malloc((size_t)set->n * sizeof *set->labels);
    if (!labels || !set->labels) {
        texp_say(message, "no memory for %d labels", set->classes);
    } else if (!texp_labels_open(&text, labels_name, labels, set->classes, message)) {
        status = texp_classes_of_list(&set->list, labels, set->classes, labels_name, set->labels, note, message);
        texp_text_close(&text);
    }
    free(labels);
    return status;
}

static int open_all(texp_dataset *set, const char *list, const char *labels_name, size_t byte_limit, texp_message *note,
                    texp_message *message)
{
    set->list_file = strdup(list);
    if (!set->list_file) return texp_say(message, "no memory for %s", texp_path_tail(list));
    if (texp_image_list_open(&set->list, set->list_file, message)) return -1;
    set->n = set->list.n;
    if (find_classes(set, labels_name, note, message)) return -1;
    return load_all(set, byte_limit, message);
}

int texp_dataset_open(const char *list, const char *labels, int n_classes, int w, int h, int c, size_t byte_limit,
                      texp_dataset **out, texp_message *note, texp_message *message)
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
    if (open_all(set, list, labels, byte_limit, note, message)) {
        texp_dataset_close(set);
        return -1;
    }
    *out = set;
    return 0;
}

void texp_dataset_close(texp_dataset *set)
{
    if (!set) return;
    texp_image_list_close(&set->list);
    free(set->list_file);
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
