#include "tools/plot.h"

#include "base/refuse.h"
#include "store/chart.h"

#include <limits.h>
#include <stdlib.h>

static char *short_name(const char *file)
{
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file, *dot = strrchr(name, '.');
    return dot && dot > name ? strndup(name, (size_t)(dot - name)) : strdup(name);
}

/* The whole path for those whose short names are the same. The array and each of the names are to be freed. */
static char **names_of(char *const *files, int n)
{
    char **names = calloc((size_t)n, sizeof *names);
    char *is_shared = calloc((size_t)n, 1);
    for (int i = 0; i < n; ++i) names[i] = short_name(files[i]);
    for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) is_shared[i] |= j != i && !strcmp(names[i], names[j]);
    }
    for (int i = 0; i < n; ++i) {
        if (!is_shared[i]) continue;
        free(names[i]);
        names[i] = strdup(files[i]);
    }
    free(is_shared);
    return names;
}

static texp_chart_x read_x(const char *word)
{
    static const char *const words[] = {
        [TEXP_BY_EPOCH] = "epoch", [TEXP_BY_UPDATE] = "update", [TEXP_BY_SECONDS] = "seconds"};
    if (!word) return TEXP_BY_EPOCH;
    for (texp_chart_x x = TEXP_BY_EPOCH; x <= TEXP_BY_SECONDS; ++x) {
        if (!strcmp(word, words[x])) return x;
    }
    texp_fail("-x %s: must be epoch, update or seconds", word);
}

/* Beside the log of one run, of the same name as training's own chart; several are compared in the working directory. */
static void choose_file(const texp_arguments *a, char file[PATH_MAX])
{
    texp_message message;
    const char *asked = texp_argument(a, "-o"), *first = a->names[0], *dot = strrchr(first, '.');
    int length = dot && !strcmp(dot, ".csv") ? (int)(dot - first) : (int)strlen(first);
    int fits = asked      ? snprintf(file, PATH_MAX, "%s", asked)
               : a->n > 1 ? snprintf(file, PATH_MAX, "compared.svg")
                          : snprintf(file, PATH_MAX, "%.*s.svg", length, first);
    if (fits >= PATH_MAX) texp_fail("%s: the path is too long", texp_path_tail(asked ? asked : first));
    if (texp_chart_check_ending(file, &message)) texp_fail("-o %s", message.text);
}

static void read_run(const char *file, texp_chart_x x, texp_curves *curves)
{
    texp_message message;
    texp_log_reader *reader = texp_log_reader_open(file, x, &message);
    if (!reader || texp_log_reader_read(reader, curves, &message)) texp_fail("%s", message.text);
    texp_log_reader_close(reader);
    if (texp_chart_is_empty(curves))
        texp_fail("%s: no row with a number yet; there is nothing to draw", texp_path_tail(file));
}

void texp_plot_curves(char *const *files, texp_curves *curves, int n, texp_chart_x x, const char *file)
{
    texp_message message;
    char **names = names_of(files, n);
    texp_chart_run *runs = calloc((size_t)n, sizeof *runs);
    for (int i = 0; i < n; ++i) runs[i] = (texp_chart_run){names[i], curves + i};
    if (texp_chart_draw(runs, n, x, file, &message)) texp_fail("%s", message.text);
    printf("wrote %s\n", file);
    for (int i = 0; i < n; ++i) {
        texp_curves_free(curves + i);
        free(names[i]);
    }
    free(names);
    free(curves);
    free(runs);
}

int texp_plot_main(const texp_arguments *a)
{
    char file[PATH_MAX];
    const texp_chart_x x = read_x(texp_argument(a, "-x"));
    choose_file(a, file);
    texp_curves *curves = calloc((size_t)a->n, sizeof *curves);
    for (int i = 0; i < a->n; ++i) read_run(a->names[i], x, curves + i);
    texp_plot_curves(a->names, curves, a->n, x, file);
    return EXIT_SUCCESS;
}
