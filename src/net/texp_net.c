#include "net/texp_net.h"

int texp_is_ours(const network *net)
{
    return net->texp && net->texp->ours;
}

void texp_set_seed(texp_net *t, uint64_t seed)
{
    t->seed = t->schedule.recipe.seed = seed;
    for (int i = 0; i < t->schedule.n_tracks; ++i) t->schedule.tracks[i].schedule.recipe.seed = seed;
}

void texp_net_free(texp_net *t)
{
    free(t->cfg_text);
    free((void *)t->schedule.policy);
    free((void *)t->schedule.recipe.steps);
    free((void *)t->schedule.recipe.scales);
    free((void *)t->schedule.recipe.decays);
    free(t->schedule.tracks);
    free(t->images.normalised);
    free(t->images.gradient);
    free(t->images.replaced_value);
    free(t);
}
