/* links: double, float */
/*
 * [yolo] with a loss of overlap, and the activations that Darknet does not have, against the values of
 * tests/reference/yolo4.py; what reads boxes; a network like yolov4-tiny.
 */
#include "support.h"

#include "net/activation.h"
#include "net/box_loss.h"
#include "net/texp_net.h"

#include <sys/stat.h>

#ifdef TEXP_DOUBLE
static const double TOLERANCE = 1e-12;
#else
/* Inputs and exponentials are rounded to 2^-24, sizes are a few cells and their slopes up to some ten. */
static const double TOLERANCE = 1e-5;
#endif

/* --- the reference ------------------------------------------------------------------------------------------------ */

static FILE *reference(void)
{
    FILE *file = fopen("tests/reference/yolo4.csv", "r");
    assert_non_null(file);
    return file;
}

/* The numbers behind the words of a line, n of them. */
static void read_numbers(const char *text, double *numbers, int n)
{
    for (int i = 0; i < n; ++i) {
        char *end;
        numbers[i] = strtod(text, &end);
        assert_true(end != text);
        text = end + (*end == ',');
    }
}

/* What follows "KIND,NAME," in a line that begins so; NULL: another line. */
static const char *behind(const char *line, const char *kind, char *name)
{
    size_t n = strlen(kind);
    if (strncmp(line, kind, n) || line[n] != ',') return NULL;
    const char *comma = strchr(line + n + 1, ',');
    assert_non_null(comma);
    snprintf(name, 16, "%.*s", (int)(comma - line - n - 1), line + n + 1);
    return comma + 1;
}

static void assert_near(double value, double expected, double tolerance)
{
    if (fabs(value - expected) <= tolerance * fmax(1, fabs(expected))) return;
    fail_msg("%.17g, expected %.17g", value, expected);
}

/* In double whatever the build: some ten operations, each within 2^-53. */
static void activations_are_those_of_their_papers(void **state)
{
    char line[512], name[16];
    int n = 0;
    FILE *file = reference();
    (void)state;
    while (fgets(line, sizeof line, file)) {
        double numbers[3];
        const char *text = behind(line, "activation", name);
        if (!text) continue;
        read_numbers(text, numbers, 3);
        texp_activation_kind kind = texp_activation_named(name);
        assert_true(kind != TEXP_DARKNETS);
        assert_near(texp_activated(kind, numbers[0]), numbers[1], 2e-15);
        assert_near(texp_activation_slope(kind, numbers[0]), numbers[2], 2e-15);
        ++n;
    }
    assert_int_equal(n, 2 * 21);
    fclose(file);
}

static texp_box_loss loss_named(const char *name)
{
    return !strcmp(name, "iou")    ? TEXP_IOU
           : !strcmp(name, "giou") ? TEXP_GIOU
           : !strcmp(name, "diou") ? TEXP_DIOU
           : !strcmp(name, "ciou") ? TEXP_CIOU
                                   : TEXP_MSE;
}

static void overlaps_and_their_slopes_are_those_of_the_papers(void **state)
{
    char line[512], name[16];
    int n = 0;
    FILE *file = reference();
    (void)state;
    while (fgets(line, sizeof line, file)) {
        double v[14];
        const char *text = behind(line, "box", name);
        if (!text) continue;
        read_numbers(text, v, 14);
        const texp_rectangle p = {v[0], v[1], v[2], v[3]}, t = {v[4], v[5], v[6], v[7]};
        const texp_overlap o = texp_overlap_of(loss_named(name), p, t);
        const double found[] = {o.iou, o.value, o.step.x, o.step.y, o.step.w, o.step.h};
        for (int k = 0; k < 6; ++k) assert_near(found[k], v[8 + k], 1e-14);
        assert_near(texp_iou_of(p, t), v[8], 1e-15);
        ++n;
    }
    assert_int_equal(n, 4 * 9);
    fclose(file);
}

/* --- whole layers --------------------------------------------------------------------------------------------------- */

