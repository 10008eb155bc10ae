#include "train/best.h"

void texp_best_start(texp_best *best)
{
    *best = (texp_best){.quality = -1};
}

int texp_best_add(texp_best *best, const texp_setup *setup, texp_validation found)
{
    best->last = found;
    best->update = texp_setup_updates(setup);
    if (!(found.quality > best->quality)) return 0;
    best->quality = found.quality;
    best->epoch = texp_setup_epochs(setup);
    return 1;
}

int texp_best_is_of_now(const texp_best *best, const texp_setup *setup)
{
    return best->update && best->update == texp_setup_updates(setup);
}

void texp_best_save(const texp_best *best, texp_state *state)
{
    texp_state_add_f64(state, "run best accuracy", best->quality);
    texp_state_add_f64(state, "run best epoch", best->epoch);
}

int texp_best_restore(texp_best *best, const texp_saved *saved, texp_message *message)
{
    if (texp_saved_f64(saved, "run best accuracy", &best->quality, message) ||
        texp_saved_f64(saved, "run best epoch", &best->epoch, message)) {
        return -1;
    }
    return 0;
}
