#include "data/image_class.h"

#include "base/check_each.h"

#include <stdlib.h>

/* --- labels --------------------------------------------------------------------------------------------------------- */

static int find_label(const char *text, size_t length, char *const *labels, int n)
{
    int k;
    for (k = 0; k < n; ++k) {
        if (strncmp(labels[k], text, length) == 0 && labels[k][length] == 0) return k;
    }
    return TEXP_LABEL_NONE;
}

static int ends_part(char c)
{
    return c == '_' || c == '-';
}

/* Every run of whole parts of the name is looked up. The longest label found decides; another one that does not lie
 * within it makes the name ambiguous. */
static int label_of_name(const char *name, size_t length, char *const *labels, int n)
{
    size_t from, to, best_from = 0, best_to = 0;
    int k, pass, best = TEXP_LABEL_NONE;
    for (pass = 0; pass < 2; ++pass) {
        for (from = 0; from < length; ++from) {
            if (from > 0 && !ends_part(name[from - 1])) continue;
            for (to = from + 1; to <= length; ++to) {
                if (to < length && !ends_part(name[to])) continue;
                k = find_label(name + from, to - from, labels, n);
                if (k < 0) continue;
                if (pass == 0 && to - from > best_to - best_from) {
                    best = k;
                    best_from = from;
                    best_to = to;
                }
                if (pass == 1 && k != best && (from < best_from || to > best_to)) return TEXP_LABEL_AMBIGUOUS;
            }
        }
    }
    return best;
}

int texp_label_of_path(const char *path, char *const *labels, int n)
{
    const char *slash = strrchr(path, '/'), *folder = slash;
    const char *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    int k = TEXP_LABEL_NONE;
    if (slash) {
        while (folder > path && folder[-1] != '/') --folder;
        k = find_label(folder, (size_t)(slash - folder), labels, n);
    }
    if (k >= 0) return k;
    return label_of_name(name, dot && dot > name ? (size_t)(dot - name) : strlen(name), labels, n);
}

/* Stock Darknet's rule, where it is one. */
static int only_label_in(const char *path, char *const *labels, int n)
{
    int found = TEXP_LABEL_NONE;
    for (int k = 0; k < n; ++k) {
        if (!strstr(path, labels[k])) continue;
        if (found >= 0) return TEXP_LABEL_AMBIGUOUS;
        found = k;
    }
    return found;
}

int texp_class_of_path(const char *path, char *const *labels, int n)
{
    int label = texp_label_of_path(path, labels, n);
    return label == TEXP_LABEL_NONE ? only_label_in(path, labels, n) : label;
}

/* Each label is a class of its own. */
static int read_labels(texp_text *text, char **labels, int n, texp_message *message)
{
    char *label;
    int k = 0;
    while (k < n && (label = texp_text_line(text))) {
        if (find_label(label, strlen(label), labels, k) >= 0) {
            return texp_say(message, "%s: line %d repeats the label `%.60s`: each class needs its own",
                            texp_path_tail(text->file), text->line, label);
        }
        labels[k++] = label;
    }
    if (k == n) return 0;
    return texp_say(message, "%s has %d labels, %d are needed: one a line, as many as `classes` of the .data file says",
                    texp_path_tail(text->file), k, n);
}

int texp_labels_open(texp_text *text, const char *file, char **labels, int n, texp_message *message)
{
    texp_message why;
    if (texp_text_open(text, file, &why)) return texp_say(message, "%s (key `labels` of the .data file)", why.text);
    if (!read_labels(text, labels, n, message)) return 0;
    texp_text_close(text);
    return -1;
}

/* --- lists ---------------------------------------------------------------------------------------------------------- */

typedef struct {
    const texp_image_list *list;
    char *const *labels;
    int n;
    const char *label_file;
    int *classes;
    char *is_elsewhere; /* by image: its label is neither its folder nor a part of its name */
} search;

/* Which labels are in the way of each other. */
static int say_several(const search *s, int i, texp_message *message)
{
    char what[300];
    const char *first = NULL, *second = NULL;
    for (int k = 0; k < s->n && !second; ++k) {
        if (!strstr(s->list->paths[i], s->labels[k])) continue;
        if (first)
            second = s->labels[k];
        else
            first = s->labels[k];
    }
    snprintf(what, sizeof what,
             "has two labels of %.100s, `%.40s` and `%.40s`: put the image into a folder called as its label",
             texp_path_tail(s->label_file), first, second);
    return texp_image_list_say(s->list, i, what, message);
}

static int find_class(void *context, int i, texp_message *message)
{
    search *s = context;
    const char *path = s->list->paths[i];
    char what[256];
    int label = texp_label_of_path(path, s->labels, s->n);
    int class = label == TEXP_LABEL_NONE ? only_label_in(path, s->labels, s->n) : label;
    s->classes[i] = class;
    s->is_elsewhere[i] = class >= 0 && label < 0;
    if (class >= 0 || (class == TEXP_LABEL_NONE && s->n == 1)) return 0;
    if (class == TEXP_LABEL_AMBIGUOUS) return say_several(s, i, message);
    snprintf(what, sizeof what,
             "has no label of %.100s: put the image into a folder called as its label, or name it NUMBER_LABEL",
             texp_path_tail(s->label_file));
    return texp_image_list_say(s->list, i, what, message);
}

static void note_elsewhere(const search *s, texp_message *note)
{
    int count = 0, example = 0;
    for (int i = 0; i < s->list->n; ++i) {
        if (s->is_elsewhere[i] && !count++) example = i;
    }
    if (note) note->text[0] = 0;
    if (!count) return;
    texp_say(note,
             "%s: %d of %d images have their class from elsewhere in the path than folder or file name, as line %d: %s "
             "is `%.60s`",
             texp_path_tail(s->list->text.file), count, s->list->n, s->list->lines[example],
             texp_path_tail(s->list->paths[example]), s->labels[s->classes[example]]);
}

int texp_classes_of_list(const texp_image_list *list, char *const *labels, int n, const char *label_file, int *classes,
                         texp_message *note, texp_message *message)
{
    search s = {list, labels, n, label_file, classes, calloc((size_t)list->n, 1)};
    if (!s.is_elsewhere) return texp_say(message, "no memory for the classes of %d images", list->n);
    int status = texp_check_each("classes", list->n, find_class, &s, message);
    if (!status) note_elsewhere(&s, note);
    free(s.is_elsewhere);
    return status;
}
