#include "train/setup.h"

#include "base/files.h"
#include "base/refuse.h"
#include "net/layer_traits.h"
#include "net/texp_net.h"

#include "option_list.h"

#include <errno.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

/* A seed that no other run has. */
static int fresh_seed(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int)(((unsigned long)now.tv_sec * 1000003ul ^ (unsigned long)now.tv_nsec ^ (unsigned long)getpid() << 16) &
                 INT_MAX);
}

/* Darknet's [yolo] and its like leave rand() as srand(0) does: all runs would draw the same. */
static void restart_rand(const network *net)
{
    for (int i = 0; i < net->n; ++i) {
        texp_truth truth = texp_layer_traits_of(net->layers[i].type)->truth;
        if (truth != TEXP_TRUTH_BOXES && truth != TEXP_TRUTH_GRID && truth != TEXP_TRUTH_MASKS) continue;
        srand((unsigned)net->texp->seed);
        return;
    }
}

/* All networks begin with the same weights; a seed in the cfg takes the place of ours. */
static void load_networks(texp_setup *s, const texp_command_line *typed)
{
    int seed = fresh_seed();
    s->n_nets = typed->n_gpus;
    s->nets = calloc((size_t)s->n_nets, sizeof *s->nets);
    for (int i = 0; i < s->n_nets; ++i) {
        srand((unsigned)seed);
#ifdef GPU
        cuda_set_device(typed->gpus[i]);
#endif
        s->nets[i] = load_network(typed->cfg_file, typed->weights_file, typed->clear);
        s->nets[i]->learning_rate *= s->n_nets;
    }
    s->net = s->nets[0];
    if (!s->net->texp->has_seed) texp_set_seed(s->net->texp, (uint64_t)seed);
    restart_rand(s->net);
}

static void refuse_several_gpus(const texp_setup *s)
{
    if (s->n_nets == 1 || s->net->texp->schedule.recipe.form == TEXP_PLAIN) return;
    texp_fail("-gpus: policy=%s: several GPUs average their weights, which no exponential rate survives; use one",
              s->net->texp->schedule.policy);
}

/* Two cfgs of one folder have two names, whatever they are called: nothing is cut but .cfg. To be freed. */
static char *name_of(const char *cfg)
{
    const char *slash = strrchr(cfg, '/'), *base = slash ? slash + 1 : cfg, *dot = strrchr(base, '.');
    return strndup(base, dot && !strcmp(dot, ".cfg") ? (size_t)(dot - base) : strlen(base));
}

static void make_backup_folder(const char *folder, const char *data_file)
{
    if (texp_folder_make(folder)) {
        texp_fail("%s: can't make the folder for weights: %s; name another as backup= in %s", folder, strerror(errno),
                  data_file);
    }
    if (access(folder, W_OK | X_OK)) {
        texp_fail("%s: can't write weights there: %s; name another folder as backup= in %s", folder, strerror(errno),
                  data_file);
    }
}

/* One run at a time writes NAME_* into the backup folder. */
static void lock_name(texp_setup *s)
{
    char file[PATH_MAX];
    texp_lock_owner left_by;
    texp_message message;
    if (snprintf(file, sizeof file, "%s/%s.lock", s->backup, s->name) >= (int)sizeof file)
        texp_fail("%s/%s.lock: the path is too long; shorten backup= in %s", s->backup, s->name, s->data_file);
    if (texp_run_lock_take(file, &s->lock, &left_by, &message)) {
        texp_fail("%s; wait for it, copy %s to another name, or name another folder as backup= in %s", message.text,
                  s->cfg_file, s->data_file);
    }
    if (left_by.process) {
        fprintf(stderr, "%s: left by process %ld on %s, which no longer runs\n", file, left_by.process, left_by.host);
    }
}

static void report_no_end(const texp_setup *s)
{
    if (s->updates) return;
    fprintf(stderr, "%s: no max_batches in [net]: the run has no end; Ctrl-C saves its weights and ends it\n",
            s->cfg_file);
}

void texp_setup_open(texp_setup *s, const texp_task *task, const texp_command_line *typed)
{
    *s = (texp_setup){.task = task,
                      .gpus = typed->gpus,
                      .data_file = typed->data_file,
                      .cfg_file = typed->cfg_file,
                      .weights_file = typed->weights_file};
    s->name = name_of(typed->cfg_file);
    printf("%s\n", s->name);
    if (task->counts_epochs) printf("%d\n", typed->n_gpus);
    load_networks(s, typed);
    network *net = s->net;
    printf("Learning Rate: %g, Momentum: %g, Decay: %g\n", net->learning_rate, net->momentum, net->decay);
    refuse_several_gpus(s);
    s->data = read_data_cfg(typed->data_file);
    s->backup = option_find_str(s->data, "backup", "/backup/");
    s->batch = net->batch * net->subdivisions * s->n_nets;
    s->updates = net->max_batches;
    make_backup_folder(s->backup, s->data_file);
    lock_name(s);
    report_no_end(s);
}

/* read_data_cfg's list: each key stands at the begin of its line, which it owns. */
static void free_options(list *options)
{
    for (node *n = options->front; n; n = n->next) {
        kvp *pair = n->val;
        free(pair->key);
        free(pair);
    }
    free_list(options);
}

void texp_setup_close(texp_setup *s)
{
    for (int i = 0; i < s->n_nets; ++i) free_network(s->nets[i]);
    free(s->nets);
    free(s->name);
    texp_run_lock_give_back(s->lock);
    free_options(s->data);
}

long texp_setup_updates(const texp_setup *s)
{
    return (long)get_current_batch(s->net);
}

double texp_setup_epochs(const texp_setup *s)
{
    return (double)*s->net->seen / s->images;
}

int texp_setup_is_done(const texp_setup *s)
{
    return s->updates && texp_setup_updates(s) >= s->updates;
}

int texp_setup_ends_epoch(const texp_setup *s)
{
    size_t seen = *s->net->seen, images = (size_t)s->images, batch = (size_t)s->batch;
    return seen / images > (seen > batch ? seen - batch : 0) / images || texp_setup_is_done(s);
}

long double texp_setup_rate(const texp_setup *s)
{
    const texp_track *usual = s->net->texp->schedule.tracks;
    if (!texp_is_ours(s->net) || !usual->step.update) return get_current_rate(s->net);
    return usual->step.rate;
}

long double texp_setup_base_rate(const texp_setup *s)
{
    const texp_track *usual = s->net->texp->schedule.tracks;
    if (!texp_is_ours(s->net) || !usual->step.update) return get_current_rate(s->net);
    return usual->step.base_rate;
}
