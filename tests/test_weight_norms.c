/* links: double */
/*
 * The norms of scale-invariant weights obey Theorems C.1 and C.2 of the paper, as norms=1 logs them, and are for an
 * exponential form what they are for its base.
 */
#include "support.h"

#include "net/texp_net.h"
#include "net/weight_norms.h"
#include "texp.h"

#define NET                                                                                                            \
    "[net]\nbatch=8\nchannels=3\nheight=6\nwidth=6\nseed=7\nlearning_rate=.1\ndecay=%s\n%s\nnorms=1\n"                 \
    "batchnorm_eps=1e-12\n"
#define CONV(n, more) "[convolutional]\nfilters=" #n "\nsize=3\nstride=1\npad=1\nactivation=" more "\n"
#define NORM          "[batchnorm]\n[activation]\nactivation=relu\n"

/* A residual stream of layers 0 and 6, and layer 3 between its normalisations; the last layer is outside S. */
#define BODY                                                                                                           \
    CONV(4, "linear\nbias=0")                                                                                          \
    NORM CONV(4, "linear\nbias=0")                                                                                     \
        NORM CONV(4, "linear\nbias=0") "[shortcut]\nfrom=-7\nactivation=linear\n" NORM                                 \
                                       "[avgpool]\n[connected]\noutput=4\nactivation=linear\n[softmax]\n"

static network *make(const char *decay, const char *keys)
{
    return network_of(NET BODY, decay, keys);
}

static void train(network *net, int k)
{
    set_batch(net, 1000 + k % 20);
    train_network_datum(net);
}

static texp_group_weight_norms *groups_of(network *net, int *n)
{
    return texp_weight_norms_groups(net->texp->weight_norms, n);
}

static void layers_that_scale_together_are_one_group(void **state)
{
    int n;
    (void)state;
    network *net = make(".02", "policy=constant");
    texp_group_weight_norms *g = groups_of(net, &n);
    assert_int_equal(n, 3);
    assert_string_equal(g[0].layers, "0;6");
    assert_string_equal(g[1].layers, "3");
    assert_true(g[0].invariant && g[1].invariant && !g[2].invariant);
    free_network(net);
}

/* Rounding: a dozen operations on sums of a hundred terms. The epsilon of 1e-12 beside variances of .1 and more gives
 * the gradient a part along the weights of 1e-11 of itself. */
static void assert_norms_grow_as_predicted(const char *keys)
{
    network *net = make(".02", keys);
    double largest = 0;
    int n;
    for (int k = 1; k <= 300; ++k) {
        train(net, k);
        texp_group_weight_norms *g = groups_of(net, &n);
        for (int i = 0; i < n; ++i) {
            if (!g[i].invariant) continue;
            assert_true(isfinite(g[i].norm) && isfinite(g[i].predicted_norm));
            largest = fmax(largest, fabs((double)(g[i].predicted_norm / g[i].norm) - 1));
        }
    }
    assert_below(largest, 1e-9);
    free_network(net);
}

static void norms_grow_as_theorem_c1_says(void **state)
{
    (void)state;
    assert_norms_grow_as_predicted("policy=constant");
    assert_norms_grow_as_predicted("policy=steps\nsteps=50,150\nscales=.3,2");
    assert_norms_grow_as_predicted("policy=texp++\nbase_policy=steps\nsteps=50,150\nscales=.3,2");
    assert_norms_grow_as_predicted("policy=texp\nmomentum_correction=1\nbase_policy=steps\nsteps=50,150\nscales=.3,2");
}

/* Theorem C.1 summed over T updates leaves (1+momentum) sum |D|^2 - 2 eta lambda sum |w|^2, Theorem C.2's difference,
 * and of everything else the ends: (1-momentum) [|w|^2], momentum [change of |w|^2] and momentum [|D|^2], where [x] is x
 * at the end less x at the start. That is the noise of the mean; the first shrinks with T once |w| has settled. */
static void the_equilibrium_is_that_of_theorem_c2(void **state)
{
    enum { BEFORE = 1500, UPDATES = 3000 };
    const double eta_lambda = .1 * .02, momentum = .9;
    double squares = 0, steps = 0, norm = 0, at_start = 0, change = 0, step = 0, first_change = 0, first_step = 0;
    int n;
    (void)state;
    network *net = make(".02", "policy=constant");
    for (int k = 1; k <= BEFORE + UPDATES; ++k) {
        train(net, k);
        const texp_group_weight_norms *g = groups_of(net, &n);
        double before = norm, apart = (double)g->norm - norm;
        norm = (double)g->norm;
        change = apart * (norm + before);
        /* The third side of the triangle. */
        step = apart * apart + 2 * before * norm * (1 - cos(g->angle));
        if (k == BEFORE) at_start = norm * norm, first_change = change, first_step = step;
        if (k <= BEFORE) continue;
        squares += before * before;
        steps += step;
    }
    double ends = (1 - momentum) * fabs(norm * norm - at_start) +
                  momentum * (fabs(change) + fabs(first_change) + fabs(step) + fabs(first_step));
    double noise = ends / (2 * eta_lambda * squares), ratio = (1 + momentum) * steps / (2 * eta_lambda * squares);
    print_message("mean |D|^2 is %.4f times 2 eta lambda/(1+momentum) mean |w|^2; noise %.4f\n", ratio, noise);
    assert_below(fabs(ratio - 1), noise);
    assert_below(noise, .02);
    free_network(net);
}

/* The predicted angle is that equilibrium's. */
static void the_angle_settles_at_the_predicted_one(void **state)
{
    double squares = 0, predicted = 0;
    int n;
    (void)state;
    network *net = make(".02", "policy=texp++");
    for (int k = 1; k <= 4000; ++k) {
        train(net, k);
        const texp_group_weight_norms *g = groups_of(net, &n);
        if (k > 1500) squares += g->angle * g->angle / 2500;
        predicted = g->predicted_angle;
    }
    assert_below(fabs(predicted - sqrt(2 * .1 * .02 / 1.9)), 1e-12);
    assert_below(fabs(sqrt(squares) / predicted - 1), .02);
    free_network(net);
}

/* Of two runs of the same function: rounding alone, amplified by training (test_equivalence.c: below 1e-9). */
static void an_exponential_form_turns_as_its_base_does(void **state)
{
    network *base = make(".02", "policy=constant"), *form = make(".02", "policy=texp++");
    double largest = 0, scale = 0;
    int n;
    (void)state;
    for (int k = 1; k <= 200; ++k) {
        train(base, k);
        train(form, k);
        const texp_group_weight_norms *a = groups_of(base, &n), *b = groups_of(form, &n);
        scale = (double)form->texp->schedule.tracks->schedule.scale;
        for (int i = 0; i < n; ++i) {
            double ratio = a[i].invariant ? scale : 1;
            largest = fmax(largest, fabs((double)(b[i].norm / a[i].norm) / ratio - 1));
            largest = fmax(largest, fabs((double)(b[i].rate_over_norm2 / a[i].rate_over_norm2) - 1));
            largest = fmax(largest, fabs(b[i].angle / a[i].angle - 1));
        }
    }
    assert_above(scale, 2);
    assert_below(largest, 1e-6);
    free_network(base);
    free_network(form);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_that_scale_together_are_one_group),
        cmocka_unit_test(norms_grow_as_theorem_c1_says),
        cmocka_unit_test(the_equilibrium_is_that_of_theorem_c2),
        cmocka_unit_test(the_angle_settles_at_the_predicted_one),
        cmocka_unit_test(an_exponential_form_turns_as_its_base_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
