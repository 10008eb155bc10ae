#include "cfg/data_file.h"

#include "base/number.h"
#include "base/text.h"
#include "cfg/options.h"

#include "list.h"
#include "option_list.h"

#include <limits.h>

/* The keys of .data files, and the commands that read them. */
static const struct {
    const char *key, *commands;
} keys[] = {{"train", "classifier, detector, regressor, segmenter"},
            {"valid", "classifier, detector"},
            {"test", "classifier"},
            {"classes", "classifier, detector, regressor"},
            {"labels", "classifier"},
            {"names", "classifier, detector, regressor"},
            {"backup", "classifier, detector, regressor, segmenter"},
            {"top", "classifier"},
            {"tree", "classifier"},
            {"leaves", "classifier"},
            {"tag", "classifier"},
            {"map", "detector"},
            {"eval", "detector"},
            {"results", "detector"}};
enum { KEYS = sizeof keys / sizeof *keys };

static int is_known(const char *key)
{
    for (int i = 0; i < KEYS; ++i) {
        if (!strcmp(keys[i].key, key)) return 1;
    }
    return 0;
}

static void warn_of_key(const char *file, int line, const char *key, const char *value)
{
    int nearest = 0, least = INT_MAX;
    for (int i = 0; i < KEYS; ++i) {
        int distance = texp_spelling_distance(keys[i].key, key);
        if (distance < least) least = distance, nearest = i;
    }
    fprintf(stderr, "%s:%d: %s=%s: no key of .data files, ignored", file, line, key, value);
    if (least <= 2)
        fprintf(stderr, "; did you mean %s (%s)?\n", keys[nearest].key, keys[nearest].commands);
    else
        fprintf(stderr, "\n");
}

static int count_lines(const char *file)
{
    texp_text text;
    int n = 0;
    if (texp_text_open(&text, file, NULL)) return INT_MAX; /* for the command that needs it to refuse */
    while (texp_text_line(&text)) ++n;
    texp_text_close(&text);
    return n;
}

static void check_counts(list *options)
{
    static const char *const names[] = {"labels", "names"};
    long classes = texp_whole_of(options, "classes", 0);
    for (int i = 0; i < 2; ++i) {
        const char *file = texp_word_of(options, names[i], NULL);
        int n = file ? count_lines(file) : INT_MAX;
        if (n >= classes) continue;
        texp_refuse_option(options, "classes", "%s has %d %s; write one a line for each class", file, n, names[i]);
    }
    long top = texp_whole_of(options, "top", 1);
    if (top < 1 || (classes && top > classes))
        texp_refuse_option(options, "top", "write 1 to %ld, the number of classes", classes ? classes : 1);
}

list *texp_read_data_file(const char *file)
{
    texp_text text;
    texp_message message;
    list *options = make_list();
    if (texp_text_open(&text, file, &message)) texp_fail("%s", message.text);
    for (char *setting; (setting = texp_text_setting(&text));) {
        char *line = strdup(setting), *value = texp_setting_value(line);
        if (!value) texp_fail("%s:%d: '%s' is not key=value; correct it or start it with #", file, text.line, setting);
        option_insert(options, line, value);
        texp_set_origin(options, file, "", text.line);
        if (!is_known(line)) warn_of_key(file, text.line, line, value);
    }
    texp_text_close(&text);
    check_counts(options);
    return options;
}
