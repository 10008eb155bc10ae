#include "train/classifier.h"

#include "base/refuse.h"
#include "cfg/options.h"
#include "data/image_class.h"
#include "net/texp_net.h"
#include "train/evaluate.h"
#include "train/image_set.h"

#include "data.h"
#include "option_list.h"

#include <math.h>

/* --- images ------------------------------------------------------------------------------------------------------- */

/* As the loop of Darknet's classifier, which prints between which sizes the crop may be rescaled. */
static void fit_request(load_args *request, const network *net, int width, int height)
{
    request->w = request->size = width;
    request->h = height;
    request->min = (int)(net->min_ratio * width);
    request->max = (int)(net->max_ratio * width);
    printf("%d %d\n", request->min, request->max);
}

static load_args request(network *net, list *data)
{
    load_args request = get_base_args(net);
    int tag = option_find_int_quiet(data, "tag", 0);
    /* Darknet's loader always yields three, and would write beyond the network's input. */
    if (net->c != 3) {
        texp_fail(
            "%s: channels=%d: Darknet's own loader makes images of 3 channels; add one of crop_pad, flip, mean or "
            "std to [net] for a loader that makes %d",
            net->texp->file, net->c, net->c);
    }
    if (option_find(data, "tree")) net->hierarchy = read_tree(texp_data_file(data, "tree", NULL));
    request.type = tag ? TAG_DATA : CLASSIFICATION_DATA;
    request.center = 0; /* Darknet's classifier never crops the centre */
    request.hierarchy = net->hierarchy;
    request.classes = texp_count_classes(net, data);
    request.labels = tag ? NULL : texp_read_labels(data, request.classes);
    return request;
}

/* The samples of a set of small images (data/sampler.h). */
typedef struct {
    texp_source source;
    texp_image_set *set;
} crop_source;

static int fill(texp_source *source, uint64_t first, int w, int h, data batch, texp_message *message)
{
    (void)w, (void)h; /* the images have them */
    return texp_sampler_fill(((crop_source *)source)->set->sampler, first, batch.X.rows, batch.X.vals, batch.y.vals,
                             message);
}

static void close_source(texp_source *source)
{
    texp_image_set_close(((crop_source *)source)->set);
    free(source);
}

static texp_source *open_source(network *net, list *data)
{
    if (!net->texp->images.ours) return NULL;
    const char *key = option_find_int_quiet(data, "tag", 0) ? "tag" : option_find(data, "tree") ? "tree" : NULL;
    if (key) {
        texp_refuse_option(data, key,
                           "crop_pad, flip, mean and std of %s load one class an image; remove tag and tree, "
                           "or those keys",
                           net->texp->file);
    }
    crop_source *s = calloc(1, sizeof *s);
    s->set = texp_image_set_open(net, data, "train");
    s->source = (texp_source){.images = texp_dataset_size(s->set->images), .fill = fill, .close = close_source};
    return &s->source;
}

/* A draw in front of the first update and each 40th behind it, as Darknet's loop has it. */
static int next_size(const network *net, long turn)
{
    if (!net->random || turn % 40) return 0;
    return (rand() % 11 + 4) * 32;
}

/* --- validation --------------------------------------------------------------------------------------------------- */

/* Stock Darknet validates none of its runs. */
static void *open_examples(network *net, list *data)
{
    if (!texp_is_ours(net) && !net->texp->images.ours) return NULL;
    return texp_examples_open(net, data);
}

static texp_validation validate(network *net, const void *examples)
{
    texp_scores scores = texp_evaluate(net, examples, 1);
    return (texp_validation){scores.loss, scores.accuracy};
}

static void close_examples(void *examples)
{
    texp_examples_close(examples);
}

const texp_task texp_classifier = {.command = "classifier",
                                   .quality = "accuracy",
                                   .counts_epochs = 1,
                                   .backup_every = 1000,
                                   .request = request,
                                   .open_source = open_source,
                                   .loader_threads = 32,
                                   .next_size = next_size,
                                   .fit_request = fit_request,
                                   .open_examples = open_examples,
                                   .validate = validate,
                                   .close_examples = close_examples};

int texp_validate_classifier(network *net, const char *data_file)
{
    list *data = read_data_cfg((char *)data_file);
    int top = option_find_int_quiet(data, "top", 1);
    texp_examples *examples = texp_examples_open(net, data);
    if (!net->texp->images.ours && (!examples || texp_examples_suit_darknet(examples))) {
        /* Darknet's own loop follows, over images that were found good. */
        texp_examples_close(examples);
        return 0;
    }
    if (!examples) texp_fail("%s: no `valid` list; add valid=FILE", data_file);
    texp_scores s = texp_evaluate(net, examples, top);
    if (!isfinite(s.loss)) texp_fail("the test loss is not finite: the weights are of another network, or damaged");
    printf("%d: top 1: %f, top %d: %f\n", s.images, s.accuracy, top, s.top);
    printf("test accuracy %.2f %%, test loss %.4f\n", 100 * s.accuracy, s.loss);
    texp_examples_close(examples);
    return 1;
}

/* --- Darknet's own loader ------------------------------------------------------------------------------------------- */

int texp_fill_class(const char *path, char *const *labels, int n, float *truth)
{
    int class = texp_class_of_path(path, labels, n);
    if (class < 0) return 0;
    for (int i = 0; i < n; ++i) truth[i] = i == class;
    return 1;
}
