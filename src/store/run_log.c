#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* asprintf */
#endif
#include "store/run_log.h"

#include "base/files.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const headers[] = {
    /* In brackets, as clang takes two strings in a list for a comma forgotten. */
    [TEXP_LOG_RUN] = ("update,epoch,train_loss,rate,decay,test_loss,test_accuracy,images_per_second,seconds,"
                      "base_rate\n"),
    [TEXP_LOG_DETECTOR] = "update,epoch,train_loss,rate,decay,test_loss,test_mAP,images_per_second,seconds,base_rate\n",
    [TEXP_LOG_WEIGHT_NORMS] = "update,layers,norm,predicted_norm,angle,predicted_angle,rate_over_norm2\n",
};

struct texp_runlog {
    FILE *file;
    char *row; /* the last one, with its end of line; NULL before the first */
    long row_at; /* where it begins, in bytes */
    double seconds;
};

/* The place of a column in a header, or -1. */
static int find_column(const char *header, const char *name)
{
    size_t length = strlen(name);
    for (int place = 0;; ++place) {
        size_t field = strcspn(header, ",\n");
        if (field == length && !memcmp(header, name, length)) return place;
        if (header[field] != ',') return -1;
        header += field + 1;
    }
}

/* What stands in that column of a row; "" where the row is too short. */
static const char *field_of(const char *row, int column)
{
    for (; row && column > 0; --column) {
        row = strchr(row, ',');
        if (row) ++row;
    }
    return row && column == 0 ? row : "";
}

/* Copies the rows of updates 1..done; *last becomes the last of them, to be freed, or NULL, and *seconds its time. A log of an
 * earlier version may lack columns at the end of its rows. */
static void copy_rows(FILE *from, FILE *to, long done, char **last, double *seconds)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length = getline(&line, &room, from);
    const int column = length > 0 ? find_column(line, "seconds") : -1;
    while ((length = getline(&line, &room, from)) > 0) {
        char *end;
        long update = strtol(line, &end, 10);
        /* A row that a killed run did not finish. */
        if (*end != ',' || line[length - 1] != '\n') continue;
        if (update < 1 || update > done) continue;
        fputs(line, to);
        free(*last);
        *last = strdup(line);
        *seconds = atof(field_of(line, column));
    }
    free(line);
}

/* Leaves in `file` what shall stay of it; its last row in *last, the time of that in *seconds. */
static int prepare(const char *file, const char *header, long done, char **last, double *seconds, texp_message *message)
{
    char other[PATH_MAX];
    FILE *from = fopen(file, "r");
    if (from && !done) {
        fclose(from);
        snprintf(other, sizeof other, "%s.old", file);
        if (rename(file, other)) return texp_say(message, "%s: can't rename to %s: %s", file, other, strerror(errno));
        from = NULL;
    }
    FILE *to = texp_file_create(file, message);
    if (!to) {
        if (from) fclose(from);
        return -1;
    }
    fputs(header, to);
    if (from) copy_rows(from, to, done, last, seconds);
    int unread = from && ferror(from);
    if (from) fclose(from);
    if (texp_file_finish(to, file, message)) return -1;
    if (unread) {
        texp_file_discard(file);
        return texp_say(message, "%s: can't read: it is left as it was", file);
    }
    return texp_file_publish(file, message);
}

int texp_runlog_open(const char *file, texp_log_kind kind, long done, texp_runlog **out, texp_message *message)
{
    texp_runlog *log = calloc(1, sizeof *log);
    *out = NULL;
    if (!log) return texp_say(message, "%s: no memory", file);
    int status = prepare(file, headers[kind], done, &log->row, &log->seconds, message);
    /* Not to append: the last row is written once more when it is validated. */
    if (!status && (!(log->file = fopen(file, "r+")) || fseek(log->file, 0, SEEK_END)))
        status = texp_say(message, "%s: can't write: %s", file, strerror(errno));
    if (status) {
        texp_runlog_close(log);
        return -1;
    }
    log->row_at = ftell(log->file) - (log->row ? (long)strlen(log->row) : 0);
    *out = log;
    return 0;
}

double texp_runlog_seconds(const texp_runlog *log)
{
    return log->seconds;
}

/* Writes `text` where the last row begins, in its place, in one piece; owns it from then on. */
static int replace_row(texp_runlog *log, char *text)
{
    free(log->row);
    log->row = text;
    if (!text || fseek(log->file, log->row_at, SEEK_SET)) return -1;
    fputs(text, log->file);
    if (fflush(log->file)) return -1;
    return ftruncate(fileno(log->file), log->row_at + (long)strlen(text));
}

int texp_runlog_write(texp_runlog *log, const texp_row *row)
{
    char *text;
    if (log->row) log->row_at += (long)strlen(log->row);
    int length = asprintf(&text, "%ld,%.6f,%.9g,%.9Lg,%.9Lg,,,%.1f,%.3f,%.9Lg\n", row->update, row->epoch,
                          row->train_loss, row->rate, row->decay, row->images_per_second, row->seconds, row->base_rate);
    return replace_row(log, length < 0 ? NULL : text);
}

int texp_runlog_write_test(texp_runlog *log, double loss, double accuracy)
{
    const int column = find_column(headers[TEXP_LOG_RUN], "test_loss");
    char *text, measure[32] = "";
    if (!isnan(accuracy)) snprintf(measure, sizeof measure, "%.6g", accuracy);
    const char *begin = field_of(log->row, column), *end = field_of(log->row, column + 2);
    if (!*end) return 0; /* no row yet, or none of ours */
    int length = asprintf(&text, "%.*s%.9g,%s,%s", (int)(begin - log->row), log->row, loss, measure, end);
    return replace_row(log, length < 0 ? NULL : text);
}

static void print_known(FILE *f, long double value)
{
    if (!isnan(value)) fprintf(f, "%.9Lg", value);
    fputc(',', f);
}

int texp_runlog_write_weight_norms(texp_runlog *log, long update, const texp_weight_norms_row *row)
{
    FILE *f = log->file;
    fprintf(f, "%ld,%s,%.9Lg,", update, row->layers, row->norm);
    print_known(f, row->predicted_norm);
    fprintf(f, "%.9g,", row->angle);
    print_known(f, row->predicted_angle);
    fprintf(f, "%.9Lg\n", row->rate_over_norm2);
    return fflush(f) ? -1 : 0;
}

int texp_runlog_sync(texp_runlog *log)
{
    return fsync(fileno(log->file)) && errno != EINVAL && errno != EROFS ? -1 : 0;
}

void texp_runlog_close(texp_runlog *log)
{
    if (!log) return;
    if (log->file) fclose(log->file);
    free(log->row);
    free(log);
}
