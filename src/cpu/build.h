/* Makes a plan from a network. */
#ifndef TEXP_BUILD_H
#define TEXP_BUILD_H

#include "cpu/plan.h"

/* For so many threads. NULL where the network cannot run so (oneDNN absent). texp_plan_free() frees it. */
texp_plan *texp_plan_build(network *net, int lanes);

#endif
