/* The training loop: what Darknet's `... train` commands share, with validation, logs, checkpoints and an exact resume. */
#ifndef TEXP_LOOP_H
#define TEXP_LOOP_H

#include "train/setup.h"

/* Trains to the end, or until SIGINT or SIGTERM, when it saves and ends the program with 0. Computes to the bit what
 * Darknet's own loop does. Exits with a message where something can't be read or written, or a loss is no number. */
void texp_train(const texp_task *task, const texp_command_line *typed);

#endif
