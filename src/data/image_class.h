/* The class of an image, told from its path: one rule for every loader, in training and validation. */
#ifndef TEXP_IMAGE_CLASS_H
#define TEXP_IMAGE_CLASS_H

#include "data/image_list.h"

enum { TEXP_LABEL_NONE = -1, TEXP_LABEL_AMBIGUOUS = -2 };

/* The label, 0..n-1, of an image's folder or file name:
 *   - the label that its folder is called, exactly (train/cat/0001.png); otherwise
 *   - the label that is a part of its file name, between '_', '-' and the ends (0001_cat.png, cat-7.jpg), a label with
 *     '_' or '-' in it counting before those it contains (1_t-shirt.png is no shirt).
 * Case counts. TEXP_LABEL_NONE: no label fits; TEXP_LABEL_AMBIGUOUS: the file name has two of them. */
int texp_label_of_path(const char *path, char *const *labels, int n);

/* The class of an image, 0..n-1: its label by the rule above; where that finds none, the only label that occurs anywhere in the
 * path (dogs/1.png is a dog), as in stock Darknet. So it is stock Darknet's wherever that finds a single one.
 * TEXP_LABEL_NONE: none occurs; TEXP_LABEL_AMBIGUOUS: several do. */
int texp_class_of_path(const char *path, char *const *labels, int n);

/* Reads the first n labels into labels[], which point into `text`, to be closed by the caller. Returns 0, or -1 with a
 * message (may be NULL): the file can't be read, has fewer of them, or one twice. `file` must live as long. */
int texp_labels_open(texp_text *text, const char *file, char **labels, int n, texp_message *message);

/*
 * The classes of all images of a list, by threads; progress is shown where it lasts.
 *   labels, n     as above; label_file is their file's name, for messages
 *   classes       list->n of them, 0..n-1; with a single label also TEXP_LABEL_NONE: the image is not of that class
 *   note          says how many images have their class from elsewhere in the path, with an example; "" where none; may be NULL
 * Returns 0, or -1 with a message (may be NULL) about the first image whose class is not to be told.
 */
int texp_classes_of_list(const texp_image_list *list, char *const *labels, int n, const char *label_file, int *classes,
                         texp_message *note, texp_message *message);

#endif
