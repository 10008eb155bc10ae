#include "net/weight_norms.h"

#include "net/layers.h"
#include "net/texp_net.h"

#include <math.h>

struct texp_weight_norms {
    int n;
    texp_group_weight_norms *groups;
    int *members; /* for each layer its group here, or -1 */
    float **before; /* for each layer a copy of its weights */
};

/* --- the groups --------------------------------------------------------------------------------------------------- */

static int counts(const layer *l)
{
    return texp_layer_weights(l) && !l->texp->frozen.weights;
}

/* The group of an earlier layer that `index` belongs to, too; a new one otherwise. */
static int group_of(texp_weight_norms *norms, const network *net, int index)
{
    const texp_layer *own = net->layers[index].texp;
    for (int i = 0; own->degrees.growing && i < index; ++i) {
        const texp_layer *other = net->layers[i].texp;
        if (other->degrees.growing && other->degrees.group == own->degrees.group) return norms->members[i];
    }
    norms->groups[norms->n] = (texp_group_weight_norms){.invariant = own->degrees.growing};
    return norms->n++;
}

static char *layer_list(const texp_weight_norms *norms, int group, int layers)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    const char *between = "";
    for (int i = 0; i < layers; ++i) {
        if (norms->members[i] != group) continue;
        fprintf(out, "%s%d", between, i);
        between = ";";
    }
    fclose(out);
    return text;
}

texp_weight_norms *texp_weight_norms_open(network *net)
{
    texp_weight_norms *norms = calloc(1, sizeof *norms);
    size_t n = (size_t)net->n;
    norms->groups = calloc(n, sizeof *norms->groups);
    norms->members = calloc(n, sizeof *norms->members);
    norms->before = calloc(n + 1, sizeof *norms->before); /* NULL behind the last */
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        norms->members[i] = counts(l) ? group_of(norms, net, i) : -1;
        norms->before[i] = calloc(counts(l) ? texp_layer_weights(l) : 1, sizeof **norms->before);
    }
    for (int i = 0; i < norms->n; ++i) norms->groups[i].layers = layer_list(norms, i, net->n);
    return norms;
}

void texp_weight_norms_close(texp_weight_norms *norms)
{
    if (!norms) return;
    for (int i = 0; i < norms->n; ++i) free((void *)norms->groups[i].layers);
    for (float **copy = norms->before; *copy; ++copy) free(*copy);
    free(norms->before);
    free(norms->members);
    free(norms->groups);
    free(norms);
}

texp_group_weight_norms *texp_weight_norms_groups(texp_weight_norms *norms, int *n)
{
    *n = norms->n;
    return norms->groups;
}

/* --- one update --------------------------------------------------------------------------------------------------- */

void texp_weight_norms_before(texp_weight_norms *norms, network *net)
{
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        if (norms->members[i] < 0) continue;
        texp_pull_weights(l);
        memcpy(norms->before[i], l->weights, texp_layer_weights(l) * sizeof *l->weights);
    }
}

/* Squared norms of one group: of the weights before and after the update, and of their difference. */
typedef struct {
    double before, after, step;
} squares;

static void add_layer(squares *s, const float *before, const float *after, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        double a = before[i], b = after[i];
        s->before += a * a;
        s->after += b * b;
        s->step += (b - a) * (b - a);
    }
}

/* The chord between the two directions, from which lengths that differ take nothing. */
static double angle_of(const squares *s)
{
    double a = sqrt(s->before), b = sqrt(s->after);
    double chord = (s->step - (b - a) * (b - a)) / (a * b);
    return a > 0 && b > 0 ? 2 * asin(fmin(1, sqrt(fmax(0, chord)) / 2)) : 0;
}

static double predicted_square(const texp_group_weight_norms *g, const squares *s, const texp_step *step,
                               double momentum)
{
    double kept = g->rate > 0 ? momentum * (double)(step->rate / g->rate) * g->growth : 0;
    if (step->update > 1 && !(g->rate > 0)) return NAN; /* the momentum is not known */
    return s->before + s->step + kept - 2 * (double)(step->held_rate * step->held_decay) * s->before;
}

/* rate and decay of a layer outside S. */
static texp_step base_step(const network *net, const layer *l)
{
    texp_step step = net->texp->schedule.tracks->step;
    step.rate = step.held_rate = step.base_rate * l->learning_rate_scale;
    step.decay = step.held_decay = step.base_decay;
    step.doublings = 0;
    return step;
}

static void measure(texp_group_weight_norms *g, const squares *s, const texp_step *step, double momentum)
{
    double predicted = g->invariant ? predicted_square(g, s, step, momentum) : NAN;
    double product = step->base_rate * step->base_decay;
    g->norm = texp_held_scale(sqrtl(s->after), -step->doublings);
    g->predicted_norm = texp_held_scale(sqrtl(predicted), -step->doublings);
    g->angle = angle_of(s);
    g->predicted_angle = g->invariant && product > 0 ? sqrt(2 * product / (1 + momentum)) : NAN;
    g->rate_over_norm2 = step->held_rate / sqrtl((long double)s->before * s->after);
    g->growth = s->after - s->before + s->step;
    g->rate = step->rate;
}

void texp_weight_norms_after(texp_weight_norms *norms, network *net)
{
    for (int group = 0; group < norms->n; ++group) {
        squares s = {0};
        const layer *one = NULL;
        for (int i = 0; i < net->n; ++i) {
            if (norms->members[i] != group) continue;
            one = net->layers + i;
            texp_pull_weights(one);
            add_layer(&s, norms->before[i], one->weights, texp_layer_weights(one));
        }
        int in_set = norms->groups[group].invariant;
        texp_step step = in_set ? net->texp->schedule.tracks[one->texp->schedule.track].step : base_step(net, one);
        measure(norms->groups + group, &s, &step, net->momentum);
    }
}

void texp_weight_norms_move(texp_weight_norms *norms, network *net, int track, long doublings)
{
    for (int i = 0; i < net->n; ++i) {
        int group = norms->members[i];
        const texp_layer *own = net->layers[i].texp;
        /* A group is moved with its first layer. */
        if (group < 0 || !own->degrees.growing || own->schedule.track != track ||
            i != atoi(norms->groups[group].layers))
            continue;
        norms->groups[group].growth = scalbln(norms->groups[group].growth, -2 * doublings);
    }
}
