/* links: float */
/*
 * Darknet's own cfgs on both backends: the same outputs and gradients; the same again to the bit; and by the convolutions
 * of a processor without AVX-512, in a process of its own (--avx2).
 */
#include "support.h"

#include "cfg/net_keys.h"
#include "cpu/run.h"
#include "cpu/plan.h"
#include "net/layer_traits.h"
#include "net/texp_net.h"

#include "option_list.h"

typedef struct {
    const char *name;
    int side; /* of its images here; 0: its own */
    int batch;
} cfg_case;

static const cfg_case cfgs[] = {
    {"resnet50", 64, 3}, {"darknet19", 64, 3}, {"yolov3-tiny", 96, 2}, {"densenet201", 64, 3}, {"alexnet", 0, 2},
};
enum { CFGS = sizeof cfgs / sizeof *cfgs };

/* --- networks ------------------------------------------------------------------------------------------------------- */

static const cfg_case *wanted;
static const char *wanted_backend, *wanted_precision;

static void set_key(list *options, const char *key, const char *value)
{
    for (node *n = options->front; n; n = n->next) {
        kvp *pair = n->val;
        if (strcmp(pair->key, key)) continue;
        pair->val = (char *)value;
        return;
    }
    option_insert(options, strdup(key), (char *)value);
}

static void set_keys(list *options)
{
    static char side[16], batch[16];
    snprintf(side, sizeof side, "%d", wanted->side);
    snprintf(batch, sizeof batch, "%d", wanted->batch);
    set_key(options, "batch", batch);
    set_key(options, "subdivisions", "1");
    if (wanted->side) {
        set_key(options, "height", side);
        set_key(options, "width", side);
    }
    set_key(options, "backend", wanted_backend);
    set_key(options, "precision", wanted_precision);
}

static size_t weights_of(const layer *l)
{
    if (!l->weights || !l->weight_updates) return 0;
    return l->type == CONNECTED ? (size_t)l->inputs * l->outputs : (size_t)l->nweights;
}

static network *make_network(const cfg_case *c, const char *backend, const char *precision)
{
    char file[256];
    snprintf(file, sizeof file, "build/darknet/cfg/%s.cfg", c->name);
    wanted = c;
    wanted_backend = backend;
    wanted_precision = precision;
    hush();
    srand(3);
    texp_change_net_keys = set_keys;
    network *net = parse_network_cfg(file);
    texp_change_net_keys = NULL;
    speak();
    fill(net->input, (size_t)net->inputs * net->batch, 1, -1, 1);
    for (int b = 0; net->truth && b < net->batch && net->truths; ++b)
        net->truth[(size_t)b * net->truths + b] = b ? 1 : 0;
    return net;
}

static void one_pass(network *net)
{
    srand(4); /* [dropout] and [crop] */
    *net->seen = (size_t)net->batch;
    net->train = 1;
    hush();
    forward_network(net);
    backward_network(net);
    speak();
}

/* --- distances ------------------------------------------------------------------------------------------------------ */

typedef struct {
    double output, gradient; /* relative, in the 2-norm */
} distances;

static double apart(const float *a, const float *b, size_t n, double *length)
{
    double sum = 0;
    for (size_t i = 0; i < n; ++i) {
        sum += (a[i] - (double)b[i]) * (a[i] - (double)b[i]);
        *length += (double)b[i] * b[i];
    }
    return sum;
}

static distances distances_of(const network *p, const network *q)
{
    double outputs = 0, output_length = 0, gradients = 0, gradient_length = 0;
    for (int i = 0; i < p->n; ++i) {
        const layer *a = p->layers + i, *b = q->layers + i;
        if (a->type == YOLO || a->type == SOFTMAX)
            outputs += apart(a->output, b->output, (size_t)a->outputs * a->batch, &output_length);
        if (weights_of(a)) gradients += apart(a->weight_updates, b->weight_updates, weights_of(a), &gradient_length);
    }
    assert_true(output_length > 0 && gradient_length > 0);
    return (distances){sqrt(outputs / output_length), sqrt(gradients / gradient_length)};
}

/* What moving every weight of the plain network by `units` in the last place does, half of them up and half down; `pushed`
 * is another of the same cfg. */
