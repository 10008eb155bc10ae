#include "train/logs.h"

#include "base/refuse.h"
#include "net/texp_net.h"
#include "net/weight_norms.h"

#include <limits.h>
#include <math.h>

static texp_runlog *open_one(const texp_setup *s, const char *ending, texp_log_kind kind)
{
    char file[PATH_MAX];
    texp_message message;
    texp_runlog *log;
    snprintf(file, sizeof file, "%s/%s%s.csv", s->backup, s->name, ending);
    if (texp_runlog_open(file, kind, texp_setup_updates(s), &log, &message)) texp_fail("%s", message.text);
    return log;
}

void texp_logs_open(texp_logs *logs, const texp_setup *s)
{
    const char *quality = s->task->quality;
    logs->run = open_one(s, "", quality && !strcmp(quality, "mAP") ? TEXP_LOG_DETECTOR : TEXP_LOG_RUN);
    logs->weight_norms = s->net->texp->weight_norms ? open_one(s, "_norms", TEXP_LOG_WEIGHT_NORMS) : NULL;
    logs->started = what_time_is_it_now() - texp_runlog_seconds(logs->run);
}

static int write_update(texp_logs *logs, const texp_setup *s, float loss, double speed, double now)
{
    const network *net = s->net;
    texp_row row = {.update = texp_setup_updates(s),
                    .epoch = texp_setup_epochs(s),
                    .train_loss = loss,
                    .rate = texp_setup_rate(s),
                    .decay = texp_is_ours(net) ? net->texp->schedule.tracks->step.decay : net->decay,
                    .images_per_second = speed,
                    .seconds = now - logs->started,
                    .base_rate = texp_setup_base_rate(s)};
    return texp_runlog_write(logs->run, &row);
}

static int write_weight_norms(texp_logs *logs, const texp_setup *s)
{
    int n = 0;
    const texp_group_weight_norms *groups =
        logs->weight_norms ? texp_weight_norms_groups(s->net->texp->weight_norms, &n) : NULL;
    for (int i = 0; i < n; ++i) {
        const texp_group_weight_norms *g = groups + i;
        texp_weight_norms_row row = {g->layers,          g->norm,           g->predicted_norm, g->angle,
                                     g->predicted_angle, g->rate_over_norm2};
        if (texp_runlog_write_weight_norms(logs->weight_norms, texp_setup_updates(s), &row)) return -1;
    }
    return 0;
}

int texp_logs_write(texp_logs *logs, const texp_setup *s, float loss, double speed, double now)
{
    return write_update(logs, s, loss, speed, now) || write_weight_norms(logs, s) ? -1 : 0;
}

int texp_logs_write_test(texp_logs *logs, const texp_setup *s, texp_validation found)
{
    return texp_runlog_write_test(logs->run, found.loss, s->task->quality ? found.quality : NAN);
}

int texp_logs_sync(texp_logs *logs)
{
    return texp_runlog_sync(logs->run) || (logs->weight_norms && texp_runlog_sync(logs->weight_norms)) ? -1 : 0;
}

void texp_logs_close(texp_logs *logs)
{
    texp_runlog_close(logs->run);
    texp_runlog_close(logs->weight_norms);
}
