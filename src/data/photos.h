/*
 * Photographs of any sizes, named by a list, one path a line, decoded when they are first asked for and kept as bytes while
 * they fit. Nothing here knows of Darknet, prints or exits; decoding is stb_image's, which Darknet compiles.
 */
#ifndef TEXP_PHOTOS_H
#define TEXP_PHOTOS_H

#include "base/message.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int w, h, c;
    const uint8_t *pixels; /* h rows of w pixels of c bytes */
    uint8_t *own; /* inner: to be freed with it */
} texp_photo;

typedef struct texp_photos texp_photos;

/*
 * Reads the list, whose name is borrowed (base/text.h says how), and looks at the header of each image, with the threads of OpenMP.
 *   c           channels wanted: 1 makes grey of colours, 3 repeats grey
 *   byte_limit  of decoded images, that are kept; others are decoded each time, with the same result
 * Returns 0 and the photographs, to be closed by the caller; or -1 with *out = NULL and a message (may be NULL) that names
 * the list's line: a list that is missing or empty, a file that is missing or no image.
 */
int texp_photos_open(const char *list, int c, size_t byte_limit, texp_photos **out, texp_message *message);

/* Frees it; NULL is fine. */
void texp_photos_close(texp_photos *photos);

int texp_photos_size(const texp_photos *photos); /* at least 1 */
char *const *texp_photos_paths(const texp_photos *photos); /* that many; owned by `photos` */

/* Photograph i, to be given back with texp_photos_return. Returns 0, or -1 with a message where it is damaged or gone. Several
 * threads may ask at once. */
int texp_photos_get(texp_photos *photos, int i, texp_photo *photo, texp_message *message);
void texp_photos_return(const texp_photo *photo);

#endif
