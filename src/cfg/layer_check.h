/* Numbers of layers that Darknet would take as they are: divide by, multiply beyond an int, or read and write past the
 * end of an array with. The formulas are those of its make_*_layer. */
#ifndef TEXP_LAYER_CHECK_H
#define TEXP_LAYER_CHECK_H

#include "darknet.h"

/* Refuses a layer whose numbers Darknet would divide by or count too far with, that does not fit what comes before it,
 * or whose inputs are not layers before it. index: its own. */
void texp_check_layer_numbers(list *options, const char *type, int index, const network *net);

#endif
