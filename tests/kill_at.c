/*
 * Loaded in front of libc (LD_PRELOAD) by the tests of resumed runs: kills the program, as kill -9 does, in front of the
 * KILL_AT-th call of those that bring files to the disk or give them their names. Nothing is waited for until it is on
 * the disk: a killed program's files are there without. Links with nothing of ours.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void step(void)
{
    static int steps;
    const char *at = getenv("KILL_AT");
    if (at && ++steps == atoi(at)) kill(getpid(), SIGKILL);
}

int rename(const char *from, const char *to)
{
    step();
    return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

int unlink(const char *file)
{
    step();
    return (int)syscall(SYS_unlinkat, AT_FDCWD, file, 0);
}

int fsync(int fd)
{
    (void)fd;
    step();
    return 0;
}
