/*
 * The batches of a run, in their order: of our loader, or of Darknet's. One is loaded while the one before it is trained.
 *
 * Our loader's order follows from the seed; so does Darknet's where the cfg has a seed, as it then draws with one thread in
 * place of many. A state saved between two updates holds where both the order and rand() stand, so that a resumed run draws
 * what the run in one piece would have drawn.
 */
#ifndef TEXP_LOADER_H
#define TEXP_LOADER_H

#include "train/setup.h"

#include "store/state.h"

typedef struct texp_loader texp_loader;

/* Opens the training list; the setup must outlive the loader. Exits with a message where lists or images are bad. */
texp_loader *texp_loader_open(const texp_setup *setup);

/* Frees it with the batch under way, for which it waits; NULL is fine. */
void texp_loader_close(texp_loader *loader);

int texp_loader_images(const texp_loader *loader); /* in the list, at least 1 */
int texp_loader_is_ours(const texp_loader *loader);
/* Whether a resumed run gets the images that the run in one piece would have got. */
int texp_loader_keeps_order(const texp_loader *loader);

/* Begins to load the next batch. */
void texp_loader_start(texp_loader *loader);

/* Waits for the batch that was begun and returns it, to be freed by the caller with free_data(). */
data texp_loader_take(texp_loader *loader);

/* Before each update: the width and height, in pixels, to which the networks must change, after which the batch under way
 * has them too; 0: nothing changes. */
int texp_loader_next_size(texp_loader *loader);

/* Its part of a training state. Reading returns 0, or -1 with a message; a network whose size had changed is given that
 * size again. */
void texp_loader_save(const texp_loader *loader, texp_state *state);
int texp_loader_restore(texp_loader *loader, const texp_saved *saved, texp_message *message);

#endif
