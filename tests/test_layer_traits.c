/* The table of layer types: each type of Darknet's has one row, under the names that its parser knows, and what the row
 * says is what the layer's numbers do. */
#include "support.h"

#include "net/checkpoint.h"
#include "net/layers.h"

#include <sys/stat.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define A             "[activation]\nactivation=linear\n"

LAYER_TYPE string_to_layer_type(char *type); /* of Darknet's parser */

/* Types that no section of a cfg makes. */
static int is_internal(LAYER_TYPE type)
{
    return type == NETWORK || type == XNOR || type == BLANK;
}

static void every_type_that_a_cfg_names_has_a_row(void **state)
{
    (void)state;
    for (int type = 0; type <= BLANK; ++type) {
        const char *name = texp_layer_traits_of((LAYER_TYPE)type)->name;
        if (!is_internal((LAYER_TYPE)type) && !strcmp(name, "none")) fail_msg("type %d has no row", type);
        if (is_internal((LAYER_TYPE)type)) assert_string_equal(name, "none");
    }
}

static void assert_means(const char *name, LAYER_TYPE type)
{
    char section[64];
    snprintf(section, sizeof section, "[%s]", name);
    if (string_to_layer_type(section) != type) fail_msg("Darknet reads %s otherwise", section);
    if (texp_layer_type(section) != type) fail_msg("%s is not found", section);
}

static void names_and_aliases_are_those_of_darknets_parser(void **state)
{
    (void)state;
    for (int type = 0; type < BLANK; ++type) {
        const texp_layer_traits *traits = texp_layer_traits_of((LAYER_TYPE)type);
        if (is_internal((LAYER_TYPE)type)) continue;
        assert_means(traits->name, (LAYER_TYPE)type);
        if (traits->alias) assert_means(traits->alias, (LAYER_TYPE)type);
    }
    const char *aliases[] = {"[conv]", "[deconv]", "[conn]", "[max]", "[avg]", "[lrn]", "[soft]"};
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; ++i) {
        assert_int_equal(texp_layer_type(aliases[i]), string_to_layer_type((char *)aliases[i]));
    }
}

static void a_section_must_be_a_whole_name_in_brackets(void **state)
{
    (void)state;
    const char *others[] = {"[convolution]", "[convolutional", "convolutional]", "[convolutionals]", "[]", "[net]"};
    for (size_t i = 0; i < sizeof others / sizeof *others; ++i) {
        assert_int_equal(texp_layer_type(others[i]), BLANK);
    }
}

static void a_type_without_a_row_demands_degree_0_and_has_no_parameters(void **state)
{
    (void)state;
    const LAYER_TYPE types[] = {XNOR, BLANK, (LAYER_TYPE)(BLANK + 1)};
    float number = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; ++i) {
        layer l = {.type = types[i], .n = 1, .weights = &number, .weight_updates = &number, .biases = &number};
        l.bias_updates = &number;
        assert_int_equal(texp_layer_traits_of(types[i])->degree_rule, TEXP_NODE_FIXED);
        assert_int_equal(texp_layer_weights(&l), 0);
        assert_int_equal(texp_layer_biases(&l), 0);
    }
}

/* Counts as Darknet's own weights file has them: all weights and biases, with scales and statistics of batch normalisation. */
static size_t numbers_in_file(network *net)
{
    enum { HEADER = 3 * sizeof(int) + sizeof(size_t) };
    char *name = write_file(".weights", "", 0);
    struct stat written;
    save_weights(net, name);
    assert_int_equal(stat(name, &written), 0);
    return ((size_t)written.st_size - HEADER) / sizeof(float);
}

static void weights_and_biases_are_counted_as_the_weights_file_has_them(void **state)
{
    static const char *const layers[] = {
        "[convolutional]\nfilters=6\nsize=3\npad=1\n",
        "[convolutional]\nfilters=6\nsize=3\ngroups=2\nbatch_normalize=1\n",
        "[deconvolutional]\nfilters=6\nsize=4\nstride=2\n",
        "[deconvolutional]\nfilters=6\nsize=4\nstride=2\nbatch_normalize=1\n",
        "[connected]\noutput=5\n",
        "[connected]\noutput=5\nbatch_normalize=1\n",
        "[local]\nfilters=3\nsize=2\nstride=2\n",
        "[batchnorm]\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; ++i) {
        network *net = network_of("[net]\nbatch=1\nheight=6\nwidth=6\nchannels=4\n%s", layers[i]);
        const layer *l = net->layers;
        size_t weights = texp_layer_weights(l), biases = texp_layer_biases(l);
        /* Of batch normalisation: scales, means and variances; a [batchnorm]'s bias of 0 is not written. */
        size_t others = !texp_has_bn(l) ? biases : l->type == BATCHNORM ? 3 * biases : 4 * biases;
        assert_int_equal(weights + others, numbers_in_file(net));
        free_network(net);
    }
}

