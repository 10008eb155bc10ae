/* links: math */
/* What control groups leave of the processors, by files such as the kernel's. */
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/processors.h"

static char root[PATH_MAX - 256];

static void write_file(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(path, 0700);
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static double quota(const char *groups)
{
    char path[PATH_MAX];
    write_file("groups", groups);
    snprintf(path, sizeof path, "%s/groups", root);
    return texp_processor_quota(path, root);
}

static int make_root(void **state)
{
    (void)state;
    const char *folder = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/cgroup.XXXXXX", folder ? folder : "/tmp");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    char command[PATH_MAX];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

static void version_2_has_one_file(void **state)
{
    (void)state;
    assert_true(isinf(quota("0::/a/b\n")));
    write_file("a/b/cpu.max", "max 100000\n");
    assert_true(isinf(quota("0::/a/b\n")));
    write_file("a/b/cpu.max", "150000 100000\n");
    assert_true(quota("0::/a/b\n") == 1.5);
    assert_true(quota("3:memory:/x\n0::/a/b\n") == 1.5);
    assert_true(isinf(quota("0::/a\n")));
    assert_true(isinf(quota("0::/\n")));
}

static void groups_above_count(void **state)
{
    (void)state;
    write_file("a/cpu.max", "50000 100000\n");
    write_file("a/b/cpu.max", "150000 100000\n");
    assert_true(quota("0::/a/b\n") == .5);
    write_file("a/cpu.max", "max 100000\n");
    write_file("cpu.max", "25000 100000\n");
    assert_true(quota("0::/a/b\n") == .25);
}

/* As in a container, whose own group is mounted as the root. */
static void a_group_that_is_not_there_is_the_root(void **state)
{
    (void)state;
    write_file("cpu.max", "300000 100000\n");
    assert_true(quota("0::/docker/0123abcd\n") == 3);
    assert_true(quota("0::/../../other\n") == 3);
}

static void version_1_has_two_files(void **state)
{
    (void)state;
    write_file("cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
    write_file("cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    assert_true(isinf(quota("4:cpu,cpuacct:/a\n")));
    write_file("cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n");
    assert_true(quota("4:cpu,cpuacct:/a\n") == 2.5);
    assert_true(isinf(quota("4:cpuacct:/a\n")));
    write_file("cpu/b/cpu.cfs_quota_us", "20000\n");
    write_file("cpu/b/cpu.cfs_period_us", "10000\n");
    assert_true(isinf(quota("4:cpuacct:/b\n")));
    assert_true(quota("9:name=systemd:/\n4:cpuacct,cpu:/b/c\n0::/\n") == 2);
    write_file("unified/b/cpu.max", "40000 100000\n");
    assert_true(quota("1:cpu:/b\n0::/b\n") == .4);
}

static void what_means_nothing_is_no_limit(void **state)
{
    (void)state;
    write_file("a/cpu.max", "");
    assert_true(isinf(quota("0::/a\n")));
    write_file("a/cpu.max", "0 100000\n");
    assert_true(isinf(quota("0::/a\n")));
    write_file("a/cpu.max", "100000 0\n");
    assert_true(isinf(quota("0::/a\n")));
    assert_true(isinf(quota("")));
    assert_true(isinf(quota("nothing\n1:cpu\n:::\n")));
    assert_true(isinf(texp_processor_quota("/nowhere/groups", root)));
}

static void there_is_a_processor(void **state)
{
    (void)state;
    assert_true(texp_processors_allowed() >= 1);
    assert_true(texp_processors() >= 1 && texp_processors() <= texp_processors_allowed());
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)
    const struct CMUnitTest tests[] = {CASE(version_2_has_one_file),
                                       CASE(groups_above_count),
                                       CASE(a_group_that_is_not_there_is_the_root),
                                       CASE(version_1_has_two_files),
                                       CASE(what_means_nothing_is_no_limit),
                                       CASE(there_is_a_processor)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