enum { BATCH = 2, COLUMNS = 4, ROWS = 3, CLASSES = 2, SIDE = 32, TRUTHS = 4, ANCHORS_HERE = 3 };

static void set_truths(network *net)
{
    memset(net->truth, 0, (size_t)net->truths * net->batch * sizeof *net->truth);
    for (int b = 0; b < BATCH; ++b) {
        for (int t = 0; t < TRUTHS; ++t) {
            float *truth = net->truth + (size_t)b * net->truths + 5 * t;
            double at[4];
            for (int k = 0; k < 4; ++k) at[k] = uniform(2, 4 * (TRUTHS * b + (t == 2 ? 1 : t)) + k);
            truth[0] = .125 + .75 * at[0];
            truth[1] = .125 + .75 * at[1];
            truth[2] = .25 + .5 * at[2];
            truth[3] = .25 + at[3];
            truth[4] = t % 2;
        }
    }
}

/* The layer reads the network's input. */
static network *yolo_network(const char *keys)
{
    network *net = network_of("[net]\nbatch=%d\nheight=%d\nwidth=%d\nchannels=%d\n[yolo]\nmask=1,2,3\n"
                              "anchors=10,14,23,27,37,58,20,12,81,82\nnum=5\nclasses=%d\nignore_thresh=.5\n"
                              "truth_thresh=1\n%s",
                              BATCH, ROWS, COLUMNS, ANCHORS_HERE * (5 + CLASSES), CLASSES, keys);
    net->w = net->h = SIDE; /* what anchors are measured by */
    fill(net->input, (size_t)net->inputs * BATCH, 1, -2, 2);
    set_truths(net);
    return net;
}

static void run(network *net)
{
    int out;
    fflush(stdout);
    out = dup(1);
    if (!freopen("/dev/null", "w", stdout)) exit(99);
    net->train = 1;
    network copy = *net;
    net->layers->forward(*net->layers, copy);
    fflush(stdout);
    dup2(out, 1);
    close(out);
}

static void layers_have_the_deltas_of_the_reference(void **state)
{
    char line[512], name[16], keys[512];
    int layers = 0;
    FILE *file = reference();
    (void)state;
    while (fgets(line, sizeof line, file)) {
        double v[7];
        const char *text = behind(line, "layer", name);
        if (!text) continue;
        read_numbers(text, v, 7);
        snprintf(keys, sizeof keys,
                 "iou_loss=%s\nscale_x_y=%g\niou_normalizer=%g\nobj_normalizer=%g\ncls_normalizer=%g\niou_thresh=%g\n",
                 name, v[0], v[1], v[2], v[3], v[4]);
        if (v[5]) sprintf(keys + strlen(keys), "max_delta=%g\n", v[5]);
        network *net = yolo_network(keys);
        const layer *l = net->layers;
        run(net);
        assert_near(*l->cost, v[6], TOLERANCE);
        for (int i = 0; i < l->outputs * BATCH; ++i) {
            double expected;
            assert_non_null(fgets(line, sizeof line, file));
            assert_int_equal(sscanf(line, "delta,%lf", &expected), 1);
            assert_near(l->delta[i], expected, TOLERANCE);
        }
        free_network(net);
        ++layers;
    }
    assert_int_equal(layers, 7);
    fclose(file);
}

/* Where Darknet has a formula, it is that. */
static void a_layer_with_neutral_keys_is_darknets(void **state)
{
    network *own = yolo_network("scale_x_y=1\n"), *darknets = yolo_network("");
    const layer *a = own->layers, *b = darknets->layers;
    (void)state;
    assert_true(a->forward != b->forward);
    /* Of several truths of one place Darknet's takes the last, and ours adds them up: here is one. */
    for (int i = 0; i < BATCH; ++i) {
        own->truth[(size_t)i * own->truths + 5] = 0;
        darknets->truth[(size_t)i * own->truths + 5] = 0;
    }
    run(own);
    run(darknets);
    assert_below(largest_difference(a->output, b->output, (size_t)a->outputs * BATCH), TOLERANCE);
    assert_below(largest_difference(a->delta, b->delta, (size_t)a->outputs * BATCH), TOLERANCE);
    assert_near(*a->cost, *b->cost, TOLERANCE);
    free_network(own);
    free_network(darknets);
}

