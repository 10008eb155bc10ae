/*
 * Sets OpenMP's variables before anything else runs in ./darknet. A library that was loaded has read them already: the program
 * starts itself again, once, with the same arguments in the same process. What a user has set stays as it is.
 *
 * Threads that wait for others spin, by default for ten milliseconds and more. Where another program wants a processor, too, the one thread
 * that it displaced has all others spin for it, and several spinning threads displace those that have work. A thousand rounds,
 * some ten microseconds, bridge the short waits between operations; longer ones are slept through.
 *
 * Only in the program: a library does not start its user's program again (libdarknet.so, libdarknet.a).
 */
#ifdef _OPENMP

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/processors.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* Of the subcommands of texp one trains; the others would only start later. */
static int computes(int argc, char **argv)
{
    if (argc < 2) return 0;
    return strcmp(argv[1], "texp") || (argc > 2 && !strcmp(argv[2], "verify"));
}

/* Returns whether a variable was set. */
static int set_waiting(void)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || getenv("KMP_BLOCKTIME")) return 0;
#ifdef __clang__
    /* LLVM's library counts in milliseconds. */
    return !setenv("KMP_BLOCKTIME", "0", 1);
#else
    return !setenv("GOMP_SPINCOUNT", "1000", 1);
#endif
}

/* OpenMP counts the processors of the affinity mask and knows nothing of quotas. */
static int set_threads(void)
{
    char number[16];
    if (getenv("OMP_NUM_THREADS") || texp_processors() >= texp_processors_allowed()) return 0;
    snprintf(number, sizeof number, "%d", texp_processors());
    return !setenv("OMP_NUM_THREADS", number, 1);
}

/* By its own name, which tools for processes show; a file that was replaced meanwhile has none. */
static void start_again(char **argv)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        execv(path, argv);
    }
    execv("/proc/self/exe", argv);
}

/* Runs before main; glibc hands main's arguments to it. */
static __attribute__((constructor)) void set_variables(int argc, char **argv)
{
    /* A program that ld.so was told to run has no interpreter of its own, and is not what /proc/self/exe is. */
    if (!computes(argc, argv) || !getauxval(AT_BASE)) return;
    const int waits = set_waiting(), counts = set_threads();
    if (waits || counts) start_again(argv);
}

#else

typedef int texp_no_threads_at_start;

#endif
