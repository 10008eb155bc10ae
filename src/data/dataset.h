/*
 * Labelled images in memory, from Darknet's own files: a list (one image path a line) and labels (one a line).
 *
 * Pixels are bytes, planar: channel, row, column, as Darknet orders its floats. Nothing here knows of Darknet, prints
 * or exits; decoding is stb_image's, which Darknet compiles.
 */
#ifndef TEXP_DATASET_H
#define TEXP_DATASET_H

#include "data/image_class.h"

#include <stddef.h>
#include <stdint.h>

typedef struct texp_dataset texp_dataset;

/* Opens the images of `list` (data/image_list.h), whose classes are the first n_classes lines of `labels` (Darknet reads no
 * further either), told from their paths (data/image_class.h).
 *   w, h, c     what the network takes; c is 1 or 3. Images must have exactly w x h pixels; grey ones are repeated
 *               into three channels, coloured ones reduced to grey, as stb_image does.
 *   byte_limit  all images are decoded now if their w*h*c bytes each stay within it; otherwise the headers are
 *               checked now and each image is decoded whenever it is asked for, with the same result.
 * Returns 0 and the data set, to be closed by the caller, and the note of texp_classes_of_list; or -1 with *out = NULL and a message (may be NULL): a file
 * that is missing, empty, no image, cut short or of another size, a label that is missing, repeated or not to be told
 * from a path. */
int texp_dataset_open(const char *list, const char *labels, int n_classes, int w, int h, int c, size_t byte_limit,
                      texp_dataset **out, texp_message *note, texp_message *message);

/* Frees it; NULL is fine. Pixels handed out are gone with it. */
void texp_dataset_close(texp_dataset *set);

int texp_dataset_size(const texp_dataset *set); /* images, at least 1 */
int texp_dataset_classes(const texp_dataset *set); /* n_classes */
int texp_dataset_width(const texp_dataset *set);
int texp_dataset_height(const texp_dataset *set);
int texp_dataset_channels(const texp_dataset *set);

/* Class of image i, 0 <= i < size, in the order of the list; TEXP_LABEL_NONE of a single class: it is not of that class. */
int texp_dataset_label(const texp_dataset *set, int i);

/* The c*h*w bytes of image i: in the data set, or decoded into the caller's buffer of c*h*w bytes. NULL with a message
 * where a file decoded on demand is damaged or gone. Threads may call this at once, each with its own buffer. */
const uint8_t *texp_dataset_pixels(const texp_dataset *set, int i, uint8_t *buffer, texp_message *message);

#endif
