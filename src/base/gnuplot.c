#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create, posix_spawn_file_actions_addclosefrom_np */
#endif
#include "base/gnuplot.h"

#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct texp_drawing {
    pid_t process;
    int behind;
    int picture, errors; /* files without a name */
    char file[PATH_MAX];
};

/* --- where it is -------------------------------------------------------------------------------------------------- */

static int is_program(const char *path)
{
    struct stat s;
    return !stat(path, &s) && S_ISREG(s.st_mode) && !access(path, X_OK);
}

/* Of the folders of PATH the first that has it; returns whether there is one. */
static int find_program(const char *name, char path[PATH_MAX])
{
    const char *folders = getenv("PATH");
    if (strchr(name, '/')) return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX && is_program(path);
    if (!folders) folders = "/usr/local/bin:/usr/bin:/bin";
    for (;; ++folders) {
        int length = (int)strcspn(folders, ":");
        int fits = snprintf(path, PATH_MAX, "%.*s%s%s", length, folders, length ? "/" : "./", name) < PATH_MAX;
        if (fits && is_program(path)) return 1;
        folders += length;
        if (!*folders) return 0;
    }
}

static int find_gnuplot(char path[PATH_MAX])
{
    const char *named = getenv("GNUPLOT");
    return find_program(named ? named : "gnuplot", path) && (!named || *named);
}

int texp_gnuplot_is_there(void)
{
    char path[PATH_MAX];
    return find_gnuplot(path);
}

int texp_gnuplot_is_unwanted(void)
{
    const char *named = getenv("GNUPLOT");
    return named && !*named;
}

/* --- starting it -------------------------------------------------------------------------------------------------- */

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return -1;
        bytes += written;
        n -= (size_t)written;
    }
    return 0;
}

/* Where whoever started this process left SIGCHLD ignored, nobody would learn how a child ended. */
static void see_ends(void)
{
    struct sigaction now;
    if (!sigaction(SIGCHLD, NULL, &now) && now.sa_handler == SIG_IGN) signal(SIGCHLD, SIG_DFL);
}

/* Behind: its own group, and the signals that this process may ignore act as ever. */
static int spawn(pid_t *process, char *const *command, const int fds[3], int behind)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (int i = 0; i < 3; ++i) posix_spawn_file_actions_adddup2(&actions, fds[i], i);
#if defined __GLIBC__ && __GLIBC_PREREQ(2, 34)
    /* The run's log and lock are none of its business, and it may outlive the run by a moment. */
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
#endif
    sigemptyset(&none);
    sigemptyset(&usual);
    const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD, SIGXFSZ};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; ++i) sigaddset(&usual, signals[i]);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (behind ? POSIX_SPAWN_SETPGROUP : 0)));
    see_ends();
    int why = posix_spawn(process, command[0], &actions, &attributes, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (!why && behind) setpriority(PRIO_PGRP, (id_t)*process, 19);
    return why;
}

/* -d: without the user's own settings. timeout ends a gnuplot that hangs, should this process be killed before it. */
static int spawn_gnuplot(pid_t *process, const int fds[3], int behind)
{
    char gnuplot[PATH_MAX], timeout[PATH_MAX];
    if (!find_gnuplot(gnuplot)) return ENOENT;
    char *bounded[] = {timeout, "-k", "1", "60", gnuplot, "-d", NULL};
    return spawn(process, bounded + (behind && find_program("timeout", timeout) ? 0 : 4), fds, behind);
}

static void close_files(texp_drawing *d)
{
    if (d->picture >= 0) close(d->picture);
    if (d->errors >= 0) close(d->errors);
}

static int start(texp_drawing *d, const char *script, size_t length)
{
    int input = memfd_create("script", MFD_CLOEXEC), why = 0;
    if (input < 0 || d->picture < 0 || d->errors < 0 || write_all(input, script, length) || lseek(input, 0, SEEK_SET))
        why = errno;
    if (!why) why = spawn_gnuplot(&d->process, (int[3]){input, d->picture, d->errors}, d->behind);
    if (input >= 0) close(input);
    return why;
}

