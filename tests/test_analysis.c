/* links: double, float */
/*
 * The analysis of Darknet's networks, held against their numbers: swallowed biases move into rolling means without a
 * change of predictions, and the probe finds what scales as degrees say, and every wrong degree.
 */
#include "support.h"

#include "net/analysis.h"
#include "net/texp_net.h"
#include "tools/probe.h"

#include "activations.h"

/* Sums of up to some hundred products, each within a unit in the last place. */
#ifdef TEXP_DOUBLE
static const double TOLERANCE = 1e-12, UNIT = 0x1p-53;
#else
static const double TOLERANCE = 1e-4, UNIT = 0x1p-24;
#endif

#define NET(keys) "[net]\nbatch=3\nchannels=3\nheight=8\nwidth=8\nseed=7\ndecay=.001\npolicy=texp++\n" keys
#define CONV(n, size, stride, activation)                                                                              \
    "[convolutional]\nfilters=" #n "\nsize=" #size "\nstride=" #stride "\npad=1\nactivation=" activation "\n"
#define BN   "[batchnorm]\n"
#define RELU "[activation]\nactivation=relu\n"
#define LAST "[connected]\noutput=4\nactivation=linear\n[softmax]\n"

static network *analysed(const char *cfg)
{
    network *net = network_of("%s", cfg);
    texp_analyse(net);
    return net;
}

/* Biases, and statistics as of some batch: what evaluation depends on. */
static void set_numbers(network *net)
{
    int i;
    for (i = 0; i < net->n; ++i) {
        layer l = net->layers[i];
        if (l.biases && l.weights) fill(l.biases, l.nbiases ? l.nbiases : l.outputs, 10 + i, -1, 1);
        if (!l.rolling_mean) continue;
        fill(l.rolling_mean, l.out_c, 100 + i, -.5, .5);
        fill(l.rolling_variance, l.out_c, 200 + i, .5, 2);
    }
}

/* ---- swallowed biases ---- */

typedef struct {
    const char *name, *cfg;
    int swallowed[3]; /* layers, then -1 */
} bias_case;

static const bias_case bias_cases[] = {
    {"directly", NET("") CONV(6, 3, 1, "linear") BN RELU LAST, {0, -1}},
    {"connected", NET("") "[connected]\noutput=9\nactivation=linear\n" BN RELU LAST, {0, -1}},
    {"deconvolution",
     NET("") "[deconvolutional]\nfilters=5\nsize=4\nstride=2\npadding=1\nactivation=linear\n" BN RELU LAST,
     {0, -1}},
    {"max_pooling", NET("") CONV(6, 3, 1, "linear") "[maxpool]\nsize=3\nstride=2\n" BN RELU LAST, {0, -1}},
    {"average_pooling", NET("") CONV(6, 3, 1, "linear") "[avgpool]\n" BN RELU LAST, {0, -1}},
    {"upsampling", NET("") CONV(6, 3, 1, "linear") "[upsample]\nstride=2\nscale=1.5\n" BN RELU LAST, {0, -1}},
    {"downsampling", NET("") CONV(6, 3, 1, "linear") "[upsample]\nstride=-2\nscale=.5\n" BN RELU LAST, {0, -1}},
    /* The sum of 6 and of 4 channels: 4 are shared, and alpha holds for these alone. */
    {"addition_of_fewer_channels",
     NET("") CONV(4, 3, 1, "linear") "[batchnorm]\n" CONV(
         6, 3, 1, "linear") "[shortcut]\nfrom=0\nalpha=.5\nbeta=2\nactivation=linear\n" BN RELU LAST,
     {0, 2, -1}},
    {"addition_of_more_channels",
     NET("") CONV(6, 3, 1, "linear") "[batchnorm]\n" CONV(
         4, 3, 1, "linear") "[shortcut]\nfrom=0\nalpha=.5\nbeta=2\nactivation=linear\n" BN RELU LAST,
     {0, 2, -1}},
    {"addition_of_a_larger_image",
     NET("") CONV(5, 3, 1, "linear") "[batchnorm]\n" CONV(
         5, 3, 2, "linear") "[shortcut]\nfrom=0\nactivation=linear\n" BN RELU LAST,
     {0, 2, -1}},
    {"concatenation",
     NET("") CONV(5, 3, 1, "linear") "[batchnorm]\n" CONV(3, 3, 1, "linear") "[route]\nlayers=2,0,1\n" BN RELU LAST,
     {-1}},
    {"concatenation_of_equal_degrees",
     NET("") CONV(5, 3, 1, "linear") "[batchnorm]\n" CONV(3, 3, 1, "linear") "[route]\nlayers=2,0,2\n" BN RELU LAST,
     {0, 2, -1}},
    {"concatenation_of_groups",
     NET("") CONV(6, 3, 1, "linear") "[route]\nlayers=0\ngroups=3\ngroup_id=1\n" BN CONV(
         4, 3, 1, "linear") "[route]\nlayers=3,0\ngroups=2\ngroup_id=1\n" BN RELU LAST,
     {0, 3, -1}},
    {"two_batchnorms",
     NET("") CONV(5, 3, 1, "linear") BN "[route]\nlayers=0\n" BN "[shortcut]\nfrom=1\nactivation=linear\n" RELU LAST,
     {0, -1}},
};
enum { BIAS_CASES = sizeof bias_cases / sizeof *bias_cases };

