#include "train/evaluate.h"

#include "base/refuse.h"
#include "net/texp_net.h"
#include "train/image_set.h"

#include "option_list.h"

#include <math.h>

struct texp_examples {
    texp_image_set *set; /* with our loader: decoded bytes */
    char **paths; /* otherwise: read as `classifier valid` reads them */
    char **labels;
    int n, classes;
};

texp_examples *texp_examples_open(network *net, list *data)
{
    if (!option_find(data, "valid")) return NULL;
    texp_examples *e = calloc(1, sizeof *e);
    if (net->texp->images.ours) {
        e->set = texp_image_set_open(net, data, "valid");
        e->n = texp_dataset_size(e->set->images);
        return e;
    }
    e->classes = texp_count_classes(net, data);
    e->labels = texp_read_labels(data, e->classes);
    list *paths =
        texp_read_labelled_paths(data, "valid", NULL, option_find(data, "tree") ? NULL : e->labels, e->classes);
    e->n = paths->size;
    e->paths = (char **)list_to_array(paths);
    free_list(paths);
    return e;
}

void texp_examples_close(texp_examples *e)
{
    if (!e) return;
    texp_image_set_close(e->set);
    for (int i = 0; e->paths && i < e->n; ++i) free(e->paths[i]);
    free(e->paths);
    free(e->labels);
    free(e);
}

int texp_examples_suit_darknet(const texp_examples *e)
{
    for (int i = 0; i < e->n; ++i) {
        int class = texp_class_of_path(e->paths[i], e->labels, e->classes), first = 0;
        while (first < e->classes && !strstr(e->paths[i], e->labels[first])) ++first;
        if (class >= 0 && class != first) return 0;
    }
    return 1;
}

/* One image as `classifier valid` crops it; returns its class, -1 where it is not of the only one. */
static int read_image(const network *net, const texp_examples *e, int i, float *input)
{
    image whole = load_image_color(e->paths[i], 0, 0);
    image crop = center_crop_image(whole, net->w, net->h);
    memcpy(input, crop.data, (size_t)net->inputs * sizeof *input);
    free_image(whole);
    free_image(crop);
    int class = texp_class_of_path(e->paths[i], e->labels, e->classes);
    int last = class;
    /* Of a tree the last of its labels. */
    for (int j = 0; class == TEXP_LABEL_AMBIGUOUS && j < e->classes; ++j) {
        if (strstr(e->paths[i], e->labels[j])) last = j;
    }
    return class == TEXP_LABEL_AMBIGUOUS ? last : class;
}

/* Fills `n` images from number `first` on. */
static void fill(network *net, const texp_examples *e, int first, int n, float *input, int *classes)
{
    if (!e->set) {
        for (int i = 0; i < n; ++i) classes[i] = read_image(net, e, first + i, input + (size_t)i * net->inputs);
        return;
    }
    texp_message message;
    float **rows = calloc((size_t)n, sizeof *rows);
    for (int i = 0; i < n; ++i) {
        rows[i] = input + (size_t)i * net->inputs;
        classes[i] = texp_dataset_label(e->set->images, first + i);
    }
    if (texp_sampler_fill_plain(e->set->sampler, first, n, rows, NULL, &message)) texp_fail("%s", message.text);
    free(rows);
}

static double log_loss(double probability)
{
    return -log(probability > 1e-37 ? probability : 1e-37);
}

/* Of a single class an image may be no example: the output shall then be small. */
static void score_other(float output, texp_scores *s)
{
    s->accuracy += output < .5f;
    s->top += output < .5f;
    s->loss += isnan(output) ? NAN : log_loss(1. - output);
}

static void score(const float *output, int n_outputs, int class, int top, texp_scores *s)
{
    int above = 0;
    if (class < 0) {
        score_other(*output, s);
        return;
    }
    /* A NaN is above nothing and below nothing: such an output is never right. */
    if (isnan(output[class])) {
        s->loss = NAN;
        return;
    }
    for (int j = 0; j < n_outputs; ++j) above += output[j] > output[class] || (j < class && output[j] == output[class]);
    s->accuracy += above == 0;
    s->top += above < top;
    s->loss += log_loss(output[class]);
}

texp_scores texp_evaluate(network *net, const texp_examples *e, int top)
{
    texp_scores s = {.images = e->n};
    float *input = calloc((size_t)net->batch * net->inputs, sizeof *input);
    int *classes = calloc((size_t)net->batch, sizeof *classes);
    for (int first = 0; first < e->n; first += net->batch) {
        int n = e->n - first < net->batch ? e->n - first : net->batch;
        fill(net, e, first, n, input, classes);
        const float *output = network_predict(net, input);
        for (int i = 0; i < n; ++i) score(output + (size_t)i * net->outputs, net->outputs, classes[i], top, &s);
    }
    free(classes);
    free(input);
    s.loss /= e->n;
    s.accuracy /= e->n;
    s.top /= e->n;
    return s;
}
