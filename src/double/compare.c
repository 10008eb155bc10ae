#include "double/compare.h"

#include "net/layers.h"
#include "net/texp_net.h"

#include "network.h"

#include <math.h>
#include <stdarg.h>

/* A layer with parameters, or one that a recurrent layer holds; in both networks. */
typedef struct {
    int index; /* in the network */
    const layer *base, *other;
    int grows, track; /* its weights are in S */
    int biases_grow, scales_grow; /* texp_layers=all */
    int bn_degree, bn_track;
    double eps; /* of the other's batch normalisation, during the last forward pass */
} unit;

struct texp_comparison {
    network *base, *other;
    unit *units;
    int n;
    int shown; /* the track whose weights texp_growth describes; -1: nothing grows */
    double *held; /* of each track, during the last forward pass */
    double base_length, length; /* of the shown weights before the update */
};

/* --- arrays ------------------------------------------------------------------------------------------------------- */

/* Sums in blocks, so that their own rounding stays below what is measured. */
enum { BLOCK = 256 };

static double length_of(const double *a, size_t n)
{
    long double total = 0;
    for (size_t from = 0; from < n; from += BLOCK) {
        size_t to = n - from < BLOCK ? n : from + BLOCK;
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t i = from; i < to; ++i) sum += a[i] * a[i];
        total += sum;
    }
    return (double)sqrtl(total);
}

/* |a/a_size - b/b_size| */
static double length_apart(const double *a, double a_size, const double *b, double b_size, size_t n)
{
    long double total = 0;
    for (size_t from = 0; from < n; from += BLOCK) {
        size_t to = n - from < BLOCK ? n : from + BLOCK;
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t i = from; i < to; ++i) {
            double d = a[i] / a_size - b[i] / b_size;
            sum += d * d;
        }
        total += sum;
    }
    return (double)sqrtl(total);
}

/* x by y; 0/0 is no difference, and what is not finite an infinite one. */
static double share(double x, double y)
{
    if (x == 0 && isfinite(y)) return 0;
    return isfinite(x) && isfinite(y) && y > 0 ? x / y : HUGE_VAL;
}

static double largest(double a, double b)
{
    return a > b ? a : b;
}

static double direction_apart(const double *a, const double *b, size_t n)
{
    double a_length = length_of(a, n), b_length = length_of(b, n);
    if (!n || (a_length == 0 && b_length == 0)) return 0;
    return share(length_apart(a, a_length, b, b_length, n), 1);
}

/* By the length of b, or `size` where that is larger. */
static double apart(const double *a, double scale, const double *b, size_t n, double size)
{
    return n ? share(length_apart(a, scale, b, 1, n), largest(length_of(b, n), size)) : 0;
}

/* The largest |a - factor b| by the largest |factor b|. */
static double values_apart(const double *a, const double *b, double factor, size_t n)
{
    double difference = 0, size = 0;
    for (size_t i = 0; i < n; ++i) {
        double d = fabs(a[i] - factor * b[i]);
        if (!isfinite(d)) return HUGE_VAL;
        difference = largest(difference, d);
        size = largest(size, fabs(factor * b[i]));
    }
    return share(difference, size);
}