static int is_listed(const int *list, int i)
{
    for (; *list >= 0; ++list) {
        if (*list == i) return 1;
    }
    return 0;
}

static void absorbed_biases_leave_predictions_as_they_are(void **state)
{
    const bias_case *k = *state;
    network *net = analysed(k->cfg);
    size_t n = (size_t)net->outputs * net->batch;
    float *before = calloc(n, sizeof *before);
    int i, c;
    set_numbers(net);
    fill(net->input, (size_t)net->inputs * net->batch, 1, -1, 1);
    memcpy(before, network_predict(net, net->input), n * sizeof *before);
    texp_absorb_biases(net);
    assert_below(largest_difference(before, network_predict(net, net->input), n), TOLERANCE);
    for (i = 0; i < net->n; ++i) {
        layer l = net->layers[i];
        assert_int_equal(l.texp->degrees.swallowed_bias, is_listed(k->swallowed, i));
        for (c = 0; l.texp->degrees.swallowed_bias && c < l.out_c; ++c) assert_true(l.biases[c] == 0);
    }
    /* A second time there is nothing left to move. */
    memcpy(before, network_predict(net, net->input), n * sizeof *before);
    texp_absorb_biases(net);
    assert_true(largest_difference(before, network_predict(net, net->input), n) == 0);
    free(before);
    free_network(net);
}

/* These look alike, and are none. */
static void biases_that_count_are_not_swallowed(void **state)
{
    static const char *const cfgs[] = {
        NET("") CONV(6, 3, 1, "leaky") BN LAST,
        NET("") CONV(6, 3, 1, "linear") "[dropout]\nprobability=.5\n" BN LAST,
        NET("") CONV(8, 3, 1, "linear") "[reorg]\nstride=2\n" BN LAST,
        NET("") CONV(6, 3, 1, "linear") "[l2norm]\n" LAST,
        NET("") "[local]\nfilters=4\nsize=3\nstride=1\npad=1\nactivation=linear\n" BN LAST,
        /* Every other pixel gets the bias. */
        NET("") CONV(5, 3, 1, "linear") BN CONV(5, 3, 2, "linear") BN "[route]\nlayers=0\n"
                                                                      "[shortcut]\nfrom=2\nactivation=linear\n" BN LAST,
        NET("") CONV(5, 3, 1, "linear") BN CONV(5, 3, 1, "linear") "[shortcut]\nfrom=0\nactivation=relu\n" BN LAST,
    };
    size_t k;
    int i;
    (void)state;
    for (k = 0; k < sizeof cfgs / sizeof *cfgs; ++k) {
        network *net = analysed(cfgs[k]);
        for (i = 0; i < net->n; ++i) assert_false(net->layers[i].texp->degrees.swallowed_bias);
        assert_true(texp_probe(net).passed);
        free_network(net);
    }
}

