/* links: double, float */
/*
 * Powers of two move between weights, momentum, statistics and rate without a trace: a run in which they do is, after
 * undoing the scale, bit for bit the run in which they never do.
 */
#include "support.h"

#include "net/layers.h"
#include "net/texp_net.h"
#include "net/update.h"
#include "texp.h"

enum { UPDATES = 500 };

#define NET                                                                                                            \
    "[net]\nbatch=4\nchannels=3\nheight=8\nwidth=8\nseed=7\npolicy=texp%s\nbase_policy=steps\nsteps=100,300\n"         \
    "scales=.5,.5\n%s\n"
#define CONV(n, more) "[convolutional]\nfilters=" #n "\nsize=3\nstride=1\npad=1\nactivation=" more "\n"
#define NORM          "[batchnorm]\n[activation]\nactivation=relu\n"
#define END           "[avgpool]\n[connected]\noutput=4\nactivation=linear\n%s\n[softmax]\n"

/* Two convolutions in a row give a degree of 2; the layers without normalisation are not in S. */
#define TWO_IN_A_ROW                                                                                                   \
    CONV(4, "linear\nbias=0")                                                                                          \
    NORM CONV(4, "linear\nbias=0") CONV(4, "leaky\nbias=0") NORM CONV(6, "relu\nbatch_normalize=1")
/* The last of them adds to the one before: one leaves S. The first one's bias is swallowed. */
#define AN_ADDITION                                                                                                    \
    CONV(4, "linear")                                                                                                  \
    NORM CONV(4, "linear\nbias=0")                                                                                     \
        CONV(4, "leaky\nbias=0") "[shortcut]\nfrom=-2\nactivation=linear\n" NORM CONV(6, "relu\nbatch_normalize=1")

typedef struct {
    const char *name, *form, *keys, *body, *last;
} range_case;

static const range_case cases[] = {
    {"texp++", "++", "batchnorm_eps=1e-3\nlearning_rate=.1\ndecay=.02", TWO_IN_A_ROW, ""},
    {"texp++_darknets_formula", "++", "learning_rate=.1\ndecay=.02", AN_ADDITION, ""},
    {"texp_corrected", "", "momentum_correction=1\nlearning_rate=.1\ndecay=.02", TWO_IN_A_ROW, ""},
    {"texp", "", "learning_rate=.1\ndecay=.02", AN_ADDITION, ""},
    {"texp--", "--", "learning_rate=.1\ndecay=.02", TWO_IN_A_ROW, ""},
    {"plain_backend", "++", "backend=plain\nlearning_rate=.1\ndecay=.02", AN_ADDITION, ""},
    {"all_layers", "++", "texp_layers=all\naffine=0\nlearning_rate=.1\ndecay=.02", TWO_IN_A_ROW, "fixed=1"},
};
enum { CASES = sizeof cases / sizeof *cases };

static network *make(const range_case *c, const char *more)
{
    char keys[256];
    snprintf(keys, sizeof keys, "%s\n%s", c->keys, more);
    return network_of(NET "%s" END, c->form, keys, c->body, c->last);
}

/* What was held at scale 2^-n of the other. */
static void assert_same_bits(const float *held, const float *free, size_t n, int exponent)
{
    for (size_t i = 0; i < n; ++i) {
        if (scalbn(held[i], exponent) == (double)free[i]) continue;
        print_error("value %zu: %.17g times 2^%d is not %.17g\n", i, (double)held[i], exponent, (double)free[i]);
        fail();
    }
}

static void assert_same_layer(const layer *a, const layer *b, int n)
{
    int m = a->texp->degrees.growing ? n : 0;
    assert_same_bits(a->weights, b->weights, texp_layer_weights(a), m);
    assert_same_bits(a->weight_updates, b->weight_updates, texp_layer_weights(a), -m);
    assert_same_bits(a->biases, b->biases, texp_layer_biases(a), 0);
    assert_same_bits(a->bias_updates, b->bias_updates, texp_layer_biases(a), 0);
    if (!a->rolling_mean) return;
    assert_same_bits(a->rolling_mean, b->rolling_mean, a->out_c, n * a->texp->degrees.bn);
    assert_same_bits(a->rolling_variance, b->rolling_variance, a->out_c, 2 * n * a->texp->degrees.bn);
}

