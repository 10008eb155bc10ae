/* The table of layer types: each type of Darknet's has one row, under the names that its parser knows. */
#include "support.h"

#include "net/layers.h"

#include <sys/stat.h>

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

/* Counts as Darknet's own weights file has them: all weights and biases, with scales and statistics of batch norm. */
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
        size_t others = !texp_has_norm(l) ? biases : l->type == BATCHNORM ? 3 * biases : 4 * biases;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_that_a_cfg_names_has_a_row),
        cmocka_unit_test(names_and_aliases_are_those_of_darknets_parser),
        cmocka_unit_test(a_section_must_be_a_whole_name_in_brackets),
        cmocka_unit_test(a_type_without_a_row_demands_degree_0_and_has_no_parameters),
        cmocka_unit_test(weights_and_biases_are_counted_as_the_weights_file_has_them),
        cmocka_unit_test(anchors_are_no_biases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
