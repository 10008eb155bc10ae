#include "store/run_log.h"

#include "base/files.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const headers[] = {
    [TEXP_LOG_RUN] = "update,epoch,train_loss,rate,decay,test_loss,test_accuracy,images_per_second,seconds,"
                     "base_rate\n",
    [TEXP_LOG_WEIGHT_NORMS] = "update,layers,norm,predicted_norm,angle,predicted_angle,rate_over_norm2\n",
};

struct texp_runlog {
    FILE *file;
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

/* Copies the rows of updates 1..done; the seconds of the last of them. A log of an earlier version may lack columns at the
 * end of its rows. */
static void copy_rows(FILE *from, FILE *to, long done, double *seconds)
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
        *seconds = atof(field_of(line, column));
    }
    free(line);
}

/* Leaves in `file` what shall stay of it. */
static int prepare(const char *file, const char *header, long done, double *seconds, texp_message *message)
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
    if (from) copy_rows(from, to, done, seconds);
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
    double seconds = 0;
    *out = NULL;
    if (prepare(file, headers[kind], done, &seconds, message)) return -1;
    FILE *stream = fopen(file, "a");
    if (!stream) return texp_say(message, "%s: can't write: %s", file, strerror(errno));
    texp_runlog *log = calloc(1, sizeof *log);
    if (!log) {
        fclose(stream);
        return texp_say(message, "%s: no memory", file);
    }
    *log = (texp_runlog){stream, seconds};
    *out = log;
    return 0;
}

double texp_runlog_seconds(const texp_runlog *log)
{
    return log->seconds;
}

int texp_runlog_write(texp_runlog *log, const texp_row *row)
{
    FILE *f = log->file;
    fprintf(f, "%ld,%.6f,%.9g,%.9Lg,%.9Lg,", row->update, row->epoch, row->train_loss, row->rate, row->decay);
    if (row->validated)
        fprintf(f, "%.9g,%.6g,", row->test_loss, row->test_accuracy);
    else
        fprintf(f, ",,");
    fprintf(f, "%.1f,%.3f,%.9Lg\n", row->images_per_second, row->seconds, row->base_rate);
    return fflush(f) ? -1 : 0;
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
    fclose(log->file);
    free(log);
}
