#include "tools/command.h"

#include "base/arguments.h"
#include "data/convert.h"
#include "double/verify.h"
#include "tools/check.h"
#include "tools/plot.h"
#include "tools/print_schedule.h"

#include <limits.h>
#include <stdlib.h>

enum { BAD_ARGUMENTS = 2 };

static const texp_flag schedule_flags[] = {
    {"-from", "K", 1, INT_MAX, "first update; default 1"},
    {"-to", "K", 1, INT_MAX, "last update; default max_batches"},
    {"-every", "N", 1, INT_MAX, "one row for so many updates; default 1 with -csv, otherwise a screenful"},
    {"-csv", NULL, 0, 0, "numbers for machines, with all digits"},
    {"-plot", "FILE", 0, 0, "draws the rates of one or several cfgs into FILE: .svg, .png or .pdf, by gnuplot"},
    {0},
};

static const texp_flag check_flags[] = {
    {"-csv", NULL, 0, 0, "a table for machines"},
    {"-probe", NULL, 0, 0, "scales the weights and compares outputs: the answer confirmed by numbers"},
    {0},
};

static const texp_flag verify_flags[] = {
    {"-data", "FILE", 0, 0, "a .data file with the images to train on; default random numbers"},
    {"-updates", "N", 1, INT_MAX, "updates, at most max_batches; default 100"},
    {"-resync", NULL, 0, 0, "begins each update at the base recipe's state and judges it by itself"},
    {"-batch", "N", 1, INT_MAX, "images an update; default that of the cfg, but 8 at most"},
    {"-every", "N", 1, INT_MAX, "one row for so many updates; default 1 with -csv, otherwise a screenful"},
    {"-csv", NULL, 0, 0, "numbers for machines, with all digits"},
    {0},
};

static const texp_flag plot_flags[] = {
    {"-o", "FILE", 0, 0, "what to write: .svg, .png or .pdf; default beside the CSV, of several compared.svg"},
    {"-x", "COLUMN", 0, 0, "epoch, update or seconds; default epoch"},
    {0},
};

static const texp_flag idx_flags[] = {
    {"-pad", "N", 0, 1024, "adds so many rows and columns of zeros on each side; default 0"},
    {0},
};

static const texp_flag no_flags[] = {{0}};

/* A subcommand is a row here. A name of two words is chosen by both. */
static const struct {
    const char *name, *names; /* names: see arguments.h */
    const texp_flag *flags;
    const char *help; /* one line */
    int (*run)(const texp_arguments *arguments); /* returns the exit status */
} commands[] = {
    {"schedule", "CFG...", schedule_flags, "rates and decays of a cfg's updates", texp_print_schedule},
    {"check", "CFG", check_flags, "which layers take the exponential rate, and what is in the way of the others",
     texp_check_main},
    {"verify", "CFG", verify_flags,
     "trains a cfg's policy beside its base recipe, in double precision: are they one run?", texp_verify_main},
    {"plot", "CSV...", plot_flags, "draws the logs that training writes, one run or several to compare, by gnuplot",
     texp_plot_main},
    {"images idx", "IMAGES LABELS NAMES OUT", idx_flags,
     "writes a data set of IDX files as OUT/NAME/NUMBER.png; the file NAMES has one class name a line",
     texp_images_idx},
    {"images cifar10", "BATCH... NAMES OUT", no_flags, "the same of CIFAR-10's binary batches", texp_images_cifar10},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* --- usage -------------------------------------------------------------------------------------------------------- */

static void print_usage(FILE *out, int i)
{
    fprintf(out, "darknet texp %s %s", commands[i].name, commands[i].names);
    for (const texp_flag *f = commands[i].flags; f->name; ++f) {
        fprintf(out, " [%s%s%s]", f->name, f->value ? " " : "", f->value ? f->value : "");
    }
}

/* How many words of the command line choose command i: all of its name, or none. */
static int words_chosen(int i, char *const *words)
{
    const char *name = commands[i].name;
    int n = 0;
    for (; *name; ++n) {
        size_t length = strcspn(name, " ");
        if (!words[n] || strlen(words[n]) != length || memcmp(words[n], name, length)) return 0;
        name += length + (name[length] == ' ');
    }
    return n;
}

/* Whether command i is `word`, or one of its forms; all are where the word is empty. */
static int is_called(int i, const char *word)
{
    size_t length = strlen(word);
    return !length || (!strncmp(commands[i].name, word, length) && strchr(" ", commands[i].name[length]));
}

static int any_is_called(const char *word)
{
    for (int i = 0; i < COMMANDS; ++i) {
        if (is_called(i, word)) return 1;
    }
    return 0;
}

/* Of the commands that are called so, with their flags where the word isn't empty. */
static void print_help(FILE *out, const char *word)
{
    const char *lead = "usage: ";
    for (int i = 0; i < COMMANDS; ++i) {
        if (!is_called(i, word)) continue;
        fprintf(out, "%s", lead);
        print_usage(out, i);
        fprintf(out, "\n           %s\n", commands[i].help);
        for (const texp_flag *f = commands[i].flags; *word && f->name; ++f) {
            fprintf(out, "           %-8s %-4s  %s\n", f->name, f->value ? f->value : "", f->help);
        }
        lead = "       ";
    }
    if (!*word) fprintf(out, "%sdarknet texp help [NAME]\n           this, or what the arguments of one are\n", lead);
}

/* --- choosing one ------------------------------------------------------------------------------------------------- */

/* Where the first word is the beginning of some commands' names, those are told. */
static int say_unknown(char *const *words)
{
    int begins = any_is_called(words[0]);
    fprintf(stderr, "texp %s", words[0]);
    if (begins && words[1]) fprintf(stderr, " %s", words[1]);
    fprintf(stderr, ": no such command; there are");
    const char *comma = "";
    for (int i = 0; i < COMMANDS; ++i) {
        if (!is_called(i, begins ? words[0] : "")) continue;
        fprintf(stderr, "%s %s", comma, commands[i].name);
        comma = ",";
    }
    fprintf(stderr, "; see darknet texp help\n");
    return BAD_ARGUMENTS;
}

static int is_help(const char *word)
{
    return !strcmp(word, "-h") || !strcmp(word, "-help") || !strcmp(word, "--help");
}

static int asks_for_help(char *const *words)
{
    for (; *words; ++words) {
        if (is_help(*words)) return 1;
    }
    return 0;
}

static int help(char *const *words)
{
    if (!words[0]) {
        print_help(stdout, "");
        return EXIT_SUCCESS;
    }
    if (!any_is_called(words[0])) return say_unknown(words);
    print_help(stdout, words[0]);
    return EXIT_SUCCESS;
}

static int run(int i, char **words)
{
    texp_arguments arguments;
    texp_message message;
    if (!texp_arguments_read(&arguments, commands[i].names, commands[i].flags, words, &message)) {
        return commands[i].run(&arguments);
    }
    fprintf(stderr, "%s; usage: ", message.text);
    print_usage(stderr, i);
    fprintf(stderr, "\n");
    return BAD_ARGUMENTS;
}

int texp_command(int argc, char **argv)
{
    char **words = argv + (argc < 2 ? argc : 2);
    if (!words[0]) {
        print_help(stderr, "");
        return BAD_ARGUMENTS;
    }
    if (!strcmp(words[0], "help") || is_help(words[0])) return help(words + 1);
    if (any_is_called(words[0]) && asks_for_help(words)) return help(words);
    for (int i = 0; i < COMMANDS; ++i) {
        int chosen = words_chosen(i, words);
        if (chosen) return run(i, words + chosen);
    }
    return say_unknown(words);
}
