/* links: stock+plain */
/*
 * Darknet's defects that patches mend, each shown by a network or file of stock Darknet. Every test must pass on the
 * patched build and fail on the stock one; as it may crash there, each runs in a child process.
 */
#include "support.h"

#include <sys/resource.h>

#define NET(batch, c, h, w, more) "[net]\nbatch=" #batch "\nchannels=" #c "\nheight=" #h "\nwidth=" #w "\n" more
#define CONV(n, size, stride)                                                                                          \
    "\n[convolutional]\nfilters=" #n "\nsize=" #size "\nstride=" #stride "\npad=1\nactivation=linear\n"
#define RELU "\n[activation]\nactivation=relu\n"
#define BN   "\n[batchnorm]\n"
#define COST "\n[cost]\ntype=sse\n"

/* ---- A gradient that a shortcut or route has put there. */

/* Stock Darknet does not allocate these on the CPU, which is the next defect: here the layer shall get past it. */
static void complete_batchnorm(layer *l)
{
    size_t n = (size_t)l->outputs * l->batch;
    if (l->type != BATCHNORM || l->x) return;
    l->x = calloc(n, sizeof *l->x);
    l->x_norm = calloc(n, sizeof *l->x_norm);
    l->mean_delta = calloc(l->c, sizeof *l->mean_delta);
    l->variance_delta = calloc(l->c, sizeof *l->variance_delta);
}

/* What the first layer's backward pass leaves in an input gradient that held `before`. */
static void backward_onto(network *net, const float *before, float *after)
{
    layer l = net->layers[0];
    network state = *net;
    memcpy(after, before, (size_t)l.inputs * l.batch * sizeof *after);
    fill(l.delta, (size_t)l.outputs * l.batch, 2, -1, 1);
    state.delta = after;
    l.backward(l, state);
}

static void adds_to_the_gradient(const void *body)
{
    network *net = network_of("%s%s%s", NET(2, 2, 4, 3, ""), (const char *)body, COST);
    size_t n = (size_t)net->inputs * net->batch, i;
    float *zero = calloc(n, sizeof *zero), *before = calloc(n, sizeof *before);
    float *alone = calloc(n, sizeof *alone), *both = calloc(n, sizeof *both);
    complete_batchnorm(net->layers);
    set_batch(net, 1);
    net->train = 1;
    forward_network(net);
    fill(before, n, 3, 1, 2);
    backward_onto(net, zero, alone);
    backward_onto(net, before, both);
    CHILD_CHECK(norm_of(alone, n) > 0);
    /* One rounding of a sum below 10. */
    for (i = 0; i < n; ++i) CHILD_CHECK(fabs(both[i] - (alone[i] + before[i])) < 1e-6);
}

static void activation_adds_to_the_gradient_of_its_input(void **state)
{
    (void)state;
    assert_succeeds(in_child(adds_to_the_gradient, RELU));
}

static void batchnorm_adds_to_the_gradient_of_its_input(void **state)
{
    (void)state;
    assert_succeeds(in_child(adds_to_the_gradient, BN));
}

static void convolution_1x1_adds_to_the_gradient_of_its_input(void **state)
{
    (void)state;
    assert_succeeds(in_child(adds_to_the_gradient, CONV(3, 1, 1)));
}

/* y = x + relu(x): the gradient by x is (truth - y)(1 + [x > 0]). */
static void shortcut_around_an_activation(const void *argument)
{
    network *net = network_of(NET(2, 2, 4, 3, "") CONV(2, 3, 1) RELU "\n[shortcut]\nfrom=-2\nactivation=linear\n" COST);
    layer x = net->layers[0], y = net->layers[2];
    int i, n = x.outputs * x.batch;
    (void)argument;
    set_batch(net, 1);
    net->train = 1;
    forward_network(net);
    backward_network(net);
    for (i = 0; i < n; ++i) {
        double wanted = (net->truth[i] - y.output[i]) * (1 + (x.output[i] > 0));
        CHILD_CHECK(fabs(x.delta[i] - wanted) < 1e-5);
    }
}

static void both_branches_of_a_shortcut_reach_their_source(void **state)
{
    (void)state;
    assert_succeeds(in_child(shortcut_around_an_activation, NULL));
}

/* ---- 1x1 convolutions. */

static network *identity_of_stride_2(void)
{
    network *net = network_of(NET(1, 1, 4, 6, "") CONV(1, 1, 2) COST);
    net->layers[0].weights[0] = 1;
    fill(net->input, net->inputs, 1, -1, 1);
    net->train = 1;
    forward_network(net);
    return net;
}

