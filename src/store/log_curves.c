#include "store/log_curves.h"

#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

typedef enum { X, TRAIN_LOSS, TEST_LOSS, QUALITY, RATE, BASE_RATE, COLUMNS } column;

static const char *const x_columns[] = {
    [TEXP_BY_EPOCH] = "epoch", [TEXP_BY_UPDATE] = "update", [TEXP_BY_SECONDS] = "seconds"};

enum { LONGEST_ROW = 4096, MOST_FIELDS = 64 };

struct texp_log_reader {
    FILE *file;
    int places[COLUMNS]; /* of each column in a row; -1: there is none */
    char quality_name[TEXP_QUALITY_NAME];
};

void texp_curves_free(texp_curves *curves)
{
    texp_curve *const all[] = {&curves->train_loss, &curves->test_loss, &curves->quality, &curves->rate,
                               &curves->base_rate};
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i) texp_curve_free(all[i]);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* A double has no room for the rates of long runs: the exponent is read by itself. */
int texp_log10_of(const char *text, double *log)
{
    char mantissa[64], *end;
    const size_t length = strcspn(text, "eE");
    if (length >= sizeof mantissa) return 0;
    memcpy(mantissa, text, length);
    mantissa[length] = 0;
    double number;
    long exponent = 0;
    if (!texp_read_double(mantissa, &number) || !(number > 0)) return 0;
    if (text[length]) {
        exponent = strtol(text + length + 1, &end, 10);
        if (end == text + length + 1 || *end || labs(exponent) > 1000000000) return 0;
    }
    *log = log10(number) + (double)exponent;
    return 1;
}

/* Reads a whole row, without its end. Of a row that is still being written nothing is read, and it is met again; rows that are
 * too long or hold zeros are passed over. Returns 1, 0 where there is none, or -1 with errno. */
static int next_row(FILE *file, char row[LONGEST_ROW])
{
    for (;;) {
        const long begin = ftell(file);
        int passed_over = 0;
        for (;;) {
            if (!fgets(row, LONGEST_ROW, file)) break;
            size_t length = strlen(row);
            if (length && row[length - 1] == '\n') {
                if (passed_over) break;
                row[length - 1] = 0;
                if (length > 1 && row[length - 2] == '\r') row[length - 2] = 0;
                return 1;
            }
            if (feof(file)) break;
            passed_over = 1;
        }
        if (ferror(file)) return -1;
        if (feof(file)) {
            if (begin >= 0) fseek(file, begin, SEEK_SET);
            return 0;
        }
    }
}

/* Splits a row in its place; returns the number of its fields. */
static int split(char *row, char *fields[MOST_FIELDS])
{
    int n = 0;
    while (row && n < MOST_FIELDS) fields[n++] = strsep(&row, ",");
    return n;
}

/* --- the header --------------------------------------------------------------------------------------------------- */

static int find(char *const *fields, int n, const char *name)
{
    for (int i = 0; i < n; ++i) {
        if (!strcmp(fields[i], name)) return i;
    }
    return -1;
}

/* Each task calls it otherwise: test_accuracy, test_mAP. */
static int find_quality(char *const *fields, int n)
{
    for (int i = 0; i < n; ++i) {
        if (!strncmp(fields[i], "test_", strlen("test_")) && strcmp(fields[i], "test_loss")) return i;
    }
    return -1;
}

static void find_columns(texp_log_reader *r, char *const *fields, int n, texp_chart_x x)
{
    r->places[X] = find(fields, n, x_columns[x]);
    r->places[TRAIN_LOSS] = find(fields, n, "train_loss");
    r->places[TEST_LOSS] = find(fields, n, "test_loss");
    r->places[RATE] = find(fields, n, "rate");
    r->places[BASE_RATE] = find(fields, n, "base_rate");
    r->places[QUALITY] = find_quality(fields, n);
    if (r->places[QUALITY] < 0) return;
    snprintf(r->quality_name, sizeof r->quality_name, "%s", fields[r->places[QUALITY]] + strlen("test_"));
}

static int read_header(texp_log_reader *r, const char *file, texp_chart_x x, texp_message *message)
{
    char row[LONGEST_ROW], *fields[MOST_FIELDS], *text = row;
    const int found = next_row(r->file, row);
    if (found < 0) return texp_say(message, "%s: can't read: %s", texp_path_tail(file), strerror(errno));
    if (!found) row[0] = 0;
    if (!strncmp(text, "\xef\xbb\xbf", 3)) text += 3;
    find_columns(r, fields, split(text, fields), x);
    int shows_something = 0;
    for (int c = TRAIN_LOSS; c < COLUMNS; ++c) shows_something |= r->places[c] >= 0;
    if (r->places[X] >= 0 && shows_something) return 0;
    return texp_say(message,
                    "%s: no log of a run: its first line must name the column %s%s; give the CSV that training wrote",
                    texp_path_tail(file), x_columns[x],
                    r->places[X] < 0 ? "" : " and one of train_loss, test_loss, test_accuracy, rate");
}

texp_log_reader *texp_log_reader_open(const char *file, texp_chart_x x, texp_message *message)
{
    texp_log_reader *r = calloc(1, sizeof *r);
    if (!r) {
        texp_say(message, "%s: no memory", texp_path_tail(file));
        return NULL;
    }
    r->file = fopen(file, "re");
    if (!r->file)
        texp_say(message, "%s: can't read: %s", texp_path_tail(file), strerror(errno));
    else if (!read_header(r, file, x, message))
        return r;
    texp_log_reader_close(r);
    return NULL;
}

void texp_log_reader_close(texp_log_reader *r)
{
    if (!r) return;
    if (r->file) fclose(r->file);
    free(r);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* Of an axis that ends anywhere near the largest double, gnuplot could not find the middle; no float is that large. */
static int is_drawable(double number)
{
    return fabs(number) < 1e100;
}

static int add_row(const texp_log_reader *r, char *const *fields, int n, texp_curves *curves)
{
    texp_curve *const of[COLUMNS] = {[TRAIN_LOSS] = &curves->train_loss,
                                     [TEST_LOSS] = &curves->test_loss,
                                     [QUALITY] = &curves->quality,
                                     [RATE] = &curves->rate,
                                     [BASE_RATE] = &curves->base_rate};
    double x, y;
    if (r->places[X] >= n || !texp_read_double(fields[r->places[X]], &x) || !is_drawable(x)) return 0;
    for (int c = TRAIN_LOSS; c < COLUMNS; ++c) {
        if (r->places[c] < 0 || r->places[c] >= n) continue;
        const char *text = fields[r->places[c]];
        int is_number = c == RATE || c == BASE_RATE ? texp_log10_of(text, &y) : texp_read_double(text, &y);
        if (is_number && is_drawable(y) && texp_curve_add(of[c], x, y)) return -1;
    }
    return 0;
}

int texp_log_reader_read(texp_log_reader *r, texp_curves *curves, texp_message *message)
{
    char row[LONGEST_ROW], *fields[MOST_FIELDS];
    snprintf(curves->quality_name, sizeof curves->quality_name, "%s", r->quality_name);
    while (next_row(r->file, row) > 0) {
        if (add_row(r, fields, split(row, fields), curves)) return texp_say(message, "no memory for a chart");
    }
    return 0;
}
