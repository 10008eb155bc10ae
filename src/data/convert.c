#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "data/convert.h"

#include "base/files.h"
#include "base/text.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

/* stb_image_write 1.09, compiled in Darknet's image.c. */
typedef void stbi_write_func(void *context, void *data, int size);
int stbi_write_png_to_func(stbi_write_func *func, void *context, int w, int h, int c, const void *data, int stride);

enum { MAX_CLASSES = 1000, CIFAR_SIDE = 32, CIFAR_RECORD = 1 + 3 * CIFAR_SIDE * CIFAR_SIDE };

/* A folder of images in the making. */
typedef struct {
    char *names[MAX_CLASSES];
    int classes;
    texp_text text; /* of the file of names */
    char part[PATH_MAX]; /* OUT.part, where images are written */
    const char *out;
    int count; /* images written */
    texp_message *message;
} folder;

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* To be freed; NULL with a message. A 0 follows it. */
static unsigned char *read_all(const char *name, size_t *length, texp_message *message)
{
    unsigned char *data = texp_file_read(name, length);
    if (!data) texp_say(message, "cannot read %s: %s", texp_path_tail(name), strerror(errno));
    return data;
}

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* An IDX file of unsigned bytes with `dimensions` sizes, which must account for its length. Returns its contents, to be
 * freed, the values starting at 4 + 4*dimensions; NULL with a message. */
