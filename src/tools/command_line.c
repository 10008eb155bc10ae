#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* program_invocation_name */
#endif
#include "tools/command_line.h"

#include "base/number.h"
#include "base/refuse.h"
#include "base/shell.h"
#include "cfg/net_keys.h"
#include "cfg/options.h"
#include "tools/command.h"
#include "tools/command_table.h"

#include "darknet.h"
#include "option_list.h"
#include "parser.h"

#include <errno.h>
#include <limits.h>

enum { NEAR = 3 }; /* two letters that changed places are 2 apart, and so is a word of one letter from every other */

/* --- choosing a command ------------------------------------------------------------------------------------------- */

/* Length of a name's first word. */
static size_t first_word(const char *name)
{
    return strcspn(name, " ");
}

static const char *second_word(const char *name)
{
    name += first_word(name);
    return *name ? name + 1 : NULL;
}

static int begins_with(const texp_darknet_command *row, const char *word)
{
    size_t length = first_word(row->name);
    return strlen(word) == length && !memcmp(row->name, word, length);
}

/* The row of the words behind argv[0]; a command without a second word is its only row. NULL: there is none. */
static const texp_darknet_command *find_row(char *const *words)
{
    for (const texp_darknet_command *row = texp_darknet_commands; row->name; ++row) {
        const char *second = second_word(row->name);
        if (begins_with(row, words[0]) && (!second || (words[1] && !strcmp(second, words[1])))) return row;
    }
    return NULL;
}

/* --- what is said ------------------------------------------------------------------------------------------------- */

static void print_usage(FILE *out, const texp_darknet_command *row)
{
    char *program = texp_shell_word(program_invocation_name);
    fprintf(out, "%s %s %s", program, row->name, row->names);
    free(program);
    for (const texp_flag *f = row->flags; f->name; ++f) {
        fprintf(out, " [%s%s%s]", f->name, f->value ? " " : "", f->value ? f->value : "");
    }
}

static __attribute__((noreturn)) void refuse(const texp_darknet_command *row, const char *text)
{
    fprintf(stderr, "%s; usage: ", text);
    print_usage(stderr, row);
    fprintf(stderr, "\n");
    exit(EXIT_FAILURE);
}

/* The nearest of the first words (`of` NULL), or of the second words behind `of`; NULL where none is near. */
static const char *nearest(const char *word, const char *of)
{
    static char found[32];
    int least = NEAR < (int)strlen(word) ? NEAR : (int)strlen(word);
    found[0] = 0;
    for (const texp_darknet_command *row = texp_darknet_commands; row->name; ++row) {
        char name[sizeof found];
        if (of && !begins_with(row, of)) continue;
        snprintf(name, of ? sizeof name : first_word(row->name) + 1, "%s", of ? second_word(row->name) : row->name);
        int distance = texp_spelling_distance(word, name);
        if (distance >= least) continue;
        least = distance;
        strcpy(found, name);
    }
    if (!of && texp_spelling_distance(word, "texp") < least) strcpy(found, "texp");
    return found[0] ? found : NULL;
}

/* Rows of one command stand together. */
static int begins_as_the_row_before(const texp_darknet_command *row)
{
    size_t length = first_word(row->name);
    return row != texp_darknet_commands && first_word(row[-1].name) == length &&
           !memcmp(row[-1].name, row->name, length);
}

static void print_choice(const char *of)
{
    const char *comma = "";
    fprintf(stderr, " there are");
    for (const texp_darknet_command *row = texp_darknet_commands; row->name; ++row) {
        if (of ? !begins_with(row, of) : begins_as_the_row_before(row)) continue;
        if (of)
            fprintf(stderr, "%s %s", comma, second_word(row->name));
        else
            fprintf(stderr, "%s %.*s", comma, (int)first_word(row->name), row->name);
        comma = ",";
    }
    fprintf(stderr, "%s\n", of ? "" : ", texp");
}

/* No row has the words. */
static __attribute__((noreturn)) void refuse_words(char *const *words)
{
    const char *of = NULL;
    for (const texp_darknet_command *row = texp_darknet_commands; row->name; ++row) {
        if (begins_with(row, words[0])) of = words[0];
    }
    const char *wrong = of ? words[1] : words[0], *right = wrong ? nearest(wrong, of) : NULL;
    if (wrong)
        fprintf(stderr, "%s%s%s: no such command;", of ? of : "", of ? " " : "", wrong);
    else
        fprintf(stderr, "%s: a command is missing behind it;", of);
    if (right)
        fprintf(stderr, " did you mean %s?\n", right);
    else
        print_choice(of);
    exit(EXIT_FAILURE);
}

/* --- checks ------------------------------------------------------------------------------------------------------- */

/* Whether the i-th word of `names` stands for a whole number. */
static int is_whole(const char *names, int i)
{
    for (; i && *names; --i) names += strcspn(names, " ") + strspn(names + strcspn(names, " "), " ");
    names += *names == '[';
    size_t length = strcspn(names, " ]");
    for (const char *const *whole = texp_whole_names; *whole; ++whole) {
        if (strlen(*whole) == length && !memcmp(names, *whole, length)) return 1;
    }
    return 0;
}

static void check_numbers(const texp_darknet_command *row, const texp_arguments *a)
{
    texp_message message;
    for (int i = 0; i < a->n; ++i) {
        long value;
        if (!is_whole(row->names, i) || (texp_read_long(a->names[i], &value) && value >= 0 && value <= INT_MAX))
            continue;
        texp_say(&message, "%s: must be a whole number", texp_path_tail(a->names[i]));
        refuse(row, message.text);
    }
}

