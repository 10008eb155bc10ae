#include "tools/command.h"

#include "base/number.h"
#include "base/refuse.h"
#include "cfg/net_keys.h"
#include "data/convert.h"
#include "double/verify.h"
#include "net/texp_net.h"
#include "tools/check.h"

#include "option_list.h"

#include <float.h>

static const char usage[] = "usage: darknet texp schedule CFG [-from K] [-to K] [-every N] [-csv]\n"
                            "           the rates and decays of updates K.. of a cfg, as a table or as CSV\n"
                            "       darknet texp check CFG [-csv] [-probe]\n"
                            "           which layers take the exponential rate, and what is in the way of the others\n"
                            "       darknet texp verify CFG [-data FILE] [-updates N] [-resync] [-batch N] ...\n"
                            "           trains the policy beside its base recipe: are they one run?\n"
                            "       darknet texp images ...\n"
                            "           unpacks a data set into image files; without arguments: how\n";

/* What read_cfg's list holds: parser.c keeps the type to itself. */
typedef struct {
    char *type;
    list *options;
} cfg_section;

typedef struct {
    const char *cfg;
    long from, to, every;
    int csv;
} schedule_arguments;

static long count_argument(const char *flag, const char *text)
{
    long value;
    if (!text) texp_fail("%s: missing number\n%s", flag, usage);
    if (!texp_read_long(text, &value) || value < 1) texp_fail("%s %s: must be a whole number, 1 or more", flag, text);
    return value;
}

static schedule_arguments read_arguments(int argc, char **argv)
{
    schedule_arguments a = {.from = 1};
    for (int i = 3; i < argc && argv[i]; ++i) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "-csv"))
            a.csv = 1;
        else if (!strcmp(argv[i], "-from"))
            a.from = count_argument(argv[i++], next);
        else if (!strcmp(argv[i], "-to"))
            a.to = count_argument(argv[i++], next);
        else if (!strcmp(argv[i], "-every"))
            a.every = count_argument(argv[i++], next);
        else if (argv[i][0] == '-' || a.cfg)
            texp_fail("%s: unknown argument\n%s", argv[i], usage);
        else
            a.cfg = argv[i];
    }
    if (!a.cfg) texp_fail("%s", usage);
    return a;
}

/* Reads [net] alone: no layer is made, so this is quick for any network. */
static void parse_net(const char *cfg, network *net)
{
    list *sections = read_cfg((char *)cfg);
    if (!sections->front) texp_fail("%s: no section; begin with [net]", cfg);
    cfg_section *first = sections->front->val;
    if (strcmp(first->type, "[net]") && strcmp(first->type, "[network]")) {
        texp_fail("%s: the first section is %s; it must be [net]", cfg, first->type);
    }
    texp_read_net_keys(net, first->options);
}

/* As many digits as it takes to read the same number back. */
static void print_csv_row(const texp_step *s)
{
    const long double wide[] = {s->scale, s->rate, s->decay, s->held_rate};
    printf("%ld,%.*g,%.*g,%.*g", s->update, DBL_DECIMAL_DIG, s->base_rate, DBL_DECIMAL_DIG, s->base_decay,
           DBL_DECIMAL_DIG, s->alpha);
    for (size_t i = 0; i < sizeof wide / sizeof *wide; ++i) printf(",%.*Lg", LDBL_DECIMAL_DIG, wide[i]);
    printf(",%ld\n", s->doublings);
}

static void print_row(const texp_step *s, int csv)
{
    if (csv) {
        print_csv_row(s);
        return;
    }
    printf("%9ld  %13.7g  %13.7g  %18.15g  %13.7Lg  %13.7Lg  %13.7Lg  %13.7Lg  %9ld\n", s->update, s->base_rate,
           s->base_decay, s->alpha, s->scale, s->rate, s->decay, s->held_rate, s->doublings);
}

static int schedule_command(int argc, char **argv)
{
    schedule_arguments a = read_arguments(argc, argv);
    network net = {0};
    parse_net(a.cfg, &net);
    const texp_recipe *recipe = &net.texp->schedule.recipe;
    if (!a.to) a.to = recipe->max_batches ? recipe->max_batches : a.from + 999;
    if (a.to < a.from) texp_fail("-from %ld -to %ld: no update lies between", a.from, a.to);
    /* A table is for eyes: a screenful, unless asked otherwise. */
    if (!a.every) a.every = a.csv ? 1 : (a.to - a.from) / 20 + 1;
    if (a.csv)
        printf("update,base_rate,base_decay,alpha,scale,rate,decay,held_rate,doublings\n");
    else
        printf("%9s  %13s  %13s  %18s  %13s  %13s  %13s  %13s  %9s\n", "update", "base_rate", "base_decay", "alpha",
               "scale", "rate", "decay", "held_rate", "doublings");
    texp_schedule schedule;
    texp_schedule_start(&schedule, recipe);
    for (long k = 1; k <= a.to; ++k) {
        texp_step step = texp_schedule_next(&schedule);
        if (k >= a.from && ((k - a.from) % a.every == 0 || (!a.csv && k == a.to))) print_row(&step, a.csv);
    }
    texp_net_free(net.texp);
    return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int texp_command(int argc, char **argv)
{
    const char *command = argc > 2 ? argv[2] : NULL;
    if (command && !strcmp(command, "schedule")) return schedule_command(argc, argv);
    if (command && !strcmp(command, "check")) return texp_check_main(argc, argv);
    if (command && !strcmp(command, "verify")) return texp_verify_main(argc, argv);
    if (command && !strcmp(command, "images")) return texp_images_main(argc - 3, argv + 3);
    if (command && (!strcmp(command, "help") || !strcmp(command, "-h") || !strcmp(command, "--help"))) {
        printf("%s", usage);
        return EXIT_SUCCESS;
    }
    if (command) fprintf(stderr, "%s: no such command\n", command);
    fprintf(stderr, "%s", usage);
    return EXIT_FAILURE;
}