static void output_of_stride_2(const void *argument)
{
    network *net = identity_of_stride_2();
    int x, y;
    (void)argument;
    for (y = 0; y < 2; ++y) {
        for (x = 0; x < 3; ++x) CHILD_CHECK(net->layers[0].output[y * 3 + x] == net->input[2 * y * 6 + 2 * x]);
    }
}

static void convolution_1x1_reads_every_second_pixel_at_stride_2(void **state)
{
    (void)state;
    assert_succeeds(in_child(output_of_stride_2, NULL));
}

static void gradient_of_stride_2(const void *argument)
{
    network *net = identity_of_stride_2();
    layer l = net->layers[0];
    network at = *net;
    int x, y;
    (void)argument;
    at.delta = calloc(net->inputs, sizeof *at.delta);
    fill(l.delta, l.outputs, 2, 1, 2);
    l.backward(l, at);
    for (y = 0; y < 4; ++y) {
        for (x = 0; x < 6; ++x) {
            CHILD_CHECK(at.delta[y * 6 + x] == (x % 2 || y % 2 ? 0 : l.delta[y / 2 * 3 + x / 2]));
        }
    }
}

static void convolution_1x1_sends_the_gradient_to_every_second_pixel(void **state)
{
    (void)state;
    assert_succeeds(in_child(gradient_of_stride_2, NULL));
}

/* ---- [batchnorm] alone. */

#define BN_NET NET(4, 2, 3, 3, "learning_rate=.1\nmomentum=.9\n") BN COST

static void train_batchnorm(const void *argument)
{
    network *net = network_of(BN_NET);
    layer l = net->layers[0];
    int i;
    (void)argument;
    for (i = 0; i < 3; ++i) {
        set_batch(net, 1 + i);
        train_network_datum(net);
    }
    for (i = 0; i < l.c; ++i) CHILD_CHECK(l.scales[i] != 1 && isfinite(l.scales[i]));
    for (i = 0; i < l.c; ++i) CHILD_CHECK(l.biases[i] != 0 && isfinite(l.biases[i]));
}

static void batchnorm_alone_trains_its_scale_and_bias(void **state)
{
    (void)state;
    assert_succeeds(in_child(train_batchnorm, NULL));
}

static void save_batchnorm(const void *argument)
{
    network *saved = network_of(BN_NET), *loaded = network_of(BN_NET);
    char *file = write_file(".weights", "", 0);
    int i, n = saved->layers[0].c;
    (void)argument;
    fill(saved->layers[0].biases, n, 1, 1, 2);
    save_weights(saved, file);
    load_weights(loaded, file);
    for (i = 0; i < n; ++i) CHILD_CHECK(loaded->layers[0].biases[i] == saved->layers[0].biases[i]);
}

static void biases_of_batchnorm_alone_are_saved_and_loaded(void **state)
{
    (void)state;
    assert_succeeds(in_child(save_batchnorm, NULL));
}

static void resize_preactivation(const void *argument)
{
    network *net = network_of(NET(2, 2, 4, 3, "") CONV(2, 3, 1) BN RELU CONV(2, 3, 2) "\n[avgpool]\n" COST);
    (void)argument;
    resize_network(net, 9, 7);
    CHILD_CHECK(net->layers[2].out_w == 9 && net->layers[2].out_h == 7 && net->layers[2].out_c == 2);
    CHILD_CHECK(net->layers[3].out_w == 5 && net->layers[3].out_h == 4);
    fill(net->input, (size_t)net->inputs * net->batch, 1, -1, 1);
    network_predict(net, net->input);
    CHILD_CHECK(isfinite(net->layers[3].output[net->layers[3].outputs * net->batch - 1]));
}

static void network_of_batchnorm_and_activation_layers_is_resized(void **state)
{
    (void)state;
    assert_succeeds(in_child(resize_preactivation, NULL));
}

/* ---- Bad cfgs. */

static void parse(const void *cfg)
{
    parse_network_cfg(write_file(".cfg", cfg, strlen(cfg)));
}

static outcome parsed(const char *cfg)
{
    return in_child(parse, cfg);
}

#define GOOD_NET  NET(1, 1, 4, 4, "")
#define GOOD_BODY CONV(1, 3, 1) COST