/* ---- the probe ---- */

#define PRERESNET(keys, projection, last)                                                                              \
    NET(keys)                                                                                                          \
    CONV(4, 3, 1, "linear\nbias=0")                                                                                    \
    BN RELU CONV(6, 3, 2, "linear") BN RELU CONV(6, 3, 1, "linear") "[route]\nlayers=-7\n" projection CONV(            \
        6, 1, 2, "linear") "[shortcut]\nfrom=-" last "\nactivation=linear\n" BN RELU "[avgpool]\n"

static const struct {
    const char *name, *cfg;
    int growing;
} probes[] = {
    {"preresnet", PRERESNET("", BN, "4") LAST, 4},
    {"preresnet_unnormalised", PRERESNET("", "", "3") LAST, 3},
    {"preresnet_exact_epsilon", PRERESNET("batchnorm_eps=1e-2\n", BN, "4") LAST, 4},
    {"plain_backend", PRERESNET("backend=plain\n", BN, "4") LAST, 4},
    {"all_of_the_papers_network",
     PRERESNET("texp_layers=all\naffine=0\n", BN, "4") "[connected]\noutput=4\nactivation=linear\nfixed=1\n[softmax]\n",
     4},
    {"all_with_affine",
     NET("texp_layers=all\n") CONV(6, 3, 1, "linear")
         BN RELU CONV(4, 3, 1, "relu\nbatch_normalize=1") "[avgpool]\n[connected]\noutput=4\nactivation=linear\n["
                                                          "batchnorm]\naffine=0\n[softmax]\n",
     3},
    {"every_kind_of_layer",
     NET("") CONV(8, 3, 1, "ramp\nbatch_normalize=1") "[reorg]\nstride=2\n[dropout]\nprobability=.3\n" CONV(
         5, 3, 1, "relie\nbias=0")
         CONV(5, 3, 1, "linear") "[upsample]\nstride=2\n[maxpool]\nsize=2\nstride=1\n" BN
                                 "[deconvolutional]\nfilters=4\nsize=2\nstride=2\nbatch_normalize=1\nactivation=leaky\n"
                                 "[connected]\noutput=9\nbias=0\nactivation=leaky\n[l2norm]\n[normalization]\n" LAST,
     5},
    {"curves",
     NET("") CONV(6, 3, 1, "mish\nbatch_normalize=1") CONV(5, 3, 1, "swish") CONV(4, 3, 1, "linear") BN
     "[activation]\nactivation=mish\n" LAST,
     2},
    {"groups_of_a_route",
     NET("") CONV(6, 3, 1, "linear") "[route]\nlayers=0\ngroups=2\ngroup_id=1\n" BN RELU CONV(
         4, 3, 1, "linear") "[route]\nlayers=4,0\ngroups=2\n" BN LAST,
     2},
    {"a_group_of_several_degrees",
     NET("") CONV(4, 3, 1, "relu\nbias=0") CONV(4, 3, 1, "relu\nbias=0") CONV(4, 3, 1, "linear") BN LAST, 3},
    {"nothing", NET("") CONV(4, 3, 1, "relu") LAST, 0},
};
enum { PROBES = sizeof probes / sizeof *probes };

static void scaled_layers_leave_the_outputs(void **state)
{
    const char *cfg = probes[(size_t)*state].cfg;
    network *net = analysed(cfg);
    texp_probe_result r;
    assert_int_equal(net->texp->counts.growing, probes[(size_t)*state].growing);
    r = texp_probe(net);
    assert_int_equal(r.scaled, probes[(size_t)*state].growing);
    assert_below(r.difference, r.allowed);
    /* A unit of all that is scaled moves the outputs of ten layers by some twenty, of which sixteen times are allowed. */
    assert_below(r.allowed, 16 * 100 * UNIT);
    assert_true(r.passed);
    free_network(net);
}

