/* Which layers of a network have a fast form, and in which layout their convolutions work. */
#ifndef TEXP_SELECT_H
#define TEXP_SELECT_H

#include "cpu/builder.h"

/*
 * Fills b->fast, b->fused, and of the plan the convolutions and which outputs are recomputed. Ends the program with a
 * message where a layer's type has no row in layer_traits.h, or one whose form this backend does not have.
 */
void texp_select(texp_builder *b);

#endif
