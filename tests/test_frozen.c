/* links: float double */
/* Frozen means frozen: what affine=0, fixed=1 and bias=0 name keeps its bits; everything else trains. */
#include "support.h"

#include "net/layers.h"
#include "net/texp_net.h"

#define NET  "[net]\nbatch=4\nheight=8\nwidth=8\nchannels=2\nlearning_rate=.1\nmomentum=.9\ndecay=.001\n"
#define TEXP "policy=texp++\nmax_batches=100\n"

/* Layers: 0 convolution with its own normalisation, 1 alone, 2 [batchnorm], 3 [activation], 4 pool, 5 connected. */
#define CONV_BN(keys)   "[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\nstride=1\npad=1\nactivation=relu\n" keys
#define CONV(keys)      "[convolutional]\nfilters=6\nsize=3\nstride=2\npad=1\nactivation=linear\n" keys
#define BN(keys)        "[batchnorm]\n" keys
#define CONNECTED(keys) "[connected]\noutput=3\nactivation=linear\n" keys
#define BODY(conv_bn, conv, bn, connected)                                                                             \
    CONV_BN(conv_bn)                                                                                                   \
    CONV(conv) BN(bn) "[activation]\nactivation=relu\n[avgpool]\n" CONNECTED(connected) "[softmax]\n"

typedef struct {
    float *weights, *biases, *scales, *rolling_mean;
} copy;

static float *copy_of(const float *values, size_t n)
{
    float *made = values && n ? malloc(n * sizeof *made) : NULL;
    if (made) memcpy(made, values, n * sizeof *made);
    return made;
}

static void take(const network *net, copy *copies)
{
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        size_t biases = texp_layer_biases(l);
        copies[i].weights = copy_of(l->weights, texp_layer_weights(l));
        copies[i].biases = copy_of(l->biases, biases);
        copies[i].scales = copy_of(l->scales, biases);
        copies[i].rolling_mean = copy_of(l->rolling_mean, biases);
    }
}

static void train(network *net, int updates)
{
    for (int k = 0; k < updates; ++k) {
        set_batch(net, (uint64_t)k);
        *net->seen += (size_t)(net->batch * net->subdivisions);
        net->train = 1;
        forward_network(net);
        backward_network(net);
        update_network(net);
    }
}

enum { WEIGHTS = 1, BIASES = 2, SCALES = 4, ROLLING = 8 };

/* Which arrays of a layer are no longer what they were. */
static int changed(const layer *l, const copy *before)
{
    size_t weights = texp_layer_weights(l) * sizeof(float), biases = texp_layer_biases(l) * sizeof(float);
    int bits = 0;
    if (before->weights && memcmp(before->weights, l->weights, weights)) bits |= WEIGHTS;
    if (before->biases && memcmp(before->biases, l->biases, biases)) bits |= BIASES;
    if (before->scales && memcmp(before->scales, l->scales, biases)) bits |= SCALES;
    if (before->rolling_mean && memcmp(before->rolling_mean, l->rolling_mean, biases)) bits |= ROLLING;
    return bits;
}

/* expected: of layers 0, 1, 2, 5. */
static void check(network *net, const int *expected)
{
    static const int layers[] = {0, 1, 2, 5};
    copy before[16];
    take(net, before);
    train(net, 12);
    for (int i = 0; i < 4; ++i) assert_int_equal(changed(net->layers + layers[i], before + layers[i]), expected[i]);
}
#define CHECK(net, ...) check((net), (const int[]){__VA_ARGS__})

static const char *const backends[] = {"", "backend=plain\n"};
#define FOR_BOTH_BACKENDS for (const char *const *backend = backends; backend < backends + 2; ++backend)

static void without_our_keys_everything_trains(void **state)
{
    (void)state;
    CHECK(network_of(NET BODY("", "", "", "")), WEIGHTS | BIASES | SCALES | ROLLING, WEIGHTS | BIASES,
          BIASES | SCALES | ROLLING, WEIGHTS | BIASES);
}

/* The bias of layer 1 is swallowed by the normalisation behind it, and so kept at 0 under TEXP. */
static void affine_0_of_the_net_freezes_every_scale_and_bias_of_normalisation(void **state)
{
    (void)state;
    FOR_BOTH_BACKENDS
    {
        CHECK(network_of(NET TEXP "affine=0\n%s" BODY("", "", "", ""), *backend), WEIGHTS | ROLLING, WEIGHTS, ROLLING,
              WEIGHTS | BIASES);
    }
}

static void affine_0_of_a_layer_freezes_its_own(void **state)
{
    (void)state;
    FOR_BOTH_BACKENDS
    {
        CHECK(network_of(NET "%s" BODY("affine=0\n", "", "", ""), *backend), WEIGHTS | ROLLING, WEIGHTS | BIASES,
              BIASES | SCALES | ROLLING, WEIGHTS | BIASES);
    }
}

static void affine_1_of_a_layer_excepts_it(void **state)
{
    (void)state;
    FOR_BOTH_BACKENDS
    {
        CHECK(network_of(NET "affine=0\n%s" BODY("", "", "affine=1\n", ""), *backend), WEIGHTS | ROLLING,
              WEIGHTS | BIASES, BIASES | SCALES | ROLLING, WEIGHTS | BIASES);
    }
}

static void fixed_1_freezes_weights_and_biases_and_statistics_still_follow(void **state)
{
    (void)state;
    FOR_BOTH_BACKENDS
    {
        CHECK(network_of(NET TEXP "%s" BODY("fixed=1\n", "fixed=1\n", "", "fixed=1\n"), *backend), ROLLING, 0,
              BIASES | SCALES | ROLLING, 0);
    }
}

