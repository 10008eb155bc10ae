/* links: float */
/*
 * PreResNet32 over ten updates against tensors of PyTorch (tests/reference/preresnet32.py says what they are): loss,
 * logits, every convolution's gradient and weights, rolling statistics; on both backends, and folded by texp++.
 *
 * Tolerances: four times what PyTorch's own float32 departs from its float64, the worst of the ten updates in the
 * index's table. Float32 programs that are right differ from it by other orders of summation, and land as near.
 */
#include "support.h"

#include "net/texp_net.h"

enum { DIGEST = 26, UPDATES = 10, BATCH = 2, CLASSES = 10, PIXELS = 3 * 32 * 32, RECORDS = 2000 };

static const double tolerance_loss = 4 * 8.3e-7, tolerance_logits = 4 * 1.5e-6, tolerance_gradient = 4 * 8.3e-5,
                    tolerance_weights = 4 * 3.4e-6, tolerance_mean = 4 * 1.3e-6, tolerance_variance = 4 * 1.2e-6;

/* --- the reference ------------------------------------------------------------------------------------------------ */

static struct {
    char name[40];
    int update, count;
    char type[8];
    long offset;
} records[RECORDS];
static int n_records;
static FILE *numbers;

static int open_reference(void **state)
{
    char line[256];
    FILE *index = fopen("tests/reference/preresnet32.index", "r");
    (void)state;
    numbers = fopen("tests/reference/preresnet32.bin", "rb");
    if (!index || !numbers) return -1;
    while (n_records < RECORDS && fgets(line, sizeof line, index)) {
        if (line[0] != '#' &&
            sscanf(line, "%39s %d %d %7s %ld", records[n_records].name, &records[n_records].update,
                   &records[n_records].count, records[n_records].type, &records[n_records].offset) == 5) {
            ++n_records;
        }
    }
    fclose(index);
    return 0;
}

/* The record of a layer (-1: of none) at an update; returns its numbers, of which it has `count`. */
static const double *reference(const char *what, int layer_index, int update, int count)
{
    static double values[64];
    char name[48];
    if (layer_index < 0)
        snprintf(name, sizeof name, "%s", what);
    else
        snprintf(name, sizeof name, "%s.%d", what, layer_index);
    for (int i = 0; i < n_records; ++i) {
        if (records[i].update != update || strcmp(records[i].name, name)) continue;
        assert_int_equal(records[i].count, count);
        assert_int_equal(fseek(numbers, records[i].offset, SEEK_SET), 0);
        assert_int_equal(fread(values, sizeof *values, (size_t)count, numbers), (size_t)count);
        return values;
    }
    print_error("the index has no %s of update %d\n", name, update);
    fail();
    return NULL;
}

/* Norm, sum, 16 entries, 8 signed sums; scaled by `scale`. */
static void digest(const float *x, int n, double scale, double *d)
{
    double squares = 0;
    memset(d, 0, DIGEST * sizeof *d);
    for (int i = 0; i < n; ++i) {
        double value = scale * x[i];
        uint64_t signs = random_bits(4, (uint64_t)i);
        squares += value * value;
        d[1] += value;
        for (int j = 0; j < 8; ++j) d[18 + j] += signs >> j & 1 ? -value : value;
    }
    d[0] = sqrt(squares);
    for (int j = 0; j < 16; ++j) d[2 + j] = scale * x[random_bits(3, (uint64_t)j) % (uint64_t)n];
}

static double distance(const char *what, int layer_index, int update, const float *x, int n, double scale)
{
    const double *expected = reference(what, layer_index, update, DIGEST);
    double d[DIGEST], worst = 0;
    digest(x, n, scale, d);
    for (int i = 0; i < DIGEST; ++i) {
        double apart = fabs(d[i] - expected[i]) / expected[0] * (i >= 2 && i < 18 ? sqrt(n) : 1);
        if (!(apart <= worst)) worst = apart;
    }
    return worst;
}

/* --- the network -------------------------------------------------------------------------------------------------- */

/* The shipped cfg with a batch of 2 and, where given, one more line in [net]. */
static network *shipped(const char *cfg, const char *more)
{
    char line[256], *text = NULL;
    size_t size = 0;
    FILE *in = fopen(cfg, "r"), *out = open_memstream(&text, &size);
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) {
        if (!strncmp(line, "batch=", 6))
            fprintf(out, "batch=%d\n%s", BATCH, more);
        else
            fputs(line, out);
    }
    fclose(in);
    fclose(out);
    network *net = network_of("%s", text);
    free(text);
    return net;
}

static void draw(layer l, int index, int n, double variance)
{
    for (int i = 0; i < n; ++i) {
        l.weights[i] = (float)((2 * uniform(1000 + (uint64_t)index, (uint64_t)i) - 1) * sqrt(variance));
    }
}

