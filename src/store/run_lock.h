/*
 * One run at a time writes files of one name into a folder: a lock file, BACKUP/NAME.lock, holds the process and the host of the
 * run that does. The system takes the lock back from a process that is killed; over NFS that is so where the server keeps locks.
 * Where the file system has no locks, what the file says decides. Nothing here knows of Darknet, prints or exits.
 */
#ifndef TEXP_RUN_LOCK_H
#define TEXP_RUN_LOCK_H

#include "base/message.h"

typedef struct {
    long process; /* 0: unknown */
    char host[256];
} texp_lock_owner;

typedef struct texp_run_lock texp_run_lock;

/* Takes the lock `file`, for one run of this process at a time. Returns 0 and a lock to be given back; -1 with a message where
 * another run holds it (the caller adds the remedy) or it can't be written. *left_by is the owner of a lock that was left there
 * by a run that has ended without giving it back; its process is 0 where there was none. */
int texp_run_lock_take(const char *file, texp_run_lock **lock, texp_lock_owner *left_by, texp_message *message);

/* Removes the file; exit() does so, too. NULL is fine. */
void texp_run_lock_give_back(texp_run_lock *lock);

#endif
