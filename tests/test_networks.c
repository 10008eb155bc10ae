/* links: float thread */
/*
 * Several networks in one process, each run by a thread of its own, give to the bit what each gives alone. The same under
 * ThreadSanitizer (BUILD=thread), where OpenMP has one thread, as its barriers are unknown there.
 */
#include "support.h"

#include "net/texp_net.h"

#include <pthread.h>
#include <stdatomic.h>

#define SECTION(name, keys)       "\n[" name "]\n" keys
#define CONV(n, size, more)       SECTION("convolutional", "filters=" #n "\nsize=" #size "\npad=1\nstride=1\n" more)
#define NORMED(n, size, act)      CONV(n, size, "batch_normalize=1\nactivation=" act "\n")
#define BARE(n, size)             CONV(n, size, "bias=0\nactivation=linear\n")
#define NORM_RELU                 SECTION("batchnorm", "") SECTION("activation", "activation=relu\n")
#define CONNECTED_TO(n, act)      SECTION("connected", "output=" #n "\nactivation=" act "\n")
#define POOL(size)                SECTION("maxpool", "size=" #size "\nstride=2\n")
#define HEAD                      CONV(8, 1, "activation=linear\n") SECTION("avgpool", "") SECTION("softmax", "groups=1\n")
#define IMAGES(n, side, channels) "[net]\nbatch=" #n "\nheight=" #side "\nwidth=" #side "\nchannels=" #channels "\n"
#define RATE                      "learning_rate=.05\nmomentum=.9\ndecay=.0005\npolicy=constant\nmax_batches=1000\n"

/* What is convolved by the Winograd algorithm, by oneDNN, and by Darknet with products by the library; and by one image. */
static const char *const cfgs[] = {
    IMAGES(3, 10, 3) RATE "affine=0\n" BARE(16, 3) NORM_RELU BARE(32, 3) NORM_RELU BARE(32, 3)
        SECTION("shortcut", "from=-4\nactivation=linear\n") NORM_RELU HEAD,
    IMAGES(1, 12, 3) RATE NORMED(16, 3, "leaky") POOL(2) NORMED(48, 3, "leaky") CONV(64, 3, "activation=elu\n")
        CONNECTED_TO(96, "leaky") CONNECTED_TO(8, "linear") SECTION("softmax", "groups=1\n"),
    IMAGES(2, 8, 1) RATE NORMED(7, 5, "relu") POOL(3) NORMED(33, 1, "relu") SECTION("upsample", "stride=2\n")
        SECTION("route", "layers=-1,-4\n") CONV(32, 3, "activation=elu\n") HEAD,
    IMAGES(2, 8, 16) RATE "threads=1\n" NORMED(64, 3, "relu") NORMED(64, 3, "relu")
        SECTION("dropout", "probability=.5\n") CONNECTED_TO(64, "relu") CONNECTED_TO(8, "linear")
            SECTION("softmax", "groups=1\n"),
    IMAGES(1, 12, 3) RATE SECTION("crop", "crop_height=8\ncrop_width=8\nflip=1\nangle=0\nsaturation=1\nexposure=1\n")
        NORMED(16, 3, "relu") HEAD,
};
/* The last, which draws random numbers where it is trained, predicts beside others alone. */
enum { NETWORKS = sizeof cfgs / sizeof *cfgs - 1, CROPPED = NETWORKS };
enum { PREDICTIONS = 2000 / NETWORKS, INPUTS = 8, UPDATES = 15 };

static network *network_number(int k)
{
    srand(11 + k);
    network *net = network_of("%s", cfgs[k]);
    set_batch(net, (uint64_t)k);
    return net;
}

/* --- a network that predicts ---------------------------------------------------------------------------------------- */

typedef struct {
    network *net;
    const char *weights; /* file that it loads again and again */
    float *inputs, *outputs; /* INPUTS batches, and what was predicted of each alone */
    data labelled; /* the same inputs, rows of them, with a class each */
    float accuracies[2]; /* of them, alone */
    int wrong; /* predictions that were otherwise */
} predictor;

static float *input_of(const predictor *p, int i)
{
    return p->inputs + (size_t)i * p->net->inputs * p->net->batch;
}

static size_t outputs_of(const network *net)
{
    return (size_t)net->outputs * net->batch;
}

/* Its rows are the inputs' own. */
static data labelled_inputs(const predictor *p)
{
    const int rows = INPUTS * p->net->batch;
    data d = {.X = {.rows = rows, .cols = p->net->inputs, .vals = malloc(rows * sizeof(float *))},
              .y = make_matrix(rows, p->net->outputs)};
    for (int i = 0; i < rows; ++i) {
        d.X.vals[i] = p->inputs + (size_t)i * p->net->inputs;
        d.y.vals[i][i % p->net->outputs] = 1;
    }
    return d;
}