static void set_weights(network *net)
{
    for (int i = 0; i < net->n; ++i) {
        layer l = net->layers[i];
        if (l.type == CONVOLUTIONAL) draw(l, i, l.nweights, 6. / (l.c * l.size * l.size));
        if (l.type == CONNECTED) draw(l, i, l.inputs * l.outputs, 3. / l.inputs);
        if (l.type == CONVOLUTIONAL) assert_below(distance("weights", i, 0, l.weights, l.nweights, 1), 1e-12);
    }
}

static void set_images(network *net, int update)
{
    uint64_t stream = (uint64_t)*reference("stream", -1, update, 1);
    for (int i = 0; i < BATCH * PIXELS; ++i) net->input[i] = uniform(stream, (uint64_t)i);
    memset(net->truth, 0, BATCH * CLASSES * sizeof *net->truth);
    for (int b = 0; b < BATCH; ++b)
        net->truth[b * CLASSES + random_bits(stream, BATCH * PIXELS + (uint64_t)b) % 10] = 1;
}

/* --- one run ------------------------------------------------------------------------------------------------------ */

/* P of the weights before the next update: the reference's times P. */
static double scale_of(const network *net)
{
    const texp_schedule *schedule = &net->texp->schedule.tracks->schedule;
    return (double)texp_held_scale(schedule->scale, schedule->doublings);
}

/* The sums of gradients that were there before, by momentum. */
static void remember(const network *net, float **before)
{
    for (int i = 0; i < net->n; ++i) {
        layer l = net->layers[i];
        if (l.type != CONVOLUTIONAL) continue;
        before[i] = realloc(before[i], (size_t)l.nweights * sizeof(float));
        memcpy(before[i], l.weight_updates, (size_t)l.nweights * sizeof(float));
    }
}

static void check_gradients(const network *net, int update, float **before)
{
    for (int i = 0; i < net->n; ++i) {
        layer l = net->layers[i];
        if (l.type != CONVOLUTIONAL) continue;
        float *gradient = malloc((size_t)l.nweights * sizeof(float));
        for (int j = 0; j < l.nweights; ++j) gradient[j] = l.weight_updates[j] - before[i][j];
        /* -batch times that of the mean loss; g(P w) = g(w)/P. */
        assert_below(distance("gradient", i, update, gradient, l.nweights, -scale_of(net) / BATCH), tolerance_gradient);
        free(gradient);
    }
}

static void check_outputs(const network *net, int update)
{
    const double *logits = reference("logits", -1, update, BATCH * CLASSES);
    const float *ours = net->layers[net->n - 2].output;
    for (int i = 0; i < BATCH * CLASSES; ++i) assert_below(fabs(ours[i] - logits[i]), tolerance_logits);
    assert_below(fabs(*net->cost / BATCH - *reference("loss", -1, update, 1)), tolerance_loss);
}

static void check_state(const network *net, int update)
{
    double scale = scale_of(net);
    for (int i = 0; i < net->n; ++i) {
        layer l = net->layers[i];
        if (l.type == CONVOLUTIONAL) {
            assert_below(distance("weights", i, update, l.weights, l.nweights, 1 / scale), tolerance_weights);
        }
        if (l.type != BATCHNORM) continue;
        assert_int_equal(scale == 1 || l.texp->degrees.bn == 1, 1);
        assert_below(distance("rolling_mean", i, update, l.rolling_mean, l.c, 1 / scale), tolerance_mean);
        assert_below(distance("rolling_variance", i, update, l.rolling_variance, l.c, 1 / (scale * scale)),
                     tolerance_variance);
    }
}

static void run(const char *cfg, const char *more)
{
    float *before[256] = {0};
    network *net = shipped(cfg, more);
    set_weights(net);
    for (int update = 1; update <= UPDATES; ++update) {
        set_images(net, update);
        net->train = 1;
        *net->seen += BATCH;
        remember(net, before);
        forward_network(net);
        check_outputs(net, update);
        backward_network(net);
        check_gradients(net, update, before);
        update_network(net);
        check_state(net, update);
    }
    for (int i = 0; i < 256; ++i) free(before[i]);
    free_network(net);
}

static void preresnet32_trains_as_in_pytorch(void **state)
{
    (void)state;
    run("cfg/preresnet32-steps.cfg", "");
}

static void preresnet32_trains_as_in_pytorch_on_darknets_loops(void **state)
{
    (void)state;
    run("cfg/preresnet32-steps.cfg", "backend=plain\n");
}

static void texp_pp_is_the_same_training(void **state)
{
    (void)state;
    run("cfg/preresnet32-texp++.cfg", "");
}

static void texp_with_correction_is_the_same_training(void **state)
{
    (void)state;
    run("cfg/preresnet32-texp-exact.cfg", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preresnet32_trains_as_in_pytorch),
        cmocka_unit_test(preresnet32_trains_as_in_pytorch_on_darknets_loops),
        cmocka_unit_test(texp_pp_is_the_same_training),
        cmocka_unit_test(texp_with_correction_is_the_same_training),
    };
    return cmocka_run_group_tests(tests, open_reference, NULL);
}
