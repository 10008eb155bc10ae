#include "train/evaluate.h"

#include "cfg/options.h"
#include "data/dataset.h"
#include "data/sampler.h"
#include "net/texp_net.h"

#include "option_list.h"

#include <math.h>
#include <unistd.h>

struct texp_examples {
    texp_dataset *set; /* with our loader: decoded bytes */
    texp_sampler *sampler;
    char **paths; /* otherwise: read as `classifier valid` reads them */
    char **labels;
    int n, classes;
};

size_t texp_image_memory(void)
{
    /* Free pages alone would leave out the page cache, which gives way. */
    unsigned long kilobytes = 0;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && !kilobytes && fgets(line, sizeof line, file)) sscanf(line, "MemAvailable: %lu", &kilobytes);
    if (file) fclose(file);
    if (kilobytes) return (size_t)kilobytes / 2 * 1024;
    return (size_t)sysconf(_SC_AVPHYS_PAGES) / 2 * (size_t)sysconf(_SC_PAGESIZE);
}

static void open_cached(texp_examples *e, const network *net, const char *list_file, const char *label_file)
{
    texp_message message;
    /* Plain values 0..1: network_predict normalises. */
    texp_augment plain = {.channels = net->c, .mean = {0}, .std = {1, 1, 1}};
    if (texp_dataset_open(list_file, label_file, e->classes, net->w, net->h, net->c, texp_image_memory(), &e->set,
                          &message) ||
        texp_sampler_open(e->set, &plain, 0, &e->sampler, &message)) {
        texp_fail("%s", message.text);
    }
    e->n = texp_dataset_size(e->set);
}

int texp_count_classes(const network *net, list *data_options)
{
    int classes = option_find_int(data_options, "classes", 2);
    if (net->outputs == classes && net->truths == classes) return classes;
    texp_origin origin = texp_origin_of(data_options, "classes");
    texp_refuse(&origin, "classes", option_find(data_options, "classes"), "the network has %d outputs; make them equal",
                net->outputs);
}

texp_examples *texp_examples_open(network *net, list *data_options)
{
    char *list_file = option_find(data_options, "valid");
    if (!list_file) return NULL;
    texp_examples *e = calloc(1, sizeof *e);
    char *label_file = option_find_str(data_options, "labels", "data/labels.list");
    e->classes = texp_count_classes(net, data_options);
    if (net->texp->images.ours) {
        open_cached(e, net, list_file, label_file);
        return e;
    }
    e->labels = get_labels(label_file);
    list *paths = get_paths(list_file);
    e->n = paths->size;
    e->paths = (char **)list_to_array(paths);
    free_list(paths);
    return e;
}

void texp_examples_close(texp_examples *e)
{
    if (!e) return;
    texp_sampler_close(e->sampler);
    texp_dataset_close(e->set);
    for (int i = 0; e->paths && i < e->n; ++i) free(e->paths[i]);
    free(e->paths);
    free(e);
}

/* One image as `classifier valid` crops it; returns its class or -1. */
static int read_image(const network *net, const texp_examples *e, int i, float *input)
{
    image whole = load_image_color(e->paths[i], 0, 0);
    image crop = center_crop_image(whole, net->w, net->h);
    memcpy(input, crop.data, (size_t)net->inputs * sizeof *input);
    free_image(whole);
    free_image(crop);
    int class = texp_label_of_path(e->paths[i], e->labels, e->classes);
    for (int j = 0; class < 0 && j < e->classes; ++j) {
        if (strstr(e->paths[i], e->labels[j])) class = j;
    }
    return class;
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
        classes[i] = texp_dataset_label(e->set, first + i);
    }
    if (texp_sampler_fill_plain(e->sampler, first, n, rows, NULL, &message)) texp_fail("%s", message.text);
    free(rows);
}

static void score(const float *output, int n_outputs, int class, int top, texp_scores *s)
{
    int above = 0;
    /* A NaN is above nothing and below nothing: such an output is never right. */
    if (class < 0 || isnan(output[class])) {
        s->loss = NAN;
        return;
    }
    for (int j = 0; j < n_outputs; ++j) above += output[j] > output[class] || (j < class && output[j] == output[class]);
    s->accuracy += above == 0;
    s->top += above < top;
    s->loss -= log(output[class] > 1e-37 ? output[class] : 1e-37);
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
