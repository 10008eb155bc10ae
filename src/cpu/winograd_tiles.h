/* How winograd.c and winograd_bf16.c go through the tiles of all images. */
#ifndef TEXP_WINOGRAD_TILES_H
#define TEXP_WINOGRAD_TILES_H

#include <stddef.h>

typedef struct {
    int c, n, h, w; /* channels of x and of y, pixels of both */
} texp_winograd_shape;

/* Tiles of 2x2 outputs in segments of neighbours; `at_once` segments go through all steps together. */
typedef struct {
    int rows, columns; /* of tiles, an image */
    int in_row; /* segments in a row of tiles */
    int segments, at_once;
    int tiles; /* that `at_once` segments have at most, filled up to whole pairs */
    size_t outside_bytes; /* of a row of the image, for rows that lie outside */
} texp_tiles;

/* `n` tiles from `column` on. */
typedef struct {
    int image, row, column, n;
} texp_segment;

/* Blocks of y's channels. */
typedef struct {
    int from, to;
} texp_blocks;

/* About `wanted` tiles at once. */
static inline texp_tiles texp_tiles_of(const texp_winograd_shape *s, int block, int images, int wanted)
{
    texp_tiles t = {.rows = (s->h + 1) / 2, .columns = (s->w + 1) / 2};
    t.in_row = (t.columns + wanted - 1) / wanted;
    const int longest = (t.columns + t.in_row - 1) / t.in_row;
    t.segments = images * t.rows * t.in_row;
    t.at_once = wanted / longest;
    t.tiles = t.at_once * ((longest + 1) / 2 * 2);
    t.outside_bytes = ((size_t)s->w * block * sizeof(float) + 63) / 64 * 64;
    return t;
}

static inline texp_segment texp_segment_of(const texp_tiles *t, int index)
{
    const int row = index / t->in_row, part = index % t->in_row;
    const int from = t->columns * part / t->in_row, to = t->columns * (part + 1) / t->in_row;
    return (texp_segment){row / t->rows, row % t->rows, from, to - from};
}

#endif