static void assert_same_run(network *held, network *free)
{
    long n = held->texp->schedule.tracks->schedule.doublings - free->texp->schedule.tracks->schedule.doublings;
    assert_memory_equal(held->output, free->output, free->outputs * free->batch * sizeof *free->output);
    assert_true(*held->cost == *free->cost);
    for (int i = 0; i < held->n; ++i) assert_same_layer(held->layers + i, free->layers + i, (int)n);
}

static void train(network *net, int k)
{
    set_batch(net, 1000 + k);
    train_network_datum(net);
}

/* Moves up and down by up to 2^3 before every update; the update's own rule moves back. */
static void moves_before_every_update_leave_no_trace(void **state)
{
    network *held = make(*state, ""), *free = make(*state, "rescale=0");
    int moves = 0;
    for (int k = 1; k <= UPDATES; ++k) {
        int n = (int)(random_bits(5, k) % 7) - 3;
        texp_move_scale(held, 0, n);
        moves += n != 0;
        train(held, k);
        train(free, k);
        assert_same_run(held, free);
    }
    assert_true(moves > 300);
    assert_int_equal(free->texp->schedule.tracks->schedule.doublings, 0);
    assert_true(held->texp->schedule.tracks->schedule.doublings >= 1);
    free_network(held);
    free_network(free);
}

#ifdef TEXP_DOUBLE
/* Without momentum eta*lambda may be near 1: the weights grow by two thirds an update, by 2^368 in all. */
static void a_run_that_doubles_hundreds_of_times_leaves_no_trace(void **state)
{
    (void)state;
    const range_case fast = {"", "++", "momentum=0\nlearning_rate=.2\ndecay=2", TWO_IN_A_ROW, ""};
    network *held = make(&fast, ""), *free = make(&fast, "rescale=0");
    long moves = 0, before = 0;
    for (int k = 1; k <= UPDATES; ++k) {
        train(held, k);
        train(free, k);
        assert_same_run(held, free);
        moves += held->texp->schedule.tracks->schedule.doublings != before;
        before = held->texp->schedule.tracks->schedule.doublings;
    }
    assert_true(moves > 100 && before > 100);
    assert_true(isfinite(*free->cost));
    free_network(held);
    free_network(free);
}
#endif

/* Where float ends at some 2^60 of growth, weights that are held near 1 train on. */
static void growth_beyond_the_range_of_float_goes_on(void **state)
{
    (void)state;
    const range_case fast = {"", "++", "momentum=0\nlearning_rate=.2\ndecay=2", TWO_IN_A_ROW, ""};
    network *held = make(&fast, "");
    for (int k = 1; k <= UPDATES; ++k) train(held, k);
    assert_true(held->texp->schedule.tracks->step.rate > 1e60L);
    for (int i = 0; i < held->n; ++i) {
        const layer *l = held->layers + i;
        double norm = norm_of(l->weights, texp_layer_weights(l));
        assert_true(isfinite(norm) && norm < 1e6);
    }
    assert_true(isfinite(*held->cost));
    free_network(held);
}

int main(void)
{
    static struct CMUnitTest tests[CASES + 2];
    size_t n = 0;
#ifdef _OPENMP
    omp_set_num_threads(1);
#endif
    for (int i = 0; i < CASES; ++i) {
        char *name;
        if (asprintf(&name, "moves_before_every_update_leave_no_trace:%s", cases[i].name) < 0) exit(99);
        tests[n++] =
            (struct CMUnitTest){name, moves_before_every_update_leave_no_trace, NULL, NULL, (void *)(cases + i)};
    }
#ifdef TEXP_DOUBLE
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_run_that_doubles_hundreds_of_times_leaves_no_trace);
#endif
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(growth_beyond_the_range_of_float_goes_on);
    return _cmocka_run_group_tests("range", tests, n, NULL, NULL);
}
