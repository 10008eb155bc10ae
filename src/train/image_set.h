/* The labelled images that one list of a .data file names, opened for our own loader. */
#ifndef TEXP_IMAGE_SET_H
#define TEXP_IMAGE_SET_H

#include "data/dataset.h"
#include "data/sampler.h"

#include "darknet.h"

typedef struct {
    texp_dataset *images;
    texp_sampler *sampler;
} texp_image_set;

/* Opens the images for which [net] asks by crop_pad, flip, mean or std. list_key: "train", augmented and normalised as the
 * cfg says, in the order of its seed; or "valid", with plain values 0..1, as network_predict normalises. Exits with a
 * message where a file is missing or bad, or `classes` is not the number of the network's outputs. */
texp_image_set *texp_image_set_open(const network *net, list *data, const char *list_key);

/* Frees it; NULL is fine. */
void texp_image_set_close(texp_image_set *set);

/* The `classes` of a .data file; exits with a message where the network has another number of outputs. */
int texp_count_classes(const network *net, list *data);

/* For Darknet's own loader. Files are named by a key of the .data file, by `otherwise` (NULL: the key must be there) without
 * it; all exit with a message where one can't be opened. */
char *texp_data_file(list *data, const char *key, const char *otherwise);
/* The lines of a list of images, one or more, to be freed by the caller. Exits with a message where an image can't be read. */
list *texp_read_paths(list *data, const char *key, const char *otherwise);
/* The same, and where an image has none of the `classes` labels (data/image_class.h); NULL: they aren't looked for. */
list *texp_read_labelled_paths(list *data, const char *key, const char *otherwise, char *const *labels, int classes);
/* The lines of the `labels` file, at least as many as classes; to be freed by the caller. */
char **texp_read_labels(list *data, int classes);

#endif
