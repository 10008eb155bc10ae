#include "train/saves.h"

#include "base/refuse.h"
#include "net/checkpoint.h"
#include "train/progress.h"

#include <errno.h>

void texp_saves_start(texp_saves *saves, const texp_setup *setup, texp_logs *logs)
{
    *saves = (texp_saves){.setup = setup, .logs = logs, .epoch = (long)texp_setup_epochs(setup)};
    if (setup->weights_file) snprintf(saves->last, sizeof saves->last, "%s", setup->weights_file);
}

/* --- what stops a run --------------------------------------------------------------------------------------------- */

static const char *last_file(const texp_saves *saves)
{
    return saves->last[0] ? saves->last : "no file yet";
}

void texp_saves_fail(const texp_saves *saves, const char *what)
{
    texp_end_live_line();
    texp_fail("update %ld: %s at rate %Lg; the last good weights are in %s; lower learning_rate and start from there",
              texp_setup_updates(saves->setup), what, texp_setup_rate(saves->setup), last_file(saves));
}

void texp_saves_fail_log(const texp_saves *saves)
{
    texp_fail("%s/%s.csv: can't write the log: %s; the last weights saved are in %s", saves->setup->backup,
              saves->setup->name, strerror(errno), last_file(saves));
}

void texp_saves_check_weights(const texp_saves *saves)
{
    if (!texp_checkpoint_is_finite(saves->setup->net)) texp_saves_fail(saves, "the weights are no longer finite");
}

/* --- files -------------------------------------------------------------------------------------------------------- */

/* BACKUP/NAME followed by `ending`. */
static void name_file(const texp_saves *saves, const char *ending, char file[PATH_MAX])
{
    const texp_setup *s = saves->setup;
    if (snprintf(file, PATH_MAX, "%s/%s%s", s->backup, s->name, ending) >= PATH_MAX)
        texp_fail("%s/%s%s: the path is too long; shorten backup= in %s", s->backup, s->name, ending, s->data_file);
}

/* Several GPUs train copies apart between two averages: what is saved is of all of them. */
static void save_to(const texp_saves *saves, const char *file)
{
    const texp_setup *s = saves->setup;
#ifdef GPU
    if (s->n_nets > 1) sync_nets(s->nets, s->n_nets, 0);
#endif
    texp_saves_check_weights(saves);
    save_weights(s->net, (char *)file);
}

void texp_saves_write(texp_saves *saves, const char *kind)
{
    char ending[32], file[PATH_MAX];
    if (texp_logs_sync(saves->logs)) texp_saves_fail_log(saves);
    snprintf(ending, sizeof ending, "_%s.weights", kind);
    name_file(saves, ending, file);
    save_to(saves, file);
    if (strcmp(kind, "best")) snprintf(saves->last, sizeof saves->last, "%s", file);
}

static void write_darknets(const texp_saves *saves, const char *ending)
{
    char file[PATH_MAX];
    name_file(saves, ending, file);
    save_to(saves, file);
}

static void write_numbered(const texp_saves *saves, long number)
{
    char ending[32];
    snprintf(ending, sizeof ending, "_%ld.weights", number);
    write_darknets(saves, ending);
}

void texp_saves_write_darknets(texp_saves *saves)
{
    const texp_task *task = saves->setup->task;
    long update = texp_setup_updates(saves->setup), epoch = (long)texp_setup_epochs(saves->setup);
    int is_new = epoch > saves->epoch;
    saves->epoch = epoch;
    if (task->counts_epochs && is_new) write_numbered(saves, epoch);
    if (update % task->backup_every == 0) write_darknets(saves, ".backup");
    if (!task->counts_epochs && task->is_numbered(update)) write_numbered(saves, update);
}

void texp_saves_write_darknets_end(const texp_saves *saves)
{
    if (saves->setup->task->counts_epochs) write_darknets(saves, ".weights");
}
