#include "double/verify.h"

#include "base/refuse.h"
#include "cfg/net_keys.h"
#include "cfg/parse_quietly.h"
#include "double/compare.h"
#include "double/images.h"
#include "net/analysis.h"
#include "net/layers.h"
#include "net/texp_net.h"
#include "net/tracks.h"

#include "option_list.h"

#include <errno.h>
#include <float.h>
#include <math.h>

/*
 * With -resync both start every update from one state. What they do in it differs by roundings: sums of up to some 1e5
 * products, each within 2^-53, which a normalisation magnifies by how much larger than its deviation a value is. That
 * leaves 1e-12 of an output or a weight room for a hundredfold magnification.
 */
static const double STEP_BOUND = 1e-12;

/*
 * Free running, the roundings of all updates so far add up and grow as anything does in training, so they are measured
 * by a third run: the base whose weights start one rounding, u = 2^-53, away. Let G(j,k) be how much a difference at
 * update j has grown at k; then that run is G(0,k) u away. The policy's run commits at each update j roundings of its
 * own, of m u of the weights, and is at most sum over j of G(j,k) m u away: k m times the other, for differences grow,
 * so G(j,k) is no larger than the largest G(0,i), i <= k. m: storing a weight rounds it once (1 u). The gradient is
 * rounded in a chain of sums; in n terms at random that is sqrt(n) u of the gradient, 300 u for 1e5, and a step is some
 * 0.02 of the weights: 6 u. Together 8; twice that for what is not as random. On the networks of the tests, of
 * darknet19, yolov3-tiny and PreResNet32 the largest distance seen is a sixth of what this allows.
 */
static const double ROUNDINGS = 16;

/* Where one rounding at the start has grown so far that this much must be allowed, the runs tell nothing any more: the
 * recipe has forgotten where it began. */
static const double NO_POWER = 1e-3;

/* Growth below this is hardly seen: a wrong scale would change little, either. */
static const long double WEAK = 1e-5L;

/* Distances below this are roundings of the comparison itself. */
static const double FLOOR = 0x1p-52;

typedef struct {
    const texp_verify_options *o;
    network *base, *policy, *pushed; /* pushed: NULL with -resync */
    texp_batches *batches;
    texp_comparison *policys, *pusheds;
    double loss, policy_loss;
    texp_distance now, worst; /* worst: of what was judged */
    double other; /* of the pushed run, the largest so far */
    double allowed;
    double nearest; /* largest distance/allowed that was judged */
    long nearest_at;
    long judged; /* updates */
    char fault[512]; /* empty: none */
} trial;

/* --- three networks of one cfg ------------------------------------------------------------------------------------ */

static int wanted_batch;

static void set_key(list *options, const char *key, long value)
{
    static char texts[2][24]; /* Darknet keeps values by reference */
    static int next;
    char *text = texts[next++ & 1];
    sprintf(text, "%ld", value);
    for (node *n = options->front; n; n = n->next) {
        kvp *pair = n->val;
        if (strcmp(pair->key, key)) continue;
        pair->val = text;
        return;
    }
    option_insert(options, strdup(key), text);
}

/* Eight images take an eighth of the time and memory of 64, and the mathematics is the same. */
static void set_batch(list *options)
{
    int batch = option_find_int_quiet(options, "batch", 1), parts = option_find_int_quiet(options, "subdivisions", 1);
    if (wanted_batch)
        batch = wanted_batch;
    else if (batch > 8)
        batch = 8;
    set_key(options, "batch", batch);
    set_key(options, "subdivisions", batch % parts ? 1 : parts);
}

/* Its warnings once are enough. */
static network *parse_copy(const char *cfg, int warns)
{
    srand(1); /* the same weights each time */
    texp_change_net_keys = set_batch;
    network *net = texp_parse_quietly(cfg, warns);
    texp_change_net_keys = NULL;
    return net;
}

/* Every weight one rounding up or down. */
static void push_layer(layer *l, unsigned *state)
{
    for (size_t i = 0; i < texp_layer_weights(l); ++i) {
        *state = *state * 1664525u + 1013904223u;
        l->weights[i] = nextafter(l->weights[i], *state >> 31 ? HUGE_VAL : -HUGE_VAL);
    }
}

static void push(network *net)
{
    layer *inner[TEXP_MOST_INNER_LAYERS];
    unsigned state = 1;
    for (int i = 0; i < net->n; ++i) {
        int n = texp_inner_layers(net->layers + i, inner);
        for (int j = 0; j < n; ++j) push_layer(inner[j], &state);
        if (!n) push_layer(net->layers + i, &state);
    }
}

