/*
 * Tracks: one schedule for each value of the layers' own key learning_rate. A layer of factor r follows the base rate
 * r eta_k; in S it takes the exponential form of that recipe, which is not r times the form of the cfg's.
 */
#ifndef TEXP_TRACKS_H
#define TEXP_TRACKS_H

#include "net/texp_net.h"

#include "darknet.h"

/* Whether the recipe of rate r eta_k has an exponential form. */
int texp_has_form(const texp_net *t, double factor);

/* Starts the schedules anew, of factor 1 first, then of every other factor in S; sets track and bn_track of all
 * layers from their groups. */
void texp_make_tracks(network *net);

/* A network just parsed becomes that of the base of its policy: no layer is in S, every rate is the base's. */
void texp_unfold(network *net);

#endif