static void measure(const predictor *p, float accuracies[2])
{
    memcpy(accuracies, network_accuracies(p->net, p->labelled, 3), 2 * sizeof *accuracies);
}

static predictor new_predictor(int k)
{
    predictor p = {.net = network_number(k)};
    const size_t in = INPUTS * (size_t)p.net->inputs * p.net->batch, out = outputs_of(p.net);
    p.inputs = malloc(in * sizeof *p.inputs);
    p.outputs = malloc(INPUTS * out * sizeof *p.outputs);
    fill(p.inputs, in, 40 + (uint64_t)k, 0, 1);
    for (int i = 0; i < INPUTS; ++i)
        memcpy(p.outputs + i * out, network_predict(p.net, input_of(&p, i)), out * sizeof *p.outputs);
    assert_true(p.net->texp->cpu.went_fast);
    p.labelled = labelled_inputs(&p);
    measure(&p, p.accuracies);
    hush();
    p.weights = write_file(".weights", "", 0);
    save_weights(p.net, (char *)p.weights);
    speak();
    return p;
}

static void free_predictor(predictor *p)
{
    free_network(p->net);
    free(p->labelled.X.vals);
    free_matrix(p->labelled.y);
    free(p->inputs);
    free(p->outputs);
}

static void predict_once(predictor *p, int i)
{
    const size_t out = outputs_of(p->net);
    p->wrong += !!memcmp(network_predict(p->net, input_of(p, i)), p->outputs + i * out, out * sizeof *p->outputs);
}

static void measure_again(predictor *p)
{
    float accuracies[2];
    measure(p, accuracies);
    p->wrong += !!memcmp(accuracies, p->accuracies, sizeof accuracies);
}

static void *predict(void *of)
{
    predictor *p = of;
    for (int i = 0; i < PREDICTIONS; ++i) {
        predict_once(p, i % INPUTS);
        if (i % 100 == 50) load_weights(p->net, (char *)p->weights);
        if (i % 100 == 60) measure_again(p);
    }
    return NULL;
}

static pthread_t started(void *(*body)(void *), void *of)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, of)) exit(99);
    return thread;
}

static void networks_predict_at_once_what_each_predicts_alone(void **state)
{
    (void)state;
    predictor all[NETWORKS];
    pthread_t threads[NETWORKS];
    for (int k = 0; k < NETWORKS; ++k) all[k] = new_predictor(k);
    hush();
    for (int k = 0; k < NETWORKS; ++k) threads[k] = started(predict, all + k);
    for (int k = 0; k < NETWORKS; ++k) pthread_join(threads[k], NULL);
    speak();
    for (int k = 0; k < NETWORKS; ++k) {
        assert_int_equal(all[k].wrong, 0);
        free_predictor(all + k);
    }
}

/* With each other number of images the backend makes its plan anew. */
static void *predict_by_one_and_by_all(void *of)
{
    predictor *p = of;
    const int batch = p->net->batch;
    for (int i = 0; i < 20; ++i) {
        set_batch_network(p->net, 1);
        network_predict(p->net, p->inputs);
        set_batch_network(p->net, batch);
        predict_once(p, i % INPUTS);
    }
    return NULL;
}

static void plans_are_made_while_others_run(void **state)
{
    (void)state;
    predictor all[NETWORKS];
    pthread_t threads[NETWORKS];
    for (int k = 0; k < NETWORKS; ++k) all[k] = new_predictor(k);
    hush();
    for (int k = 0; k < NETWORKS; ++k) threads[k] = started(k % 2 ? predict : predict_by_one_and_by_all, all + k);
    for (int k = 0; k < NETWORKS; ++k) pthread_join(threads[k], NULL);
    speak();
    for (int k = 0; k < NETWORKS; ++k) {
        assert_int_equal(all[k].wrong, 0);
        free_predictor(all + k);
    }
}

/* --- a network that is trained -------------------------------------------------------------------------------------- */

static void *train(void *of)
{
    network *net = of;
    for (int i = 0; i < UPDATES; ++i) {
        set_batch(net, 100 + (uint64_t)i);
        train_network_datum(net);
    }
    return NULL;
}

static int same_values(const float *a, const float *b, size_t n)
{
    return !a || !n || !memcmp(a, b, n * sizeof *a);
}

/* Of weights, biases, scales and rolling statistics. */
static int same_parameters(const network *p, const network *q)
{
    int same = 1;
    for (int i = 0; i < p->n; ++i) {
        const layer *a = p->layers + i, *b = q->layers + i;
        const size_t weights = a->type == CONNECTED ? (size_t)a->inputs * a->outputs : (size_t)a->nweights;
        const size_t channels = a->type == CONNECTED ? (size_t)a->outputs : (size_t)a->out_c;
        same &= same_values(a->weights, b->weights, weights);
        same &= same_values(a->biases, b->biases, channels) && same_values(a->scales, b->scales, channels);
        same &= same_values(a->rolling_mean, b->rolling_mean, channels);
        same &= same_values(a->rolling_variance, b->rolling_variance, channels);
    }
    return same;
}

