/*
 * The labels of detectors: the boxes of each image of a list, from its label file (data/label_path.h), one line a box with
 * five numbers: CLASS X Y WIDTH HEIGHT. Nothing here knows of Darknet or exits.
 */
#ifndef TEXP_BOXES_H
#define TEXP_BOXES_H

#include "base/message.h"

/* x, y: the centre; all as fractions of the image's width and height. */
typedef struct {
    int class_id; /* 0..classes-1 */
    float x, y, w, h;
} texp_box;

typedef struct texp_boxes texp_boxes;

/*
 * Reads and checks the label files of all n images (paths), with the threads of OpenMP; where that takes more than two
 * seconds, it is shown on stderr. An image without a label file has no objects.
 * Returns 0 and the boxes, to be closed by the caller; or -1 with *out = NULL and a message (may be NULL) about the first
 * image, and of its file the first line, that is bad: a file that can't be read; a line that has not five numbers; a class
 * that is no whole number in 0..classes-1; a coordinate outside 0..1, of which .001 too much is taken for rounding and kept as it
 * is; a width or height of 0 or less. A box may reach beyond the image: Darknet cuts it off there.
 */
int texp_boxes_open(char *const *images, int n, int classes, texp_boxes **out, texp_message *message);

/* The *n boxes of an image, 0..n-1, in the order of its label file; owned by `boxes`. */
const texp_box *texp_boxes_of(const texp_boxes *boxes, int image, int *n);

/* How many images have no label file. Where there are any, the message says so in one line, with the places where that
 * of the first one was looked for. */
int texp_boxes_missing(const texp_boxes *boxes, texp_message *message);

/* Frees it; NULL is fine. */
void texp_boxes_close(texp_boxes *boxes);

/* The boxes of one label file, a new array to be freed by the caller; NULL with a message where it is bad. *n: how many. */
texp_box *texp_boxes_read(const char *file, int classes, int *n, texp_message *message);

#endif
