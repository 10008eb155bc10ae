#include "train/train.h"

#include "base/libc_rand.h"
#include "base/refuse.h"
#include "data/dataset.h"
#include "data/sampler.h"
#include "net/checkpoint.h"
#include "net/layers.h"
#include "net/texp_net.h"
#include "net/weight_norms.h"
#include "store/run_log.h"
#include "train/evaluate.h"

#include "data.h"
#include "option_list.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct texp_run {
    network *net;
    const char *cfg_file, *data_file;
    char *name; /* of the cfg, without folder and ending: of the files written */
    const char *backup; /* folder they go to */
    int images; /* in the training list: an epoch */
    int batch; /* images an update */
    long epoch; /* done */
    long updates; /* in all, 0: no end */
    texp_dataset *set; /* our loader's, or NULL: Darknet's */
    texp_sampler *sampler;
    uint64_t next; /* number of the sample to be loaded next */
    /* A batch is loaded while the one before it is trained. Of the one that is under way: */
    uint64_t loading; /* its first sample's number */
    texp_rand rand_loading; /* what rand() was before it */
    /* Of a state, until the first batch is loaded: */
    int resumed;
    texp_rand rand_then; /* what rand() was when it was saved */
    uint64_t saved_count, saved_w, saved_h;
    double saved_average;
    /* Of Darknet's loop: */
    const load_args *args;
    const float *average;
    const int *count;
    texp_examples *examples; /* to validate on, or NULL */
    texp_scores scores; /* of the last validation */
    long validated; /* update of it */
    double best; /* accuracy so far */
    double best_epoch;
    texp_runlog *log;
    texp_runlog *norms_log; /* norms=1, or NULL */
    double started, last; /* times of start and of the update before, seconds */
    double loss_sum; /* of the updates since the last epoch's end */
    long loss_count;
    char checkpoint[PATH_MAX]; /* last saved */
    int trained; /* an update was done */
    int due, is_best; /* _last and _best are to be saved */
    int live; /* stdout is a terminal */
};

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int signal)
{
    asked_to_stop = signal;
}

/* --- seeds ------------------------------------------------------------------------------------------------------- */

int texp_fresh_seed(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int)(((unsigned long)now.tv_sec * 1000003ul ^ (unsigned long)now.tv_nsec ^ (unsigned long)getpid() << 16) &
                 INT_MAX);
}

void texp_seed_run(network *net, int seed)
{
    texp_net *t = net->texp;
    if (!t->has_seed) texp_set_seed(t, (uint64_t)seed);
}

static void print_seed(const texp_net *t)
{
    const char *hint = t->has_seed ? "" : " (written in [net] it repeats this run)";
    /* Darknet's loader threads are put into an order by a seed in the cfg alone. */
    if (!t->has_seed && !t->images.ours) hint = " (written in [net], each run is the same)";
    fprintf(stderr, "seed=%lu%s\n", (unsigned long)t->seed, hint);
}

/* --- the command line --------------------------------------------------------------------------------------------- */

void texp_check_classifier(int argc, char **argv)
{
    static const char *const commands[] = {"predict", "fout",       "try",     "train",     "demo",
                                           "gun",     "threat",     "test",    "csv",       "label",
                                           "valid",   "validmulti", "valid10", "validcrop", "validfull"};
    const char *command = argv[2];
    int known = 0;
    for (size_t i = 0; command && i < sizeof commands / sizeof *commands; ++i) known |= !strcmp(command, commands[i]);
    if (!known) texp_fail("classifier %s: no such command; use train, valid or predict", command ? command : "");
    if (!argv[3] || !argv[4]) {
        texp_fail("usage: %s classifier %s DATA CFG [WEIGHTS]%s", argv[0], command,
                  strcmp(command, "train") ? "" : " [-clear] [-gpus 0,1,...]");
    }
    for (int i = 3; i < argc && argv[i]; ++i) {
        if (argv[i][0] == '-' && argv[i][1])
            texp_fail("%s: unknown flag of classifier %s; remove it", argv[i], command);
    }
    if ((!strcmp(command, "train") || !strcmp(command, "valid")) && argc > 6 && argv[6]) {
        texp_fail("%s: classifier %s takes one weights file; remove this argument", argv[6], command);
    }
}

/* --- start ------------------------------------------------------------------------------------------------------- */