static network *parse_base(const char *cfg)
{
    network *net = parse_copy(cfg, 0);
    texp_unfold(net);
    return net;
}

static void open_networks(trial *t)
{
    t->base = parse_base(t->o->cfg);
    if (!t->o->resync) {
        t->pushed = parse_base(t->o->cfg);
        push(t->pushed);
        t->pusheds = texp_comparison_open(t->base, t->pushed);
    }
    t->policys = texp_comparison_open(t->base, t->policy);
    if (t->o->after_parsing) t->o->after_parsing(t->policy);
}

static void close_networks(trial *t)
{
    texp_comparison_close(t->policys);
    texp_comparison_close(t->pusheds);
    free_network(t->policy);
    free_network(t->base);
    if (t->pushed) free_network(t->pushed);
}

/* --- one update --------------------------------------------------------------------------------------------------- */

/* Dropout draws from rand(). */
static double train(network *net, data d, long k)
{
    srand((unsigned)k);
    return train_network(net, d);
}

static void update_all(trial *t, long k)
{
    data d = texp_batches_next(t->batches, k);
    texp_comparison_before(t->policys);
    if (t->pushed) texp_comparison_before(t->pusheds);
    t->loss = train(t->base, d, k);
    t->policy_loss = train(t->policy, d, k);
    if (t->pushed) train(t->pushed, d, k);
    free_data(d);
    if (t->o->after_update) t->o->after_update(t->policy);
}

static void keep_worst(texp_distance *worst, const texp_distance *d)
{
    worst->outputs = fmax(worst->outputs, d->outputs);
    worst->directions = fmax(worst->directions, d->directions);
    worst->parameters = fmax(worst->parameters, d->parameters);
    worst->statistics = fmax(worst->statistics, d->statistics);
}

static void measure(trial *t, long k)
{
    t->now = texp_comparison_after(t->policys);
    t->allowed = STEP_BOUND;
    if (!t->pushed) return;
    texp_distance pushed = texp_comparison_after(t->pusheds);
    t->other = fmax(fmax(t->other, FLOOR), texp_distance_worst(&pushed));
    t->allowed = ROUNDINGS * (double)k * t->other;
}

/* Free running one update without power ends the judging: what comes later may hang together by chance. */
static int can_judge(const trial *t, long k)
{
    return t->judged == k - 1 && t->allowed < NO_POWER;
}

static void judge(trial *t, long k)
{
    double distance = texp_distance_worst(&t->now);
    int finite = isfinite(t->loss) && isfinite(t->policy_loss) && isfinite(distance);
    if (!can_judge(t, k) && finite) return;
    if (!finite || distance > t->allowed) {
        texp_comparison_locate(t->policys, finite ? t->allowed : DBL_MAX, t->fault, sizeof t->fault);
        return;
    }
    t->judged = k;
    keep_worst(&t->worst, &t->now);
    if (distance / t->allowed <= t->nearest) return;
    t->nearest = distance / t->allowed;
    t->nearest_at = k;
}

/* --- what is printed ---------------------------------------------------------------------------------------------- */

static void print_start(const trial *t)
{
    const texp_net *own = t->policy->texp;
    FILE *out = t->o->out;
    if (t->o->csv) {
        fprintf(out, "update,base_loss,loss,outputs,directions,parameters,statistics,allowed,ratio,scale,"
                     "base_effective_rate,effective_rate\n");
        return;
    }
    fprintf(out, "policy=%s: ", own->schedule.policy);
    texp_print_rates(out, t->policy);
    fprintf(out, "\n");
    fprintf(out, "batch=%d subdivisions=%d, %s, ", t->policy->batch * t->policy->subdivisions, t->policy->subdivisions,
            texp_batches_kind(t->batches));
    fprintf(out, t->pushed ? "allowed: by a run of the base that is perturbed by one ulp\n"
                           : "each update from the base recipe's state\n");
    fprintf(out, "%7s  %11s  %11s  %8s  %10s  %8s  %13s  %13s  %11s  %11s\n", "update", "base loss", "loss", "outputs",
            "directions", "allowed", "|w| ratio", "P", "base r/w^2", "rate/|w|^2");
}

static void print_csv_row(const trial *t, long k, const texp_growth *g)
{
    fprintf(t->o->out, "%ld,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.21Lg,%.17g,%.17g\n", k, t->loss,
            t->policy_loss, t->now.outputs, t->now.directions, t->now.parameters, t->now.statistics, t->allowed,
            g->ratio, g->scale, g->base_effective, g->effective);
}

