#include "net/input.h"

#include "base/refuse.h"
#include "net/texp_net.h"

float *texp_normalised_input(network *net, float *input)
{
    texp_net *t = net->texp;
    if (!t || !t->normalises) return input;
    size_t plane = (size_t)net->w * net->h, image = plane * net->c, size = image * net->batch;
    if (size > t->input_size) {
        t->input = realloc(t->input, size * sizeof *t->input);
        t->input_size = size;
    }
    if (!t->input) texp_fail("no memory for a batch of images");
    memcpy(t->input, input, size * sizeof *t->input);
    for (int i = 0; i < net->batch; ++i) texp_augment_normalise(t->input + i * image, plane, &t->augment);
    return t->input;
}