/* Numbers with commas between them, as Darknet's read_intlist() takes them for granted. */
static void check_gpus(const texp_darknet_command *row, const char *list)
{
    texp_message message;
    for (const char *place = list; place;) {
        size_t digits = strspn(place, "0123456789");
        if (!digits || digits > 4 || (place[digits] && place[digits] != ',')) {
            texp_say(&message, "-gpus %s: must be numbers with commas between them, as 0,1", texp_path_tail(list));
            refuse(row, message.text);
        }
        place = place[digits] ? place + digits + 1 : NULL;
    }
#ifndef GPU
    if (strchr(list, ',')) {
        texp_say(&message, "-gpus %s: this program was built without CUDA; remove it", texp_path_tail(list));
        refuse(row, message.text);
    }
#endif
}

static const char *value_of(const texp_darknet_command *row, const texp_arguments *a, const char *name)
{
    for (const texp_flag *f = row->flags; f->name; ++f) {
        if (!strcmp(f->name, name)) return texp_argument(a, name);
    }
    return NULL;
}

/* The name that stands for a word in the row's names, or NULL. */
static char *name_of(const texp_darknet_command *row, const texp_arguments *a, const char *word)
{
    const char *place = row->names;
    size_t length = strlen(word);
    for (int i = 0; i < a->n; ++i) {
        const char *end = place + strcspn(place, " ");
        place += *place == '[';
        if (!strncmp(place, word, length) && strchr(" ]", place[length])) return a->names[i];
        place = end + strspn(end, " ");
    }
    return NULL;
}

/* Darknet looks at the layer without asking whether there is one. `nightmare -reconstruct` takes a number of layers. */
static void check_layer(const texp_darknet_command *row, const texp_arguments *a)
{
    char *layer_number = name_of(row, a, "LAYER"), *cfg = name_of(row, a, "CFG");
    if (!layer_number) return;
    int layers = read_cfg(cfg)->size - 1, last = value_of(row, a, "-reconstruct") ? layers : layers - 1;
    if (atoi(layer_number) > last)
        texp_fail("layer %s: %s has layers 0 to %d", layer_number, texp_path_tail(cfg), layers - 1);
}

/* No more classes can be looked at than there are. */
static void check_top(const texp_darknet_command *row, const texp_arguments *a)
{
    const char *top = value_of(row, a, "-t");
    char *data_file = name_of(row, a, "DATA");
    if (!begins_with(row, "classifier") || !strcmp(second_word(row->name), "train")) return;
    list *data = read_data_cfg(data_file);
    long classes = texp_whole_of(data, "classes", 2);
    if (top && atol(top) > classes) texp_fail("-t %s: %s has %ld classes", top, texp_path_tail(data_file), classes);
    if (!top && texp_whole_of(data, "top", 1) > classes)
        texp_refuse_option(data, "top", "there are %ld classes", classes);
}

static void check(const texp_darknet_command *row, char **words, texp_arguments *a)
{
    texp_message message;
    if (texp_arguments_read(a, row->names, row->flags, words, &message)) refuse(row, message.text);
    check_numbers(row, a);
    if (value_of(row, a, "-gpus")) check_gpus(row, value_of(row, a, "-gpus"));
    check_layer(row, a);
    check_top(row, a);
}

/* --- keys that a command would ignore ------------------------------------------------------------------------------- */

static int is_one_of(const char *word, const char *const *words)
{
    for (; word && *words; ++words) {
        if (!strcmp(word, *words)) return 1;
    }
    return 0;
}

/* Whether the command trains in a loop of Darknet's own: ours trains for four of them, without pictures on the way. */
static int trains_outside(const texp_darknet_command *row, const texp_arguments *a)
{
    static const char *const trainers[] = {"train", "distill", "traingan", "trainprog", "traincolor", NULL};
    static const char *const in_ours[] = {"classifier train", "detector train", "regressor train", "segmenter train",
                                          NULL};
    if (!is_one_of(second_word(row->name), trainers)) return 0;
    return !is_one_of(row->name, in_ours) || value_of(row, a, "-display");
}

/* --- the entry ---------------------------------------------------------------------------------------------------- */

/* Takes a flag without a value out, as Darknet's find_arg() does. */
static void take_out(int argc, char **argv, const char *flag)
{
    for (int i = 1; i < argc; ++i) {
        while (argv[i] && !strcmp(argv[i], flag)) memmove(argv + i, argv + i + 1, (size_t)(argc - i) * sizeof *argv);
    }
}

static int count(char *const *words)
{
    int n = 0;
    while (words[n]) ++n;
    return n;
}

int texp_run_command_line(int argc, char **argv)
{
    texp_arguments a;
    if (!argv[1]) texp_fail("usage: %s COMMAND ...; darknet texp help has those of the plug-in", argv[0]);
    if (!strcmp(argv[1], "texp")) exit(texp_command(argc, argv));
    const texp_darknet_command *row = find_row(argv + 1);
    if (!row) refuse_words(argv + 1);
    /* The reader moves names about; Darknet shall find its own line as it was. */
    char **words = calloc((size_t)argc + 1, sizeof *words);
    memcpy(words, argv, ((size_t)argc + 1) * sizeof *words);
    check(row, words + (second_word(row->name) ? 3 : 2), &a);
    /* -display shows pictures on the way, which Darknet's own loop does. */
    if (row->run && !value_of(row, &a, "-display")) exit(row->run(&a));
    if (trains_outside(row, &a)) texp_trains_outside = row->name;
#ifndef GPU
    if (trains_outside(row, &a) && !strcmp(argv[1], "lsd")) refuse(row, "trains on a GPU alone; build with GPU=1");
#endif
    free(words);
    take_out(argc, argv, "-map");
    take_out(argc, argv, "-dont_show");
    return count(argv);
}
