/* Keys of [net]: read, checked, refused with a message. */
#ifndef TEXP_NET_KEYS_H
#define TEXP_NET_KEYS_H

#include "darknet.h"

/* Reads the keys of [net], checked one by one before (cfg/sections.h), and makes what the plug-in keeps with the network
 * (net/texp_net.h). Ends the program where they do not fit together. */
void texp_read_net_keys(network *net, list *options);

/* Called with the keys of [net], checked but not yet read, to change values; NULL: nobody does. */
extern void (*texp_change_net_keys)(list *options);

/* "rnn train": the command that reads the cfgs of this process, where it trains in a loop of Darknet's own; set in main(), before
 * any is read. NULL: another command, or none. */
extern const char *texp_trains_outside;

/* The policy that Darknet's own parser shall see: the base, or constant where it does not know the base. */
const char *texp_darknet_policy(const network *net);

/* Once the layers stand: exits with a message where [net]'s keys of augmentation don't go together for them. */
void texp_check_augmentation(const network *net);

#endif
