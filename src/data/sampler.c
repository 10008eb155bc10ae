#include "data/sampler.h"

#include "data/order.h"

#include <stdlib.h>

struct texp_sampler {
    const texp_dataset *set;
    texp_augment augment;
    texp_augment_table table;
    texp_order order;
    uint8_t *buffer; /* for an image decoded on demand */
};

int texp_sampler_open(const texp_dataset *set, const texp_augment *augment, uint64_t seed, texp_sampler **out,
                      texp_message *message)
{
    size_t n = (size_t)texp_dataset_size(set);
    size_t bytes = (size_t)texp_dataset_width(set) * texp_dataset_height(set) * texp_dataset_channels(set);
    const char *fault = texp_augment_fault(augment);
    texp_sampler *sampler;
    *out = NULL;
    if (fault) return texp_say(message, "augmentation: %s", fault);
    if (augment->channels != texp_dataset_channels(set))
        return texp_say(message, "augmentation: mean and std are those of %d channels, the images have %d",
                        augment->channels, texp_dataset_channels(set));
    sampler = calloc(1, sizeof *sampler);
    if (!sampler) return texp_say(message, "no memory for the order of the images");
    sampler->set = set;
    sampler->augment = *augment;
    sampler->buffer = malloc(bytes);
    if (texp_order_open(&sampler->order, seed, (int)n) || !sampler->buffer) {
        texp_sampler_close(sampler);
        return texp_say(message, "no memory for the order of %zu images", n);
    }
    texp_augment_fill_table(augment, &sampler->table);
    *out = sampler;
    return 0;
}

void texp_sampler_close(texp_sampler *sampler)
{
    if (!sampler) return;
    texp_order_close(&sampler->order);
    free(sampler->buffer);
    free(sampler);
}

static int fill_one(texp_sampler *sampler, int image, texp_augment_draw draw, float *x, float *truth,
                    texp_message *message)
{
    const texp_dataset *set = sampler->set;
    const uint8_t *pixels = texp_dataset_pixels(set, image, sampler->buffer, message);
    int k, label = texp_dataset_label(set, image);
    if (!pixels) return -1;
    texp_augment_image(x, pixels, texp_dataset_width(set), texp_dataset_height(set), &sampler->augment, &sampler->table,
                       draw);
    for (k = 0; truth && k < texp_dataset_classes(set); ++k) truth[k] = k == label;
    return 0;
}

int texp_sampler_fill(texp_sampler *sampler, uint64_t first, int n, float **x, float **truth, texp_message *message)
{
    int j;
    for (j = 0; j < n; ++j) {
        uint64_t sample = first + (uint64_t)j;
        texp_augment_draw draw = texp_augment_random(&sampler->augment, sampler->order.seed, sample);
        if (fill_one(sampler, texp_order_image(&sampler->order, sample), draw, x[j], truth ? truth[j] : NULL, message))
            return -1;
    }
    return 0;
}

int texp_sampler_fill_plain(texp_sampler *sampler, int first, int n, float **x, float **truth, texp_message *message)
{
    int j;
    texp_augment_draw draw = texp_augment_none(&sampler->augment);
    for (j = 0; j < n; ++j) {
        if (fill_one(sampler, first + j, draw, x[j], truth ? truth[j] : NULL, message)) return -1;
    }
    return 0;
}