static void detections_have_scaled_centres(void **state)
{
    network *net = yolo_network("scale_x_y=1.5\n");
    int n = 0;
    (void)state;
    net->layers->batch = net->batch = 1; /* Darknet averages two images, as of a picture and its mirror image */
    net->input[0] = 8; /* x of the first cell's first box, and its objectness */
    net->input[4 * COLUMNS * ROWS] = 9;
    net->train = 0;
    network copy = *net;
    net->layers->forward(*net->layers, copy);
    detection *found = get_network_boxes(net, SIDE, SIDE, .99, 0, NULL, 1, &n);
    assert_int_equal(n, 1);
    assert_near(found->bbox.x, (1.5 / (1 + exp(-8.)) - .25) / COLUMNS, 1e-6);
    free_detections(found, n);
    free_network(net);
}

static void truths_that_can_not_be_are_passed_over(void **state)
{
    network *net = yolo_network("iou_loss=ciou\n");
    (void)state;
    net->truth[4] = 100000; /* its class */
    net->truth[5] = net->truth[6] = 1; /* a centre at the very edge */
    run(net);
    assert_true(isfinite(*net->layers->cost));
    free_network(net);
}

/* --- a network like yolov4-tiny ------------------------------------------------------------------------------------- */

#define CONV(n, size, stride, act)                                                                                     \
    "[convolutional]\nbatch_normalize=1\nfilters=" #n "\nsize=" #size "\nstride=" #stride "\npad=1\nactivation=" act   \
    "\n"
#define STAGE(half, whole)                                                                                             \
    CONV(whole, 3, 1, "leaky")                                                                                         \
    "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n" CONV(half, 3, 1, "leaky")                                             \
        CONV(half, 3, 1, "leaky") "[route]\nlayers="                                                                   \
                                  "-1,-2\n" CONV(whole, 1, 1,                                                          \
                                                 "leaky") "[route]\nlayers=-6,-1\n[maxpool]\nsize=2\nstride=2\n"
#define HEAD(mask)                                                                                                     \
    "[convolutional]\nsize=1\nstride=1\npad=1\nfilters=21\nactivation=linear\n[yolo]\nmask=" mask                      \
    "\nanchors=4,5,9,10,14,20,20,12,30,30,40,50\nclasses=2\nnum=6\njitter=.3\nscale_x_y=1.05\ncls_normalizer=1.0\n"    \
    "iou_normalizer=0.07\niou_loss=ciou\nignore_thresh=.7\ntruth_thresh=1\nrandom=0\nresize=1.5\nnms_kind=greedynms\n" \
    "beta_nms=0.6\n"
#define YOLOV4_TINY                                                                                                    \
    CONV(8, 3, 2, "leaky")                                                                                             \
    STAGE(8, 16)                                                                                                       \
    STAGE(16, 32)                                                                                                      \
    CONV(32, 3, 1, "mish")                                                                                             \
    CONV(16, 1, 1, "leaky")                                                                                            \
    CONV(32, 3, 1, "leaky")                                                                                            \
    HEAD("3,4,5")                                                                                                      \
    "[route]\nlayers=-4\n" CONV(16, 1, 1, "leaky") "[upsample]\nstride=2\n[route]\nlayers=-1,15\n" CONV(               \
        32, 3, 1, "swish") HEAD("0,1,2")

static network *tiny(const char *keys)
{
    srand(4);
    return network_of("[net]\nbatch=4\nheight=32\nwidth=32\nchannels=3\nseed=3\nmomentum=.9\ndecay=.0005\n"
                      "learning_rate=.002\nmax_batches=400\n%s\n" YOLOV4_TINY,
                      keys);
}

