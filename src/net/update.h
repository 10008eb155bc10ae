/* One update of a network: which layer takes which rate, and what follows the weights' scale. Host side, both devices. */
#ifndef TEXP_UPDATE_H
#define TEXP_UPDATE_H

#include "darknet.h"

/* One update of all layers, on the CPU or the GPU. Returns 0, and does nothing, where Darknet shall do it. */
int texp_update(network *net);

/* The rate of the update that was done last (before the first: of the first). Before Darknet's /batch. Of a network with
 * texp_is_ours() alone. */
float texp_current_rate(network *net);

/* Uniform in [0,1): the draw of policy=random for the current update. */
double texp_draw_rate(network *net);

/* After weights were loaded and the counter perhaps cleared: the schedule continues at the counter. */
void texp_follow_counter(network *net);

/* The epsilons of all layers where the weights of S are held at `scale` times the base's. */
void texp_follow_scale(network *net, long double scale);

/* Holds the weights of a track at 2^-doublings of what they were: weights x 2^-n, momentum x 2^n, rolling mean x 2^-nd,
 * rolling variance x 2^-2nd, epsilons likewise; nothing is rounded (docs/mathematics.md, range). */
void texp_move_scale(network *net, int track, long doublings);

#endif