static distances distances_of_a_push(network *pushed, const network *plain, uint64_t pattern, float units)
{
    for (int i = 0; i < pushed->n; ++i) {
        const layer *l = pushed->layers + i;
        for (size_t j = 0; j < weights_of(l); ++j) {
            const float share = units * 0x1p-23f * (random_bits(pattern << 32 | (uint64_t)i, j) & 1 ? 1 : -1);
            l->weights[j] = plain->layers[i].weights[j] * (1 + share);
            l->weight_updates[j] = 0;
        }
    }
    one_pass(pushed);
    return distances_of(pushed, plain);
}

/*
 * What rounding may change: as much as pushing every weight by 32 units does. That moves outputs by some eight times what
 * rounding alone does (a push of one unit, which rounds everything anew, moves darknet19's by 9e-6, one of 32 by 7e-5),
 * and a pass back adds rounding in each product where a push adds it once: as in test_gradients.c, eightfold.
 *
 * In networks of this size rounding also takes some rectifiers and maxima across their kinks, which puts the gradient off
 * by up to some 1e-2. A push moves each value by eight times what rounding does, and the opposite push the other way:
 * where rounding takes a value across its kink, one of the two does, unless this push hardly moves it. Of two random
 * numbers that of the eightfold deviation is the smaller with probability 2/pi atan(1/8) = .08; for two pushes, .006.
 */
static distances allowed_by_rounding(const cfg_case *c, const network *plain)
{
    network *pushed = make_network(c, "plain", "float32");
    distances most = {0, 0};
    for (int k = 0; k < 4; ++k) {
        distances d = distances_of_a_push(pushed, plain, 1 + k / 2, k % 2 ? -32 : 32);
        most = (distances){fmax(most.output, d.output), fmax(most.gradient, d.gradient)};
    }
    free_network(pushed);
    return most;
}

/* --- tests ---------------------------------------------------------------------------------------------------------- */

/* A fault in a layer's gradient moves that of the network by more than a twentieth. */
static int is_near(const cfg_case *c, const network *plain, distances most)
{
    network *fast = make_network(c, "auto", "float32");
    one_pass(fast);
    distances d = distances_of(fast, plain);
    int all_fast = fast->texp->cpu.went_fast && !plain->texp->cpu.went_fast;
    free_network(fast);
    print_message("%s: output %.1e of %.1e, gradient %.1e of %.1e\n", c->name, d.output, most.output, d.gradient,
                  most.gradient);
    return all_fast && d.output < fmin(most.output, 1e-3) && d.gradient < fmin(most.gradient, 5e-2);
}

static network *plain_pass(const cfg_case *c)
{
    network *plain = make_network(c, "plain", "float32");
    one_pass(plain);
    return plain;
}

static int is_the_same(const cfg_case *c)
{
    network *plain = plain_pass(c);
    int is_same = is_near(c, plain, allowed_by_rounding(c, plain));
    free_network(plain);
    return is_same;
}

static void stock_cfgs_give_the_same_on_both_backends(void **state)
{
    assert_true(is_the_same(*state));
}

static void train(network *net)
{
    net->learning_rate = net->texp->schedule.parsed_rate = .001;
    net->burn_in = 0;
    for (int i = 0; i < 3; ++i) {
        srand(5 + i);
        hush();
        train_network_datum(net);
        speak();
    }
}

static void runs_repeat_to_the_bit(void **state)
{
    const char *precision = *state;
    const cfg_case c = {"darknet19", 64, 6};
    network *nets[] = {make_network(&c, "auto", precision), make_network(&c, "auto", precision)};
    for (int k = 0; k < 2; ++k) train(nets[k]);
    for (int i = 0; i < nets[0]->n; ++i) {
        const layer *a = nets[0]->layers + i, *b = nets[1]->layers + i;
        size_t n = weights_of(a);
        if (n) assert_memory_equal(a->weights, b->weights, n * sizeof *a->weights);
        if (n) assert_true(isfinite(a->weights[n / 2]));
    }
    for (int k = 0; k < 2; ++k) free_network(nets[k]);
}

#ifdef _OPENMP
/* Sums of gradients are split among threads, and with fewer images than threads convolutions are: no more than that. Of
 * 3 images 4 threads are few enough to take whole images, 8 share each. */
static void threads_change_rounding_alone(void **state)
{
    (void)state;
    const cfg_case c = {"darknet19", 64, 3};
    const int before = omp_get_max_threads(), threads[] = {1, 2, 4, 8};
    network *plain = plain_pass(&c);
    const distances most = allowed_by_rounding(&c, plain);
    for (size_t k = 0; k < sizeof threads / sizeof *threads; ++k) {
        omp_set_num_threads(threads[k]);
        assert_true(is_near(&c, plain, most));
    }
    free_network(plain);
    omp_set_num_threads(before);
}
#endif

