/*
 * The curves of a run's log (run_log.h), read while it grows. Columns are found by their names, so logs of other tasks and
 * versions serve, too; fields that are empty or no finite number are no points. Nothing here knows of Darknet, prints or
 * exits.
 */
#ifndef TEXP_LOG_CURVES_H
#define TEXP_LOG_CURVES_H

#include "base/message.h"
#include "store/curve.h"

enum { TEXP_QUALITY_NAME = 32 };

typedef enum { TEXP_BY_EPOCH, TEXP_BY_UPDATE, TEXP_BY_SECONDS } texp_chart_x;

typedef struct {
    texp_curve train_loss, test_loss;
    texp_curve quality; /* 0..1, of the test images */
    char quality_name[TEXP_QUALITY_NAME]; /* "accuracy", "mAP": of its column without test_; "": there is none */
    texp_curve rate, base_rate; /* log10 of them, of any size; a rate of 0 is no point */
} texp_curves;

void texp_curves_free(texp_curves *curves);

typedef struct texp_log_reader texp_log_reader;

/* Reads the header. The reader is to be closed by the caller. Returns NULL with a message: the file can't be read, or it is no
 * log of a run. */
texp_log_reader *texp_log_reader_open(const char *file, texp_chart_x x, texp_message *message);

/* Adds to the curves all rows that are whole and were not read yet. Returns 0, or -1 with a message: no memory. */
int texp_log_reader_read(texp_log_reader *reader, texp_curves *curves, texp_message *message);

void texp_log_reader_close(texp_log_reader *reader); /* NULL is fine */

/* log10 of a number above 0, also beyond double's range; returns 0 where the text is none. */
int texp_log10_of(const char *text, double *log);

#endif