static void bias_0_keeps_the_bias_at_0(void **state)
{
    (void)state;
    FOR_BOTH_BACKENDS
    {
        network *net = network_of(NET "batchnorm_eps=1e-5\n%s" BODY("", "bias=0\n", "", "bias=0\n"), *backend);
        CHECK(net, WEIGHTS | BIASES | SCALES | ROLLING, WEIGHTS, BIASES | SCALES | ROLLING, WEIGHTS);
        for (int i = 0; i < 6; ++i) assert_true(net->layers[1].biases[i] == 0);
    }
}

static void frozen_parameters_gather_no_momentum(void **state)
{
    (void)state;
    network *net = network_of(NET "affine=0\n" BODY("", "", "", "fixed=1\n"));
    train(net, 3);
    for (int i = 0; i < 4; ++i)
        assert_true(net->layers[0].scale_updates[i] == 0 && net->layers[0].bias_updates[i] == 0);
    for (int i = 0; i < 18; ++i) assert_true(net->layers[5].weight_updates[i] == 0);
}

/* The mean square of n normal numbers of variance v is v within 5 v sqrt(2/n), but once in two million. */
static void assert_variance(const float *values, size_t n, double variance)
{
    double squares = 0;
    for (size_t i = 0; i < n; ++i) squares += (double)values[i] * values[i];
    assert_below(fabs(squares / n - variance), 5 * variance * sqrt(2. / n));
}

static void a_fixed_layer_starts_from_a_normal_law_of_variance_1_over_inputs(void **state)
{
    (void)state;
    srand(1);
    network *net = network_of("[net]\nbatch=1\ninputs=500\n[connected]\noutput=200\nactivation=linear\nfixed=1\n"
                              "[softmax]\n");
    assert_variance(net->layers[0].weights, 100000, 1. / 500);
    /* A uniform law has no values beyond sqrt(3) deviations. */
    int beyond = 0;
    for (int i = 0; i < 100000; ++i) beyond += fabs((double)net->layers[0].weights[i]) > 2.5 / sqrt(500);
    assert_true(beyond > 800 && beyond < 1700); /* 1,242 expected */
}

static void init_std_sets_the_deviation_of_any_layer(void **state)
{
    (void)state;
    srand(1);
    network *net =
        network_of(NET "%s", "[convolutional]\nfilters=300\nsize=3\npad=1\nactivation=linear\ninit_std=.3\n"
                             "[avgpool]\n[connected]\noutput=90\nactivation=linear\ninit_std=2\n[softmax]\n");
    assert_variance(net->layers[0].weights, 300 * 18, .09);
    assert_variance(net->layers[2].weights, 300 * 90, 4);
}

static void keys_of_a_recurrent_layer_hold_for_the_layers_inside_it(void **state)
{
    (void)state;
    const char *kinds[] = {"rnn", "gru", "lstm"};
    for (int i = 0; i < 3; ++i) {
        network *net = network_of("[net]\nbatch=2\ntime_steps=3\ninputs=5\nlearning_rate=.1\naffine=0\n[%s]\noutput=4\n"
                                  "batch_normalize=1\nactivation=tanh\nfixed=%d\n[connected]\noutput=3\n"
                                  "activation=linear\n[softmax]\n",
                                  kinds[i], i != 1);
        layer *inner[TEXP_MOST_INNER_LAYERS];
        copy before[TEXP_MOST_INNER_LAYERS];
        int n = texp_inner_layers(net->layers, inner);
        assert_true(n == 3 || n == 6 || n == 8);
        for (int j = 0; j < n; ++j) {
            before[j].weights = copy_of(inner[j]->weights, texp_layer_weights(inner[j]));
            before[j].scales = copy_of(inner[j]->scales, 4);
            before[j].biases = copy_of(inner[j]->biases, 4);
            before[j].rolling_mean = NULL;
        }
        /* Gradients by hand: on the CPU Darknet has no backward pass of [gru], and that of [rnn] reads beyond its state. */
        for (int j = 0; j < n; ++j) {
            fill(inner[j]->weight_updates, texp_layer_weights(inner[j]), 1, .1, 1);
            fill(inner[j]->bias_updates, 4, 2, .1, 1);
            fill(inner[j]->scale_updates, 4, 3, .1, 1);
        }
        *net->seen += (size_t)net->batch;
        update_network(net);
        for (int j = 0; j < n; ++j) assert_int_equal(changed(inner[j], before + j), i == 1 ? WEIGHTS : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_our_keys_everything_trains),
        cmocka_unit_test(affine_0_of_the_net_freezes_every_scale_and_bias_of_normalisation),
        cmocka_unit_test(affine_0_of_a_layer_freezes_its_own),
        cmocka_unit_test(affine_1_of_a_layer_excepts_it),
        cmocka_unit_test(fixed_1_freezes_weights_and_biases_and_statistics_still_follow),
        cmocka_unit_test(bias_0_keeps_the_bias_at_0),
        cmocka_unit_test(frozen_parameters_gather_no_momentum),
        cmocka_unit_test(a_fixed_layer_starts_from_a_normal_law_of_variance_1_over_inputs),
        cmocka_unit_test(init_std_sets_the_deviation_of_any_layer),
        cmocka_unit_test(keys_of_a_recurrent_layer_hold_for_the_layers_inside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