/* The multiple of b that a is nearest to. */
static double multiple_of(const double *a, const double *b, size_t n)
{
    long double product = 0, square = 0;
    for (size_t i = 0; i < n; ++i) product += a[i] * b[i], square += b[i] * b[i];
    return square > 0 && isfinite(product) ? (double)(product / square) : 1;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static unit make_unit(const texp_comparison *c, int index, const layer *base, const layer *other)
{
    unit u = {.index = index, .base = base, .other = other};
    const texp_layer *own = other->texp;
    int all = c->other->texp->schedule.all_layers && c->other->texp->schedule.recipe.form != TEXP_PLAIN;
    int has_bn = other->scales && other->scale_updates;
    if (!own) return u;
    u.grows = own->degrees.growing && !own->frozen.weights;
    u.track = own->schedule.track;
    u.scales_grow = all && !own->frozen.affine;
    u.biases_grow = all && !own->frozen.weights && !(has_bn ? own->frozen.affine : own->frozen.bias);
    u.bn_degree = own->degrees.bn;
    u.bn_track = own->schedule.bn_track;
    return u;
}

static void add_units(texp_comparison *c, int index)
{
    layer *base[TEXP_MOST_INNER_LAYERS], *other[TEXP_MOST_INNER_LAYERS];
    layer *l = c->base->layers + index, *m = c->other->layers + index;
    int n = texp_inner_layers(l, base);
    texp_inner_layers(m, other);
    if (!n) n = 1, base[0] = l, other[0] = m;
    c->units = realloc(c->units, (size_t)(c->n + n) * sizeof *c->units);
    for (int i = 0; i < n; ++i) c->units[c->n++] = make_unit(c, index, base[i], other[i]);
}

texp_comparison *texp_comparison_open(network *base, network *other)
{
    texp_comparison *c = calloc(1, sizeof *c);
    c->base = base;
    c->other = other;
    c->shown = -1;
    c->held = calloc((size_t)other->texp->schedule.n_tracks, sizeof *c->held);
    for (int i = 0; i < base->n; ++i) add_units(c, i);
    for (int i = c->n - 1; i >= 0; --i) {
        if (c->units[i].grows) c->shown = c->units[i].track;
    }
    return c;
}

void texp_comparison_close(texp_comparison *c)
{
    if (!c) return;
    free(c->held);
    free(c->units);
    free(c);
}

/* --- what is held at which scale --------------------------------------------------------------------------------- */

static double held_scale(const texp_comparison *c, int grows, int track)
{
    const texp_schedule *s = &c->other->texp->schedule.tracks[track].schedule;
    return grows ? (double)texp_held_scale(s->scale, s->doublings) : 1;
}

static double weights_scale(const texp_comparison *c, const unit *u)
{
    return held_scale(c, u->grows, u->track);
}

static double statistics_scale(const texp_comparison *c, const unit *u)
{
    return pow(held_scale(c, u->bn_degree > 0, u->bn_track), u->bn_degree);
}

static double shown_length(const texp_comparison *c, int of_base)
{
    double sum = 0;
    for (int i = 0; i < c->n; ++i) {
        const unit *u = c->units + i;
        if (!u->grows || u->track != c->shown) continue;
        double length = length_of((of_base ? u->base : u->other)->weights, texp_layer_weights(u->base));
        sum += length * length;
    }
    return sqrt(sum);
}

void texp_comparison_before(texp_comparison *c)
{
    for (int i = 0; i < c->other->texp->schedule.n_tracks; ++i) c->held[i] = held_scale(c, 1, i);
    for (int i = 0; i < c->n; ++i) c->units[i].eps = c->units[i].other->bn_eps;
    c->base_length = shown_length(c, 1);
    c->length = shown_length(c, 0);
}

/* --- distances ---------------------------------------------------------------------------------------------------- */

static size_t n_outputs(const layer *l)
{
    return l->output ? (size_t)l->outputs * (size_t)l->batch : 0;
}

static int is_head(const network *net, int i)
{
    return i == net->n - 1 || net->layers[i].cost;
}

static double head_apart(const texp_comparison *c, int i)
{
    const layer *a = c->other->layers + i, *b = c->base->layers + i;
    double cost = a->cost && b->cost ? values_apart(a->cost, b->cost, 1, 1) : 0;
    return largest(values_apart(a->output, b->output, 1, n_outputs(b)), cost);
}

/* What a bias is added to is as large as the layer's outputs, or normalised and scaled. */
static double bias_size(const layer *l, size_t n)
{
    size_t outputs = n_outputs(l);
    if (l->scales) return length_of(l->scales, n);
    return outputs ? length_of(l->output, outputs) * sqrt((double)n / (double)outputs) : 0;
}

static double weights_apart(const texp_comparison *c, const unit *u)
{
    return apart(u->other->weights, weights_scale(c, u), u->base->weights, texp_layer_weights(u->base), 0);
}

static double scales_apart(const texp_comparison *c, const unit *u)
{
    size_t n = u->base->scales ? texp_layer_biases(u->base) : 0;
    return apart(u->other->scales, held_scale(c, u->scales_grow, 0), u->base->scales, n, 0);
}

static double biases_apart(const texp_comparison *c, const unit *u)
{
    size_t n = texp_layer_biases(u->base);
    return apart(u->other->biases, held_scale(c, u->biases_grow, 0), u->base->biases, n, bias_size(u->base, n));
}

static size_t n_statistics(const unit *u)
{
    return u->base->rolling_mean && u->base->rolling_variance ? (size_t)u->base->out_c : 0;
}

static double means_apart(const texp_comparison *c, const unit *u)
{
    size_t n = n_statistics(u);
    double variances = 0;
    for (size_t i = 0; i < n; ++i) variances += u->base->rolling_variance[i];
    return apart(u->other->rolling_mean, statistics_scale(c, u), u->base->rolling_mean, n, sqrt(variances));
}

static double variances_apart(const texp_comparison *c, const unit *u)
{
    double scale = statistics_scale(c, u);
    return apart(u->other->rolling_variance, scale * scale, u->base->rolling_variance, n_statistics(u), 0);
}

texp_distance texp_comparison_after(texp_comparison *c)
{
    texp_distance d = {0};
    for (int i = 0; i < c->base->n; ++i) {
        if (is_head(c->base, i)) d.outputs = largest(d.outputs, head_apart(c, i));
    }
    for (int i = 0; i < c->n; ++i) {
        const unit *u = c->units + i;
        size_t n = texp_layer_weights(u->base);
        d.directions = largest(d.directions, direction_apart(u->other->weights, u->base->weights, n));
        double own = largest(weights_apart(c, u), largest(scales_apart(c, u), biases_apart(c, u)));
        d.parameters = largest(d.parameters, own);
        d.statistics = largest(d.statistics, largest(means_apart(c, u), variances_apart(c, u)));
    }
    return d;
}

double texp_distance_worst(const texp_distance *d)
{
    return largest(largest(d->outputs, d->directions), largest(d->parameters, d->statistics));
}

/* Lengths before and after, as P_k P_{k+1} eta_k is the rate: so neither run counts as ahead of the other. */
static double effective_rate(long double rate, double before, double after)
{
    return before > 0 && after > 0 ? (double)(rate / before / after) : 0;
}

texp_growth texp_comparison_growth(const texp_comparison *c)
{
    if (c->shown < 0) return (texp_growth){.ratio = 1, .scale = 1};
    const texp_track *track = c->other->texp->schedule.tracks + c->shown;
    const texp_step *step = &track->step;
    double base = shown_length(c, 1), length = shown_length(c, 0);
    /* Between the two lengths powers of two may have moved. */
    double unmoved = scalbln(length, step->next_doublings - step->doublings);
    return (texp_growth){.ratio = scalbln(length, track->schedule.doublings) / base,
                         .scale = track->schedule.scale,
                         .base_effective = effective_rate(step->base_rate, c->base_length, base),
                         .effective = effective_rate(step->held_rate, c->length, unmoved)};
}

/* --- where -------------------------------------------------------------------------------------------------------- */

typedef struct {
    char *text;
    size_t room;
} writer;

static __attribute__((format(printf, 2, 3))) void say(writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(w->text, w->room, format, args);
    va_end(args);
    size_t written = (size_t)n < w->room ? (size_t)n : w->room - 1;
    w->text += written;
    w->room -= written;
}

static void say_place(writer *w, const texp_comparison *c, int index)
{
    say(w, "layer %d [%s]: ", index, texp_layer_name(c->base->layers + index));
}

static void say_difference(writer *w, const char *what, double difference, double bound)
{
    if (isinf(difference))
        say(w, "%s not finite", what);
    else
        say(w, "%s off by %.2g of themselves, %.2g is allowed", what, difference, bound);
}

/* A normalisation whose epsilon is not P^2d times the base's. */
static void say_epsilon(writer *w, const texp_comparison *c, int index)
{
    const unit *u = NULL;
    for (int i = 0; i < c->n; ++i) {
        if (c->units[i].index == index) u = c->units + i;
    }
    if (!u || !n_statistics(u) || !u->other->texp || !u->base->texp || !u->bn_degree) return;
    double asked = pow(c->held[u->bn_track], 2 * u->bn_degree) * u->base->texp->bn.eps;
    if (fabs(u->eps / asked - 1) < 1e-9) return;
    say(w, "; its epsilon did not follow the weights: %.10g, where their scale asks for %.10g", u->eps, asked);
}

/* What comes in is a multiple of the base's where this layer wants the same. */
static void say_input(writer *w, const texp_comparison *c, int index)
{
    if (!index) return;
    const layer *a = c->other->layers + index - 1, *b = c->base->layers + index - 1;
    double factor = multiple_of(a->output, b->output, n_outputs(b));
    if (fabs(factor - 1) > 1e-9) say(w, "; its input is %.10g times the base recipe's", factor);
}

static double layer_apart(const texp_comparison *c, int i)
{
    const layer *a = c->other->layers + i, *b = c->base->layers + i;
    size_t n = n_outputs(b);
    double fitted = values_apart(a->output, b->output, multiple_of(a->output, b->output, n), n);
    return is_head(c->base, i) ? largest(fitted, head_apart(c, i)) : fitted;
}

static int locate_outputs(const texp_comparison *c, double bound, writer *w)
{
    for (int i = 0; i < c->base->n; ++i) {
        double difference = layer_apart(c, i);
        if (!(difference > bound)) continue;
        say_place(w, c, i);
        say_difference(w, "outputs", difference, bound);
        say_epsilon(w, c, i);
        if (is_head(c->base, i)) say_input(w, c, i);
        return 1;
    }
    return 0;
}

static int locate_state(const texp_comparison *c, double bound, writer *w)
{
    static const struct {
        const char *what;
        double (*apart)(const texp_comparison *c, const unit *u);
    } kinds[] = {{"rolling means", means_apart},
                 {"rolling variances", variances_apart},
                 {"weights after the update", weights_apart},
                 {"scales after the update", scales_apart},
                 {"biases after the update", biases_apart}};
    for (int i = 0; i < c->n; ++i) {
        for (size_t j = 0; j < sizeof kinds / sizeof *kinds; ++j) {
            double difference = kinds[j].apart(c, c->units + i);
            if (!(difference > bound)) continue;
            say_place(w, c, c->units[i].index);
            say_difference(w, kinds[j].what, difference, bound);
            if (j >= 2) say(w, c->units[i].grows ? " (exponential rate)" : " (base rate)");
            return 1;
        }
    }
    return 0;
}

/* Directions alone differ where weights do. */
void texp_comparison_locate(const texp_comparison *c, double bound, char *text, size_t room)
{
    writer w = {text, room};
    *text = 0;
    if (locate_outputs(c, bound, &w) || locate_state(c, bound, &w)) return;
    locate_state(c, bound / 4, &w);
}

/* --- setting the state -------------------------------------------------------------------------------------------- */

/* docs/mathematics.md section 2. Darknet's *_updates are -v times momentum and batch. */
static void rewrite(double *values, double *updates, const double *base, const double *base_updates, size_t n,
                    double scale, double s)
{
    for (size_t i = 0; i < n; ++i) {
        values[i] = scale * base[i];
        updates[i] = (base_updates[i] + s * base[i]) / scale;
    }
}

static void set_statistics(const texp_comparison *c, const unit *u)
{
    double scale = statistics_scale(c, u);
    for (size_t i = 0; i < n_statistics(u); ++i) {
        u->other->rolling_mean[i] = scale * u->base->rolling_mean[i];
        u->other->rolling_variance[i] = scale * scale * u->base->rolling_variance[i];
    }
}

static double momentum_term(const texp_comparison *c, int grows, int track)
{
    const network *net = c->other;
    return grows ? net->texp->schedule.tracks[track].schedule.s * net->momentum * net->batch * net->subdivisions : 0;
}

static void resync_unit(const texp_comparison *c, const unit *u)
{
    const layer *a = u->other, *b = u->base;
    size_t weights = texp_layer_weights(b), biases = texp_layer_biases(b);
    if (weights) {
        rewrite(a->weights, a->weight_updates, b->weights, b->weight_updates, weights, weights_scale(c, u),
                momentum_term(c, u->grows, u->track));
    }
    if (biases) {
        rewrite(a->biases, a->bias_updates, b->biases, b->bias_updates, biases, held_scale(c, u->biases_grow, 0),
                momentum_term(c, u->biases_grow, 0));
    }
    if (biases && b->scales && b->scale_updates) {
        rewrite(a->scales, a->scale_updates, b->scales, b->scale_updates, biases, held_scale(c, u->scales_grow, 0),
                momentum_term(c, u->scales_grow, 0));
    }
    set_statistics(c, u);
}

void texp_comparison_resync(texp_comparison *c)
{
    for (int i = 0; i < c->n; ++i) resync_unit(c, c->units + i);
}
