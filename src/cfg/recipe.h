/* The schedule that [net] asks for. */
#ifndef TEXP_CFG_RECIPE_H
#define TEXP_CFG_RECIPE_H

#include "net/texp_net.h"

/* Makes t->schedule, its tracks aside, from keys that are checked one by one and whose fields are filled; refuses what
 * does not fit together, or has no exponential form. */
void texp_read_recipe(texp_net *t, list *options);

#endif
