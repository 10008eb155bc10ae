/*
 * The log of a training run: one CSV file, one row an update.
 *
 *     update,epoch,train_loss,rate,decay,test_loss,test_accuracy,images_per_second,seconds,base_rate
 *
 * (test_mAP in place of test_accuracy for detectors); update counts from 1; epoch is images seen / images in the list; losses are nats an image; rate and decay are those
 * of the update (before /batch); the test columns are empty but where a validation was done, which fills them in the last
 * row; seconds since the run's first start, pauses between resumed parts not counted; base_rate is what the rate would be
 * without its exponential form.
 */
#ifndef TEXP_RUNLOG_H
#define TEXP_RUNLOG_H

#include "base/message.h"

typedef struct {
    long update;
    double epoch, train_loss;
    long double rate, decay;
    double images_per_second, seconds;
    long double base_rate;
} texp_row;

/*
 * And the log of weight norms, a file of its own: a row for each update and group of layers, the columns as in weight_norms.h, empty
 * where nothing is predicted.
 *
 *     update,layers,norm,predicted_norm,angle,predicted_angle,rate_over_norm2
 */
typedef struct {
    const char *layers;
    long double norm, predicted_norm; /* NaN: unknown; so is predicted_angle */
    double angle, predicted_angle;
    long double rate_over_norm2;
} texp_weight_norms_row;

typedef enum { TEXP_LOG_RUN, TEXP_LOG_DETECTOR, TEXP_LOG_WEIGHT_NORMS } texp_log_kind;

typedef struct texp_runlog texp_runlog;

/* Opens `file` to append rows behind update `done`: with done = 0 a new file (one that is there becomes FILE.old);
 * otherwise rows of later updates, left by a run that was killed, are dropped. Returns 0, or -1 with a message. */
int texp_runlog_open(const char *file, texp_log_kind kind, long done, texp_runlog **out, texp_message *message);

/* Seconds in the last row that was kept. */
double texp_runlog_seconds(const texp_runlog *log);

/* Appends a row, at once visible in the file. Returns 0, or -1 where it could not be written. */
int texp_runlog_write(texp_runlog *log, const texp_row *row);
/* Fills the test columns of the last row, be it of a run before; an accuracy that is NaN is left empty. Returns 0, or -1 likewise. */
int texp_runlog_write_test(texp_runlog *log, double loss, double accuracy);
int texp_runlog_write_weight_norms(texp_runlog *log, long update, const texp_weight_norms_row *row);

/* Brings all rows to the disk. Returns 0, or -1 with errno. */
int texp_runlog_sync(texp_runlog *log);

void texp_runlog_close(texp_runlog *log);

#endif
