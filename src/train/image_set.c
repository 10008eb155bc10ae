#include "train/image_set.h"

#include "base/files.h"
#include "cfg/options.h"
#include "data/image_list.h"
#include "net/texp_net.h"
#include "train/image_memory.h"

#include "list.h"
#include "option_list.h"

#include <errno.h>

int texp_count_classes(const network *net, list *data)
{
    int classes = option_find_int(data, "classes", 2);
    if (net->outputs == classes && net->truths == classes) return classes;
    texp_origin origin = texp_origin_of(data, "classes");
    texp_refuse(&origin, "classes", option_find(data, "classes"), "the network has %d outputs; make them equal",
                net->outputs);
}

char *texp_data_file(list *data, const char *key, const char *otherwise)
{
    char *file = option_find_str(data, (char *)key, (char *)otherwise);
    FILE *opened = file ? fopen(file, "r") : NULL;
    if (opened) {
        fclose(opened);
        return file;
    }
    texp_origin origin = texp_origin_of(data, key);
    if (!file) texp_refuse(&origin, key, NULL, "missing; write %s=FILE", key);
    texp_refuse(&origin, key, file, "can't open: %s%s; correct the path", strerror(errno), texp_looked_from(file).text);
}

static void check_classes(const texp_image_list *images, list *data, char *const *labels, int n)
{
    texp_message note, message;
    int *classes = malloc((size_t)images->n * sizeof *classes);
    if (!classes) texp_fail("no memory for the classes of %d images", images->n);
    if (texp_classes_of_list(images, labels, n, option_find_str(data, "labels", "data/labels.list"), classes, &note,
                             &message)) {
        texp_fail("%s", message.text);
    }
    if (*note.text) fprintf(stderr, "%s\n", note.text);
    free(classes);
}

list *texp_read_paths(list *data, const char *key, const char *otherwise)
{
    return texp_read_labelled_paths(data, key, otherwise, NULL, 0);
}

list *texp_read_labelled_paths(list *data, const char *key, const char *otherwise, char *const *labels, int classes)
{
    texp_image_list images;
    texp_message message;
    list *paths = make_list();
    if (texp_image_list_open(&images, texp_data_file(data, key, otherwise), &message) ||
        texp_image_list_check(&images, &message)) {
        texp_fail("%s", message.text);
    }
    if (labels) check_classes(&images, data, labels, classes);
    for (int i = 0; i < images.n; ++i) list_insert(paths, strdup(images.paths[i]));
    texp_image_list_close(&images);
    return paths;
}

char **texp_read_labels(list *data, int classes)
{
    char *file = texp_data_file(data, "labels", "data/labels.list");
    list *lines = get_paths(file);
    if (lines->size < classes)
        texp_refuse_option(data, "classes", "%s has %d labels; write one a line for each class", file, lines->size);
    char **labels = (char **)list_to_array(lines);
    free_list(lines);
    return labels;
}

texp_image_set *texp_image_set_open(const network *net, list *data, const char *list_key)
{
    const texp_net *t = net->texp;
    texp_augment plain = {.channels = net->c, .mean = {0}, .std = {1, 1, 1}};
    int trains = !strcmp(list_key, "train");
    int classes = texp_count_classes(net, data);
    const char *list_file = texp_data_file(data, list_key, trains ? "data/train.list" : NULL);
    const char *label_file = texp_data_file(data, "labels", "data/labels.list");
    texp_image_set *set = calloc(1, sizeof *set);
    texp_message note, message;
    if (texp_dataset_open(list_file, label_file, classes, net->w, net->h, net->c, texp_image_memory(), &set->images,
                          &note, &message) ||
        texp_sampler_open(set->images, trains ? &t->images.augment : &plain, trains ? t->seed : 0, &set->sampler,
                          &message)) {
        texp_fail("%s", message.text);
    }
    if (*note.text) fprintf(stderr, "%s\n", note.text);
    return set;
}

void texp_image_set_close(texp_image_set *set)
{
    if (!set) return;
    texp_sampler_close(set->sampler);
    texp_dataset_close(set->images);
    free(set);
}
