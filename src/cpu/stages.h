/*
 * Groups the operations of the fast backend into stages, and makes what depends on how many images a stage takes at a
 * time: the convolutions, and the memory of each lane.
 */
#ifndef TEXP_STAGES_H
#define TEXP_STAGES_H

#include "cpu/plan.h"

/* Of all three lists, once they are made. */
void texp_make_stages(texp_plan *plan);

#endif