/* Each layer with weights that is not in S, put into it. */
static void a_layer_too_many_fails_the_probe(void **state)
{
    static const char *const cfgs[] = {PRERESNET("", BN, "4") LAST, PRERESNET("", "", "3") LAST,
                                       NET("") CONV(4, 3, 1, "relu") CONV(4, 3, 1, "relu") LAST,
                                       NET("") CONV(4, 3, 1, "mish") CONV(4, 3, 1, "swish") LAST};
    size_t k;
    int i, forced = 0;
    (void)state;
    for (k = 0; k < sizeof cfgs / sizeof *cfgs; ++k) {
        network *net = analysed(cfgs[k]);
        int n = net->n;
        for (i = 0; i < n; ++i) {
            if (net->layers[i].weights && !net->layers[i].texp->degrees.growing) {
                net->layers[i].texp->degrees.growing = 1;
                assert_false(texp_probe(net).passed);
                ++forced;
            }
            free_network(net);
            net = analysed(cfgs[k]);
        }
        free_network(net);
    }
    assert_int_equal(forced, 1 + 2 + 3 + 3);
}

static void a_wrong_degree_fails_the_probe(void **state)
{
    const char *cfg = PRERESNET("batchnorm_eps=1e-2\n", BN, "4") LAST;
    network *net = analysed(cfg);
    int i, n = net->n, wrong = 0;
    (void)state;
    for (i = 0; i < n; ++i) {
        if (net->layers[i].texp->degrees.bn) {
            ++net->layers[i].texp->degrees.bn;
            assert_false(texp_probe(net).passed);
            ++wrong;
        }
        free_network(net);
        net = analysed(cfg);
    }
    assert_int_equal(wrong, 4);
    free_network(net);
}

static void a_bias_left_in_place_fails_the_probe(void **state)
{
    network *net = analysed(NET("") CONV(6, 3, 1, "linear") BN LAST);
    (void)state;
    assert_true(net->layers[0].texp->degrees.swallowed_bias);
    net->layers[0].texp->degrees.swallowed_bias = 0;
    assert_false(texp_probe(net).passed);
    free_network(net);
}

/* Darknet's activate() tells whether f(2x) = 2f(x); a convolution in front of it grows where it is so. */
static void activations_keep_the_degree_where_they_are_homogeneous(void **state)
{
    (void)state;
    for (ACTIVATION a = LOGISTIC; a <= SELU; ++a) {
        int is_homogeneous = 1;
        for (float x = -3.1f; x < 4; x += .3f) is_homogeneous &= fabsf(activate(2 * x, a) - 2 * activate(x, a)) < 1e-4f;
        network *net = network_of(NET("") "[convolutional]\nfilters=4\nsize=3\npad=1\nbias=0\nactivation=%s\n" BN LAST,
                                  get_activation_string(a));
        assert_int_equal(net->layers[0].activation, a);
        if (net->layers[0].texp->degrees.growing != is_homogeneous) fail_msg("%s", get_activation_string(a));
        free_network(net);
    }
}

/* ---- what is written into the network ---- */

static void layers_know_degrees_and_groups(void **state)
{
    network *net = analysed(PRERESNET("", BN, "4") LAST);
    /*                     conv  bn  relu conv  bn  relu conv route bn  conv add  bn  relu avg fc softmax */
    const int in[] = {0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0};
    const int out[] = {1, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0};
    const int group[] = {0, -1, -1, 1, -1, -1, 2, -1, -1, 2, -1, -1, -1, -1, -1, -1};
    const int bn_group[] = {-1, 0, -1, -1, 1, -1, -1, -1, 0, -1, -1, 2, -1, -1, -1, -1};
    int i;
    (void)state;
    assert_int_equal(net->n, 16);
    for (i = 0; i < net->n; ++i) {
        const texp_layer *own = net->layers[i].texp;
        assert_int_equal(own->degrees.in, in[i]);
        assert_int_equal(own->degrees.out, out[i]);
        assert_int_equal(own->degrees.group, group[i]);
        assert_int_equal(own->degrees.bn_group, bn_group[i]);
        assert_int_equal(own->degrees.bn, bn_group[i] >= 0);
    }
    assert_int_equal(net->texp->counts.growing, 4);
    assert_int_equal(net->texp->counts.base, 1);
    assert_int_equal(net->texp->counts.fixed, 0);
    assert_int_equal(net->texp->counts.weighted, 5);
    assert_int_equal(net->texp->counts.invariant, 0);
    free_network(net);
}

