#include "data/placement.h"

#include "base/random.h"

#include <stdlib.h>

/* --- draws -------------------------------------------------------------------------------------------------------- */

/* The draws of one sample, each by its own number; behind them those of the order of boxes. */
enum {
    SHAPE_W,
    SHAPE_H,
    PLACE_X,
    PLACE_Y,
    HUE,
    SATURATION,
    DIVIDES_SATURATION,
    EXPOSURE,
    DIVIDES_EXPOSURE,
    FLIP,
    ORDER
};

static double uniform(uint64_t seed, uint64_t what, double low, double high)
{
    return low + (high - low) * texp_random_uniform(seed, TEXP_STREAM_PHOTO, what);
}

static int coin(uint64_t seed, uint64_t what)
{
    return (int)texp_random_below(seed, TEXP_STREAM_PHOTO, what, 2);
}

/* Between 1 and `most`, or one by that. */
static float scale(uint64_t seed, uint64_t what, uint64_t divides, double most)
{
    double factor = uniform(seed, what, 1, most != 0 ? most : 1);
    return (float)(coin(seed, divides) ? factor : 1 / factor);
}

texp_placement texp_placement_draw(const texp_placement_rule *rule, uint64_t run_seed, uint64_t sample, int photo_w,
                                   int photo_h, int w, int h)
{
    uint64_t seed = texp_random_bits(run_seed, TEXP_STREAM_PHOTO, sample);
    double dw = rule->jitter * photo_w, dh = rule->jitter * photo_h;
    double shape = (photo_w + uniform(seed, SHAPE_W, -dw, dw)) / (photo_h + uniform(seed, SHAPE_H, -dh, dh));
    texp_placement p = {.seed = seed};
    p.w = (float)(shape < 1 ? h * shape : w);
    p.h = (float)(shape < 1 ? h : w / shape);
    p.dx = (float)uniform(seed, PLACE_X, 0, w - p.w);
    p.dy = (float)uniform(seed, PLACE_Y, 0, h - p.h);
    p.hue = (float)uniform(seed, HUE, -rule->hue, rule->hue);
    p.saturation = scale(seed, SATURATION, DIVIDES_SATURATION, rule->saturation);
    p.exposure = scale(seed, EXPOSURE, DIVIDES_EXPOSURE, rule->exposure);
    p.flip = rule->flips && coin(seed, FLIP);
    return p;
}

/* --- pixels ------------------------------------------------------------------------------------------------------- */

/* Between which pixels of a row or column a place lies; behind the last they count as black. */
typedef struct {
    int first;
    float share; /* of the pixel behind it */
} between;

static between lies_between(int i, int placed, int size)
{
    float place = (float)i / placed * size;
    int first = (int)place;
    return (between){first, place - first};
}

/* One row of one channel: `above` and `below` are rows of the photograph, NULL: black. */
static void fill_row(float *out, int from, int to, int dx, const between *x, const uint8_t *above, const uint8_t *below,
                     float share, const texp_photo *photo, const float *value)
{
    for (int i = from; i < to; ++i) {
        int left = x[i].first * photo->c, right = x[i].first + 1 < photo->w ? left + photo->c : -1;
        float a = value[above[left]], b = below ? value[below[left]] : 0;
        float c = right >= 0 ? value[above[right]] : 0, d = right >= 0 && below ? value[below[right]] : 0;
        float s = x[i].share;
        out[i + dx] = (1 - share) * (1 - s) * a + share * (1 - s) * b + (1 - share) * s * c + share * s * d;
    }
}

static void fill_channel(float *canvas, int w, int h, const texp_photo *photo, int channel, const texp_placement *p,
                         const between *x, const float *value)
{
    int placed_w = (int)p->w, placed_h = (int)p->h, dx = (int)p->dx, dy = (int)p->dy;
    int from = dx < 0 ? -dx : 0, to = placed_w + dx > w ? w - dx : placed_w;
    size_t row = (size_t)photo->w * photo->c;
    for (int j = 0; j < placed_h; ++j) {
        if (j + dy < 0 || j + dy >= h) continue;
        between y = lies_between(j, placed_h, photo->h);
        const uint8_t *above = photo->pixels + (size_t)y.first * row + channel;
        fill_row(canvas + (size_t)(j + dy) * w, from, to, dx, x, above, y.first + 1 < photo->h ? above + row : NULL,
                 y.share, photo, value);
    }
}

int texp_placement_image(float *canvas, int w, int h, const texp_photo *photo, const texp_placement *p)
{
    float value[256];
    int placed_w = (int)p->w;
    between *x = malloc(((size_t)placed_w + 1) * sizeof *x);
    for (int byte = 0; byte < 256; ++byte) value[byte] = (float)(byte / 255.);
    if (!x) return -1;
    for (int i = 0; i < placed_w; ++i) x[i] = lies_between(i, placed_w, photo->w);
    for (size_t i = 0; i < (size_t)w * h * photo->c; ++i) canvas[i] = .5f;
    for (int k = 0; k < photo->c; ++k) fill_channel(canvas + (size_t)k * w * h, w, h, photo, k, p, x, value);
    free(x);
    return 0;
}

/* --- boxes -------------------------------------------------------------------------------------------------------- */

static float clamp(float x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* Both ends of a box along one axis, as fractions of the canvas. */
static void place_ends(float centre, float size, float placed, float at, int canvas, float *low, float *high)
{
    float factor = placed / canvas, shift = at / canvas;
    *low = (centre - size / 2) * factor + shift;
    *high = (centre + size / 2) * factor + shift;
}

/* Writes 5 numbers; returns whether anything is left of the box. */
static int place_box(float *truth, const texp_box *box, int w, int h, const texp_placement *p)
{
    enum { LEAST_PERMILLE = 1 };
    float left, right, top, bottom;
    place_ends(box->x, box->w, p->w, p->dx, w, &left, &right);
    place_ends(box->y, box->h, p->h, p->dy, h, &top, &bottom);
    if (p->flip) {
        float mirrored = 1 - right;
        right = 1 - left;
        left = mirrored;
    }
    left = clamp(left), right = clamp(right), top = clamp(top), bottom = clamp(bottom);
    if ((right - left) * 1000 < LEAST_PERMILLE || (bottom - top) * 1000 < LEAST_PERMILLE) return 0;
    truth[0] = (left + right) / 2;
    truth[1] = (top + bottom) / 2;
    truth[2] = right - left;
    truth[3] = bottom - top;
    truth[4] = (float)box->class_id;
    return 1;
}

/* Darknet's randomize_boxes(): each in turn changes places with any. */
static void shuffle(texp_box *boxes, int n, uint64_t seed)
{
    for (int i = 0; i < n; ++i) {
        uint32_t other = texp_random_below(seed, TEXP_STREAM_PHOTO, ORDER + (uint64_t)i, (uint32_t)n);
        texp_box swap = boxes[i];
        boxes[i] = boxes[other];
        boxes[other] = swap;
    }
}

int texp_placement_boxes(float *truth, int most, const texp_box *boxes, int n, int w, int h, const texp_placement *p)
{
    texp_box *drawn = malloc(((size_t)n + 1) * sizeof *drawn);
    int written = 0;
    for (int i = 0; i < 5 * most; ++i) truth[i] = 0;
    if (!drawn) return -1;
    for (int i = 0; i < n; ++i) drawn[i] = boxes[i];
    shuffle(drawn, n, p->seed);
    for (int i = 0; i < n && i < most; ++i) written += place_box(truth + (size_t)5 * written, drawn + i, w, h, p);
    free(drawn);
    return 0;
}
