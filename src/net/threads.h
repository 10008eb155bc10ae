/* The number of threads of a network: threads= of its [net], or what OpenMP gives the calling thread without it. */
#ifndef TEXP_THREADS_H
#define TEXP_THREADS_H

#include "darknet.h"

/*
 * From here on OpenMP gives the calling thread the number of this network, which every thread that runs it asks for
 * first. A network without the key gives back what a network with it had changed.
 */
void texp_use_threads(const network *net);

#endif