static void keep_first_line(void *to, int index, const char *line)
{
    (void)index;
    if (!*(char *)to) snprintf(to, 256, "%s", line);
}

static void curves_stand_in_the_way_by_their_names(void **state)
{
    static const char *const curves[] = {"mish", "swish"};
    (void)state;
    for (size_t i = 0; i < sizeof curves / sizeof *curves; ++i) {
        char line[256] = "", expected[64];
        network *net = network_of(NET("") "[convolutional]\nfilters=4\nactivation=%s\nbias=0\n" BN
                                          "[connected]\noutput=4\nactivation=linear\nfixed=1\n[softmax]\n",
                                  curves[i]);
        snprintf(expected, sizeof expected, "applies %s, which is not homogeneous", curves[i]);
        assert_int_equal(net->texp->counts.growing, 0);
        assert_true(texp_obstacles(net, keep_first_line, line) > 0);
        assert_non_null(strstr(line, expected));
        free_network(net);
    }
}

static void a_recurrent_layer_counts_once(void **state)
{
    network *net = network_of("[net]\nbatch=2\ninputs=6\n[gru]\noutput=5\n[gru]\noutput=5\nfixed=1\n" LAST);
    (void)state;
    texp_analyse(net);
    assert_int_equal(net->texp->counts.weighted, 3);
    assert_int_equal(net->texp->counts.fixed, 1);
    assert_int_equal(net->texp->counts.base, 2);
    assert_int_equal(texp_rate_of(net->layers), TEXP_RATE_BASE);
    assert_int_equal(texp_rate_of(net->layers + 1), TEXP_RATE_FIXED);
    assert_int_equal(texp_rate_of(net->layers + 3), TEXP_RATE_NONE);
    free_network(net);
}

static struct CMUnitTest tests[64];
static size_t n_tests;

static void add_test(CMUnitTestFunction body, const char *name, const char *of, const void *state)
{
    char *full;
    if (asprintf(&full, of ? "%s:%s" : "%s", name, of) < 0) exit(99);
    tests[n_tests++] = (struct CMUnitTest){full, body, NULL, NULL, (void *)state};
}
#define ADD(test) add_test(test, #test, NULL, NULL)

int main(void)
{
    size_t i;
#ifdef _OPENMP
    omp_set_num_threads(1);
#endif
    for (i = 0; i < BIAS_CASES; ++i) {
        add_test(absorbed_biases_leave_predictions_as_they_are, "absorbed_biases_leave_predictions_as_they_are",
                 bias_cases[i].name, bias_cases + i);
    }
    ADD(biases_that_count_are_not_swallowed);
    for (i = 0; i < PROBES; ++i) {
        add_test(scaled_layers_leave_the_outputs, "scaled_layers_leave_the_outputs", probes[i].name, (void *)i);
    }
    ADD(a_layer_too_many_fails_the_probe);
    ADD(a_wrong_degree_fails_the_probe);
    ADD(a_bias_left_in_place_fails_the_probe);
    ADD(activations_keep_the_degree_where_they_are_homogeneous);
    ADD(layers_know_degrees_and_groups);
    ADD(curves_stand_in_the_way_by_their_names);
    ADD(a_recurrent_layer_counts_once);
    return _cmocka_run_group_tests("analysis", tests, n_tests, NULL, NULL);
}