/* Their anchors are kept where others have biases. */
static void anchors_are_no_biases(void **state)
{
    static const char *const layers[] = {
        "[yolo]\nnum=2\nmask=0,1\nanchors=1,1,2,2\nclasses=1\n",
        "[region]\nnum=2\nanchors=1,1,2,2\nclasses=1\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; ++i) {
        network *net = network_of("[net]\nbatch=1\nheight=6\nwidth=6\nchannels=12\n%s", layers[i]);
        assert_int_equal(texp_layer_biases(net->layers), 0);
        free_network(net);
    }
}

/* ---- layers inside a layer ---- */

static const char *const recurrent[] = {"rnn", "gru", "lstm", "crnn"};

static network *recurrent_network(const char *type)
{
    return network_of("[net]\nbatch=2\ntime_steps=1\nheight=3\nwidth=3\nchannels=2\n[%s]\n%s=4\n", type,
                      strcmp(type, "crnn") ? "output" : "output_filters");
}

static void layers_inside_a_layer_hold_all_that_its_weights_file_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(recurrent); ++i) {
        layer *inner[TEXP_MOST_INNER_LAYERS];
        network *net = recurrent_network(recurrent[i]);
        size_t n = (size_t)texp_inner_layers(net->layers, inner), numbers = 0;
        for (size_t j = 0; j < n; ++j) numbers += texp_layer_weights(inner[j]) + texp_layer_biases(inner[j]);
        assert_int_equal(numbers, numbers_in_file(net));
        assert_int_equal(texp_layer_weights(net->layers), 0);
        free_network(net);
    }
}

typedef struct {
    const char *type;
    float *(*array)(const layer *l);
} carried;

static float *state_of(const layer *l)
{
    return l->state;
}

static float *h_of(const layer *l)
{
    return l->h_cpu;
}

static float *c_of(const layer *l)
{
    return l->c_cpu;
}

static float *last_h_of(const layer *l)
{
    return l->prev_state_cpu;
}

static float *last_c_of(const layer *l)
{
    return l->prev_cell_cpu;
}

/* As a run does that goes on: a second network restores what the first one's state holds. */
static void what_a_recurrent_layer_carries_is_restored(void **state)
{
    static const carried all[] = {{"rnn", state_of}, {"gru", state_of},   {"lstm", h_of},
                                  {"lstm", c_of},    {"lstm", last_h_of}, {"lstm", last_c_of}};
    (void)state;
    for (size_t i = 0; i < LENGTH(all); ++i) {
        network *net = recurrent_network(all[i].type), *other = recurrent_network(all[i].type);
        char *weights = write_file(".weights", "", 0), *file = strdup(weights);
        size_t n = (size_t)net->layers->outputs * net->batch;
        strcpy(strrchr(file, '.'), ".state");
        fill(all[i].array(net->layers), n, i, 1, 2);
        *net->seen = (size_t)net->batch, *net->t = 1;
        hush();
        save_weights(net, weights);
        speak();
        texp_saved *saved = texp_checkpoint_restore(other, weights);
        if (!saved) fail_msg("no state beside %s of %s", weights, all[i].type);
        texp_saved_close(saved);
        unlink(file);
        assert_memory_equal(all[i].array(other->layers), all[i].array(net->layers), n * sizeof(float));
        free_network(net);
        free_network(other);
        free(file);
    }
}

/* ---- values ---- */

typedef struct {
    LAYER_TYPE type;
    const char *section; /* behind a first layer of 4 channels, 8x8 */
} sample;

