#include "net/input.h"

#include "base/refuse.h"
#include "net/layer_traits.h"
#include "net/texp_net.h"

float *texp_normalised_input(network *net, float *input)
{
    texp_net *t = net->texp;
    if (!t || !t->images.normalises) return input;
    size_t plane = (size_t)net->w * net->h, image = plane * net->c, size = image * net->batch;
    if (size > t->images.normalised_size) {
        t->images.normalised = realloc(t->images.normalised, size * sizeof *t->images.normalised);
        t->images.normalised_size = size;
    }
    if (!t->images.normalised) texp_fail("no memory for a batch of images");
    memcpy(t->images.normalised, input, size * sizeof *t->images.normalised);
    for (int i = 0; i < net->batch; ++i)
        texp_augment_normalise(t->images.normalised + i * image, plane, &t->images.augment);
    return t->images.normalised;
}

float *texp_input_gradient(network *net)
{
    texp_net *t = net->texp;
    if (!t || !texp_layer_traits_of(net->layers[0].type)->writes_input_gradient) return NULL;
    size_t size = (size_t)net->inputs * net->batch;
    if (size > t->images.gradient_size) {
        free(t->images.gradient);
        t->images.gradient = calloc(size, sizeof *t->images.gradient);
        t->images.gradient_size = size;
    }
    if (!t->images.gradient) texp_fail("no memory for the gradient of a batch of inputs");
    return t->images.gradient;
}
