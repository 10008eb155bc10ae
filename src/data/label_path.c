#include "data/label_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const image_folders[] = {"images", "JPEGImages", "raw"};
enum { FOLDERS = sizeof image_folders / sizeof *image_folders };

typedef struct {
    char text[PATH_MAX];
} path;

/* `from`, without what stands at place `at` for `length` bytes, but `labels` there. */
static int replace(path *p, size_t at, size_t length)
{
    path old = *p;
    return (size_t)snprintf(p->text, sizeof p->text, "%.*slabels%s", (int)at, old.text, old.text + at + length) >=
                   sizeof p->text
               ? -1
               : 0;
}

static int darknets_place(path *p)
{
    for (int i = 0; i < FOLDERS; ++i) {
        const char *found = strstr(p->text, image_folders[i]);
        if (found && replace(p, (size_t)(found - p->text), strlen(image_folders[i]))) return -1;
    }
    return 0;
}

static int is_image_folder(const char *name, size_t length)
{
    for (int i = 0; i < FOLDERS; ++i) {
        if (strlen(image_folders[i]) == length && !memcmp(name, image_folders[i], length)) return 1;
    }
    return 0;
}

/* Walks up from the file's name, folder by folder. */
static int place_by_folder(path *p)
{
    char *end = strrchr(p->text, '/');
    while (end) {
        char *begin = end;
        while (begin > p->text && begin[-1] != '/') --begin;
        if (is_image_folder(begin, (size_t)(end - begin)))
            return replace(p, (size_t)(begin - p->text), (size_t)(end - begin));
        end = begin > p->text ? begin - 1 : NULL;
    }
    return 0;
}

static int end_with_txt(path *p)
{
    char *slash = strrchr(p->text, '/'), *name = slash ? slash + 1 : p->text, *dot = strrchr(name, '.');
    size_t stem = dot && dot > name ? (size_t)(dot - p->text) : strlen(p->text);
    return (size_t)snprintf(p->text + stem, sizeof p->text - stem, ".txt") >= sizeof p->text - stem ? -1 : 0;
}

static void add_place(texp_label_places *places, const path *place)
{
    for (int i = 0; i < places->n; ++i) {
        if (!strcmp(places->path[i], place->text)) return;
    }
    strcpy(places->path[places->n++], place->text);
}

texp_label_places texp_label_places_of(const char *image)
{
    texp_label_places places;
    path beside, darknets, by_folder;
    places.n = 0;
    if ((size_t)snprintf(beside.text, sizeof beside.text, "%s", image) >= sizeof beside.text || end_with_txt(&beside)) {
        return places;
    }
    darknets = by_folder = beside;
    if (darknets_place(&darknets) || place_by_folder(&by_folder)) return places;
    add_place(&places, &darknets);
    add_place(&places, &by_folder);
    add_place(&places, &beside);
    return places;
}

int texp_label_place(const texp_label_places *places)
{
    int why = ENOENT;
    for (int i = 0; i < places->n; ++i) {
        if (!access(places->path[i], F_OK)) return i;
        if (errno != ENOTDIR) why = errno == ENOENT ? why : errno;
    }
    errno = why;
    return -1;
}
