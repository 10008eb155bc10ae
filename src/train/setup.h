/* What a run trains, on what, and where its results go: fixed once the run has begun. */
#ifndef TEXP_SETUP_H
#define TEXP_SETUP_H

#include "train/task.h"

#include "store/run_lock.h"

#include "darknet.h"

typedef struct {
    const texp_task *task;
    network **nets; /* one a GPU; owned */
    int n_nets;
    network *net; /* the first of them: it is validated, logged and saved */
    const int *gpus; /* n_nets of them, as -gpus names them */
    const char *data_file, *cfg_file;
    const char *weights_file; /* what it began with, or NULL */
    list *data; /* options of the .data file; owned, as are all strings found in it */
    const char *backup; /* folder of what is written */
    texp_run_lock *lock; /* no other run writes files of that name there; owned */
    char *name; /* of the cfg, without folder and ending: of the files written; owned */
    int batch; /* images an update, on all GPUs */
    int images; /* in the training list: an epoch; 0 until the loader has counted them */
    long updates; /* in all, 0: no end */
} texp_setup;

/* What was typed behind `darknet ... train`. */
typedef struct {
    char *data_file, *cfg_file;
    char *weights_file; /* or NULL */
    int *gpus, n_gpus;
    int clear; /* the weights are a start alone, no run to go on with */
} texp_command_line;

/* Loads the networks, one a GPU, all with the weights of one seed, and reads the .data file. Prints what Darknet does. Exits
 * with a message where files, folders or policy can't be trained with. */
void texp_setup_open(texp_setup *setup, const texp_task *task, const texp_command_line *typed);

void texp_setup_close(texp_setup *setup);

/* Updates done, and epochs: images seen / images in the list. */
long texp_setup_updates(const texp_setup *setup);
double texp_setup_epochs(const texp_setup *setup);

/* No update is left. */
int texp_setup_is_done(const texp_setup *setup);

/* The update done last is the last of an epoch, or of the run. */
int texp_setup_ends_epoch(const texp_setup *setup);

/* The rate of the update done last, before /batch; also beyond float's range. */
long double texp_setup_rate(const texp_setup *setup);
/* The same of the base recipe, where the policy is an exponential form of one. */
long double texp_setup_base_rate(const texp_setup *setup);

#endif