static void garbage_in_place_of_a_number_is_refused(void **state)
{
    (void)state;
    assert_refuses(parsed(NET(1, 1, 4, 4, "learning_rate=fast\n") GOOD_BODY), ".cfg:6:", "learning_rate=fast");
    assert_refuses(parsed(NET(1, 1, 4, 4, "momentum=.9x\n") GOOD_BODY), ".cfg:6:", "momentum=.9x");
    assert_refuses(parsed(GOOD_NET "\n[convolutional]\nfilters=O\n" COST), ".cfg:8:", "filters=O");
    assert_refuses(parsed(GOOD_NET CONV(1, 3, 1) "\n[dropout]\nprobability=1/2\n" COST), ".cfg:15:", "probability=1/2");
}

static void unknown_policy_is_refused(void **state)
{
    (void)state;
    assert_refuses(parsed(NET(1, 1, 4, 4, "policy=step5\n") GOOD_BODY), ".cfg:6:", "policy=step5");
}

static void unknown_key_in_net_is_refused(void **state)
{
    (void)state;
    assert_refuses(parsed(NET(1, 1, 4, 4, "learningrate=.1\n") GOOD_BODY), ".cfg:6:", "learningrate=.1",
                   "learning_rate");
}

static void line_without_a_value_is_refused(void **state)
{
    (void)state;
    assert_refuses(parsed(GOOD_NET "momentum .9\n" GOOD_BODY), ".cfg:6:", "momentum");
    assert_refuses(parsed(GOOD_NET "\n[convolutional]\nfilters\n" COST), ".cfg:8:", "filters");
}

static void section_of_unknown_type_is_refused(void **state)
{
    (void)state;
    assert_refuses(parsed(GOOD_NET "\n[convolutionnal]\nfilters=1\n" COST), "convolutionnal");
}

static void intact_cfg_is_parsed(void)
{
    assert_succeeds(parsed(GOOD_NET GOOD_BODY));
}

/* ---- Files. */

static void parse_missing_cfg(const void *argument)
{
    (void)argument;
    parse_network_cfg("build/no-such.cfg");
}

static void read_missing_image(const void *argument)
{
    (void)argument;
    load_image_color("build/no-such.png", 0, 0);
}

static void load_missing_weights(const void *argument)
{
    network *net = network_of(GOOD_NET GOOD_BODY);
    (void)argument;
    load_weights(net, "build/no-such.weights");
}

static void missing_file_ends_in_a_failure(void **state)
{
    (void)state;
    assert_refuses(in_child(parse_missing_cfg, NULL), "no-such.cfg");
    assert_refuses(in_child(load_missing_weights, NULL), "no-such.weights");
    assert_refuses(in_child(read_missing_image, NULL), "no-such.png");
}

static void load_cut_weights(const void *file)
{
    network *net = network_of(GOOD_NET GOOD_BODY);
    CHILD_CHECK(!truncate(file, 20 + 5 * sizeof(float))); /* the header, the bias, 4 of 9 weights */
    load_weights(net, (char *)file);
}

static void weights_cut_inside_a_layer_are_refused(void **state)
{
    network *net = network_of(GOOD_NET GOOD_BODY);
    char *file = write_file(".weights", "", 0);
    (void)state;
    hush();
    save_weights(net, file);
    speak();
    assert_refuses(in_child(load_cut_weights, file), file, "layer 0");
    free_network(net);
}

static const char EARLIER[] = "what was saved before";

static void save_on_a_full_disk(const void *file)
{
    network *net = network_of(NET(1, 3, 4, 4, "") CONV(64, 3, 1) COST);
    struct rlimit limit = {1024, 1024}; /* of 7 kB */
    signal(SIGXFSZ, SIG_IGN);
    CHILD_CHECK(!setrlimit(RLIMIT_FSIZE, &limit));
    save_weights(net, (char *)file);
}

static void save_that_fails_leaves_the_file_before_it(void **state)
{
    char *file = write_file(".weights", EARLIER, sizeof EARLIER), left[64] = "";
    outcome o = in_child(save_on_a_full_disk, file);
    FILE *f = fopen(file, "rb");
    (void)state;
    assert_non_null(f);
    assert_int_equal(fread(left, 1, sizeof left, f), sizeof EARLIER);
    fclose(f);
    assert_memory_equal(left, EARLIER, sizeof EARLIER);
    assert_refuses(o, file);
}

/* ---- policy=random. */

#define RANDOM_NET NET(1, 1, 4, 4, "policy=random\nlearning_rate=1\npower=1\n") GOOD_BODY

