#include "net/texp_net.h"

int texp_is_ours(const network *net)
{
    return net->texp && net->texp->ours;
}

void texp_set_seed(texp_net *t, uint64_t seed)
{
    t->seed = t->recipe.seed = seed;
    for (int i = 0; i < t->n_tracks; ++i) t->tracks[i].schedule.recipe.seed = seed;
}

void texp_net_free(texp_net *t)
{
    free(t->cfg_text);
    free((void *)t->policy);
    free((void *)t->recipe.steps);
    free((void *)t->recipe.scales);
    free((void *)t->recipe.decays);
    free(t->tracks);
    free(t->input);
    free(t);
}
