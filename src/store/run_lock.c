#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "store/run_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct texp_run_lock {
    int fd;
    char file[PATH_MAX];
};

static texp_lock_owner this_process(void)
{
    texp_lock_owner owner = {.process = getpid()};
    if (gethostname(owner.host, sizeof owner.host - 1)) snprintf(owner.host, sizeof owner.host, "this host");
    return owner;
}

static texp_lock_owner read_owner(int fd)
{
    char text[sizeof(texp_lock_owner) + 32];
    texp_lock_owner owner = {0};
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = 0;
    if (sscanf(text, "process %ld on %255s", &owner.process, owner.host) != 2) owner.process = 0;
    return owner;
}

static int write_owner(int fd, const texp_lock_owner *owner)
{
    char text[sizeof(texp_lock_owner) + 32];
    int length = snprintf(text, sizeof text, "process %ld on %s\n", owner->process, owner->host);
    return ftruncate(fd, 0) || pwrite(fd, text, (size_t)length, 0) != length ? -1 : 0;
}

/* Where the file system has no locks. Of another host nothing is known. */
static int may_run(const texp_lock_owner *owner)
{
    if (!owner->process) return 0;
    if (strcmp(owner->host, this_process().host)) return 1;
    return owner->process != getpid() && (!kill((pid_t)owner->process, 0) || errno == EPERM);
}

static int is_held(int fd, const texp_lock_owner *owner)
{
    if (!flock(fd, LOCK_EX | LOCK_NB)) return 0;
    return errno == EWOULDBLOCK || may_run(owner);
}

/* The run before may have removed the file since it was opened. */
static int is_still_there(int fd, const char *file)
{
    struct stat opened, named;
    return !fstat(fd, &opened) && !stat(file, &named) && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

static int say_held(const char *file, const texp_lock_owner *owner, texp_message *message)
{
    if (!owner->process) return texp_say(message, "%s: another run is writing there", texp_path_tail(file));
    return texp_say(message, "%s: process %ld on %s is writing there", texp_path_tail(file), owner->process,
                    owner->host);
}

/* The file, locked; -1 with a message. */
static int open_locked(const char *file, texp_lock_owner *left_by, texp_message *message)
{
    for (;;) {
        int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0) return texp_say(message, "%s: can't write: %s", texp_path_tail(file), strerror(errno));
        *left_by = read_owner(fd);
        int held = is_held(fd, left_by);
        if (!held && is_still_there(fd, file)) return fd;
        close(fd);
        if (held) return say_held(file, left_by, message);
    }
}

/* --- the process's own -------------------------------------------------------------------------------------------- */

/* What exit() removes; runs of one process follow one another. */
static texp_run_lock *held;

static void give_back_at_exit(void)
{
    texp_run_lock_give_back(held);
}

int texp_run_lock_take(const char *file, texp_run_lock **lock, texp_lock_owner *left_by, texp_message *message)
{
    static int is_registered;
    const texp_lock_owner own = this_process();
    *lock = NULL;
    int fd = open_locked(file, left_by, message);
    if (fd < 0) return -1;
    texp_run_lock *taken = calloc(1, sizeof *taken);
    if (!taken || write_owner(fd, &own)) {
        close(fd);
        free(taken);
        return texp_say(message, "%s: can't write: %s", texp_path_tail(file), strerror(errno));
    }
    taken->fd = fd;
    snprintf(taken->file, sizeof taken->file, "%s", file);
    *lock = held = taken;
    if (!is_registered) atexit(give_back_at_exit);
    is_registered = 1;
    return 0;
}

void texp_run_lock_give_back(texp_run_lock *lock)
{
    if (!lock) return;
    if (lock == held) held = NULL;
    unlink(lock->file);
    close(lock->fd);
    free(lock);
}