static void make_backup_folder(const char *folder)
{
    if (mkdir(folder, 0777) && errno != EEXIST) {
        texp_fail("%s: can't make the folder for weights: %s; name another as backup= in the .data file", folder,
                  strerror(errno));
    }
    if (access(folder, W_OK | X_OK)) {
        texp_fail("%s: can't write weights there: %s; name another folder as backup= in the .data file", folder,
                  strerror(errno));
    }
}

static void open_loader(texp_run *run, list *options)
{
    network *net = run->net;
    texp_net *t = net->texp;
    texp_message message;
    if (option_find_int_quiet(options, "tag", 0) || option_find(options, "tree")) {
        texp_fail("%s: crop_pad, flip, mean and std of %s load one class an image; remove tag and tree, or those keys",
                  run->data_file, run->cfg_file);
    }
    int classes = texp_count_classes(net, options);
    if (texp_dataset_open(option_find_str(options, "train", "data/train.list"),
                          option_find_str(options, "labels", "data/labels.list"), classes, net->w, net->h, net->c,
                          texp_image_memory(), &run->set, &message) ||
        texp_sampler_open(run->set, &t->images.augment, t->seed, &run->sampler, &message)) {
        texp_fail("%s", message.text);
    }
    run->next = *net->seen;
}

/* Darknet's loader always yields three, and would write beyond the network's input. */
static void check_channels(const network *net, const char *cfg_file)
{
    if (net->c == 3) return;
    texp_fail(
        "%s: channels=%d: Darknet's own loader makes images of 3 channels; add one of crop_pad, flip, mean or std "
        "to [net] for a loader that makes %d",
        cfg_file, net->c, net->c);
}

static int count_lines(const char *file)
{
    list *paths = get_paths((char *)file);
    int n = paths->size;
    if (!n) texp_fail("%s: names no image; write one path a line", file);
    free_list_contents(paths);
    free_list(paths);
    return n;
}

static texp_runlog *open_one_log(const texp_run *run, const char *ending, texp_log_kind kind)
{
    char file[PATH_MAX];
    texp_message message;
    texp_runlog *log;
    snprintf(file, sizeof file, "%s/%s%s.csv", run->backup, run->name, ending);
    if (texp_runlog_open(file, kind, (long)get_current_batch(run->net), &log, &message)) texp_fail("%s", message.text);
    return log;
}

