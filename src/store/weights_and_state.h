/*
 * A weights file and the training state beside it, replaced together: whenever the program is killed, the weights that
 * are there have their state, the one before the save or the new one. Nothing here knows of Darknet, prints or exits.
 *
 * NAME.weights has NAME.state; a weights file of another ending, as NAME.backup, has NAME.backup.state. The state knows
 * size and checksum of its weights. Saving writes the new weights and the new state as .part files, to the disk, and then
 * renames the weights first. So the state that fits the weights is NAME.state, or, where a save was killed between the
 * two renames, NAME.state.part, which is put in its place when they are opened or saved next. A .part file that fits
 * other weights, or is not whole, is a save that was killed before.
 */
#ifndef TEXP_WEIGHTS_AND_STATE_H
#define TEXP_WEIGHTS_AND_STATE_H

#include "store/state.h"

/* The state's name for a weights file, or -1 with a message where it is too long for `size` bytes. */
int texp_state_name_of(const char *weights, char *name, size_t size, texp_message *message);

/* WEIGHTS.part is finished (files.h): writes the state, to which it adds what names its weights, and gives both their
 * names. Returns 0; or -1 with a message, and the weights that are there still have their state. */
int texp_publish_with_state(const char *weights, texp_state *state, texp_message *message);

/* Removes the states beside weights that were just published without one. */
void texp_drop_state_of(const char *weights);

/* The state of a weights file, to be closed by the caller; *out = NULL where there is none. Returns -1 with a message
 * where one lies beside it that can't be read, or belongs to other weights. */
int texp_open_state_of(const char *weights, texp_saved **out, texp_message *message);

#endif
