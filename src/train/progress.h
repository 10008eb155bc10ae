/* What a run prints between its first update and its last. */
#ifndef TEXP_PROGRESS_H
#define TEXP_PROGRESS_H

#include "train/setup.h"
#include "train/best.h"

#include "store/state.h"

/* Means of the loss that each update returns; infinite ones are left out. */
typedef struct {
    double sum; /* of the updates since the last epoch's end */
    long count, infinite; /* those in the sum, and those left out */
    float average; /* Darknet's: nine tenths of what it was and a tenth of the latest; -1 before the first */
    int was_infinite; /* the latest */
} texp_losses;

void texp_losses_start(texp_losses *losses);
void texp_losses_add(texp_losses *losses, float loss);
/* Darknet's running average; before it has begun, as where the first losses are infinite, `loss`, the latest. */
float texp_losses_average(const texp_losses *losses, float loss);
/* Losses since the last epoch's end. */
long texp_losses_count(const texp_losses *losses);
/* Since the last epoch's end, which this is from now on; infinity where no loss was finite. */
double texp_losses_end_epoch(texp_losses *losses);

/* Their part of a training state; reading returns 0, or -1 with a message. */
void texp_losses_save(const texp_losses *losses, texp_state *state);
int texp_losses_restore(texp_losses *losses, const texp_saved *saved, texp_message *message);

/* One update's numbers. */
typedef struct {
    float loss, average;
    double seconds; /* that it took, without the wait for its batch */
    double speed; /* images a second, the wait included */
} texp_update_report;

/* On a terminal: [yolo] and its like print with each pass, and stdout leads nowhere between these two. */
void texp_hush_layers(void);
void texp_hear_layers(void);

/* Darknet's line for a batch that was waited for; nothing on a terminal. */
void texp_print_loaded(double seconds);

/* Darknet's line for an update; on a terminal one line that is written again and again. */
void texp_print_update(const texp_setup *setup, const texp_update_report *report);

/* A line that says that a loss, `what` names which, was infinite, and no reason to stop. */
void texp_print_infinite(const texp_setup *setup, const char *what);

/* The line at an epoch's end; speed: images a second, 0 where it is unknown. */
void texp_print_epoch(const texp_setup *setup, double train_loss, const texp_best *best, double speed);

/* At the run's end: what was reached and written. */
void texp_print_end(const texp_setup *setup, const texp_best *best);

/* Ends the line that a terminal shows, before a message. */
void texp_end_live_line(void);

/* The command that goes on from `weights`, as a shell takes it. */
void texp_print_continuation(const texp_setup *setup, const char *weights);

#endif
