#include "train/crop_source.h"

#include "base/random.h"
#include "base/refuse.h"
#include "data/order.h"
#include "data/photos.h"
#include "net/texp_net.h"
#include "train/image_memory.h"
#include "train/image_set.h"

#include <math.h>

typedef struct {
    texp_source source;
    const network *net;
    texp_photos *photos;
    const texp_truths *kind;
    void *truths;
    texp_order order;
    int min, max, is_plain;
} crop_source;

/* --- draws, as Darknet's random_augment_args() and random_distort_image() have them --------------------------------- */

enum { DRAWS = 16 }; /* of a sample, at most */

typedef struct {
    uint64_t seed, next;
} draws;

static double draw(draws *d, double low, double high)
{
    return low + (high - low) * texp_random_uniform(d->seed, TEXP_STREAM_PHOTO, d->next++);
}

/* From 1/most to most, both halves equally likely. */
static float draw_scale(draws *d, float most)
{
    double scale = draw(d, 1, most > 0 ? most : 1);
    return (float)(draw(d, 0, 1) < .5 ? scale : 1 / scale);
}

static texp_view draw_view(draws *d, const crop_source *s, const texp_photo *photo, int w, int h)
{
    const network *net = s->net;
    float aspect = draw_scale(d, net->aspect);
    int side = s->min + (int)draw(d, 0, s->max - s->min + 1);
    float shorter = photo->h < photo->w * aspect ? photo->h : photo->w * aspect;
    augment_args a = {.w = w, .h = h, .aspect = aspect, .scale = side / floorf(shorter)};
    a.rad = (float)(draw(d, -net->angle, net->angle) * (2 * M_PI / 360));
    /* The middle may move as far as the image reaches, in both directions by the width, as in Darknet. */
    double dx = (photo->w * a.scale / aspect - w) / 2, dy = (photo->h * a.scale - w) / 2;
    a.dx = (float)draw(d, -dx, dx);
    a.dy = (float)draw(d, -dy, dy);
    int flips = !net->texp->images.has_flip || net->texp->images.augment.flip;
    return (texp_view){a, draw(d, 0, 1) < .5 && flips};
}

static void change_colours(draws *d, const network *net, image crop)
{
    float hue = (float)draw(d, -net->hue, net->hue);
    float saturation = draw_scale(d, net->saturation), exposure = draw_scale(d, net->exposure);
    if (crop.c == 3) {
        distort_image(crop, hue, saturation, exposure);
        return;
    }
    scale_image(crop, exposure);
    constrain_image(crop);
}

static texp_view plain_view(const texp_photo *photo, int w, int h)
{
    float across = (float)w / photo->w, down = (float)h / photo->h;
    return (texp_view){.crop = {.w = w, .h = h, .aspect = 1, .scale = across > down ? across : down}};
}

/* --- samples ------------------------------------------------------------------------------------------------------ */

static image to_image(const texp_photo *photo)
{
    image im = make_image(photo->w, photo->h, photo->c);
    size_t plane = (size_t)photo->w * photo->h;
    for (size_t i = 0; i < plane; ++i) {
        for (int c = 0; c < photo->c; ++c) im.data[c * plane + i] = photo->pixels[i * photo->c + c] / 255.f;
    }
    return im;
}

static int make_sample(crop_source *s, uint64_t number, int index, int w, int h, float *input, float *truth,
                       texp_message *message)
{
    texp_photo photo;
    if (texp_photos_get(s->photos, index, &photo, message)) return -1;
    draws d = {s->order.seed, number * DRAWS};
    texp_view view = s->is_plain ? plain_view(&photo, w, h) : draw_view(&d, s, &photo, w, h);
    const augment_args *a = &view.crop;
    image whole = to_image(&photo);
    image crop = rotate_crop_image(whole, a->rad, a->scale, a->w, a->h, a->dx, a->dy, a->aspect);
    int status = s->kind->fill(s->truths, index, photo.w, photo.h, &view, truth, message);
    texp_photos_return(&photo);
    if (view.flip) flip_image(crop);
    if (!s->is_plain) change_colours(&d, s->net, crop);
    memcpy(input, crop.data, (size_t)w * h * crop.c * sizeof *input);
    /* Predictions are normalised by network_predict(). */
    const texp_net *t = s->net->texp;
    if (t->images.normalises) texp_augment_normalise(input, (size_t)w * h, &t->images.augment);
    free_image(whole);
    free_image(crop);
    return status;
}

static int fill(texp_source *source, uint64_t first, int w, int h, data batch, texp_message *message)
{
    crop_source *s = (crop_source *)source;
    for (int i = 0; i < batch.X.rows; ++i) {
        uint64_t number = first + (uint64_t)i;
        int index = s->is_plain ? (int)(number % (uint64_t)source->images) : texp_order_image(&s->order, number);
        if (make_sample(s, number, index, w, h, batch.X.vals[i], batch.y.vals[i], message)) return -1;
    }
    return 0;
}

/* --- opening and closing ------------------------------------------------------------------------------------------ */

static void close_source(texp_source *source)
{
    crop_source *s = (crop_source *)source;
    texp_photos_close(s->photos);
    s->kind->close(s->truths);
    texp_order_close(&s->order);
    free(s);
}

texp_source *texp_crop_source_open(const network *net, list *data, const char *key, int min, int max,
                                   const texp_truths *truths)
{
    crop_source *s = calloc(1, sizeof *s);
    texp_message message;
    int trains = !strcmp(key, "train");
    const char *file = texp_data_file(data, key, trains ? "data/train.list" : NULL);
    if (net->texp->images.augment.pad)
        texp_fail("%s: [net] crop_pad=%d is for classifiers; min_crop, max_crop, min_ratio, max_ratio crop these "
                  "images; remove it",
                  net->texp->file, net->texp->images.augment.pad);
    if (texp_photos_open(file, net->c, texp_image_memory(), &s->photos, &message)) texp_fail("%s", message.text);
    int n = texp_photos_size(s->photos);
    *s = (crop_source){.source = {.images = n, .fill = fill, .close = close_source},
                       .net = net,
                       .photos = s->photos,
                       .kind = truths,
                       .truths = truths->open(texp_photos_paths(s->photos), n, net),
                       .min = min,
                       .max = max,
                       .is_plain = !trains};
    if (texp_order_open(&s->order, net->texp->seed, n)) texp_fail("no memory for the order of the images");
    return &s->source;
}

void texp_check_truths(const network *net, list *data, const texp_truths *truths)
{
    list *paths = texp_read_paths(data, "train", "data/train.list");
    int n = paths->size;
    char **images = (char **)list_to_array(paths);
    truths->close(truths->open(images, n, net));
    free_ptrs((void **)images, n);
    free_list(paths);
}