texp_drawing *texp_drawing_start(const char *script, size_t length, const char *file, int behind, texp_message *message)
{
    texp_drawing *d = calloc(1, sizeof *d);
    if (!d || (size_t)snprintf(d->file, sizeof d->file, "%s", file) >= sizeof d->file) {
        texp_say(message, "%s: can't be drawn: %s", texp_path_tail(file), d ? "the path is too long" : "no memory");
        free(d);
        return NULL;
    }
    d->behind = behind;
    d->picture = memfd_create("picture", MFD_CLOEXEC);
    d->errors = memfd_create("errors", MFD_CLOEXEC);
    int why = start(d, script, length);
    if (!why) return d;
    texp_say(message, "%s: can't start gnuplot: %s", texp_path_tail(file), strerror(why));
    close_files(d);
    free(d);
    return NULL;
}

/* --- its end ------------------------------------------------------------------------------------------------------ */

/* One that somebody else in this process has waited for has ended, too, and nobody knows how. */
static int has_ended(const texp_drawing *d, int *status)
{
    pid_t found;
    *status = 0;
    do found = waitpid(d->process, status, WNOHANG);
    while (found < 0 && errno == EINTR);
    return found != 0;
}

static int has_ended_within(const texp_drawing *d, double seconds, int *status)
{
    struct timespec began, now, pause = {0, 5000000};
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (;;) {
        if (has_ended(d, status)) return 1;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((double)(now.tv_sec - began.tv_sec) + 1e-9 * (double)(now.tv_nsec - began.tv_nsec) >= seconds) return 0;
        nanosleep(&pause, NULL);
    }
}

/* What gnuplot says is several lines: what it read, an arrow, and then what is wrong. */
static texp_drawing_status say_failure(const texp_drawing *d, int status, texp_message *message)
{
    char said[4096], *rest, *last = "";
    ssize_t n = pread(d->errors, said, sizeof said - 1, 0);
    said[n > 0 ? n : 0] = 0;
    for (char *line = strtok_r(said, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        line += strspn(line, " \t");
        if (*line) last = line;
    }
    if (*last)
        texp_say(message, "%s: gnuplot fails: %.200s", texp_path_tail(d->file), last);
    else if (WIFSIGNALED(status))
        texp_say(message, "%s: gnuplot fails: signal %d", texp_path_tail(d->file), WTERMSIG(status));
    else
        texp_say(message, "%s: gnuplot fails, exit status %d", texp_path_tail(d->file), WEXITSTATUS(status));
    return TEXP_NOT_DRAWN;
}

static int copy(int from, FILE *to)
{
    char chunk[1 << 14];
    off_t at = 0;
    ssize_t n;
    while ((n = pread(from, chunk, sizeof chunk, at)) > 0) {
        if (fwrite(chunk, 1, (size_t)n, to) != (size_t)n) return -1;
        at += n;
    }
    return n || !at ? -1 : 0;
}

static texp_drawing_status publish(const texp_drawing *d, texp_message *message)
{
    FILE *file = texp_file_create(d->file, message);
    if (!file) return TEXP_NOT_DRAWN;
    int bad = copy(d->picture, file);
    if (texp_file_finish(file, d->file, message)) return TEXP_NOT_DRAWN;
    if (bad) {
        texp_file_discard(d->file);
        texp_say(message, "%s: gnuplot drew nothing", texp_path_tail(d->file));
        return TEXP_NOT_DRAWN;
    }
    return texp_file_publish(d->file, message) ? TEXP_NOT_DRAWN : TEXP_DRAWN;
}

texp_drawing_status texp_drawing_wait(texp_drawing *d, double seconds, texp_message *message)
{
    int status;
    if (!has_ended_within(d, seconds, &status)) return TEXP_STILL_DRAWING;
    texp_drawing_status end = status ? say_failure(d, status, message) : publish(d, message);
    close_files(d);
    free(d);
    return end;
}

void texp_drawing_cancel(texp_drawing *d)
{
    int status;
    if (!d) return;
    /* timeout ends what it has started, a second later without mercy, and waits for it, so that nobody else has to. */
    kill(d->process, SIGTERM);
    if (!has_ended_within(d, 3, &status)) {
        kill(d->behind ? -d->process : d->process, SIGKILL);
        has_ended_within(d, 1, &status);
    }
    close_files(d);
    free(d);
}