static void draw_twice(const void *argument)
{
    network *net = network_of(RANDOM_NET);
    float first, other;
    (void)argument;
    *net->seen = 10;
    first = get_current_rate(net);
    CHILD_CHECK(first >= 0 && first < 1);
    CHILD_CHECK(get_current_rate(net) == first);
    *net->seen = 11;
    other = get_current_rate(net);
    CHILD_CHECK(other != first);
    *net->seen = 10;
    CHILD_CHECK(get_current_rate(net) == first);
}

static void random_rate_is_drawn_once_an_update(void **state)
{
    (void)state;
    assert_succeeds(in_child(draw_twice, NULL));
}

static void draw_between(const void *argument)
{
    network *net = network_of(RANDOM_NET);
    int undisturbed;
    (void)argument;
    srand(3);
    undisturbed = rand();
    srand(3);
    get_current_rate(net);
    CHILD_CHECK(rand() == undisturbed);
}

static void random_rate_leaves_other_random_numbers_alone(void **state)
{
    (void)state;
    assert_succeeds(in_child(draw_between, NULL));
}

/* ---- policy=sigmoid: rate/(1 + exp(gamma (k - step))). */

static void rate_below_the_step(const void *argument)
{
    network *net = network_of(NET(1, 1, 4, 4, "policy=sigmoid\nlearning_rate=1\ngamma=.5\nstep=10\n") GOOD_BODY);
    int k;
    (void)argument;
    for (k = 0; k <= 20; ++k) {
        *net->seen = k;
        /* A few roundings of 6e-8. */
        CHILD_CHECK(fabs(get_current_rate(net) - 1 / (1 + exp(.5 * (k - 10)))) < 1e-6);
    }
}

static void sigmoid_rate_counts_below_its_step(void **state)
{
    (void)state;
    assert_succeeds(in_child(rate_below_the_step, NULL));
}

/* ---- [local]'s workspace was counted in floats. */

static void local_layer_asks_for_the_workspace_that_it_writes(void **state)
{
    (void)state;
    network *net = network_of("[net]\nbatch=1\nheight=8\nwidth=8\nchannels=3\n[local]\nfilters=2\nsize=3\nstride=1\n"
                              "pad=1\nactivation=linear\n");
    layer l = net->layers[0];
    /* im2col's matrix: one column a place, one row a weight of a filter. */
    assert_true(l.workspace_size >= sizeof(float) * l.out_h * l.out_w * l.size * l.size * l.c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activation_adds_to_the_gradient_of_its_input),
        cmocka_unit_test(batchnorm_adds_to_the_gradient_of_its_input),
        cmocka_unit_test(convolution_1x1_adds_to_the_gradient_of_its_input),
        cmocka_unit_test(both_branches_of_a_shortcut_reach_their_source),
        cmocka_unit_test(convolution_1x1_reads_every_second_pixel_at_stride_2),
        cmocka_unit_test(convolution_1x1_sends_the_gradient_to_every_second_pixel),
        cmocka_unit_test(batchnorm_alone_trains_its_scale_and_bias),
        cmocka_unit_test(biases_of_batchnorm_alone_are_saved_and_loaded),
        cmocka_unit_test(network_of_batchnorm_and_activation_layers_is_resized),
        cmocka_unit_test(garbage_in_place_of_a_number_is_refused),
        cmocka_unit_test(unknown_policy_is_refused),
        cmocka_unit_test(unknown_key_in_net_is_refused),
        cmocka_unit_test(line_without_a_value_is_refused),
        cmocka_unit_test(section_of_unknown_type_is_refused),
        cmocka_unit_test(missing_file_ends_in_a_failure),
        cmocka_unit_test(weights_cut_inside_a_layer_are_refused),
        cmocka_unit_test(save_that_fails_leaves_the_file_before_it),
        cmocka_unit_test(random_rate_is_drawn_once_an_update),
        cmocka_unit_test(random_rate_leaves_other_random_numbers_alone),
        cmocka_unit_test(sigmoid_rate_counts_below_its_step),
        cmocka_unit_test(local_layer_asks_for_the_workspace_that_it_writes),
    };
    int failed;
    intact_cfg_is_parsed();
    failed = cmocka_run_group_tests_name("defects", tests, NULL, NULL);
#ifdef STOCK
    /* A test that passes here shows no defect: then the whole must not count as the failure that is wanted. */
    return failed == sizeof tests / sizeof *tests;
#else
    return failed;
#endif
}
