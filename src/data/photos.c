#include "data/photos.h"

#include "base/check_each.h"
#include "base/files.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

/* stb_image 2.19, compiled in Darknet's image.c. */
unsigned char *stbi_load_from_memory(const unsigned char *data, int length, int *w, int *h, int *in_file, int wanted);
int stbi_info_from_file(FILE *file, int *w, int *h, int *in_file);
const char *stbi_failure_reason(void);
void stbi_image_free(void *pixels);

typedef struct {
    const char *path;
    int line; /* of the list */
    int w, h;
    _Atomic(uint8_t *) pixels; /* NULL: not decoded, or not kept */
} entry;

struct texp_photos {
    texp_text list;
    char **paths; /* n of them, into the list's text */
    entry *entries; /* n of them */
    int n, c;
    atomic_size_t left; /* bytes that may still be kept */
};

/* Starts a message with where the image is listed. */
static int say(const texp_photos *photos, int i, texp_message *message, const char *what)
{
    const entry *e = photos->entries + i;
    return texp_say(message, "%s, line %d: %s: %s", texp_path_tail(photos->list.file), e->line, texp_path_tail(e->path),
                    what);
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static int add_line(texp_photos *photos, char *path)
{
    if (!(photos->n & (photos->n - 1))) {
        size_t room = photos->n ? 2 * (size_t)photos->n : 1;
        char **paths = realloc(photos->paths, room * sizeof *paths);
        if (paths) photos->paths = paths;
        entry *entries = realloc(photos->entries, room * sizeof *entries);
        if (entries) photos->entries = entries;
        if (!paths || !entries) return -1;
    }
    photos->paths[photos->n] = path;
    photos->entries[photos->n] = (entry){.path = path, .line = photos->list.line};
    photos->n++;
    return 0;
}

static int read_list(texp_photos *photos, const char *list, texp_message *message)
{
    char *path;
    if (texp_text_open(&photos->list, list, message)) return -1;
    while ((path = texp_text_line(&photos->list))) {
        if (add_line(photos, path)) return texp_say(message, "%s: no memory", texp_path_tail(list));
    }
    if (!photos->n) return texp_say(message, "%s: names no image; write one path a line", texp_path_tail(list));
    return 0;
}

static int check_header(void *context, int i, texp_message *message)
{
    const texp_photos *photos = context;
    entry *e = photos->entries + i;
    int in_file;
    FILE *file = fopen(e->path, "rb");
    if (!file) return say(photos, i, message, strerror(errno));
    int known = stbi_info_from_file(file, &e->w, &e->h, &in_file);
    fclose(file);
    return known ? 0 : say(photos, i, message, "no image that stb_image knows");
}

int texp_photos_open(const char *list, int c, size_t byte_limit, texp_photos **out, texp_message *message)
{
    texp_photos *photos = calloc(1, sizeof *photos);
    *out = NULL;
    if (!photos) return texp_say(message, "%s: no memory", texp_path_tail(list));
    photos->c = c;
    photos->left = byte_limit;
    if (read_list(photos, list, message) || texp_check_each("images", photos->n, check_header, photos, message)) {
        texp_photos_close(photos);
        return -1;
    }
    *out = photos;
    return 0;
}

void texp_photos_close(texp_photos *photos)
{
    if (!photos) return;
    for (int i = 0; i < photos->n; ++i) stbi_image_free(photos->entries[i].pixels);
    texp_text_close(&photos->list);
    free(photos->paths);
    free(photos->entries);
    free(photos);
}

int texp_photos_size(const texp_photos *photos)
{
    return photos->n;
}

char *const *texp_photos_paths(const texp_photos *photos)
{
    return photos->paths;
}

/* --- decoding ----------------------------------------------------------------------------------------------------- */

/* stb_image fills what a cut JPEG lacks with grey and reports nothing; the mark at its end is there only if it was
 * written whole. */
static int is_cut_jpeg(const unsigned char *data, size_t length)
{
    if (length < 4 || data[0] != 0xff || data[1] != 0xd8) return 0;
    for (size_t i = length - 1; i > 2; --i) {
        if (data[i - 1] == 0xff && data[i] == 0xd9) return 0;
    }
    return 1;
}

static uint8_t *decode(texp_photos *photos, int i, const unsigned char *data, size_t length, texp_message *message)
{
    entry *e = photos->entries + i;
    int w, h, in_file;
    uint8_t *pixels = NULL;
    char what[128] = "larger than 2 GiB: no image";
    if (is_cut_jpeg(data, length)) {
        snprintf(what, sizeof what, "a JPEG cut short: its end is missing; copy it again");
    } else if (length <= INT_MAX) {
        pixels = stbi_load_from_memory(data, (int)length, &w, &h, &in_file, photos->c);
        if (!pixels) snprintf(what, sizeof what, "no image, or a damaged one (%s)", stbi_failure_reason());
    }
    if (pixels && (w != e->w || h != e->h)) {
        stbi_image_free(pixels);
        pixels = NULL;
        snprintf(what, sizeof what, "has changed since the run began; start anew");
    }
    if (!pixels) say(photos, i, message, what);
    return pixels;
}

/* Takes n bytes of what may be kept; 0 where so many are not left. */
static int reserve(atomic_size_t *left, size_t n)
{
    size_t now = atomic_load(left);
    while (now >= n) {
        if (atomic_compare_exchange_weak(left, &now, now - n)) return 1;
    }
    return 0;
}

/* Of two threads that decode one image at once, one keeps its pixels. */
static void keep(texp_photos *photos, entry *e, texp_photo *photo)
{
    size_t bytes = (size_t)photo->w * photo->h * photo->c;
    uint8_t *none = NULL;
    if (!reserve(&photos->left, bytes)) return;
    if (atomic_compare_exchange_strong(&e->pixels, &none, photo->own))
        photo->own = NULL;
    else
        atomic_fetch_add(&photos->left, bytes);
}

int texp_photos_get(texp_photos *photos, int i, texp_photo *photo, texp_message *message)
{
    entry *e = photos->entries + i;
    size_t length;
    *photo = (texp_photo){.w = e->w, .h = e->h, .c = photos->c, .pixels = atomic_load(&e->pixels)};
    if (photo->pixels) return 0;
    unsigned char *data = texp_file_read(e->path, &length);
    if (!data) return say(photos, i, message, strerror(errno));
    photo->pixels = photo->own = decode(photos, i, data, length, message);
    free(data);
    if (!photo->pixels) return -1;
    keep(photos, e, photo);
    return 0;
}

void texp_photos_return(const texp_photo *photo)
{
    stbi_image_free(photo->own);
}