static atomic_int trained; /* networks whose training is over */

static void *train_and_say(void *of)
{
    train(of);
    atomic_fetch_add(&trained, 1);
    return NULL;
}

static void *predict_until_trained(void *of)
{
    predictor *p = of;
    for (int i = 0; !atomic_load(&trained); ++i) predict_once(p, i % INPUTS);
    return NULL;
}

static network *trained_alone(int k)
{
    network *net = network_number(k);
    srand(5); /* [dropout] */
    train(net);
    return net;
}

static void training_is_the_same_while_others_predict(void **state)
{
    (void)state;
    for (int k = 0; k < NETWORKS; ++k) {
        network *alone = trained_alone(k), *net = network_number(k);
        predictor others[] = {new_predictor((k + 1) % NETWORKS), new_predictor(CROPPED)};
        pthread_t threads[2];
        srand(5);
        atomic_store(&trained, 0);
        for (int i = 0; i < 2; ++i) threads[i] = started(predict_until_trained, others + i);
        pthread_join(started(train_and_say, net), NULL);
        for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
        assert_true(same_parameters(net, alone));
        for (int i = 0; i < 2; ++i) {
            assert_int_equal(others[i].wrong, 0);
            free_predictor(others + i);
        }
        free_network(net);
        free_network(alone);
    }
}

/* Only the last of them draws random numbers. */
static void networks_are_trained_at_once_as_alone(void **state)
{
    (void)state;
    network *alone[NETWORKS], *nets[NETWORKS];
    pthread_t threads[NETWORKS];
    for (int k = 0; k < NETWORKS; ++k) alone[k] = trained_alone(k);
    for (int k = 0; k < NETWORKS; ++k) nets[k] = network_number(k);
    srand(5);
    for (int k = 0; k < NETWORKS; ++k) threads[k] = started(train, nets[k]);
    for (int k = 0; k < NETWORKS; ++k) pthread_join(threads[k], NULL);
    for (int k = 0; k < NETWORKS; ++k) {
        assert_true(same_parameters(nets[k], alone[k]));
        free_network(nets[k]);
        free_network(alone[k]);
    }
}

/* --- threads of one network ----------------------------------------------------------------------------------------- */

#if defined(_OPENMP) && !defined(__SANITIZE_THREAD__)

static void *threads_behind_a_prediction(void *of)
{
    predictor *p = of;
    predict_once(p, 0);
    return (void *)(intptr_t)omp_get_max_threads();
}

static int threads_elsewhere(predictor *p)
{
    void *threads;
    pthread_join(started(threads_behind_a_prediction, p), &threads);
    return (int)(intptr_t)threads;
}

/* threads=1 of the last network. */
static void threads_are_those_of_the_network(void **state)
{
    (void)state;
    const int before = omp_get_max_threads();
    omp_set_num_threads(3);
    predictor any = new_predictor(0), single = new_predictor(NETWORKS - 1);
    assert_int_equal(omp_get_max_threads(), 1);
    predict_once(&any, 0);
    assert_int_equal(omp_get_max_threads(), 3);
    assert_int_equal(threads_elsewhere(&single), 1);
    predict_once(&single, 1);
    assert_int_equal(omp_get_max_threads(), 1);
    predictor later = new_predictor(1);
    assert_int_equal(omp_get_max_threads(), 3);
    assert_int_equal(any.wrong + single.wrong + later.wrong, 0);
    free_predictor(&any);
    free_predictor(&single);
    free_predictor(&later);
    omp_set_num_threads(before);
}

/* A caller's own parallel region has no threads left for what runs inside it. */
static void networks_run_side_by_side_in_a_parallel_region(void **state)
{
    (void)state;
    const int before = omp_get_max_threads();
    predictor all[NETWORKS];
    omp_set_num_threads(1);
    for (int k = 0; k < NETWORKS; ++k) all[k] = new_predictor(k);
    omp_set_num_threads(2);
#pragma omp parallel for schedule(static, 1) num_threads(NETWORKS)
    for (int k = 0; k < NETWORKS; ++k) {
        for (int i = 0; i < 5 * INPUTS; ++i) predict_once(all + k, i % INPUTS);
    }
    for (int k = 0; k < NETWORKS; ++k) {
        assert_int_equal(all[k].wrong, 0);
        free_predictor(all + k);
    }
    omp_set_num_threads(before);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_predict_at_once_what_each_predicts_alone),
        cmocka_unit_test(plans_are_made_while_others_run),
        cmocka_unit_test(training_is_the_same_while_others_predict),
        cmocka_unit_test(networks_are_trained_at_once_as_alone),
#if defined(_OPENMP) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(threads_are_those_of_the_network),
        cmocka_unit_test(networks_run_side_by_side_in_a_parallel_region),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