static double train(network *net, int updates)
{
    double loss = 0;
    int out = dup(1);
    fflush(stdout);
    if (!freopen("/dev/null", "w", stdout)) exit(99);
    for (int k = 0; k < updates; ++k) {
        fill(net->input, (size_t)net->inputs * net->batch, 1 + k % 2, 0, 1);
        memset(net->truth, 0, (size_t)net->truths * net->batch * sizeof *net->truth);
        for (int b = 0; b < net->batch; ++b) {
            const float box[] = {.25f + .125f * b, .375f, .25f, .375f, b % 2};
            memcpy(net->truth + (size_t)b * net->truths, box, sizeof box);
        }
        loss = train_network_datum(net);
    }
    fflush(stdout);
    dup2(out, 1);
    close(out);
    return loss;
}

static void a_small_yolov4_tiny_learns(void **state)
{
    static const char *const keys[] = {"policy=texp++", "policy=constant\nbackend=plain", "policy=constant"};
    (void)state;
    for (int i = 0; i < 3; ++i) {
        network *net = tiny(keys[i]);
        const double first = train(net, 1), last = train(net, 60);
        assert_below(last, .25 * first);
        free_network(net);
    }
}

#ifdef TEXP_DOUBLE
static const layer *first_yolo(const network *net)
{
    for (int i = 0; i < net->n; ++i) {
        if (net->layers[i].type == YOLO) return net->layers + i;
    }
    return NULL;
}

/*
 * Both compute one function, rounded otherwise: a unit of 1e-16 at each of some hundred operations an update, and training
 * enlarges what is there. A weight that took another rate would be off by parts of its change in 60 updates.
 */
static void its_base_recipe_and_texp_compute_one_function(void **state)
{
    network *base = tiny("policy=steps\nsteps=20,40\nscales=.5,.2");
    network *folded = tiny("policy=texp++\nbase_policy=steps\nsteps=20,40\nscales=.5,.2");
    (void)state;
    train(base, 60);
    train(folded, 60);
    const layer *a = first_yolo(base), *b = first_yolo(folded);
    assert_below(largest_difference(a->output, b->output, (size_t)a->outputs * a->batch), 1e-9);
    /* And by other weights. */
    assert_above(norm_of(folded->layers->weights, folded->layers->nweights) /
                     norm_of(base->layers->weights, base->layers->nweights),
                 1 + 1e-6);
    free_network(base);
    free_network(folded);
}
#endif

/* The header, weights, biases, and of batch normalisation scales, means and variances: as ever. */
static void its_weights_file_has_darknets_layout(void **state)
{
    network *net = tiny("policy=constant");
    char *file = write_file(".weights", "", 0);
    size_t numbers = 0;
    struct stat written;
    (void)state;
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        if (l->type == CONVOLUTIONAL) numbers += (size_t)l->nweights + (size_t)l->n * (l->batch_normalize ? 4 : 1);
    }
    hush();
    save_weights(net, file);
    speak();
    assert_int_equal(stat(file, &written), 0);
    assert_int_equal(written.st_size, 3 * sizeof(int) + sizeof(size_t) + numbers * sizeof(float));
    free_network(net);
}

/* All but the two layers in front of [yolo], which have biases and no normalisation. */
static void all_its_normalised_layers_grow(void **state)
{
    network *net = tiny("policy=texp++");
    (void)state;
    assert_int_equal(net->texp->counts.weighted, 16);
    assert_int_equal(net->texp->counts.growing, 14);
    free_network(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations_are_those_of_their_papers),
        cmocka_unit_test(overlaps_and_their_slopes_are_those_of_the_papers),
        cmocka_unit_test(layers_have_the_deltas_of_the_reference),
        cmocka_unit_test(a_layer_with_neutral_keys_is_darknets),
        cmocka_unit_test(detections_have_scaled_centres),
        cmocka_unit_test(truths_that_can_not_be_are_passed_over),
        cmocka_unit_test(a_small_yolov4_tiny_learns),
#ifdef TEXP_DOUBLE
        cmocka_unit_test(its_base_recipe_and_texp_compute_one_function),
#endif
        cmocka_unit_test(its_weights_file_has_darknets_layout),
        cmocka_unit_test(all_its_normalised_layers_grow),
    };
#ifdef _OPENMP
    omp_set_num_threads(2);
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
