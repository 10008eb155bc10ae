#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "base/processors.h"

#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

/* Of a file "QUOTA PERIOD", where "max" is no number. */
static double quota_of_2(const char *folder)
{
    char name[PATH_MAX];
    double quota, period, processors = INFINITY;
    if (snprintf(name, sizeof name, "%s/cpu.max", folder) >= (int)sizeof name) return INFINITY;
    FILE *file = fopen(name, "re");
    if (!file) return INFINITY;
    if (fscanf(file, "%lf %lf", &quota, &period) == 2 && quota > 0 && period > 0) processors = quota / period;
    fclose(file);
    return processors;
}

static double number_in(const char *folder, const char *file_name)
{
    char name[PATH_MAX];
    double number = -1;
    if (snprintf(name, sizeof name, "%s/%s", folder, file_name) >= (int)sizeof name) return -1;
    FILE *file = fopen(name, "re");
    if (!file) return -1;
    if (fscanf(file, "%lf", &number) != 1) number = -1;
    fclose(file);
    return number;
}

/* Of two files; a quota of -1 is none. */
static double quota_of_1(const char *folder)
{
    const double quota = number_in(folder, "cpu.cfs_quota_us"), period = number_in(folder, "cpu.cfs_period_us");
    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

/* Of a group and of those above it, as far as they can be seen: a container sees its own alone, at the root. */
static double least_quota(const char *root, const char *hierarchy, const char *group, double (*quota_of)(const char *))
{
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s/%s%s", root, hierarchy, group) >= (int)sizeof folder) return INFINITY;
    const size_t top = strlen(root) + 1 + strlen(hierarchy);
    double least = quota_of(folder);
    while (strlen(folder) > top) {
        *strrchr(folder, '/') = 0;
        least = fmin(least, quota_of(folder));
    }
    return least;
}

static int names_cpu(char *controllers)
{
    int found = 0;
    for (char *rest, *word = strtok_r(controllers, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        found |= !strcmp(word, "cpu");
    }
    return found;
}

/* A line "NUMBER:CONTROLLERS:GROUP"; without controllers it is version 2's. */
static double quota_of_line(char *line, const char *root)
{
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) return INFINITY;
    *group++ = 0;
    group[strcspn(group, "\n")] = 0;
    if (!*++controllers)
        return fmin(least_quota(root, "", group, quota_of_2), least_quota(root, "unified", group, quota_of_2));
    char hierarchy[256];
    snprintf(hierarchy, sizeof hierarchy, "%s", controllers);
    if (!names_cpu(controllers)) return INFINITY;
    return fmin(least_quota(root, hierarchy, group, quota_of_1), least_quota(root, "cpu", group, quota_of_1));
}

double texp_processor_quota(const char *groups, const char *root)
{
    char line[PATH_MAX];
    double least = INFINITY;
    FILE *file = fopen(groups, "re");
    if (!file) return least;
    while (fgets(line, sizeof line, file)) least = fmin(least, quota_of_line(line, root));
    fclose(file);
    return least;
}

/* A set has room for 1024 at first. */
int texp_processors_allowed(void)
{
    for (int room = CPU_SETSIZE; room <= 1 << 20; room *= 2) {
        cpu_set_t *set = CPU_ALLOC(room);
        const size_t size = CPU_ALLOC_SIZE(room);
        const int n = set && !sched_getaffinity(0, size, set) ? CPU_COUNT_S(size, set) : 0;
        if (set) CPU_FREE(set);
        if (n) return n;
    }
    return 1;
}

int texp_processors(void)
{
    const int allowed = texp_processors_allowed();
    const double quota = ceil(texp_processor_quota("/proc/self/cgroup", "/sys/fs/cgroup") - 1e-9);
    return quota >= allowed ? allowed : quota > 1 ? (int)quota : 1;
}
