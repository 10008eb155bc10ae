#include "cfg/parse_quietly.h"

#include "base/refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static struct {
    FILE *held; /* what goes to stderr while the cfg is parsed; NULL: nothing is held */
    int shown; /* the real one */
    int status; /* without a verdict */
    int has_verdict;
} state = {.status = EXIT_FAILURE};

static void hold_stderr(void)
{
    fflush(stderr);
    state.held = tmpfile();
    state.shown = dup(STDERR_FILENO);
    if (state.held && state.shown >= 0) dup2(fileno(state.held), STDERR_FILENO);
}

/* Behind the layer table's number, or at the beginning of its own line. */
static const char *message_in(const char *line)
{
    const char *text = line + strspn(line, " ");
    size_t digits = strspn(text, "0123456789");
    return digits && text[digits] == ' ' ? text + digits + 1 : line;
}

static int is_warning(const char *line)
{
    return strstr(line, "Unused field") || strstr(line, "going with") || strstr(line, ": ignored");
}

/* What was held, line by line without empty ones; to be freed. */
static char **held_lines(FILE *held, size_t *n)
{
    char **lines = NULL, *line = NULL;
    size_t room = 0;
    *n = 0;
    rewind(held);
    while (getline(&line, &room, held) > 0) {
        if (line[strspn(line, " \n")] == 0) continue;
        lines = realloc(lines, (*n + 1) * sizeof *lines);
        lines[(*n)++] = strdup(line);
    }
    free(line);
    return lines;
}

/* The message that ends a program is the last line, with those before it that name the same file. */
static int is_of_message(const char *line, const char *last)
{
    size_t file = strcspn(last, ":");
    return line == last || (last[file] && !strncmp(line, last, file + 1));
}

/* Shows what is not part of the layer table: warnings, or the message that the program ends with. */
static void release_stderr(int failed, int warns)
{
    size_t n;
    if (!state.held) return;
    fflush(stderr);
    dup2(state.shown, STDERR_FILENO);
    close(state.shown);
    char **lines = held_lines(state.held, &n);
    for (size_t i = 0; i < n; ++i) {
        const char *line = message_in(lines[i]);
        if (failed ? is_of_message(line, message_in(lines[n - 1])) : warns && is_warning(line)) fputs(line, stderr);
    }
    for (size_t i = 0; i < n; ++i) free(lines[i]);
    free(lines);
    fclose(state.held);
    state.held = NULL;
}

/* Whatever ends the program before, Darknet's own exits among it, says neither yes nor no. */
static void exit_without_verdict(void)
{
    if (state.has_verdict) return;
    release_stderr(1, 0);
    fflush(NULL);
    _exit(state.status);
}

/* Darknet asserts that the last convolution has as many filters as [yolo] and its like need. */
static void end_assertion(int signal_number)
{
    (void)signal_number;
    exit_without_verdict();
}

/* [yolo] and others print with every forward pass; the table has stdout to itself. */
FILE *texp_take_stdout(void)
{
    fflush(stdout);
    int kept = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY);
    FILE *out = kept < 0 || nowhere < 0 ? NULL : fdopen(kept, "w");
    if (!out) texp_fail("can't open /dev/null: %s", strerror(errno));
    dup2(nowhere, STDOUT_FILENO);
    close(nowhere);
    return out;
}

void texp_exit_without_verdict(int status)
{
    state.status = status;
    atexit(exit_without_verdict);
}

void texp_give_verdict(void)
{
    state.has_verdict = 1;
}

network *texp_parse_quietly(const char *cfg, int warns)
{
    hold_stderr();
    signal(SIGABRT, end_assertion);
    network *net = parse_network_cfg((char *)cfg);
    signal(SIGABRT, SIG_DFL);
    release_stderr(0, warns);
    return net;
}
