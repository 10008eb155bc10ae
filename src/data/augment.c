#include "data/augment.h"

#include "base/random.h"

#include <math.h>

const char *texp_augment_fault(const texp_augment *augment)
{
    int k;
    if (augment->pad < 0 || augment->pad > 1 << 14) return "the padding must be 0..16384 pixels";
    if (augment->channels < 1 || augment->channels > 3) return "images have 1 to 3 channels";
    for (k = 0; k < augment->channels; ++k) {
        if (!isfinite(augment->mean[k])) return "a mean must be a finite number";
        if (!isfinite(augment->std[k]) || augment->std[k] <= 0) return "a standard deviation must be positive";
    }
    return NULL;
}

/* x has been rounded to float before, as Darknet's loaders do, so that both ways to a normalised image agree. */
static float normalised(float x, const texp_augment *augment, int k)
{
    return (float)(((double)x - augment->mean[k]) / augment->std[k]);
}

void texp_augment_fill_table(const texp_augment *augment, texp_augment_table *table)
{
    int k, byte;
    for (k = 0; k < augment->channels; ++k) {
        for (byte = 0; byte < 256; ++byte) table->value[k][byte] = normalised((float)(byte / 255.), augment, k);
    }
}

void texp_augment_normalise(float *image, size_t plane, const texp_augment *augment)
{
    int k;
    size_t i;
    for (k = 0; k < augment->channels; ++k) {
        for (i = 0; i < plane; ++i) image[k * plane + i] = normalised(image[k * plane + i], augment, k);
    }
}

texp_augment_draw texp_augment_random(const texp_augment *augment, uint64_t seed, uint64_t sample)
{
    uint32_t places = 2 * (uint32_t)augment->pad + 1;
    texp_augment_draw draw = {0};
    draw.dx = (int)texp_random_below(seed, TEXP_STREAM_AUGMENT, 3 * sample, places);
    draw.dy = (int)texp_random_below(seed, TEXP_STREAM_AUGMENT, 3 * sample + 1, places);
    if (augment->flip) draw.flip = (int)texp_random_below(seed, TEXP_STREAM_AUGMENT, 3 * sample + 2, 2);
    return draw;
}

texp_augment_draw texp_augment_none(const texp_augment *augment)
{
    texp_augment_draw draw = {augment->pad, augment->pad, 0};
    return draw;
}

static int clamp(int x, int low, int high)
{
    return x < low ? low : x > high ? high : x;
}

/* One row of w values: those in from..to-1 come from the image, shifted by `shift`, the others are padding. */
static void fill_row(float *out, const uint8_t *in, int w, int shift, const float *value, int flip)
{
    int x, from = clamp(-shift, 0, w), to = clamp(w - shift, from, w);
    float *end = out + w - 1;
    if (flip) {
        for (x = 0; x < from; ++x) end[-x] = value[0];
        for (x = from; x < to; ++x) end[-x] = value[in[x + shift]];
        for (x = to; x < w; ++x) end[-x] = value[0];
    } else {
        for (x = 0; x < from; ++x) out[x] = value[0];
        for (x = from; x < to; ++x) out[x] = value[in[x + shift]];
        for (x = to; x < w; ++x) out[x] = value[0];
    }
}

void texp_augment_image(float *out, const uint8_t *in, int w, int h, const texp_augment *augment,
                        const texp_augment_table *table, texp_augment_draw draw)
{
    int k, y, shift = draw.dx - augment->pad;
    size_t row = (size_t)w;
    for (k = 0; k < augment->channels; ++k) {
        for (y = 0; y < h; ++y) {
            int source = y + draw.dy - augment->pad, inside = source >= 0 && source < h;
            /* A row above or below the image is one that lies wholly beside it. */
            fill_row(out + ((size_t)k * h + y) * row, inside ? in + ((size_t)k * h + source) * row : in, w,
                     inside ? shift : w, table->value[k], draw.flip);
        }
    }
}
