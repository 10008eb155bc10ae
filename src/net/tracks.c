#include "net/tracks.h"

#include "theory/recipe_check.h"

static texp_recipe recipe_of(const texp_net *t, double factor)
{
    texp_recipe recipe = t->schedule.recipe;
    recipe.learning_rate *= factor;
    recipe.learning_rate_min *= factor;
    /* Moving powers of two would change what is not scale invariant. */
    recipe.no_rescale |= t->schedule.all_layers && !t->counts.invariant;
    return recipe;
}

int texp_has_form(const texp_net *t, double factor)
{
    texp_recipe recipe = recipe_of(t, factor);
    texp_finding found;
    return texp_recipe_check(&recipe, &found) == TEXP_OK;
}

/* The track of a factor, a new one if need be. */
static int track_of(texp_net *t, double factor)
{
    for (int i = 0; i < t->schedule.n_tracks; ++i) {
        if (t->schedule.tracks[i].factor == factor) return i;
    }
    t->schedule.tracks = realloc(t->schedule.tracks, (size_t)(t->schedule.n_tracks + 1) * sizeof *t->schedule.tracks);
    texp_track *track = t->schedule.tracks + t->schedule.n_tracks;
    texp_recipe recipe = recipe_of(t, factor);
    *track = (texp_track){.factor = factor};
    texp_schedule_start(&track->schedule, &recipe);
    return t->schedule.n_tracks++;
}

/* All of a group have one factor. */
static void set_bn_tracks(network *net, int group, int track)
{
    for (int i = 0; i < net->n; ++i) {
        texp_layer *own = net->layers[i].texp;
        if (own->degrees.bn && own->degrees.bn_group == group) own->schedule.bn_track = track;
    }
}

void texp_make_tracks(network *net)
{
    texp_net *t = net->texp;
    t->schedule.n_tracks = 0;
    track_of(t, 1);
    for (int i = 0; i < net->n; ++i) {
        layer *l = net->layers + i;
        if (!l->texp->degrees.growing) continue;
        l->texp->schedule.track = track_of(t, l->learning_rate_scale);
        set_bn_tracks(net, l->texp->degrees.group, l->texp->schedule.track);
    }
}

void texp_unfold(network *net)
{
    texp_net *t = net->texp;
    t->schedule.recipe.form = TEXP_PLAIN;
    t->schedule.all_layers = 0;
    t->counts.growing = 0;
    for (int i = 0; i < net->n; ++i) net->layers[i].texp->degrees.growing = net->layers[i].texp->degrees.bn = 0;
    texp_make_tracks(net);
}