static void open_log(texp_run *run)
{
    run->log = open_one_log(run, "", TEXP_LOG_RUN);
    run->started = what_time_is_it_now() - texp_runlog_seconds(run->log);
    if (run->net->texp->norms) run->norms_log = open_one_log(run, "_norms", TEXP_LOG_NORMS);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* --- training state ---------------------------------------------------------------------------------------------- */

/* Whether the images follow from what a state holds: our loader's order, or Darknet's loader with a seed. */
static int keeps_order(const texp_run *run)
{
    return run->sampler || run->net->texp->has_seed;
}

/* Nothing of time: two runs that did the same have the same state. */
static void add_run(const texp_run *run, texp_state *state)
{
    texp_rand now;
    texp_state_add_u64(state, "run images", (uint64_t)run->images);
    texp_state_add_f64(state, "run loss sum", run->loss_sum);
    texp_state_add_u64(state, "run loss count", (uint64_t)run->loss_count);
    texp_state_add_f64(state, "run average loss", *run->average);
    texp_state_add_f64(state, "run best accuracy", run->best);
    texp_state_add_f64(state, "run best epoch", run->best_epoch);
    texp_state_add_u64(state, "run count", (uint64_t)*run->count);
    texp_state_add_u64(state, "run width", (uint64_t)run->args->w);
    texp_state_add_u64(state, "run height", (uint64_t)run->args->h);
    if (!keeps_order(run)) return;
    texp_rand_save(&now);
    texp_state_add_u64(state, "run loading", run->loading);
    texp_state_add(state, "run rand loading", TEXP_U64, run->rand_loading.words, TEXP_RAND_WORDS);
    texp_state_add(state, "run rand", TEXP_U64, now.words, TEXP_RAND_WORDS);
}

static int read_order(texp_run *run, const texp_saved *saved, texp_message *message)
{
    if (!keeps_order(run)) return 0;
    if (texp_saved_u64(saved, "run loading", &run->next, message) ||
        texp_saved_get(saved, "run rand loading", TEXP_U64, run->rand_loading.words, TEXP_RAND_WORDS, message) ||
        texp_saved_get(saved, "run rand", TEXP_U64, run->rand_then.words, TEXP_RAND_WORDS, message)) {
        return -1;
    }
    run->resumed = 1;
    return 0;
}

static int read_run(texp_run *run, const texp_saved *saved, texp_message *message)
{
    uint64_t images, losses;
    if (texp_saved_u64(saved, "run images", &images, message) ||
        texp_saved_f64(saved, "run loss sum", &run->loss_sum, message) ||
        texp_saved_u64(saved, "run loss count", &losses, message) ||
        texp_saved_f64(saved, "run average loss", &run->saved_average, message) ||
        texp_saved_f64(saved, "run best accuracy", &run->best, message) ||
        texp_saved_f64(saved, "run best epoch", &run->best_epoch, message) ||
        texp_saved_u64(saved, "run count", &run->saved_count, message) ||
        texp_saved_u64(saved, "run width", &run->saved_w, message) ||
        texp_saved_u64(saved, "run height", &run->saved_h, message) || read_order(run, saved, message)) {
        return -1;
    }
    run->loss_count = (long)losses;
    if (images == (uint64_t)run->images) return 0;
    return texp_say(message, "%s: the list of training images had %lu lines beside its state, and has %d now",
                    texp_path_tail(run->checkpoint), (unsigned long)images, run->images);
}

/* What goes on and what does not, in one line. */
static void report_resumption(const texp_run *run, int ngpus, int has_state)
{
    const network *net = run->net;
    printf("continuing behind update %zu, epoch %.2f", get_current_batch((network *)net),
           (double)*net->seen / run->images);
    if (has_state && keeps_order(run))
        printf(net->texp->run.rounds_otherwise ? ", as if it had not stopped but for rounding\n"
                                               : ", as if it had not stopped\n");
    else if (has_state)
        printf(", with its momentum; the images are drawn anew (seed=N in [net] would keep their order)\n");
    else
        printf("%s: momentum starts at 0%s\n", ngpus > 1 ? ", several GPUs" : ", no training state beside the weights",
               run->sampler && net->texp->has_seed ? "" : ", the images come in another order");
}

static void resume(texp_run *run, int ngpus, texp_saved *saved)
{
    texp_message message;
    network *net = run->net;
    net->texp->run.run = run;
    net->texp->run.add_records = add_run;
    if (saved && read_run(run, saved, &message)) texp_checkpoint_refuse(&message);
    if (get_current_batch(net)) report_resumption(run, ngpus, saved != NULL);
    texp_saved_close(saved);
}

void texp_train_loop(texp_run *run, load_args *args, float *average, int *count)
{
    run->args = args;
    run->average = average;
    run->count = count;
    if (!run->saved_w) return;
    network *net = run->net;
    *average = (float)run->saved_average;
    *count = (int)run->saved_count;
    if ((uint64_t)args->w == run->saved_w && (uint64_t)args->h == run->saved_h) return;
    /* [net] random=1: as Darknet's loop does it. */
    args->w = args->size = (int)run->saved_w;
    args->h = (int)run->saved_h;
    args->min = net->min_ratio * args->w;
    args->max = net->max_ratio * args->w;
    resize_network(net, args->w, args->h);
}

/* --- the beginning of a run ---------------------------------------------------------------------------------------- */

static void open_images(texp_run *run, list *options)
{
    network *net = run->net;
    if (net->texp->images.ours)
        open_loader(run, options);
    else
        check_channels(net, run->cfg_file);
    run->images = run->set ? texp_dataset_size(run->set) : count_lines(option_find_str(options, "train", ""));
    run->epoch = (long)(*net->seen / run->images);
    if (texp_is_ours(net) || run->set) run->examples = texp_examples_open(net, options);
}

texp_run *texp_train_begin(network *net, int ngpus, list *options, char *cfg_file, char *data_file, char *weights_file,
                           int clear)
{
    texp_run *run = calloc(1, sizeof *run);
    run->net = net;
    run->cfg_file = cfg_file;
    run->data_file = data_file;
    run->name = basecfg(cfg_file);
    run->backup = option_find_str(options, "backup", "/backup/");
    run->batch = net->batch * net->subdivisions * ngpus;
    run->updates = net->max_batches;
    run->live = isatty(STDOUT_FILENO);
    if (weights_file) snprintf(run->checkpoint, sizeof run->checkpoint, "%s", weights_file);
    run->best = -1;
    if (ngpus > 1 && net->texp->schedule.recipe.form != TEXP_PLAIN) {
        texp_fail("-gpus: policy=%s: several GPUs average their weights, which no exponential rate survives; use one",
                  net->texp->schedule.policy);
    }
    make_backup_folder(run->backup);
    /* The seed of our loader's order may be the state's. */
    texp_saved *saved = weights_file && !clear && ngpus == 1 ? texp_checkpoint_restore(net, weights_file) : NULL;
    print_seed(net->texp);
    open_images(run, options);
    resume(run, ngpus, saved);
    open_log(run);
    catch_signals();
    run->last = what_time_is_it_now();
    return run;
}

/* --- batches ------------------------------------------------------------------------------------------------------ */

typedef struct {
    texp_run *run;
    load_args args;
    uint64_t first;
} load_job;

static data make_batch(int n, int inputs, int truths)
{
    data d = {0};
    d.X = make_matrix(n, inputs);
    d.y = make_matrix(n, truths);
    return d;
}

static void *load_batch(void *argument)
{
    load_job *job = argument;
    network *net = job->run->net;
    texp_message message;
    *job->args.d = make_batch(job->args.n, net->inputs, net->truths);
    if (texp_sampler_fill(job->run->sampler, job->first, job->args.n, job->args.d->X.vals, job->args.d->y.vals,
                          &message)) {
        texp_fail("%s", message.text);
    }
    free(job);
    return NULL;
}

static void *already_done(void *argument)
{
    return argument;
}

/* Of the first batch that a resumed run loads, rand() shall be what it was when the run before loaded it; behind it,
 * what it was at the save. */
static void begin_load(texp_run *run)
{
    run->loading = run->next;
    if (!keeps_order(run)) return;
    if (!run->resumed) {
        texp_rand_save(&run->rand_loading);
    } else if (texp_rand_restore(&run->rand_loading)) {
        texp_checkpoint_refuse(&(texp_message){"the training state: `run rand loading` is no state of rand()"});
    }
}

static void end_load(texp_run *run)
{
    if (run->resumed && texp_rand_restore(&run->rand_then)) {
        texp_checkpoint_refuse(&(texp_message){"the training state: `run rand` is no state of rand()"});
    }
    run->resumed = 0;
}

pthread_t texp_load_data(texp_run *run, load_args args)
{
    pthread_t thread;
    int failed;
    begin_load(run);
    if (run->sampler) {
        load_job *job = calloc(1, sizeof *job);
        *job = (load_job){run, args, run->next};
        run->next += (uint64_t)args.n;
        failed = pthread_create(&thread, NULL, load_batch, job);
    } else if (run->net->texp->has_seed) {
        /* Darknet's loader threads draw from one sequence as they come: with a seed, one after another. */
        load_data_blocking(args);
        failed = pthread_create(&thread, NULL, already_done, NULL);
    } else {
        return load_data(args);
    }
    if (failed) texp_fail("can't start a loader thread: %s", strerror(failed));
    end_load(run);
    return thread;
}

void texp_train_loaded(texp_run *run, double seconds)
{
    if (!run->live) printf("Loaded: %lf seconds\n", seconds);
}

/* --- checkpoints -------------------------------------------------------------------------------------------------- */

static int is_finite_array(const float *values, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        if (!isfinite(values[i])) return 0;
    }
    return 1;
}

