#include "net/threads.h"

#include "net/texp_net.h"

#ifdef _OPENMP

#include <omp.h>

/* The calling thread's number, as a network's key has set it, and as it was before; 0: no network's key holds now. */
static _Thread_local int set, before;

void texp_use_threads(const network *net)
{
    const int threads = net->texp ? net->texp->cpu.threads : 0, now = omp_get_max_threads();
    /* The program itself has asked for another number since. */
    if (now != set) before = 0;
    if (threads) {
        if (!before) before = now;
        omp_set_num_threads(threads);
        set = threads;
    } else if (before) {
        omp_set_num_threads(before);
        before = 0;
    }
}

#else

void texp_use_threads(const network *net)
{
    (void)net;
}

#endif