static const sample samples[] = {
    {CONVOLUTIONAL, "filters=6\nsize=3\nactivation=relu\n"},
    {DECONVOLUTIONAL, "filters=6\nsize=4\nstride=2\nactivation=leaky\n"},
    {CONNECTED, "output=5\nactivation=linear\n"},
    {LOCAL, "filters=3\nsize=3\nstride=2\nactivation=relu\n"},
    {BATCHNORM, ""},
    {L2NORM, ""},
    {NORMALIZATION, "size=3\n"},
    {SHORTCUT, "from=-2\nactivation=linear\n"},
    {ROUTE, "layers=-1,-2\n"},
    {ACTIVE, "activation=relu\n"},
    {MAXPOOL, "size=2\nstride=2\n"},
    {AVGPOOL, ""},
    {UPSAMPLE, "stride=2\n"},
    {DROPOUT, "probability=.5\n"},
    {REORG, "stride=2\n"},
    {CROP, "crop_height=6\ncrop_width=6\nnoadjust=1\n"},
    {CROP, "crop_height=6\ncrop_width=6\n"},
    {GRU, "output=4\n"},
    {SOFTMAX, ""},
};

static network *sample_network(const sample *s, const char *more)
{
    network *net = network_of("[net]\nbatch=3\nheight=8\nwidth=8\nchannels=4\nbackend=plain\n[activation]\n"
                              "activation=linear\n[activation]\nactivation=linear\n[%s]\n%s%s",
                              texp_layer_traits_of(s->type)->name, s->section, more);
    assert_int_equal(net->layers[2].type, s->type);
    return net;
}

/* The outputs for the input times `scale`, as a copy. */
static float *outputs_for(network *net, float scale)
{
    const layer *l = net->layers + 2;
    size_t n = (size_t)l->outputs * net->batch;
    float *copy = calloc(n, sizeof *copy);
    fill(net->input, (size_t)net->inputs * net->batch, 5, .25 * scale, 1 * scale);
    srand(3); /* [dropout], [crop] */
    net->train = 1;
    forward_network(net);
    memcpy(copy, l->output, n * sizeof *copy);
    return copy;
}

/* How outputs change with their input doubled: 1 doubled, 0 not at all, -1 otherwise. Darknet's epsilons are 1e-5 of
 * variances near .05, so normalised values move by less than 1e-3; the others are wrong by a few units in the last place. */
static int measured_degree(network *net)
{
    size_t n = (size_t)net->layers[2].outputs * net->batch;
    float *once = outputs_for(net, 1), *twice = outputs_for(net, 2);
    double same = 0, twofold = 0, largest = 0;
    for (size_t i = 0; i < n; ++i) {
        same = fmax(same, fabs((double)twice[i] - once[i]));
        twofold = fmax(twofold, fabs((double)twice[i] - 2. * once[i]));
        largest = fmax(largest, fabs((double)once[i]));
    }
    free(once);
    free(twice);
    assert_true(largest > 0);
    return twofold < 1e-4 * largest ? 1 : same < 1e-2 * largest ? 0 : -1;
}

static void outputs_follow_their_inputs_scale_as_the_degree_rule_says(void **state)
{
    static const int expected[] = {[TEXP_NODE_SAME] = 1,
                                   [TEXP_NODE_LINEAR] = 1,
                                   [TEXP_NODE_ADD] = 1,
                                   [TEXP_NODE_NORMALISE] = 0,
                                   [TEXP_NODE_FIXED] = -1};
    (void)state;
    for (size_t i = 0; i < LENGTH(samples); ++i) {
        network *net = sample_network(samples + i, "");
        const layer *l = net->layers + 2;
        const texp_layer_traits *traits = texp_layer_traits_of(l->type);
        int is_opaque = traits->is_opaque && traits->is_opaque(l), degree = measured_degree(net);
        if (degree != (is_opaque ? -1 : expected[traits->degree_rule])) fail_msg("[%s]: %d", traits->name, degree);
        free_network(net);
    }
}

static void each_rule_but_that_of_demanding_0_is_measured(void **state)
{
    (void)state;
    for (int type = 0; type < BLANK; ++type) {
        const texp_layer_traits *traits = texp_layer_traits_of((LAYER_TYPE)type);
        int found = traits->degree_rule == TEXP_NODE_FIXED;
        for (size_t i = 0; i < LENGTH(samples); ++i) found |= samples[i].type == (LAYER_TYPE)type;
        if (!found) fail_msg("[%s] has no sample", traits->name);
    }
}

