/*
 * [route] with groups=g and group_id=k: of each layer that it reads, the channels are split into g equal groups and the
 * k-th is taken (k = 0, 1, ...), in the order of the layers. Darknet's own route takes them whole.
 */
#ifndef TEXP_ROUTE_GROUPS_H
#define TEXP_ROUTE_GROUPS_H

#include "darknet.h"

/* Makes a [route] one of a group of channels. Its inputs' channels must be divisible by `groups`. */
void texp_split_route(layer *l, int groups, int group);

/* After Darknet has resized a [route], whose shape it takes for that of all channels. */
void texp_resize_split_route(layer *l);

/* Channels that a [route] takes of a layer, and the first of them; of any route. */
int texp_routed_channels(const layer *route, const layer *from);
int texp_first_routed_channel(const layer *route, const layer *from);

#endif
