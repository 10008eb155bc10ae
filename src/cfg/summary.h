/* The lines below Darknet's table of layers. */
#ifndef TEXP_SUMMARY_H
#define TEXP_SUMMARY_H

#include "darknet.h"

/* Prints to stderr how many weights train and how many layers take which rate, and warns of what a user may not have
 * meant. For an analysed network (net/analysis.h). */
void texp_print_summary(const network *net);

#endif
