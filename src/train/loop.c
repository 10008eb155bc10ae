#include "train/loop.h"

#include "net/texp_net.h"
#include "train/run.h"

#include <math.h>
#include <signal.h>
#include <unistd.h>

/* --- signals ------------------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int signal)
{
    asked_to_stop = signal;
}

/* A second signal ends the program at once. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static __attribute__((noreturn)) void stop(texp_run *run)
{
    texp_end_live_line();
    printf("stopped after update %ld; to go on:\n", texp_setup_updates(&run->setup));
    texp_print_continuation(&run->setup, run->saves.last);
    texp_logs_close(&run->logs);
    fflush(stdout);
    texp_run_chart_end(&run->chart, 2);
    texp_run_lock_give_back(run->setup.lock);
    _exit(EXIT_SUCCESS); /* a loader thread may still be at work */
}

/* --- one update --------------------------------------------------------------------------------------------------- */

static float train_batch(const texp_setup *s, data batch)
{
#ifdef GPU
    /* The networks' weights are averaged each 4 updates. */
    if (s->n_nets > 1) return train_networks(s->nets, s->n_nets, batch, 4);
#endif
    return train_network(s->net, batch);
}

static void change_size(texp_run *run)
{
    int size = texp_loader_next_size(run->loader);
    for (int i = 0; size && i < run->setup.n_nets; ++i) resize_network(run->setup.nets[i], size, size);
}

/* A probability of 0 makes an infinite loss of finite gradients: Darknet goes on, and so does this loop. */
static void check_loss(const texp_run *run, float loss)
{
    if (isnan(loss)) texp_saves_fail(&run->saves, "the loss is not a number");
    if (!isinf(loss)) return;
    texp_saves_check_weights(&run->saves);
    if (!run->losses.was_infinite) texp_print_infinite(&run->setup, "loss");
}

/* Trains one batch while the next one is loaded; returns what is to be reported, all but the speed. */
static texp_update_report do_update(texp_run *run)
{
    double began = what_time_is_it_now();
    data batch = texp_loader_take(run->loader);
    texp_loader_start(run->loader);
    double loaded = what_time_is_it_now();
    texp_print_loaded(loaded - began);
    texp_hush_layers();
    float loss = train_batch(&run->setup, batch);
    texp_hear_layers();
    free_data(batch);
    check_loss(run, loss);
    texp_losses_add(&run->losses, loss);
    return (texp_update_report){
        .loss = loss, .average = texp_losses_average(&run->losses, loss), .seconds = what_time_is_it_now() - loaded};
}

/* --- what follows it ---------------------------------------------------------------------------------------------- */

/* Returns whether it was the best so far. */
static int validate(texp_run *run)
{
    const texp_setup *s = &run->setup;
    long epoch = (long)texp_setup_epochs(s);
    if (!run->examples || (epoch % s->net->texp->run.valid_every && !texp_setup_is_done(s))) return 0;
    texp_validation found = s->task->validate(s->net, run->examples);
    if (isnan(found.loss)) texp_saves_fail(&run->saves, "the test loss is not a number");
    if (isinf(found.loss)) texp_print_infinite(s, "test loss");
    if (texp_logs_write_test(&run->logs, s, found)) texp_saves_fail_log(&run->saves);
    return texp_best_add(&run->best, s, found);
}

/* speed: images a second, 0 where it is unknown. */
static void end_epoch(texp_run *run, double speed)
{
    int is_best = validate(run);
    texp_print_epoch(&run->setup, texp_losses_end_epoch(&run->losses), &run->best, speed);
    if (is_best) texp_saves_write(&run->saves, "best");
    texp_run_chart_end_epoch(&run->chart);
}

/* _last comes last: a run that goes on from it writes again all that a kill may have kept from being written. */
static void save(texp_run *run, int epoch_ends)
{
    const texp_setup *s = &run->setup;
    int stops = asked_to_stop;
    long every = s->net->texp->run.save_every;
    texp_saves_write_darknets(&run->saves);
    if (epoch_ends || stops || (every && texp_setup_updates(s) % every == 0)) texp_saves_write(&run->saves, "last");
    if (stops) stop(run);
}

/* Saves before it validates: what ends the program then costs no update. A run that goes on from there begins with the
 * validation. */
static void end_update(texp_run *run, const texp_update_report *report, double now)
{
    const texp_setup *s = &run->setup;
    int epoch_ends = texp_setup_ends_epoch(s);
    texp_print_update(s, report);
    if (texp_logs_write(&run->logs, s, report->loss, report->speed, now)) texp_saves_fail_log(&run->saves);
    save(run, epoch_ends);
    if (epoch_ends) end_epoch(run, report->speed);
    texp_run_chart_go_on(&run->chart);
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

/* Returns the updates that were done, or that an earlier process did and left to be validated. */
static long train(texp_run *run)
{
    const texp_setup *s = &run->setup;
    long done = run->owes_validation;
    texp_loader_start(run->loader);
    if (run->owes_validation) end_epoch(run, 0);
    double last = what_time_is_it_now();
    for (; !texp_setup_is_done(s); ++done) {
        change_size(run);
        texp_update_report report = do_update(run);
        double now = what_time_is_it_now();
        report.speed = s->batch / (now - last);
        end_update(run, &report, now);
        last = what_time_is_it_now(); /* validation is no training time */
    }
    return done;
}

static void end(texp_run *run, long done)
{
    texp_saves_write_darknets_end(&run->saves);
    if (done) {
        texp_saves_write(&run->saves, "final");
        texp_run_chart_end(&run->chart, 10);
        texp_print_end(&run->setup, &run->best);
        if (run->chart.is_drawn) printf("wrote %s, its chart\n", run->chart.file);
        return;
    }
    printf("nothing to train: the weights have seen max_batches=%ld updates already; -clear starts at 0\n",
           run->setup.updates);
    /* A run that was killed between its last two saves. */
    if (run->resumed && texp_setup_updates(&run->setup) == run->setup.updates) texp_saves_write(&run->saves, "final");
}

void texp_train(const texp_task *task, const texp_command_line *typed)
{
    texp_run *run = calloc(1, sizeof *run);
    texp_run_open(run, task, typed);
    catch_signals();
    end(run, train(run));
    texp_run_close(run);
    free(run);
}
