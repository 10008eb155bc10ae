/*
 * Augmentation of small images as is usual for CIFAR-10: a random crop of the padded image, a horizontal flip, then
 * normalisation by channel. Nothing here knows of Darknet.
 */
#ifndef TEXP_AUGMENT_H
#define TEXP_AUGMENT_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int pad; /* pixels of zeros on each side before the crop, >= 0; 0: no crop */
    int flip; /* 1: half of the images are mirrored */
    int channels; /* 1..3, how many entries of mean and std count */
    double mean[3], std[3]; /* of values in 0..1; std > 0. Without normalisation: 0 and 1 */
} texp_augment;

/* What a byte becomes: value[channel][byte] = (byte/255 - mean) / std. */
typedef struct {
    float value[3][256];
} texp_augment_table;

/* One image's share of chance. */
typedef struct {
    int dx, dy; /* corner of the crop in the padded image, 0..2*pad; pad: the image itself */
    int flip; /* 1: mirrored left to right */
} texp_augment_draw;

/* NULL if the numbers make sense, or what is wrong with them (static text). */
const char *texp_augment_fault(const texp_augment *augment);

void texp_augment_fill_table(const texp_augment *augment, texp_augment_table *table);

/* The draw of sample number `sample` (counted over the whole run: Darknet's `seen` plus the place in the batch) under
 * `seed`; it depends on nothing else. */
texp_augment_draw texp_augment_random(const texp_augment *augment, uint64_t seed, uint64_t sample);

/* The draw that changes nothing but the normalisation: for validation and prediction. */
texp_augment_draw texp_augment_none(const texp_augment *augment);

/* One image: out and in are channels x h x w, planar. With `draw` crops first and mirrors then,
 *     out[k][y][x] = value[k][ in[k][y + dy - pad][x' + dx - pad] ],  x' = flip ? w-1-x : x,
 * a byte outside `in` being 0: the padding is black *before* normalisation, as in the common recipe. */
void texp_augment_image(float *out, const uint8_t *in, int w, int h, const texp_augment *augment,
                        const texp_augment_table *table, texp_augment_draw draw);

/* (x - mean) / std in place on `channels` planes of `plane` values in 0..1, as Darknet's loaders make them: the very
 * values texp_augment_image yields for the same bytes. */
void texp_augment_normalise(float *image, size_t plane, const texp_augment *augment);

#endif
