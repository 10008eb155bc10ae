/*
 * Times programs that take one step at a time, turn by turn, so that what else the machine does meets all alike.
 *
 *     alternate ROUNDS BASE {NAME IMAGES COMMAND}...
 *
 * A COMMAND is run by the shell. It takes a step for each byte that it reads and prints a line with the seconds. One
 * that begins with `free:` steps as it likes and prints a line beginning with a digit after each step; it is stopped and
 * continued by signals, and what passes between its own lines is timed. IMAGES is how many a step treats.
 *
 * Prints, for each: median, quartiles, images a second, times those of the program named BASE, peak memory.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WARM_STEPS = 2, FREE_STEPS = 4 };

typedef struct {
    const char *name;
    double images;
    int is_free, failed;
    pid_t pid;
    FILE *to, *from;
    double *seconds;
    int n;
    long peak_kb;
} program;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void start(program *p, const char *command)
{
    int to[2], from[2];
    p->is_free = !strncmp(command, "free:", 5);
    if (p->is_free) command += 5;
    if (pipe(to) || pipe(from)) exit(2);
    p->pid = fork();
    if (p->pid < 0) exit(2);
    if (!p->pid) {
        setpgid(0, 0);
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        for (int i = 0; i < 2; ++i) close(to[i]), close(from[i]);
        /* The other programs' pipes, or their ends would never be seen. */
        for (int fd = 3; fd < 256; ++fd) close(fd);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    setpgid(p->pid, p->pid);
    close(to[0]);
    close(from[1]);
    p->to = fdopen(to[1], "w");
    p->from = fdopen(from[0], "r");
    if (p->is_free) kill(-p->pid, SIGSTOP);
}

/* The next line that begins with a digit; 0 at the end. */
static int next_line(program *p, char *line, int size)
{
    while (fgets(line, size, p->from)) {
        if (isdigit((unsigned char)*line)) return 1;
    }
    p->failed = 1;
    return 0;
}

static void keep(program *p, double seconds)
{
    p->seconds[p->n++] = seconds;
}

/* The first line ends a step that was stopped in its middle. */
static void step_freely(program *p, int counts)
{
    char line[512];
    kill(-p->pid, SIGCONT);
    if (next_line(p, line, sizeof line)) {
        double from = now();
        int good = 1;
        for (int i = 0; good && i < FREE_STEPS; ++i) good = next_line(p, line, sizeof line);
        if (good && counts) keep(p, (now() - from) / FREE_STEPS);
    }
    kill(-p->pid, SIGSTOP);
}

static void step(program *p, int counts)
{
    char line[512];
    if (p->failed) return;
    if (p->is_free) {
        step_freely(p, counts);
        return;
    }
    if (fputc('\n', p->to) == EOF || fflush(p->to)) {
        p->failed = 1;
        return;
    }
    if (next_line(p, line, sizeof line) && counts) keep(p, atof(line));
}

/* OpenMP's threads spin for some milliseconds after a step, and would do so beside the next program's. */
static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/* Of the process itself, or of its child where the shell did not become it. */
static void note_peak(program *p)
{
    char file[64], line[256];
    snprintf(file, sizeof file, "/proc/%d/status", (int)p->pid);
    FILE *status = fopen(file, "r");
    while (status && fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld", &p->peak_kb);
    if (status) fclose(status);
}

static void stop(program *p)
{
    note_peak(p);
    kill(-p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const program *p, double share)
{
    return p->seconds[(int)(share * (p->n - 1) + .5)];
}

static void print(const program *all, int n, const char *base)
{
    double one = 0;
    for (int i = 0; i < n; ++i) {
        if (all[i].n && !strcmp(all[i].name, base)) one = all[i].images / quantile(all + i, .5);
    }
    printf("| %-42s | ms a step (quartiles)    | images/s | ratio | memory |\n", "");
    printf("|:-------------------------------------------|-------------------------:|---------:|------:|-------:|\n");
    for (int i = 0; i < n; ++i) {
        const program *p = all + i;
        if (!p->n || p->failed) {
            printf("| %-42s | %24s |          |       |        |\n", p->name, "did not run");
            continue;
        }
        const double median = quantile(p, .5), speed = p->images / median;
        char quartiles[64];
        snprintf(quartiles, sizeof quartiles, "%.1f (%.1f, %.1f)", 1e3 * median, 1e3 * quantile(p, .25),
                 1e3 * quantile(p, .75));
        printf("| %-42s | %24s | %8.*f | %5.2f | %4ld MB |\n", p->name, quartiles, speed < 10 ? 1 : 0, speed,
               one > 0 ? speed / one : 0, p->peak_kb / 1024);
    }
}

int main(int argc, char **argv)
{
    if (argc < 6 || argc % 3) {
        fprintf(stderr, "usage: alternate ROUNDS BASE {NAME IMAGES COMMAND}...\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    const int rounds = atoi(argv[1]), n = (argc - 3) / 3;
    program *all = calloc((size_t)n, sizeof *all);
    if (!all || rounds < 1) return 2;
    for (int i = 0; i < n; ++i) {
        char **arguments = argv + 3 + 3 * i;
        all[i].name = arguments[0];
        all[i].images = atof(arguments[1]);
        all[i].seconds = calloc((size_t)rounds, sizeof(double));
        if (!all[i].seconds) return 2;
        start(all + i, arguments[2]);
        for (int k = 0; k < WARM_STEPS; ++k) step(all + i, 0);
    }
    /* To and fro, so that none is always behind the same. */
    for (int r = 0; r < rounds; ++r) {
        for (int i = 0; i < n; ++i) {
            rest();
            step(all + (r % 2 ? n - 1 - i : i), 1);
        }
    }
    for (int i = 0; i < n; ++i) {
        stop(all + i);
        qsort(all[i].seconds, (size_t)all[i].n, sizeof(double), ascending);
    }
    print(all, n, argv[2]);
    return 0;
}