static void print_row(const trial *t, long k)
{
    texp_growth g = texp_comparison_growth(t->policys);
    if (t->o->csv) {
        print_csv_row(t, k, &g);
        return;
    }
    char allowed[16] = "-";
    if (t->judged == k || t->fault[0]) snprintf(allowed, sizeof allowed, "%.1e", t->allowed);
    fprintf(t->o->out, "%7ld  %11.6g  %11.6g  %8.1e  %10.1e  %8s  %13.10g  %13.10Lg  %11.6g  %11.6g\n", k, t->loss,
            t->policy_loss, t->now.outputs, t->now.directions, allowed, g.ratio, g.scale, g.base_effective,
            g.effective);
    fflush(t->o->out);
}

static int is_shown(const texp_verify_options *o, long k, long last)
{
    long every = o->every ? o->every : o->csv ? 1 : (last - 1) / 20 + 1;
    return (k - 1) % every == 0 || k == last;
}

static int say_verdict(const trial *t, long k)
{
    FILE *out = t->o->csv ? stderr : t->o->out;
    if (t->fault[0]) {
        fprintf(out, "not equivalent: update %ld, %s\n", k, t->fault);
        if (!isfinite(t->loss)) fprintf(out, "the base recipe's own loss is not finite: lower learning_rate\n");
        return TEXP_NOT_EQUIVALENT;
    }
    if (t->judged < k) {
        fprintf(out,
                "judged up to update %ld: then the run perturbed by one ulp has diverged; -resync "
                "judges all\n",
                t->judged);
    }
    texp_growth g = texp_comparison_growth(t->policys);
    if (g.scale < 1 + WEAK) {
        fprintf(out, "the weights have grown by %.1Lg alone; more updates, or less burn_in, would show more\n",
                g.scale - 1);
    }
    fprintf(out, "nearest to what is allowed: %.2g of it, at update %ld\n", t->nearest, t->nearest_at);
    fprintf(out, "equivalent: outputs within %.1e, directions %.1e, parameters %.1e, statistics %.1e\n",
            t->worst.outputs, t->worst.directions, t->worst.parameters, t->worst.statistics);
    return TEXP_EQUIVALENT;
}

/* --- the run ------------------------------------------------------------------------------------------------------- */

static int run_all(trial *t)
{
    long last = t->o->updates, end = t->policy->texp->schedule.recipe.max_batches, k;
    if (end && end < last) last = end;
    print_start(t);
    for (k = 1;; ++k) {
        update_all(t, k);
        measure(t, k);
        judge(t, k);
        if (is_shown(t->o, k, last) || t->fault[0]) print_row(t, k);
        if (t->fault[0] || k >= last) break;
        if (t->o->resync) texp_comparison_resync(t->policys);
    }
    return say_verdict(t, k);
}

int texp_verify(const texp_verify_options *o)
{
    trial t = {.o = o};
    wanted_batch = o->batch;
    t.policy = parse_copy(o->cfg, 1);
    if (t.policy->texp->schedule.recipe.form == TEXP_PLAIN) {
        fprintf(o->out, "%s: policy=%s: its own base recipe, there is nothing to verify\n", o->cfg,
                t.policy->texp->schedule.policy);
        free_network(t.policy);
        return TEXP_EQUIVALENT;
    }
    open_networks(&t);
    t.batches = texp_batches_open(t.base, o->data);
    int verdict = run_all(&t);
    texp_batches_close(t.batches);
    close_networks(&t);
    return verdict;
}

/* --- the command line --------------------------------------------------------------------------------------------- */

int texp_verify_main(const texp_arguments *a)
{
    texp_verify_options o = {
        .cfg = a->names[0],
        .data = texp_argument(a, "-data"),
        .updates = texp_argument_number(a, "-updates", 100),
        .batch = (int)texp_argument_number(a, "-batch", 0),
        .resync = texp_argument(a, "-resync") != NULL,
        .csv = texp_argument(a, "-csv") != NULL,
        .every = texp_argument_number(a, "-every", 0),
    };
    texp_exit_without_verdict(TEXP_NOT_JUDGED);
    gpu_index = -1;
    o.out = texp_take_stdout();
    int verdict = texp_verify(&o);
    if (fflush(o.out) || ferror(o.out)) texp_fail("can't write the table: %s", strerror(errno));
    fclose(o.out);
    texp_give_verdict();
    return verdict;
}
