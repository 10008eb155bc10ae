#include "cfg/sections.h"

#include "base/message.h"
#include "base/number.h"
#include "cfg/fork_keys.h"
#include "cfg/key_check.h"
#include "net/keys.h"
#include "net/layer_traits.h"

#include "option_list.h"

#include <strings.h>

/* --- what is found -------------------------------------------------------------------------------------------------- */

/* Of one kind of line: the place of the first, and how many more there are. */
typedef struct {
    const texp_section *section;
    const kvp *pair; /* NULL: the section itself */
    int is_refused, more;
    texp_message message;
} finding;

typedef struct {
    const char *file;
    finding *found;
    size_t n;
} report;

static int is_same_kind(const finding *f, const texp_section *section, const kvp *pair, const char *text)
{
    if (strcmp(f->section->type, section->type) || strcmp(f->message.text, text) || !f->pair != !pair) return 0;
    return !pair || (!strcmp(f->pair->key, pair->key) && !strcmp(f->pair->val, pair->val));
}

/* A key that a hundred layers have is told once. */
static __attribute__((format(printf, 5, 6))) void add(report *r, const texp_section *section, const kvp *pair,
                                                      int is_refused, const char *format, ...)
{
    finding new = {section, pair, is_refused, 0, {""}};
    va_list args;
    va_start(args, format);
    vsnprintf(new.message.text, sizeof new.message.text, format, args);
    va_end(args);
    for (size_t i = 0; i < r->n; ++i) {
        if (!is_same_kind(r->found + i, section, pair, new.message.text)) continue;
        ++r->found[i].more;
        return;
    }
    r->found = realloc(r->found, (r->n + 1) * sizeof *r->found);
    r->found[r->n++] = new;
}

static void print(const report *r, const finding *f)
{
    texp_origin place = {r->file, f->section->type, f->section->line};
    texp_message message = f->message;
    if (f->pair) place = f->pair->origin;
    if (f->more) {
        texp_say(&message, "%.400s (and on %d more line%s)", f->message.text, f->more, f->more == 1 ? "" : "s");
    }
    texp_report(&place, f->pair ? f->pair->key : NULL, f->pair ? f->pair->val : NULL, message.text);
}

/* Where a run ends, what ended it stands last. */
static void print_all(const report *r)
{
    int ends = 0;
    for (int refused = 0; refused < 2; ++refused) {
        for (size_t i = 0; i < r->n; ++i) {
            if (r->found[i].is_refused != refused) continue;
            print(r, r->found + i);
            ends |= refused;
        }
    }
    free(r->found);
    if (ends) exit(EXIT_FAILURE);
}

/* --- names that nobody knows ------------------------------------------------------------------------------------------ */

/* The word nearest to what was written, with another case nearer than any other letter. */
typedef struct {
    const char *best;
    int lowest;
} nearest;

static void consider(nearest *n, const char *written, const char *word)
{
    int apart = strcasecmp(written, word) ? texp_spelling_distance(written, word) : 0;
    if (apart < n->lowest) n->lowest = apart, n->best = word;
}

enum { TOO_FAR = 3 }; /* letters: that is another word */

static const char *nearest_key(LAYER_TYPE type, const char *written)
{
    nearest n = {NULL, TOO_FAR};
    const texp_key *key;
    for (size_t i = 0; type == NETWORK && (key = texp_net_key_at(i)); ++i) consider(&n, written, key->name);
    for (size_t i = 0; type != NETWORK && (key = texp_layer_key_at(i)); ++i) {
        if (texp_layer_key_of((int)type, key->name) == key) consider(&n, written, key->name);
    }
    return n.best;
}

static void add_unknown_key(report *r, const texp_section *section, LAYER_TYPE type, const kvp *pair)
{
    const char *near = nearest_key(type, pair->key);
    if (near)
        add(r, section, pair, 1, "unknown key in %s; did you mean %s?", section->type, near);
    else
        add(r, section, pair, 1, "unknown key in %s; remove it", section->type);
}

static void add_unknown_section(report *r, const texp_section *section)
{
    nearest n = {NULL, TOO_FAR};
    if (texp_is_fork_layer(section->type)) {
        add(r, section, NULL, 1, "a layer of %s; this Darknet has none like it: remove it, or train with the fork",
            TEXP_FORK);
        return;
    }
    char bare[64];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(section->type + 1, "]"), section->type + 1);
    for (int type = 0; type < BLANK; ++type) {
        const char *name = texp_layer_traits_of((LAYER_TYPE)type)->name;
        if (strcmp(name, "none")) consider(&n, bare, name);
    }
    if (n.best)
        add(r, section, NULL, 1, "Darknet has no layer of this type; did you mean [%s]?", n.best);
    else
        add(r, section, NULL, 1, "Darknet has no layer of this type; correct its name");
}

/* --- values ------------------------------------------------------------------------------------------------------------ */

