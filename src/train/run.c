#include "train/run.h"

#include "net/checkpoint.h"
#include "net/texp_net.h"

/* --- training state ---------------------------------------------------------------------------------------------- */

/* Nothing of time: two runs that did the same have the same state. */
static void save_run(const texp_run *run, texp_state *state)
{
    texp_losses_save(&run->losses, state);
    texp_best_save(&run->best, state);
    texp_loader_save(run->loader, state);
}

static int restore_run(texp_run *run, const texp_saved *saved, texp_message *message)
{
    return texp_losses_restore(&run->losses, saved, message) || texp_best_restore(&run->best, saved, message) ||
                   texp_loader_restore(run->loader, saved, message)
               ? -1
               : 0;
}

/* What goes on and what does not, in one line. */
static void report_resumption(const texp_run *run, int has_state)
{
    const texp_setup *s = &run->setup;
    printf("continuing behind update %ld, epoch %.2f", texp_setup_updates(s), texp_setup_epochs(s));
    if (has_state && texp_loader_keeps_order(run->loader))
        printf(s->net->texp->run.rounds_otherwise ? ", as if it had not stopped but for rounding\n"
                                                  : ", as if it had not stopped\n");
    else if (has_state)
        printf(", with its momentum; the images are drawn anew (seed=N in [net] would keep their order)\n");
    else
        printf("%s: momentum starts at 0%s\n",
               s->n_nets > 1 ? ", several GPUs" : ", no training state beside the weights",
               texp_loader_is_ours(run->loader) && s->net->texp->has_seed ? "" : ", the images come in another order");
}

static void resume(texp_run *run, texp_saved *saved)
{
    texp_message message;
    texp_net *t = run->setup.net->texp;
    if (saved && restore_run(run, saved, &message)) texp_checkpoint_refuse(&message);
    run->resumed = saved != NULL;
    run->owes_validation = saved && texp_losses_count(&run->losses) && texp_setup_ends_epoch(&run->setup);
    if (texp_setup_updates(&run->setup)) report_resumption(run, saved != NULL);
    texp_saved_close(saved);
    t->run.run = run;
    t->run.add_records = save_run;
}

/* --- opening and closing ------------------------------------------------------------------------------------------- */

static void print_seed(const texp_net *t)
{
    const char *hint = t->has_seed ? "" : " (written in [net] it repeats this run)";
    /* Darknet's loader threads are put into an order by a seed in the cfg alone. */
    if (!t->has_seed && !t->images.ours) hint = " (written in [net], each run is the same)";
    fprintf(stderr, "seed=%lu%s\n", (unsigned long)t->seed, hint);
}

void texp_run_open(texp_run *run, const texp_task *task, const texp_command_line *typed)
{
    texp_setup *s = &run->setup;
    texp_setup_open(s, task, typed);
    /* Before the loader is opened, whose order may follow from the state's seed. */
    int continues = typed->weights_file && !typed->clear && s->n_nets == 1;
    texp_saved *saved = continues ? texp_checkpoint_restore(s->net, typed->weights_file) : NULL;
    print_seed(s->net->texp);
    run->loader = texp_loader_open(s);
    s->images = texp_loader_images(run->loader);
    run->examples = task->open_examples ? task->open_examples(s->net, s->data) : NULL;
    texp_losses_start(&run->losses);
    texp_best_start(&run->best);
    resume(run, saved);
    texp_logs_open(&run->logs, s);
    texp_saves_start(&run->saves, s, &run->logs);
    texp_run_chart_start(&run->chart, s);
}

void texp_run_close(texp_run *run)
{
    texp_net *t = run->setup.net->texp;
    t->run.run = NULL;
    t->run.add_records = NULL;
    texp_loader_close(run->loader);
    if (run->examples) run->setup.task->close_examples(run->examples);
    texp_logs_close(&run->logs);
    texp_setup_close(&run->setup);
}
