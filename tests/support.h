/*
 * What the tests of networks share: a network from the text of a cfg, data from a formula, a child process that may
 * crash or exit. Compiles against stock Darknet too.
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* asprintf; so a test includes this first */
#endif

#include "darknet.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef _OPENMP
#include <omp.h>
#endif

/* ---- Darknet's chatter on stderr, held back; shown after all where the program ends in between. */

static int support_stderr = -1;
static FILE *support_held;

static inline void support_show_held(void)
{
    int c;
    if (support_stderr < 0) return;
    fflush(stderr);
    dup2(support_stderr, 2);
    rewind(support_held);
    while ((c = getc(support_held)) != EOF) putc(c, stderr);
}

static inline void hush(void)
{
    static int registered;
    if (!registered) atexit(support_show_held);
    registered = 1;
    fflush(stderr);
    support_held = tmpfile();
    support_stderr = dup(2);
    if (!support_held || support_stderr < 0) exit(99);
    dup2(fileno(support_held), 2);
}

static inline void speak(void)
{
    fflush(stderr);
    dup2(support_stderr, 2);
    close(support_stderr);
    fclose(support_held);
    support_stderr = -1;
}

/* ---- Networks. */

static struct {
    char *name;
    pid_t maker;
} support_files[512];
static int support_n_files;

/* A child inherits the list; it removes what it made itself. */
static inline void support_remove_files(void)
{
    int i;
    for (i = 0; i < support_n_files; ++i) {
        if (support_files[i].maker == getpid()) unlink(support_files[i].name);
    }
}

/* Writes a file under build/ that lasts until the process ends. The name is good until then, too. */
static inline char *write_file(const char *suffix, const void *bytes, size_t size)
{
    static int registered;
    char name[64];
    int fd;
    snprintf(name, sizeof name, "build/test-XXXXXX%s", suffix);
    fd = mkstemps(name, (int)strlen(suffix));
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd) || support_n_files == 512) {
        fprintf(stderr, "can't write %s; run tests from the root of the tree\n", name);
        exit(99);
    }
    if (!registered) atexit(support_remove_files);
    registered = 1;
    support_files[support_n_files].name = strdup(name);
    support_files[support_n_files].maker = getpid();
    return support_files[support_n_files++].name;
}

/* printf's format and arguments make the cfg. Drawn weights depend on rand(), so srand comes first where they matter. */
__attribute__((format(printf, 1, 2))) static inline network *network_of(const char *format, ...)
{
    char *text, *name;
    network *net;
    va_list list;
    va_start(list, format);
    if (vasprintf(&text, format, list) < 0) exit(99);
    va_end(list);
    name = write_file(".cfg", text, strlen(text));
    hush();
    net = parse_network_cfg(name);
    speak();
    unlink(name);
    --support_n_files;
    free(text);
    return net;
}

/* ---- Numbers: those of tests/reference/preresnet32.py. */

static inline uint64_t mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint64_t random_bits(uint64_t stream, uint64_t i)
{
    return mixed(mixed(stream) + 0x9E3779B97F4A7C15u * (i + 1));
}

/* In [0, 1), a multiple of 2^-24: exact in float. */
static inline double uniform(uint64_t stream, uint64_t i)
{
    return (double)(random_bits(stream, i) >> 40) / (1 << 24);
}

static inline void fill(float *values, size_t n, uint64_t stream, double low, double high)
{
    size_t i;
    for (i = 0; i < n; ++i) values[i] = low + (high - low) * uniform(stream, i);
}

/* One batch: inputs in [-1, 1), one true class an image. */
static inline void set_batch(network *net, uint64_t stream)
{
    size_t inputs = (size_t)net->inputs * net->batch, truths = (size_t)net->truths * net->batch;
    int b;
    fill(net->input, inputs, stream, -1, 1);
    memset(net->truth, 0, truths * sizeof *net->truth);
    for (b = 0; b < net->batch; ++b) net->truth[b * net->truths + random_bits(stream, inputs + b) % net->truths] = 1;
}

