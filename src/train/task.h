/*
 * What a training run is told by what it learns: a table of functions for each of Darknet's `... train` commands. To train
 * another task, write one row as texp_classifier in train/classifier.c.
 */
#ifndef TEXP_TASK_H
#define TEXP_TASK_H

#include "train/source.h"

#include "darknet.h"

typedef struct {
    double loss; /* mean over the images */
    double quality; /* 0..1, more is better: what decides which weights are the best */
} texp_validation;

typedef struct {
    const char *command; /* of Darknet: "classifier" */
    const char *
        quality; /* what the quality of a validation is called: "accuracy"; NULL: it is a function of the loss, not shown */

    /* --- what Darknet's own loop prints and writes --- */

    int counts_epochs; /* it prints the numbers of GPUs, images and epochs, numbers weights by epochs, ends in NAME.weights */
    int (*is_numbered)(long update); /* otherwise: whether it saves NAME_UPDATE.weights behind that update */
    int backup_every; /* updates between its saves of NAME.backup */

    /* --- images. data: the options of the .data file, which live as long as the run. --- */

    /* What Darknet's loader shall be asked for, all but the size (fit_request) and n, d, paths, m and threads: kind of truth
     * and augmentation. Exits with a message where the network can't take what the .data file describes. */
    load_args (*request)(network *net, list *data);
    /* The training samples of our loader, to be closed by the caller; NULL: Darknet's loader makes them. */
    texp_source *(*open_source)(network *net, list *data);
    int loader_threads; /* of Darknet's loader */
    /* Width and height, in pixels, to which the network changes before an update, the `turn`-th (0, 1, ...) of the run;
     * 0: it stays as it is. Of Darknet's loader: may draw from rand(). NULL: it never changes. */
    int (*next_size)(const network *net, long turn);
    /* The same of our loader, a function of the seed and of how many updates were done before; NULL: it never changes. */
    int (*size_at)(const network *net, long update);
    /* Asks for images of that size, in pixels; prints what Darknet's loop prints then. */
    void (*fit_request)(load_args *request, const network *net, int width, int height);

    /* --- validation; all NULL where there is none --- */

    /* What is validated on; NULL where there is nothing. */
    void *(*open_examples)(network *net, list *data);
    texp_validation (*validate)(network *net, const void *examples);
    void (*close_examples)(void *examples);
} texp_task;

#endif
