/*
 * The samples of photographs that are cropped, turned and coloured as by Darknet's loaders of regressors and segmenters, with a
 * truth of the task's for each: what is drawn follows from the seed and the sample's number alone.
 */
#ifndef TEXP_CROP_SOURCE_H
#define TEXP_CROP_SOURCE_H

#include "train/source.h"

#include "image.h"

/* How a sample lies in its photograph: what rotate_crop_image() is told, and whether the crop is mirrored then. */
typedef struct {
    augment_args crop;
    int flip;
} texp_view;

/* The truths of a list of images. */
typedef struct {
    /* Reads and checks those of n images, to be closed; exits with a message that names the file. */
    void *(*open)(char *const *images, int n, const network *net);
    /* Writes net->truths numbers to row: of image i, which has width x height pixels, seen as `view` says. Returns 0, or -1 with
     * a message. */
    int (*fill)(const void *truths, int i, int width, int height, const texp_view *view, float *row,
                texp_message *message);
    void (*close)(void *truths);
} texp_truths;

/* Opens the list that the .data file names as `key`, "train" or another, of which samples are plain: the middle of the image,
 * scaled to the network's size. min, max: between which sizes, in pixels, the image's shorter side is scaled. Exits with a
 * message. */
texp_source *texp_crop_source_open(const network *net, list *data, const char *key, int min, int max,
                                   const texp_truths *truths);

/* For Darknet's loader, which would end in a thread, or worse, where truths are missing: exits with a message. */
void texp_check_truths(const network *net, list *data, const texp_truths *truths);

#endif