static inline double largest_difference(const float *a, const float *b, size_t n)
{
    double largest = 0;
    size_t i;
    for (i = 0; i < n; ++i) {
        double difference = fabs((double)a[i] - (double)b[i]);
        if (!(difference <= largest)) largest = isnan(difference) ? HUGE_VAL : difference;
    }
    return largest;
}

static inline double norm_of(const float *a, size_t n)
{
    double sum = 0;
    size_t i;
    for (i = 0; i < n; ++i) sum += (double)a[i] * a[i];
    return sqrt(sum);
}

/* ---- Checks. */

#define assert_below(value, bound) support_below((value), (bound), #value, __FILE__, __LINE__)
static inline void support_below(double value, double bound, const char *what, const char *file, int line)
{
    if (value <= bound) return;
    print_error("%s is %.3g, must be %.3g at most\n", what, value, bound);
    _fail(file, line);
}

#define assert_above(value, bound) support_above((value), (bound), #value, __FILE__, __LINE__)
static inline void support_above(double value, double bound, const char *what, const char *file, int line)
{
    if (value > bound) return;
    print_error("%s is %.3g, must be above %.3g\n", what, value, bound);
    _fail(file, line);
}

/* ---- A child process for what exits or may crash. */

typedef struct {
    int status; /* exit status, or 128 + the signal */
    char text[4096]; /* the end of what it wrote */
} outcome;

/* In a child only: CMocka's assertions can't leave it. */
#define CHILD_CHECK(condition)                                                                                         \
    do {                                                                                                               \
        if (condition) break;                                                                                          \
        printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                                 \
        exit(98);                                                                                                      \
    } while (0)

static inline void support_child(int out, void (*body)(const void *), const void *argument)
{
    static const int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
    size_t i;
    for (i = 0; i < sizeof caught / sizeof *caught; ++i) signal(caught[i], SIG_DFL); /* CMocka holds them */
#ifdef _OPENMP
    omp_set_num_threads(1); /* the parent's threads are not here */
#endif
    alarm(60);
    dup2(out, 1);
    dup2(out, 2);
    body(argument);
    exit(0);
}

static inline outcome in_child(void (*body)(const void *), const void *argument)
{
    outcome o = {0};
    size_t length = 0, half = sizeof o.text / 2;
    ssize_t got;
    int ends[2], status = 0;
    pid_t pid;
    fflush(stdout);
    fflush(stderr);
    if (pipe(ends)) exit(99);
    pid = fork();
    if (pid < 0) exit(99);
    if (!pid) support_child(ends[1], body, argument);
    close(ends[1]);
    while ((got = read(ends[0], o.text + length, sizeof o.text - 1 - length)) > 0) {
        length += (size_t)got;
        if (length < sizeof o.text - 1) continue;
        memmove(o.text, o.text + half, length - half);
        length -= half;
    }
    o.text[length] = 0;
    close(ends[0]);
    waitpid(pid, &status, 0);
    o.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return o;
}

#define assert_succeeds(o) support_succeeds((o), __FILE__, __LINE__)
static inline void support_succeeds(outcome o, const char *file, int line)
{
    if (!o.status) return;
    print_error("the child ended with status %d:\n%s\n", o.status, o.text);
    _fail(file, line);
}

/* It must exit with an ordinary failure, and its message contain all `words`, up to a NULL. */
#define assert_refuses(o, ...) support_refuses((o), (const char *[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)
static inline void support_refuses(outcome o, const char **words, const char *file, int line)
{
    int bad = o.status < 1 || o.status > 97;
    for (; !bad && *words; ++words) bad = !strstr(o.text, *words);
    if (!bad) return;
    print_error("status %d, message without '%s':\n%s\n", o.status, *words ? *words : "", o.text);
    _fail(file, line);
}

#endif