static int weights_are_finite(const network *net)
{
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        texp_pull_weights(l);
        if (!is_finite_array(l->weights, texp_layer_weights(l))) return 0;
    }
    return 1;
}

/* Beyond float's range, too. */
static long double current_rate(const network *net)
{
    const texp_track *usual = net->texp->schedule.tracks;
    if (!texp_is_ours(net) || !usual->step.update) return get_current_rate((network *)net);
    return usual->step.rate;
}

static void stop_at_nan(const texp_run *run, const char *what)
{
    network *net = run->net;
    if (run->live) printf("\n");
    texp_fail("update %zu: %s at rate %Lg; the last good weights are in %s; lower learning_rate and start from there",
              get_current_batch(net), what, current_rate(net), run->checkpoint[0] ? run->checkpoint : "no file yet");
}

static __attribute__((noreturn)) void fail_log(const texp_run *run)
{
    texp_fail("%s/%s.csv: can't write the log: %s; the last weights saved are in %s", run->backup, run->name,
              strerror(errno), run->checkpoint[0] ? run->checkpoint : "no file yet");
}

/* The log first: a state is never ahead of its rows. */
static void save(texp_run *run, const char *kind)
{
    if (texp_runlog_sync(run->log) || (run->norms_log && texp_runlog_sync(run->norms_log))) fail_log(run);
    snprintf(run->checkpoint, sizeof run->checkpoint, "%s/%s_%s.weights", run->backup, run->name, kind);
    save_weights(run->net, run->checkpoint);
}