/* The known words, as in "logistic, loggy or relu". */
static const char *words_of(const texp_key *key, char *text, size_t room)
{
    size_t length = 0;
    for (size_t i = 0; key->words[i] && length < room; ++i) {
        const char *between = !i ? "" : key->words[i + 1] ? ", " : " or ";
        length += (size_t)snprintf(text + length, room - length, "%s%s", between, key->words[i]);
    }
    return text;
}

static void add_unknown_word(report *r, const texp_section *section, const kvp *pair, const texp_key *key)
{
    char words[256];
    nearest n = {NULL, TOO_FAR};
    words_of(key, words, sizeof words);
    for (size_t i = 0; key->words[i]; ++i) consider(&n, pair->val, key->words[i]);
    if (!strcmp(key->name, "activation") && texp_is_fork_activation(pair->val))
        add(r, section, pair, 1, "an activation of %s; this Darknet knows %s", TEXP_FORK, words);
    else if (n.best)
        add(r, section, pair, 1, "unknown %s; did you mean %s? Known: %s", key->name, n.best, words);
    else
        add(r, section, pair, 1, "unknown %s; use %s", key->name, words);
}

static int is_known_word(const texp_key *key, const char *word)
{
    for (size_t i = 0; key->words[i]; ++i) {
        if (!strcmp(key->words[i], word)) return 1;
    }
    return 0;
}

static void check_value(report *r, const texp_section *section, const kvp *pair, const texp_key *key)
{
    char fault[256];
    if (key->words) {
        if (!is_known_word(key, pair->val)) add_unknown_word(r, section, pair, key);
    } else if (texp_value_fault(key, pair->val, fault, sizeof fault)) {
        add(r, section, pair, 1, "%s", fault);
    }
}

/* --- keys -------------------------------------------------------------------------------------------------------------- */

/* The pair of the same key before it: of a key given twice the first counts. */
static const kvp *before(const texp_section *section, const kvp *pair)
{
    for (node *n = section->options->front; n && n->val != pair; n = n->next) {
        const kvp *other = n->val;
        if (!strcmp(other->key, pair->key)) return other;
    }
    return NULL;
}

static int says_the_same(const char *a, const char *b)
{
    double number, other;
    if (texp_read_double(a, &number) && texp_read_double(b, &other)) return number == other;
    return !strcmp(a, b);
}

static int is_neutral(const texp_section *section, const kvp *pair, const char *neutral)
{
    if (!neutral) return 0;
    if (*neutral != '=') return says_the_same(pair->val, neutral);
    for (node *n = section->options->front; n; n = n->next) {
        const kvp *other = n->val;
        if (!strcmp(other->key, neutral + 1)) return says_the_same(pair->val, other->val);
    }
    return says_the_same(pair->val, "1");
}

static void check_fork_key(report *r, const texp_section *section, kvp *pair, const texp_fork_key *key)
{
    pair->used = 1; /* Darknet need not report it a second time */
    if (is_neutral(section, pair, key->neutral)) return;
    if (key->is_refused) {
        add(r, section, pair, 1,
            "a key of %s (%s); without it this is another network: remove it, or train with the fork", TEXP_FORK,
            key->what);
    } else {
        add(r, section, pair, 0, "ignored; a key of %s (%s); remove it", TEXP_FORK, key->what);
    }
}

static void check_key(report *r, const texp_section *section, LAYER_TYPE type, kvp *pair)
{
    int is_net = type == NETWORK;
    const texp_key *key = is_net ? texp_net_key_named(pair->key) : texp_layer_key_of((int)type, pair->key);
    const texp_key *of_net = texp_net_key_named(pair->key);
    const texp_fork_key *of_fork = texp_fork_key_of(type, pair->key);
    const kvp *first = before(section, pair);
    if (key && first && is_net)
        add(r, section, pair, 0, "ignored, line %d gives it before", first->origin.line);
    else if (key && !first)
        check_value(r, section, pair, key);
    else if (!key && of_fork)
        check_fork_key(r, section, pair, of_fork);
    else if (!key && of_net && of_net->flags & TEXP_OURS)
        add(r, section, pair, 1, "a key of [net]; move it there");
    else if (!key && (is_net || (!of_net && !texp_layer_key_named(pair->key))))
        add_unknown_key(r, section, type, pair);
}

static const char *file_of(const list *sections)
{
    for (node *n = sections->front; n; n = n->next) {
        const texp_section *section = n->val;
        const node *first = section->options->front;
        if (first) return ((const kvp *)first->val)->origin.file;
    }
    return NULL;
}

void texp_check_sections(const list *sections, int n)
{
    report r = {.file = file_of(sections)};
    for (node *at = sections->front; at && n-- > 0; at = at->next) {
        const texp_section *section = at->val;
        LAYER_TYPE type = at == sections->front ? NETWORK : texp_layer_type(section->type);
        if (type == BLANK) add_unknown_section(&r, section);
        for (node *o = section->options->front; o && type != BLANK; o = o->next) check_key(&r, section, type, o->val);
    }
    print_all(&r);
}