/* Darknet's loops give each row of a product to one thread, and batch normalisation each channel. */
static void plain_results_do_not_depend_on_threads(void **state)
{
    (void)state;
#ifdef _OPENMP
    const cfg_case c = {"darknet19", 64, 3};
    network *nets[] = {make_network(&c, "plain", "float32"), make_network(&c, "plain", "float32")};
    const int before = omp_get_max_threads();
    for (int k = 0; k < 2; ++k) {
        omp_set_num_threads(k ? 4 : 1);
        one_pass(nets[k]);
    }
    omp_set_num_threads(before);
    for (int i = 0; i < nets[0]->n; ++i) {
        const layer *a = nets[0]->layers + i, *b = nets[1]->layers + i;
        assert_memory_equal(a->output, b->output, (size_t)a->outputs * a->batch * sizeof *a->output);
        if (weights_of(a)) assert_memory_equal(a->weight_updates, b->weight_updates, weights_of(a) * sizeof(float));
    }
    for (int k = 0; k < 2; ++k) free_network(nets[k]);
#else
    skip();
#endif
}

/*
 * Rounding to 8 bits moves an activation by 2^-9 of itself at most. The output of a network of 19 layers by less than
 * the sum of 19, as relative errors of one layer reach the next unmagnified but for its normalisation's part. A gradient closer than .7 of its length to float's points less than 45
 * degrees (asin .7) away from it: training goes downhill as before.
 */
static void bf16_is_near_float(void **state)
{
    (void)state;
    const cfg_case c = {"darknet19", 64, 6};
    network *whole = make_network(&c, "auto", "float32"), *half = make_network(&c, "auto", "bf16");
    one_pass(whole);
    one_pass(half);
    distances d = distances_of(half, whole);
    assert_below(d.output, 19 * 0x1p-9 * 4);
    assert_above(d.output, 0x1p-16); /* it is another precision */
    assert_below(d.gradient, .7);
    free_network(whole);
    free_network(half);
}

/*
 * Of layers that add and multiply alone, convolutions by the Winograd algorithm, of other sizes, strides and groups, and a
 * connected one. A rounding to bfloat16 moves a tensor by 2^-9 of its length at most, and the next linear layer passes
 * that on as the same part of its own length, as the signs of what was rounded are those of chance. On the way to a weight
 * gradient at most these are rounded: weights and output of each layer before it; weights and delta of each layer behind
 * it, twice, as the loss depends on the outputs; both factors of its own product, and by the Winograd algorithm both of
 * them transformed. Together 2*2*(layers) + 4.
 */
static void bf16_weight_gradients_are_floats_but_for_rounding(void **state)
{
    (void)state;
    network *nets[2];
    for (int k = 0; k < 2; ++k) {
        srand(7);
        nets[k] = network_of("[net]\nbatch=6\nheight=16\nwidth=18\nchannels=16\nbackend=auto\nprecision=%s\n"
                             "[convolutional]\nfilters=32\nsize=3\npad=1\nactivation=linear\n"
                             "[convolutional]\nfilters=32\nsize=3\nstride=2\npad=1\nactivation=linear\n"
                             "[convolutional]\nfilters=48\nsize=1\nactivation=linear\n"
                             "[convolutional]\nfilters=32\nsize=3\npad=1\nactivation=linear\n"
                             "[convolutional]\nfilters=32\nsize=3\npad=1\ngroups=2\nactivation=linear\n"
                             "[connected]\noutput=10\nactivation=linear\n"
                             "[softmax]\n",
                             k ? "bf16" : "float32");
        set_batch(nets[k], 3);
        one_pass(nets[k]);
        assert_true(nets[k]->texp->cpu.went_fast);
    }
    enum { LAYERS = 6 };
    for (int i = 0; i < LAYERS; ++i) {
        const layer *whole = nets[0]->layers + i, *half = nets[1]->layers + i;
        double length = 0;
        const double d = sqrt(apart(half->weight_updates, whole->weight_updates, weights_of(whole), &length) / length);
        print_message("layer %d: %.2e\n", i, d);
        assert_below(d, (4 * LAYERS + 4) * 0x1p-9);
        assert_above(d, 0x1p-16); /* it is another precision */
    }
    for (int k = 0; k < 2; ++k) free_network(nets[k]);
}

