/* What `classifier train` does besides Darknet's loop: seeds, our loader, validation, log, checkpoints. */
#ifndef TEXP_TRAIN_H
#define TEXP_TRAIN_H

#include "darknet.h"

typedef struct texp_run texp_run;

/* A seed that no other run has. */
int texp_fresh_seed(void);

/* Tells the network the run's seed: the cfg's, or `seed`, with which the weights were drawn. */
void texp_seed_run(network *net, int seed);

/* Checks the command line of `darknet classifier ...` and exits with a message where it can't be meant. */
void texp_check_classifier(int argc, char **argv);

/* Restores the state beside the weights, opens the log and the lists that the cfg asks our loader for. data_options: the
 * .data file, of name data_file; weights_file: what was loaded, or NULL; clear: they are a start alone, no run to go on
 * with. */
texp_run *texp_train_begin(network *net, int ngpus, list *data_options, char *cfg_file, char *data_file,
                           char *weights_file, int clear);

/* Before the first load: puts the loop's variables where a resumed run left them. They are part of each state saved
 * from here on, and must live until texp_train_end. */
void texp_train_loop(texp_run *run, load_args *args, float *average, int *count);

/* Darknet's load_data, or our loader's next batch, or (with seed=) Darknet's in a fixed order. */
pthread_t texp_load_data(texp_run *run, load_args args);

/* A batch has arrived after `seconds` of waiting. */
void texp_train_loaded(texp_run *run, double seconds);

/* After an update: prints, validates at an epoch's end, logs. Ends the program where the loss is no number. */
void texp_train_update(texp_run *run, float loss, float average, double seconds);

/* Then, behind the loop's own saves: saves _best and _last where they are due; ends the program when asked to by SIGINT
 * or SIGTERM. */
void texp_train_save(texp_run *run);

/* Saves _final and says what was reached. */
void texp_train_end(texp_run *run);

/* `classifier valid` for cfgs with our loader; 0 where Darknet shall do it. */
int texp_valid_classifier(network *net, char *data_file);

#endif