static void check_weights(const texp_run *run)
{
    if (!weights_are_finite(run->net)) stop_at_nan(run, "the weights are no longer finite");
}

static __attribute__((noreturn)) void stop(texp_run *run)
{
    if (run->live) printf("\n");
    printf("stopped after update %zu; to go on:\n  ./darknet classifier train %s %s %s\n", get_current_batch(run->net),
           run->data_file, run->cfg_file, run->checkpoint);
    texp_runlog_close(run->log);
    texp_runlog_close(run->norms_log);
    fflush(stdout);
    _exit(EXIT_SUCCESS); /* a loader thread may still be at work */
}

/* --- after each update -------------------------------------------------------------------------------------------- */

static void print_time_left(double seconds)
{
    long s = lround(seconds);
    if (s >= 3600)
        printf("%ld:%02ld:%02ld left", s / 3600, s / 60 % 60, s % 60);
    else
        printf("%ld:%02ld left", s / 60, s % 60);
}

/* One line that is written again and again: where the run is in its epoch. */
static void print_live(const texp_run *run, float average, double speed)
{
    enum { WIDTH = 24 };
    const network *net = run->net;
    double epoch = (double)*net->seen / run->images;
    int full = (int)(WIDTH * (epoch - floor(epoch)));
    char bar[WIDTH + 1];
    for (int i = 0; i < WIDTH; ++i) bar[i] = i < full ? '#' : '.';
    bar[WIDTH] = 0;
    printf("\r\033[Kepoch %ld [%s] loss %.4f  rate %Lg  %.0f images/s  ", (long)epoch + 1, bar, average,
           current_rate(net), speed);
    long done = (long)get_current_batch((network *)net);
    if (run->updates && speed > 0) print_time_left((double)(run->updates - done) * run->batch / speed);
    fflush(stdout);
}

static void print_classic(const texp_run *run, float loss, float average, double seconds)
{
    network *net = run->net;
    printf("%ld, %.3f: %f, %f avg, %Lg rate, %lf seconds, %ld images\n", (long)get_current_batch(net),
           (float)(*net->seen) / run->images, loss, average, current_rate(net), seconds, (long)*net->seen);
    fflush(stdout); /* a file or pipe shows it now */
}

static void validate(texp_run *run)
{
    run->scores = texp_evaluate(run->net, run->examples, 1);
    run->validated = (long)get_current_batch(run->net);
    if (!isfinite(run->scores.loss)) stop_at_nan(run, "the test loss is not finite");
}

static void report_epoch(texp_run *run, double speed)
{
    if (run->live) printf("\r\033[K");
    printf("epoch %.3g: train loss %.4f", (double)*run->net->seen / run->images,
           run->loss_sum / (run->loss_count ? run->loss_count : 1));
    if (run->validated == (long)get_current_batch(run->net)) {
        printf(", test loss %.4f, test accuracy %.2f %%", run->scores.loss, 100 * run->scores.accuracy);
    }
    printf(", %.0f images/s\n", speed);
    run->loss_sum = run->loss_count = 0;
    fflush(stdout);
}

/* Validation and the line at an epoch's end, and at the run's. Returns whether it was the best so far. */
static int end_epoch(texp_run *run, double speed)
{
    int is_last = run->updates && (long)get_current_batch(run->net) >= run->updates;
    run->epoch = (long)(*run->net->seen / run->images);
    if (run->examples && (is_last || run->epoch % run->net->texp->run.valid_every == 0)) validate(run);
    report_epoch(run, speed);
    if (run->validated != (long)get_current_batch(run->net) || run->scores.accuracy <= run->best) return 0;
    run->best = run->scores.accuracy;
    run->best_epoch = (double)*run->net->seen / run->images;
    return 1;
}

