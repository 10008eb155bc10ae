/* Where the label file of an image is: a text file of the image's name, in one of several places. */
#ifndef TEXP_LABEL_PATH_H
#define TEXP_LABEL_PATH_H

#include <limits.h>

enum { TEXP_LABEL_PLACES = 3 };

typedef struct {
    int n; /* 1..TEXP_LABEL_PLACES; places that are the same are one */
    char path[TEXP_LABEL_PLACES][PATH_MAX];
} texp_label_places;

/*
 * The places of an image's label file, in the order in which they are looked at; the first that exists counts.
 *   1. Darknet's: the first `images`, then the first `JPEGImages`, then the first `raw` in the path become `labels`.
 *   2. Where the last folder that is called so, exactly, becomes `labels`: /my/images/set/images/1.png has its labels in
 *      /my/images/set/labels, and images/raw1.png in labels/raw1.txt.
 *   3. Beside the image.
 * In all of them .txt takes the place of the image's ending, whatever that is. n is 0 where a path would be too long.
 */
texp_label_places texp_label_places_of(const char *image);

/* The number of the place where the label file is; -1 where it is in none, and errno is then other than ENOENT where a file
 * can't be looked for. */
int texp_label_place(const texp_label_places *places);

#endif