static unsigned char *read_idx(const char *name, int dimensions, uint32_t *sizes, texp_message *message)
{
    size_t length, header = 4 + 4 * (size_t)dimensions;
    double expected = (double)header; /* a product of 32-bit sizes needs more than 64 bits */
    double product = 1;
    uint32_t magic = 0x800 + (uint32_t)dimensions;
    int k;
    unsigned char *data = read_all(name, &length, message);
    if (!data) return NULL;
    if (length >= 2 && data[0] == 0x1f && data[1] == 0x8b)
        texp_say(message, "%s is compressed: unpack it with gunzip first", texp_path_tail(name));
    else if (length >= 4 && big_endian(data) != magic)
        texp_say(message, "%s is no IDX file of %s: it starts with 0x%08x, not 0x%08x", texp_path_tail(name),
                 dimensions == 1 ? "labels" : "images", (unsigned)big_endian(data), (unsigned)magic);
    else if (length < header)
        texp_say(message, "%s is cut short: %zu bytes, its header alone has %zu", texp_path_tail(name), length, header);
    else {
        for (k = 0; k < dimensions; ++k) product *= sizes[k] = big_endian(data + 4 + 4 * k);
        expected += product;
        if ((double)length == expected) return data;
        texp_say(message, "%s is %s: %zu bytes, %.0f by its header", texp_path_tail(name),
                 (double)length < expected ? "cut short" : "too long", length, expected);
    }
    free(data);
    return NULL;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

static int remove_tree(const char *path)
{
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT ? -1 : 0;
}

/* A class name becomes a folder: it must be one. */
static int usable_name(const folder *to, const char *name)
{
    int k;
    for (k = 0; k < to->classes; ++k) {
        if (strcmp(to->names[k], name) == 0) return 0;
    }
    return !strchr(name, '/') && name[0] != '.' && strlen(name) < 100;
}

static int read_names(folder *to, const char *file)
{
    if (texp_text_open(&to->text, file, to->message)) return -1;
    for (char *line; (line = texp_text_line(&to->text));) {
        if (to->classes == MAX_CLASSES)
            return texp_say(to->message, "%s has more than %d names", texp_path_tail(file), MAX_CLASSES);
        if (!usable_name(to, line))
            return texp_say(to->message, "%s, line %d: `%.60s` is repeated or no name for a folder",
                            texp_path_tail(file), to->text.line, line);
        to->names[to->classes++] = line;
    }
    return to->classes ? 0 : texp_say(to->message, "%s has no class names: one a line", texp_path_tail(file));
}

static int make_folder(const folder *to, const char *name)
{
    if (mkdir(name, 0777) == 0) return 0;
    return texp_say(to->message, "cannot make the folder %s: %s", texp_path_tail(name), strerror(errno));
}

/* Reads the names and makes OUT.part with a folder for each. */
static int begin(folder *to, const char *names, const char *out, texp_message *message)
{
    struct stat info;
    char path[PATH_MAX + 128];
    int k;
    memset(to, 0, sizeof *to);
    to->message = message;
    to->out = out;
    if ((size_t)snprintf(to->part, sizeof to->part, "%s.part", out) >= sizeof to->part)
        return texp_say(message, "the name of the output folder is too long");
    if (lstat(out, &info) == 0) return texp_say(message, "%s is already there: remove it first", texp_path_tail(out));
    if (read_names(to, names)) return -1;
    if (remove_tree(to->part))
        return texp_say(message, "cannot remove %s: %s", texp_path_tail(to->part), strerror(errno));
    if (make_folder(to, to->part)) return -1;
    for (k = 0; k < to->classes; ++k) {
        snprintf(path, sizeof path, "%s/%s", to->part, to->names[k]);
        if (make_folder(to, path)) return -1;
    }
    return 0;
}

/* Makes OUT of OUT.part if all went well, otherwise leaves neither. Returns what the caller returns. */
static int finish(folder *to, int status)
{
    if (!status && !to->count) status = texp_say(to->message, "no image to write to %s", texp_path_tail(to->out));
    if (!status && rename(to->part, to->out))
        status = texp_say(to->message, "cannot rename %s: %s", texp_path_tail(to->part), strerror(errno));
    if (status && to->text.bytes) remove_tree(to->part);
    texp_text_close(&to->text);
    return status ? -1 : to->count;
}

/* stb_image_write's own file output reports no full disk. */
static void write_bytes(void *context, void *data, int size)
{
    FILE **file = context;
    if (*file && fwrite(data, 1, (size_t)size, *file) < (size_t)size) {
        fclose(*file);
        *file = NULL;
    }
}

static int write_image(folder *to, int label, const unsigned char *pixels, int w, int h, int c)
{
    char path[PATH_MAX + 128];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s/%05d.png", to->part, to->names[label], ++to->count);
    file = fopen(path, "wb");
    if (file && !stbi_write_png_to_func(write_bytes, &file, w, h, c, pixels, w * c)) {
        fclose(file);
        return texp_say(to->message, "no memory for %s", texp_path_tail(path));
    }
    if (file && fclose(file) == 0) return 0;
    return texp_say(to->message, "cannot write %s: %s", texp_path_tail(path), strerror(errno));
}

/* ---- the forms ---------------------------------------------------------------------------------------------- */

static int say_label(const folder *to, const char *file, uint32_t i, int label)
{
    return texp_say(to->message, "%s: image %u has label %d, the names are those of 0..%d", texp_path_tail(file),
                    (unsigned)i + 1, label, to->classes - 1);
}

static int write_idx(folder *to, const char *file, const unsigned char *pixels, const unsigned char *labels,
                     const uint32_t *sizes, int pad)
{
    uint32_t i;
    int y, h = (int)sizes[1], w = (int)sizes[2], wide = w + 2 * pad, status = 0;
    unsigned char *padded = calloc((size_t)wide * (h + 2 * pad), 1);
    if (!padded) return texp_say(to->message, "no memory for an image");
    for (i = 0; i < sizes[0] && !status; ++i) {
        for (y = 0; y < h; ++y)
            memcpy(padded + (size_t)(y + pad) * wide + pad, pixels + ((size_t)i * h + y) * w, (size_t)w);
        status = labels[i] < to->classes ? write_image(to, labels[i], padded, wide, h + 2 * pad, 1)
                                         : say_label(to, file, i, labels[i]);
    }
    free(padded);
    return status;
}

int texp_images_from_idx(const char *images, const char *labels, const char *names, int pad, const char *out,
                         texp_message *message)
{
    uint32_t sizes[3], n;
    folder to;
    unsigned char *pixels, *classes;
    int status = -1;
    if (pad < 0 || pad > 1024) return texp_say(message, "the padding must be 0..1024 pixels");
    pixels = read_idx(images, 3, sizes, message);
    classes = pixels ? read_idx(labels, 1, &n, message) : NULL;
    if (classes && n != sizes[0])
        texp_say(message, "%s has %u images, %s has %u labels", texp_path_tail(images), (unsigned)sizes[0],
                 texp_path_tail(labels), (unsigned)n);
    else if (classes && (!sizes[1] || !sizes[2] || sizes[1] > 4096 || sizes[2] > 4096))
        texp_say(message, "%s has images of %ux%u pixels: 1 to 4096 each way are possible", texp_path_tail(images),
                 (unsigned)sizes[2], (unsigned)sizes[1]);
    else if (classes) {
        status = begin(&to, names, out, message);
        if (!status) status = write_idx(&to, labels, pixels + 16, classes + 8, sizes, pad);
        status = finish(&to, status);
    }
    free(classes);
    free(pixels);
    return status;
}

static int write_cifar_record(folder *to, const char *file, uint32_t i, const unsigned char *record)
{
    unsigned char pixels[CIFAR_RECORD - 1];
    int k, p, plane = CIFAR_SIDE * CIFAR_SIDE;
    if (record[0] >= to->classes) return say_label(to, file, i, record[0]);
    for (k = 0; k < 3; ++k) {
        for (p = 0; p < plane; ++p) pixels[3 * p + k] = record[1 + k * plane + p];
    }
    return write_image(to, record[0], pixels, CIFAR_SIDE, CIFAR_SIDE, 3);
}

static int write_cifar_batch(folder *to, const char *batch)
{
    size_t length, i;
    int status = 0;
    unsigned char *data = read_all(batch, &length, to->message);
    if (!data) return -1;
    if (!length || length % CIFAR_RECORD)
        status = texp_say(to->message, "%s is no batch of CIFAR-10, or cut short: %zu bytes, no multiple of %d",
                          texp_path_tail(batch), length, CIFAR_RECORD);
    for (i = 0; i < length / CIFAR_RECORD && !status; ++i)
        status = write_cifar_record(to, batch, (uint32_t)i, data + i * CIFAR_RECORD);
    free(data);
    return status;
}

int texp_images_from_cifar10(const char *const *batches, int n_batches, const char *names, const char *out,
                             texp_message *message)
{
    folder to;
    int k, status = begin(&to, names, out, message);
    for (k = 0; k < n_batches && !status; ++k) status = write_cifar_batch(&to, batches[k]);
    return finish(&to, status);
}

/* ---- the commands ------------------------------------------------------------------------------------------- */

static int report(int count, const char *out, const texp_message *message)
{
    if (count < 0)
        fprintf(stderr, "darknet texp images: %s\n", message->text);
    else
        printf("%s: %d images\n", out, count);
    return count < 0;
}

int texp_images_idx(const texp_arguments *a)
{
    texp_message message;
    int pad = (int)texp_argument_number(a, "-pad", 0);
    const char *out = a->names[3];
    return report(texp_images_from_idx(a->names[0], a->names[1], a->names[2], pad, out, &message), out, &message);
}

int texp_images_cifar10(const texp_arguments *a)
{
    texp_message message;
    int batches = a->n - 2;
    const char *names = a->names[batches], *out = a->names[batches + 1];
    return report(texp_images_from_cifar10((const char *const *)a->names, batches, names, out, &message), out,
                  &message);
}