static void log_update(texp_run *run, float loss, double speed)
{
    network *net = run->net;
    const texp_step *step = &net->texp->schedule.tracks->step;
    int ours = texp_is_ours(net);
    texp_row row = {.update = (long)get_current_batch(net),
                    .epoch = (double)*net->seen / run->images,
                    .train_loss = loss,
                    .rate = current_rate(net),
                    .decay = ours ? step->decay : net->decay,
                    .images_per_second = speed,
                    .seconds = run->last - run->started};
    row.validated = run->validated == row.update;
    row.test_loss = run->scores.loss;
    row.test_accuracy = run->scores.accuracy;
    if (texp_runlog_write(run->log, &row)) fail_log(run);
}

static void log_norms(texp_run *run)
{
    int n = 0;
    const texp_group_norms *groups = run->norms_log ? texp_norms_groups(run->net->texp->norms, &n) : NULL;
    for (int i = 0; i < n; ++i) {
        const texp_group_norms *g = groups + i;
        texp_norms_row row = {g->layers, g->norm, g->predicted_norm, g->angle, g->predicted_angle, g->rate_over_norm2};
        if (texp_runlog_write_norms(run->norms_log, (long)get_current_batch(run->net), &row)) fail_log(run);
    }
}

void texp_train_update(texp_run *run, float loss, float average, double seconds)
{
    network *net = run->net;
    double now = what_time_is_it_now(), speed = run->batch / (now - run->last);
    long update = (long)get_current_batch(net), every = net->texp->run.save_every;
    run->last = now;
    if (!isfinite(loss)) stop_at_nan(run, "the loss is not finite");
    run->trained = 1;
    run->loss_sum += loss;
    run->loss_count++;
    if (run->live)
        print_live(run, average, speed);
    else
        print_classic(run, loss, average, seconds);
    int epoch_ends = (long)(*net->seen / run->images) > run->epoch || (run->updates && update >= run->updates);
    run->due = epoch_ends || (every && update % every == 0);
    run->is_best = epoch_ends && end_epoch(run, speed);
    log_update(run, loss, speed);
    log_norms(run);
    if (run->due) check_weights(run);
}

void texp_train_save(texp_run *run)
{
    int stops = asked_to_stop;
    if (stops && !run->due) check_weights(run);
    /* _last comes last: a run that goes on from it writes again all that a kill may have kept from being written. */
    if (run->is_best) save(run, "best");
    if (run->due || stops) save(run, "last");
    if (stops) stop(run);
    run->last = what_time_is_it_now(); /* validation is no training time */
}

void texp_train_end(texp_run *run)
{
    if (!run->trained) {
        printf("nothing to train: the weights have seen max_batches=%ld updates already; -clear starts at 0\n",
               run->updates);
        /* A run that was killed between its last two saves. */
        if (run->saved_w && (long)get_current_batch(run->net) == run->updates) save(run, "final");
        return;
    }
    check_weights(run);
    save(run, "final");
    if (run->validated) {
        printf("test accuracy %.2f %%, test loss %.4f", 100 * run->scores.accuracy, run->scores.loss);
        printf(" (best %.2f %%, epoch %.3g)\n", 100 * run->best, run->best_epoch);
    }
    printf("wrote %s/%s_{final,last%s}.weights and %s/%s.csv\n", run->backup, run->name, run->best >= 0 ? ",best" : "",
           run->backup, run->name);
    texp_runlog_close(run->log);
    texp_runlog_close(run->norms_log);
    texp_examples_close(run->examples);
    texp_sampler_close(run->sampler);
    texp_dataset_close(run->set);
    free(run->name);
    free(run);
}

/* --- validation alone --------------------------------------------------------------------------------------------- */

int texp_valid_classifier(network *net, char *data_file)
{
    if (!net->texp->images.ours) return 0;
    list *options = read_data_cfg(data_file);
    int top = option_find_int_quiet(options, "top", 1);
    texp_examples *examples = texp_examples_open(net, options);
    if (!examples) texp_fail("%s: no `valid` list; add valid=FILE", data_file);
    texp_scores s = texp_evaluate(net, examples, top);
    if (!isfinite(s.loss)) texp_fail("the test loss is not finite: the weights are of another network, or damaged");
    printf("%d: top 1: %f, top %d: %f\n", s.images, s.accuracy, top, s.top);
    printf("test accuracy %.2f %%, test loss %.4f\n", 100 * s.accuracy, s.loss);
    texp_examples_close(examples);
    return 1;
}
