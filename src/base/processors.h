/* How many processors this process may keep busy. Nothing here knows of Darknet, prints or exits. */
#ifndef TEXP_PROCESSORS_H
#define TEXP_PROCESSORS_H

/*
 * The processors' worth of time that control groups leave to a process: the least of cpu.max (version 2) or cpu.cfs_quota_us
 * (version 1) of its group and of those above it. INFINITY where there is no limit.
 *   groups   what the kernel says of the process, /proc/self/cgroup
 *   root     where control groups are mounted, /sys/fs/cgroup
 */
double texp_processor_quota(const char *groups, const char *root);

/* Those that the affinity mask allows (taskset); at least 1. */
int texp_processors_allowed(void);

/* The same, but no more than the quota, rounded up. */
int texp_processors(void);

#endif
