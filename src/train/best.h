/* What validations found, and which of them was the best. */
#ifndef TEXP_BEST_H
#define TEXP_BEST_H

#include "train/setup.h"

#include "store/state.h"

typedef struct {
    texp_validation last; /* found last */
    long update; /* behind which that was; 0: there was none in this process */
    double quality; /* the best so far, also before a resumed run; -1: there was none */
    double epoch; /* of the best */
} texp_best;

void texp_best_start(texp_best *best);

/* Takes what was found behind the update done last; returns whether it is better than all before. */
int texp_best_add(texp_best *best, const texp_setup *setup, texp_validation found);

/* Whether there was a validation behind the update done last. */
int texp_best_is_of_now(const texp_best *best, const texp_setup *setup);

/* Its part of a training state; reading returns 0, or -1 with a message. */
void texp_best_save(const texp_best *best, texp_state *state);
int texp_best_restore(texp_best *best, const texp_saved *saved, texp_message *message);

#endif
