/*
 * Images to columns and back in the double-precision build, in the place of Darknet's im2col.c and col2im.c, which ask
 * at every pixel whether it is padding. Column (channel, y, x of the kernel) is a row of height_col*width_col numbers.
 * Threads share out channels, so no sum depends on how many there are.
 */
#include "col2im.h"
#include "im2col.h"

#include <string.h>

typedef struct {
    int height, width, size, stride, pad, height_col, width_col;
} shape;

static shape shape_of(int height, int width, int size, int stride, int pad)
{
    return (shape){.height = height,
                   .width = width,
                   .size = size,
                   .stride = stride,
                   .pad = pad,
                   .height_col = (height + 2 * pad - size) / stride + 1,
                   .width_col = (width + 2 * pad - size) / stride + 1};
}

/* For OpenMP's `if` alone. */
static __attribute__((unused)) long count(const shape *s, int channels)
{
    return (long)channels * s->size * s->size * s->height_col * s->width_col;
}

/* The outputs from..to-1 of n that read pixels 0..length-1 at `offset` in the kernel. */
static void inside(const shape *s, int offset, int length, int n, int *from, int *to)
{
    int first = s->pad - offset, last = length - 1 + s->pad - offset;
    *from = first > 0 ? (first + s->stride - 1) / s->stride : 0;
    *to = last < 0 ? 0 : last / s->stride + 1;
    if (*to > n) *to = n;
    if (*from > *to) *from = *to;
}

static void row_to_column(const shape *s, const float *row, int x, float *column)
{
    int from, to;
    inside(s, x, s->width, s->width_col, &from, &to);
    row += x - s->pad;
    memset(column, 0, (size_t)from * sizeof *column);
    if (s->stride == 1)
        memcpy(column + from, row + from, (size_t)(to - from) * sizeof *column);
    else
        for (int w = from; w < to; ++w) column[w] = row[w * s->stride];
    memset(column + to, 0, (size_t)(s->width_col - to) * sizeof *column);
}

static void column_to_row(const shape *s, float *row, int x, const float *column)
{
    int from, to;
    inside(s, x, s->width, s->width_col, &from, &to);
    row += x - s->pad;
    for (int w = from; w < to; ++w) row[w * s->stride] += column[w];
}

void im2col_cpu(float *data_im, int channels, int height, int width, int ksize, int stride, int pad, float *data_col)
{
    shape s = shape_of(height, width, ksize, stride, pad);
    int kernel = ksize * ksize;
#pragma omp parallel for schedule(static) if (count(&s, channels) > 1 << 14)
    for (int c = 0; c < channels * kernel; ++c) {
        const float *image = data_im + (long)(c / kernel) * height * width;
        float *column = data_col + (long)c * s.height_col * s.width_col;
        int y = c % kernel / ksize, x = c % ksize, from, to;
        inside(&s, y, height, s.height_col, &from, &to);
        for (int h = 0; h < s.height_col; ++h, column += s.width_col) {
            if (h < from || h >= to)
                memset(column, 0, (size_t)s.width_col * sizeof *column);
            else
                row_to_column(&s, image + (long)(y + h * stride - pad) * width, x, column);
        }
    }
}

void col2im_cpu(float *data_col, int channels, int height, int width, int ksize, int stride, int pad, float *data_im)
{
    shape s = shape_of(height, width, ksize, stride, pad);
    int kernel = ksize * ksize;
#pragma omp parallel for schedule(static) if (count(&s, channels) > 1 << 14)
    for (int channel = 0; channel < channels; ++channel) {
        float *image = data_im + (long)channel * height * width;
        for (int k = 0; k < kernel; ++k) {
            const float *columns = data_col + ((long)channel * kernel + k) * s.height_col * s.width_col;
            int y = k / ksize, x = k % ksize, from, to;
            inside(&s, y, height, s.height_col, &from, &to);
            for (int h = from; h < to; ++h) {
                column_to_row(&s, image + (long)(y + h * stride - pad) * width, x, columns + (long)h * s.width_col);
            }
        }
    }
}