/* Of them the signs count, one by one: that all may be scaled at once is not relied upon. */
static void binary_weights_are_not_looked_into(void **state)
{
    static const sample binary = {CONVOLUTIONAL, "filters=6\nsize=3\nactivation=relu\n"};
    static const char *const keys[] = {"binary=1\n", "xnor=1\n"};
    (void)state;
    for (size_t i = 0; i < LENGTH(keys); ++i) {
        network *net = sample_network(&binary, keys[i]);
        assert_true(texp_layer_traits_of(CONVOLUTIONAL)->is_opaque(net->layers + 2));
        free_network(net);
    }
}

static void batch_normalisation_fits_into_what_parses_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(samples); ++i) {
        const texp_layer_traits *traits = texp_layer_traits_of(samples[i].type);
        if (traits->degree_rule != TEXP_NODE_LINEAR) continue;
        network *net = sample_network(samples + i, "batch_normalize=1\n");
        if (net->layers[2].batch_normalize != traits->takes_bn) fail_msg("[%s]", traits->name);
        free_network(net);
    }
}

/* Inputs on which the first output depends, counted by changing each. */
static void the_fan_in_is_the_number_of_inputs_of_an_output(void **state)
{
    static const sample dense[] = {{CONVOLUTIONAL, "filters=6\nsize=3\n"},
                                   {CONVOLUTIONAL, "filters=6\nsize=3\ngroups=2\n"},
                                   {CONNECTED, "output=5\n"},
                                   {LOCAL, "filters=3\nsize=3\nstride=2\n"}};
    (void)state;
    for (size_t i = 0; i < LENGTH(dense); ++i) {
        network *net = sample_network(dense + i, "activation=linear\n");
        const layer *l = net->layers + 2;
        int n = 0;
        for (int j = 0; j < net->inputs; ++j) {
            memset(net->input, 0, (size_t)net->inputs * net->batch * sizeof *net->input);
            net->input[j] = 1;
            forward_network(net);
            n += l->output[0] != 0;
        }
        assert_int_equal(texp_fan_in(l), n);
        free_network(net);
    }
}

static void the_last_input_of_a_layer_has_none_behind_it(void **state)
{
    network *net = network_of("[net]\nbatch=1\nheight=4\nwidth=4\nchannels=1\n" A A A
                              "[shortcut]\nfrom=-3\nactivation=linear\n[route]\nlayers=1,-2,0\n");
    static const int inputs[][4] = {
        {-1, TEXP_NO_INPUT}, {0, TEXP_NO_INPUT}, {1, TEXP_NO_INPUT}, {2, 0, TEXP_NO_INPUT}, {1, 2, 0, TEXP_NO_INPUT}};
    (void)state;
    for (int i = 0; i < net->n; ++i) {
        int k = 0;
        do assert_int_equal(texp_layer_input(net->layers + i, i, k), inputs[i][k]);
        while (inputs[i][k++] != TEXP_NO_INPUT);
    }
    free_network(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_that_a_cfg_names_has_a_row),
        cmocka_unit_test(names_and_aliases_are_those_of_darknets_parser),
        cmocka_unit_test(a_section_must_be_a_whole_name_in_brackets),
        cmocka_unit_test(a_type_without_a_row_demands_degree_0_and_has_no_parameters),
        cmocka_unit_test(weights_and_biases_are_counted_as_the_weights_file_has_them),
        cmocka_unit_test(anchors_are_no_biases),
        cmocka_unit_test(layers_inside_a_layer_hold_all_that_its_weights_file_has),
        cmocka_unit_test(what_a_recurrent_layer_carries_is_restored),
        cmocka_unit_test(outputs_follow_their_inputs_scale_as_the_degree_rule_says),
        cmocka_unit_test(each_rule_but_that_of_demanding_0_is_measured),
        cmocka_unit_test(binary_weights_are_not_looked_into),
        cmocka_unit_test(batch_normalisation_fits_into_what_parses_it),
        cmocka_unit_test(the_fan_in_is_the_number_of_inputs_of_an_output),
        cmocka_unit_test(the_last_input_of_a_layer_has_none_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