/* --- layers that nobody has thought of ------------------------------------------------------------------------------ */

static void run_with_type(const void *type)
{
    network *net = network_of("[net]\nbatch=1\nheight=8\nwidth=8\nchannels=3\n"
                              "[convolutional]\nfilters=16\nsize=3\npad=1\nactivation=relu\n"
                              "[upsample]\nstride=2\n[avgpool]\n");
    net->layers[1].type = *(const LAYER_TYPE *)type;
    network_predict(net, net->input);
}

static void types_without_a_row_are_refused(void **state)
{
    (void)state;
    const LAYER_TYPE none[] = {NETWORK, XNOR, BLANK, (LAYER_TYPE)1000}, upsample = UPSAMPLE;
    for (size_t k = 0; k < sizeof none / sizeof *none; ++k)
        assert_refuses(in_child(run_with_type, none + k), ".cfg: layer 1:", "backend=plain");
    assert_succeeds(in_child(run_with_type, &upsample));
}

static void each_row_says_which_form_runs_it(void **state)
{
    (void)state;
    for (int type = 0; type <= BLANK; ++type) {
        const texp_layer_traits *traits = texp_layer_traits_of((LAYER_TYPE)type);
        assert_int_equal(traits->fast_form == TEXP_FAST_UNKNOWN, !strcmp(traits->name, "none"));
    }
}

static const char *own_name;

/* Exit status of this program with a flag, oneDNN told that the processor has AVX2 at most. */
static int run_with_avx2(void)
{
    char command[4096];
    snprintf(command, sizeof command, "ONEDNN_MAX_CPU_ISA=AVX2 DNNL_MAX_CPU_ISA=AVX2 %s --avx2", own_name);
    return system(command);
}

static int prints_what_avx2_does(void)
{
    const cfg_case c = {"darknet19", 64, 3};
    texp_conv_context *context = texp_conv_context_make(1);
    const int block = context ? texp_conv_block(context) : 0;
    texp_conv_context_free(context);
    if (block != 8) {
        print_message("the block is %d, not 8\n", block);
        return 1;
    }
    if (!texp_cpu_why_no_bf16()) {
        print_message("bf16 is not refused\n");
        return 1;
    }
    return !is_the_same(&c);
}

static void processors_without_avx512_give_the_same(void **state)
{
    (void)state;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) {
        assert_int_equal(run_with_avx2(), 0);
        return;
    }
#endif
    skip();
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[CFGS + 11];
    int n = 0;
    own_name = argv[0];
    if (argc == 2 && !strcmp(argv[1], "--avx2")) return prints_what_avx2_does();
    for (int i = 0; i < CFGS; ++i) {
        char *name;
        if (asprintf(&name, "stock_cfgs_give_the_same_on_both_backends:%s", cfgs[i].name) < 0) return 99;
        tests[n++] = (struct CMUnitTest){name, stock_cfgs_give_the_same_on_both_backends, NULL, NULL, (void *)&cfgs[i]};
    }
    tests[n++] = (struct CMUnitTest){"runs_repeat_to_the_bit", runs_repeat_to_the_bit, NULL, NULL, (void *)"float32"};
#ifdef _OPENMP
    tests[n++] = (struct CMUnitTest){"threads_change_rounding_alone", threads_change_rounding_alone, NULL, NULL, NULL};
#endif
    tests[n++] = (struct CMUnitTest){"plain_results_do_not_depend_on_threads", plain_results_do_not_depend_on_threads,
                                     NULL, NULL, NULL};
    if (!texp_cpu_why_no_bf16()) {
        tests[n++] =
            (struct CMUnitTest){"runs_repeat_to_the_bit:bf16", runs_repeat_to_the_bit, NULL, NULL, (void *)"bf16"};
        tests[n++] = (struct CMUnitTest){"bf16_is_near_float", bf16_is_near_float, NULL, NULL, NULL};
        tests[n++] = (struct CMUnitTest){"bf16_weight_gradients_are_floats_but_for_rounding",
                                         bf16_weight_gradients_are_floats_but_for_rounding, NULL, NULL, NULL};
    }
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(types_without_a_row_are_refused);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(each_row_says_which_form_runs_it);
    tests[n++] = (struct CMUnitTest){"processors_without_avx512_give_the_same", processors_without_avx512_give_the_same,
                                     NULL, NULL, NULL};
    return _cmocka_run_group_tests("backends", tests, (size_t)n, NULL, NULL);
}
