/* links: math */
/* Degrees of homogeneity on hand-made graphs: what grows is what the paper's Appendix E allows, by hand analysis. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "theory/degrees.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define INPUTS(...)  .inputs = (const int[]){__VA_ARGS__}, .n_inputs = COUNT(((const int[]){__VA_ARGS__}))

#define CONV(from)                                                                                                     \
    {                                                                                                                  \
        .kind = TEXP_NODE_LINEAR, INPUTS(from), .trainable = 1, .homogeneous = 1                                       \
    }
#define CONV_BIAS(from)                                                                                                \
    {                                                                                                                  \
        .kind = TEXP_NODE_LINEAR, INPUTS(from), .trainable = 1, .homogeneous = 1, .biased = 1, .channel_bias = 1       \
    }
#define CONV_NORM(from)                                                                                                \
    {                                                                                                                  \
        .kind = TEXP_NODE_LINEAR, INPUTS(from), .trainable = 1, .homogeneous = 1, .normalised = 1                      \
    }
#define FIXED_CONV(from)                                                                                               \
    {                                                                                                                  \
        .kind = TEXP_NODE_LINEAR, INPUTS(from), .homogeneous = 1                                                       \
    }
#define NORM(from)                                                                                                     \
    {                                                                                                                  \
        .kind = TEXP_NODE_NORMALISE, INPUTS(from), .homogeneous = 1, .swallows = 1                                     \
    }
#define RELU(from)                                                                                                     \
    {                                                                                                                  \
        .kind = TEXP_NODE_SAME, INPUTS(from), .homogeneous = 1                                                         \
    }
#define LOGISTIC(from)                                                                                                 \
    {                                                                                                                  \
        .kind = TEXP_NODE_SAME, INPUTS(from), .homogeneous = 0                                                         \
    }
#define ADD(a, b)                                                                                                      \
    {                                                                                                                  \
        .kind = TEXP_NODE_ADD, INPUTS(a, b), .homogeneous = 1, .keeps_channels = 1                                     \
    }
/* Average pooling, upsampling: a number added to a whole channel stays one. */
#define POOL(from)                                                                                                     \
    {                                                                                                                  \
        .kind = TEXP_NODE_SAME, INPUTS(from), .homogeneous = 1, .keeps_channels = 1                                    \
    }
#define SIDE(from)                                                                                                     \
    {                                                                                                                  \
        .kind = TEXP_NODE_NORMALISE, INPUTS(from), .homogeneous = 1                                                    \
    }
#define SOFTMAX(from)                                                                                                  \
    {                                                                                                                  \
        .kind = TEXP_NODE_FIXED, INPUTS(from)                                                                          \
    }

/* Checks which nodes grow and what the normalisations see: one number a node. */
static void check(texp_node *nodes, size_t n, const int *growing, const int *normalised_degrees)
{
    int members = 0;
    for (size_t i = 0; i < n; ++i) members += growing[i];
    assert_int_equal(texp_degrees_solve(nodes, n), members);
    for (size_t i = 0; i < n; ++i) {
        assert_int_equal(nodes[i].in_set, growing[i]);
        assert_int_equal(nodes[i].normalised_degree, normalised_degrees[i]);
    }
    assert_int_equal(nodes[n - 1].degree, 0);
}
#define CHECK(nodes, growing, degrees) check(nodes, COUNT(nodes), growing, degrees)
#define LIST(...)                      ((const int[]){__VA_ARGS__})

static void a_preactivation_resnet_grows_but_for_its_fixed_layer(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), NORM(0), RELU(1), CONV(2), ADD(3, 0), NORM(4), RELU(5), FIXED_CONV(6), SOFTMAX(7)};
    /* Both inputs of the addition have degree 1: so has what its normalisation sees. */
    CHECK(nodes, LIST(1, 0, 0, 1, 0, 0, 0, 0, 0), LIST(0, 1, 0, 0, 0, 1, 0, 0, 0));
}

static void a_projection_behind_a_normalisation_grows(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), NORM(0), RELU(1), CONV(2), NORM(0), CONV(4), ADD(5, 3), NORM(6), SOFTMAX(7)};
    CHECK(nodes, LIST(1, 0, 0, 1, 0, 1, 0, 0, 0), LIST(0, 1, 0, 0, 1, 0, 0, 1, 0));
}

static void a_projection_without_a_normalisation_keeps_its_base_rate(void **state)
{
    (void)state;
    /* The stem's degree 1 would become 2 in the projection, beside 1 of the main path (Appendix E). */
    texp_node nodes[] = {CONV(-1), NORM(0), RELU(1), CONV(2), CONV(0), ADD(4, 3), NORM(5), SOFTMAX(6)};
    CHECK(nodes, LIST(1, 0, 0, 1, 0, 0, 0, 0), LIST(0, 1, 0, 0, 0, 0, 1, 0));
}

static void a_normalisation_inside_the_layer_swallows_its_bias(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV_NORM(-1), CONV_NORM(0), SOFTMAX(1)};
    CHECK(nodes, LIST(1, 1, 0), LIST(1, 1, 0));
}

static void an_unnormalised_last_layer_keeps_its_base_rate(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV_NORM(-1), CONV_BIAS(0), SOFTMAX(1)};
    CHECK(nodes, LIST(1, 0, 0), LIST(1, 0, 0));
}

static void a_bias_that_is_not_normalised_next_keeps_degree_0(void **state)
{
    (void)state;
    /* The rectifier comes before the normalisation: the bias there must meet degree 0, and so must the layer before. */
    texp_node nodes[] = {CONV(-1), CONV_BIAS(0), RELU(1), NORM(2), SOFTMAX(3)};
    CHECK(nodes, LIST(0, 0, 0, 0, 0), LIST(0, 0, 0, 0, 0));
    assert_false(nodes[1].swallowed);
}

static void a_normalisation_behind_the_layer_swallows_its_bias(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), CONV_BIAS(0), NORM(1), SOFTMAX(2)};
    CHECK(nodes, LIST(1, 1, 0, 0), LIST(0, 0, 2, 0));
    assert_true(nodes[1].swallowed);
}

static void a_normalisation_behind_additions_and_pooling_swallows_biases(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV_NORM(-1), CONV_BIAS(0), CONV_BIAS(0), ADD(2, 1), POOL(3), NORM(4), SOFTMAX(5)};
    CHECK(nodes, LIST(1, 1, 1, 0, 0, 0, 0), LIST(1, 0, 0, 0, 0, 1, 0));
    assert_true(nodes[1].swallowed && nodes[2].swallowed);
}

static void a_bias_that_also_goes_elsewhere_is_not_swallowed(void **state)
{
    (void)state;
    /* Layer 0 is read by a normalisation and by a rectifier. */
    texp_node nodes[] = {CONV_BIAS(-1), NORM(0), RELU(0), CONV(2), ADD(3, 1), SOFTMAX(4)};
    CHECK(nodes, LIST(0, 0, 0, 0, 0, 0), LIST(0, 0, 0, 0, 0, 0));
    assert_false(nodes[0].swallowed);
}

static void only_a_normalisation_that_subtracts_the_mean_swallows(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV_BIAS(-1), SIDE(0), SOFTMAX(1)};
    CHECK(nodes, LIST(0, 0, 0), LIST(0, 0, 0));
    nodes[1].swallows = 1;
    CHECK(nodes, LIST(1, 0, 0), LIST(0, 1, 0));
}

static void a_bias_of_its_own_at_every_pixel_is_not_swallowed(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV_BIAS(-1), NORM(0), SOFTMAX(1)};
    nodes[0].channel_bias = 0; /* [local] */
    CHECK(nodes, LIST(0, 0, 0), LIST(0, 0, 0));
}

static void two_layers_in_a_row_have_degree_two(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), RELU(0), CONV(1), NORM(2), SOFTMAX(3)};
    CHECK(nodes, LIST(1, 0, 1, 0, 0), LIST(0, 0, 0, 2, 0));
}

static void a_saturating_activation_demands_degree_0(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), LOGISTIC(0), CONV(1), NORM(2), SOFTMAX(3)};
    CHECK(nodes, LIST(0, 0, 1, 0, 0), LIST(0, 0, 0, 1, 0));
}

static void a_route_of_unequal_degrees_keeps_its_lower_one(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV_NORM(-1), CONV(0), ADD(1, 0), NORM(2), SOFTMAX(3)};
    /* Degrees 1 and 0 are joined: the layer with 1 leaves. */
    CHECK(nodes, LIST(1, 0, 0, 0, 0), LIST(1, 0, 0, 0, 0));
}

static void without_a_normalisation_nothing_grows(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), RELU(0), CONV(1)};
    CHECK(nodes, LIST(0, 0, 0), LIST(0, 0, 0));
}

static void a_detection_head_between_does_not_bind_the_rest(void **state)
{
    (void)state;
    /* As in yolov3: head, detection layer, then a route back to the trunk. */
    texp_node nodes[] = {CONV_NORM(-1), CONV_BIAS(0), SOFTMAX(1), {.kind = TEXP_NODE_ADD, INPUTS(0), .homogeneous = 1},
                         CONV_NORM(3),  CONV_BIAS(4), SOFTMAX(5)};
    CHECK(nodes, LIST(1, 0, 0, 0, 1, 0, 0), LIST(1, 0, 0, 0, 1, 0, 0));
}

static void one_layer_leaves_rather_than_three_behind_it(void **state)
{
    (void)state;
    /* Three projections of layer 0, each added to a map behind a normalisation: 2 and 1. Without layer 0 all are 1. */
    texp_node nodes[] = {CONV(-1),  CONV(0), NORM(0), CONV(2), ADD(3, 1),   NORM(4),  CONV(0),    CONV(5),
                         ADD(7, 6), NORM(8), CONV(0), CONV(9), ADD(11, 10), NORM(12), SOFTMAX(13)};
    CHECK(nodes, LIST(0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0), LIST(0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0));
}

static void what_no_output_reads_binds_nothing(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), CONV_BIAS(0), NORM(0), SOFTMAX(2)};
    assert_int_equal(texp_degrees_solve(nodes, COUNT(nodes)), 2);
    assert_true(nodes[0].in_set && !nodes[1].used);
}

static void groups_are_separated_by_normalisations(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), NORM(0), RELU(1), CONV(2), RELU(3), CONV(4), NORM(5), CONV_BIAS(6), SOFTMAX(7)};
    assert_int_equal(texp_degrees_solve(nodes, COUNT(nodes)), 3);
    const int groups[] = {0, -1, -1, 1, -1, 1, -1, -1, -1}, normalised_groups[] = {-1, 0, -1, -1, -1, -1, 1, -1, -1};
    for (size_t i = 0; i < COUNT(nodes); ++i) {
        assert_int_equal(nodes[i].group, groups[i]);
        assert_int_equal(nodes[i].normalised_group, normalised_groups[i]);
    }
}

static void branches_that_are_added_are_one_group(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), NORM(0), CONV(1), ADD(2, 0), NORM(3), CONV_NORM(4), SOFTMAX(5)};
    assert_int_equal(texp_degrees_solve(nodes, COUNT(nodes)), 3);
    assert_int_equal(nodes[0].group, 0);
    assert_int_equal(nodes[2].group, 0);
    assert_int_equal(nodes[1].normalised_group, 0);
    assert_int_equal(nodes[3].normalised_group, -1);
    assert_int_equal(nodes[4].normalised_group, 0);
    assert_int_equal(nodes[5].group, 1);
    assert_int_equal(nodes[5].normalised_group, 1);
}

static void a_group_takes_the_rate_of_most_of_its_layers(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), CONV(0), CONV(1), NORM(2), CONV_NORM(3), SOFTMAX(4)};
    nodes[1].rate_class = nodes[2].rate_class = nodes[4].rate_class = 3;
    /* The first layer leaves; the layer alone in its group keeps its own. */
    CHECK(nodes, LIST(0, 1, 1, 0, 1, 0), LIST(0, 0, 0, 2, 1, 0));
}

static void where_rates_are_as_frequent_the_networks_own_wins(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), CONV(0), NORM(1), CONV(2), CONV(3), NORM(4), SOFTMAX(5)};
    nodes[0].rate_class = 1;
    nodes[3].rate_class = 2;
    nodes[4].rate_class = 1;
    CHECK(nodes, LIST(0, 1, 0, 1, 0, 0, 0), LIST(0, 0, 1, 0, 0, 1, 0));
}

static void three_hundred_layers_take_no_time(void **state)
{
    enum { BLOCKS = 100, N = 1 + 3 * BLOCKS + 1 };
    static texp_node nodes[N];
    static int inputs[N][2];
    (void)state;
    /* Blocks of two maps beside one, no normalisation until the end: degree 100, and a ground to be found for every step. */
    for (int i = 0; i < N; ++i) {
        int place = (i - 1) % 3;
        inputs[i][0] = i - 1;
        inputs[i][1] = i - 3;
        nodes[i] =
            (texp_node){.kind = place == 2 ? TEXP_NODE_ADD : TEXP_NODE_LINEAR, .inputs = inputs[i], .n_inputs = 1};
        if (place == 1) inputs[i][0] = i - 2;
        nodes[i].trainable = nodes[i].homogeneous = 1;
        if (place == 2 && i) inputs[i][0] = i - 1, inputs[i][1] = i - 2, nodes[i].n_inputs = 2;
    }
    nodes[0].kind = TEXP_NODE_LINEAR;
    inputs[0][0] = -1;
    nodes[N - 1] = (texp_node){.kind = TEXP_NODE_NORMALISE, .inputs = inputs[N - 1], .n_inputs = 1};
    inputs[N - 1][0] = N - 2;
    clock_t from = clock();
    assert_int_equal(texp_degrees_solve(nodes, N), 1 + 2 * BLOCKS);
    assert_int_equal(nodes[N - 1].normalised_degree, 1 + BLOCKS);
    assert_true(clock() - from < CLOCKS_PER_SEC);
}

/* ---- Algorithm 1 on hand-made graphs ---- */

/* "kind:node degree[/other] remedy:node ...;" for each obstacle. */
static const char *obstacles_of(texp_node *nodes, size_t n)
{
    static const char *const kinds[] = {"add", "bias", "activation", "demand", "opaque"};
    static const char *const remedies[] = {"before", "behind", "no_bias", "fixed", "no_affine"};
    static char text[1024];
    texp_obstacle found[64];
    assert_true(n * TEXP_MOST_OBSTACLES <= COUNT(found));
    int n_found = texp_degrees_all(nodes, n, found), length = 0;
    text[0] = 0;
    for (int i = 0; i < n_found; ++i) {
        const texp_obstacle *o = found + i;
        length += sprintf(text + length, "%s:%d %d", kinds[o->kind], o->node, o->degree);
        if (o->kind == TEXP_OBSTACLE_ADD) length += sprintf(text + length, "/%d", o->other);
        for (int k = 0; k < o->n_remedies; ++k) {
            length += sprintf(text + length, " %s:%d", remedies[o->remedies[k].kind], o->remedies[k].node);
        }
        length += sprintf(text + length, ";");
    }
    return text;
}
#define OBSTACLES(nodes) obstacles_of(nodes, COUNT(nodes))

static void algorithm_1_says_yes_to_the_papers_preresnet(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1),  NORM(0), RELU(1), CONV(2), NORM(3),        RELU(4),    CONV(5),
                         ADD(6, 0), NORM(7), RELU(8), POOL(9), FIXED_CONV(10), SOFTMAX(11)};
    assert_string_equal(OBSTACLES(nodes), "");
    /* With the last layer trained, the softmax sees degree 1. */
    nodes[11].trainable = 1;
    assert_string_equal(OBSTACLES(nodes), "demand:12 1 fixed:11;");
    /* And with its bias, that meets degree 1 as it should. */
    nodes[11].biased = nodes[11].channel_bias = 1;
    assert_string_equal(OBSTACLES(nodes), "demand:12 1 fixed:11;");
}

static void algorithm_1_wants_a_normalisation_before_the_projection(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), NORM(0), RELU(1), CONV(2), CONV(0), ADD(4, 3), NORM(5), SOFTMAX(6)};
    assert_string_equal(OBSTACLES(nodes), "add:5 1/2 before:4;");
}

static void algorithm_1_wants_a_normalisation_in_the_projection_of_a_postactivation_resnet(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV_NORM(-1), CONV_NORM(0), CONV(0), ADD(2, 1), RELU(3), SOFTMAX(4)};
    assert_string_equal(OBSTACLES(nodes), "add:3 0/1 behind:2;");
    /* With affine that trains: 1 beside 1+1. */
    nodes[0].affine = nodes[1].affine = 1;
    assert_string_equal(OBSTACLES(nodes), "add:3 1/2 before:2;demand:5 1 behind:3;");
}

static void algorithm_1_counts_affine_as_degree_1(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV_NORM(-1), CONV_NORM(0), CONV(1), SOFTMAX(2)};
    nodes[0].affine = nodes[1].affine = 1;
    assert_string_equal(OBSTACLES(nodes), "demand:3 2 fixed:2 no_affine:1;");
    assert_int_equal(nodes[1].degree_in, 1);
    assert_int_equal(nodes[1].normalised_degree, 2);
    assert_int_equal(nodes[1].degree, 1);
    assert_int_equal(nodes[2].degree, 2);
}

static void algorithm_1_lets_a_bias_meet_degree_1_alone(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV_BIAS(-1), RELU(0), CONV_BIAS(1), RELU(2), NORM(3), SOFTMAX(4)};
    assert_string_equal(OBSTACLES(nodes), "bias:2 2 no_bias:2;");
    texp_node swallowed[] = {CONV_BIAS(-1), RELU(0), CONV_BIAS(1), NORM(2), SOFTMAX(3)};
    assert_string_equal(OBSTACLES(swallowed), "");
}

static void algorithm_1_names_every_obstacle_once(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV_NORM(-1), CONV(0),      LOGISTIC(1),  CONV(2),
                         ADD(3, 0),     CONV_BIAS(4), CONV_BIAS(5), SOFTMAX(6)};
    assert_string_equal(OBSTACLES(nodes), "activation:2 1 before:2;add:4 0/1 behind:3;bias:6 2 no_bias:6;"
                                          "demand:7 2 fixed:6 fixed:5;");
}

static void algorithm_1_refuses_weights_that_it_cannot_see_into(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV_NORM(-1), {.kind = TEXP_NODE_FIXED, INPUTS(0), .trainable = 1}, SOFTMAX(1)};
    assert_string_equal(OBSTACLES(nodes), "opaque:1 0 fixed:1;");
}

/* --- random graphs, computed with numbers: the oracle that knows nothing of degrees --------------------------------- */

enum { WIDTH = 4, MOST = 12, GRAPHS = 20000 };

typedef struct {
    texp_node nodes[MOST];
    int inputs[MOST][2];
    size_t n;
    double weights[MOST][WIDTH][WIDTH], biases[MOST][WIDTH], gains[MOST][WIDTH], channel_bias[MOST], input[WIDTH];
    int needed[MOST]; /* some output reads it */
    /* For one scale. */
    double values[MOST][WIDTH];
    double normalised[MOST]; /* length of what a node normalises */
} graph;

/* What is multiplied by `factor`: the weights of S (of one group: >= 0; of all groups: EVERY_GROUP), or ALL that trains. */
typedef struct {
    double factor;
    int group;
} scaling;
enum { EVERY_GROUP = -1, ALL = -2 };

static uint64_t state = 1;

static double draw(double low, double high)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(state >> 33) / 2147483648.;
}

static int one_in(int n)
{
    return (int)draw(0, n) == 0;
}

static void draw_numbers(double *values, size_t n)
{
    for (size_t i = 0; i < n; ++i) values[i] = draw(-1, 1);
}

static void draw_flags(texp_node *node)
{
    int linear = node->kind == TEXP_NODE_LINEAR;
    node->homogeneous = node->kind != TEXP_NODE_FIXED && !one_in(6);
    node->trainable = linear && !one_in(5);
    node->normalised = linear && one_in(3);
    node->biased = linear && !node->normalised && one_in(2);
    node->channel_bias = node->biased && node->homogeneous && one_in(2);
    node->affine = one_in(3);
    node->swallows = node->kind == TEXP_NODE_NORMALISE && !one_in(4);
    node->keeps_channels =
        (node->kind == TEXP_NODE_SAME || node->kind == TEXP_NODE_ADD) && node->homogeneous && one_in(2);
}

static void draw_node(graph *g, size_t i)
{
    static const texp_node_kind kinds[] = {TEXP_NODE_LINEAR,    TEXP_NODE_LINEAR, TEXP_NODE_LINEAR, TEXP_NODE_NORMALISE,
                                           TEXP_NODE_NORMALISE, TEXP_NODE_SAME,   TEXP_NODE_ADD,    TEXP_NODE_ADD};
    texp_node node = {
        .kind = one_in(12) ? TEXP_NODE_FIXED : kinds[(int)draw(0, 8)], .inputs = g->inputs[i], .n_inputs = 1};
    /* As in a cfg: mostly the layer before; a shortcut or route reads an earlier one. */
    g->inputs[i][0] = one_in(6) ? (int)draw(0, i + 1) - 1 : (int)i - 1;
    g->inputs[i][1] = (int)draw(0, i + 1) - 1;
    if (i + 1 == g->n && !one_in(4)) node.kind = TEXP_NODE_FIXED;
    if (node.kind == TEXP_NODE_ADD) node.n_inputs = 2;
    draw_flags(&node);
    g->nodes[i] = node;
}

static void find_needed(graph *g)
{
    for (size_t i = g->n; i-- > 0;) {
        g->needed[i] = i + 1 == g->n || g->nodes[i].kind == TEXP_NODE_FIXED;
        for (size_t j = i + 1; j < g->n; ++j) {
            for (size_t k = 0; k < g->nodes[j].n_inputs; ++k) {
                g->needed[i] |= g->needed[j] && g->inputs[j][k] == (int)i;
            }
        }
    }
}

static void draw_graph(graph *g)
{
    memset(g, 0, sizeof *g);
    g->n = 3 + (size_t)draw(0, MOST - 2);
    for (size_t i = 0; i < g->n; ++i) draw_node(g, i);
    draw_numbers(&g->weights[0][0][0], MOST * WIDTH * WIDTH);
    draw_numbers(&g->biases[0][0], MOST * WIDTH);
    draw_numbers(&g->gains[0][0], MOST * WIDTH);
    draw_numbers(g->channel_bias, MOST);
    draw_numbers(g->input, WIDTH);
    find_needed(g);
}

/* Copies of a graph point into the original. */
static graph copy_of(const graph *g)
{
    return *g;
}

/* The four values of a node are one channel. Length 1 (and mean 0, where it swallows), then the affine, which may be
 * scaled; returns the length that there was. Each value has a gain of its own: without it, what is normalised and what is
 * not differ by a factor alone, and their sum, normalised, is the same for any degrees. */
static double normalise(double *x, const texp_node *node, const double *gains, const double *bias, double affine)
{
    double mean = 0, squares = 0;
    int centred = node->kind == TEXP_NODE_LINEAR || node->swallows;
    for (int j = 0; j < WIDTH; ++j) mean += centred ? x[j] / WIDTH : 0;
    for (int j = 0; j < WIDTH; ++j) x[j] -= mean, squares += x[j] * x[j];
    for (int j = 0; j < WIDTH; ++j) x[j] = affine * (x[j] / sqrt(squares) * gains[j] + (node->affine ? bias[j] : 0));
    return sqrt(squares);
}

static void multiply(graph *g, size_t i, const scaling *s, double *y, const double *x)
{
    const texp_node *node = g->nodes + i;
    int grows = s->group == ALL ? node->trainable : node->in_set && (s->group < 0 || node->group == s->group);
    for (int j = 0; j < WIDTH; ++j) {
        y[j] = 0;
        for (int k = 0; k < WIDTH; ++k) y[j] += (grows ? s->factor : 1) * g->weights[i][j][k] * x[k];
        if (!node->biased) continue;
        y[j] += (s->group == ALL ? s->factor : 1) * (node->channel_bias ? g->channel_bias[i] : g->biases[i][j]);
    }
}

/* sin where a degree is not kept: it has none anywhere. Where degrees are kept and channels not, something that no
 * number added to all values leaves as it is, which a rectifier would do where all are positive. */
static void activate(const texp_node *node, double *y)
{
    double x[WIDTH];
    int linear = node->keeps_channels || (node->channel_bias && node->homogeneous);
    memcpy(x, y, sizeof x);
    for (int j = 0; j < WIDTH && !linear; ++j) {
        y[j] = node->homogeneous ? x[j] + hypot(x[j], x[(j + 1) % WIDTH]) / 2 : sin(x[j]);
    }
}

static void compute(graph *g, size_t i, const scaling *s)
{
    const texp_node *node = g->nodes + i;
    int normalises = node->kind == TEXP_NODE_NORMALISE || node->normalised;
    double x[WIDTH] = {0}, *y = g->values[i];
    for (size_t k = 0; k < node->n_inputs; ++k) {
        const double *from = node->inputs[k] < 0 ? g->input : g->values[node->inputs[k]];
        for (int j = 0; j < WIDTH; ++j) x[j] += from[j];
    }
    memcpy(y, x, sizeof x);
    if (node->kind == TEXP_NODE_LINEAR) multiply(g, i, s, y, x);
    g->normalised[i] = 1;
    if (normalises)
        g->normalised[i] =
            normalise(y, node, g->gains[i], g->biases[i], s->group == ALL && node->affine ? s->factor : 1);
    if (node->kind != TEXP_NODE_NORMALISE) activate(node, y);
}

static void compute_all(graph *g, double factor, int group)
{
    scaling s = {factor, group};
    for (size_t i = 0; i < g->n; ++i) compute(g, i, &s);
}

/* Whether the outputs stay under a scaling. Rounding is 1e-15, amplified where a sum or a normalisation is near 0; a wrong degree
 * changes values by a factor of 2. */
static int outputs_stay(graph *g, int group)
{
    graph scaled = copy_of(g);
    compute_all(g, 1, group);
    compute_all(&scaled, 2, group);
    for (size_t i = 0; i < g->n; ++i) {
        int is_output = g->nodes[i].kind == TEXP_NODE_FIXED || i + 1 == g->n;
        for (int j = 0; is_output && j < WIDTH; ++j) {
            if (!(fabs(g->values[i][j] - scaled.values[i][j]) < 1e-7)) return 0;
        }
    }
    return 1;
}

/* A swallowed bias is not multiplied by anything: it is left out where values are compared. */
static void drop_swallowed_biases(graph *g)
{
    for (size_t i = 0; i < g->n; ++i) {
        if (g->nodes[i].swallowed) g->channel_bias[i] = 0;
    }
}

static void assert_degrees(graph *g, int group)
{
    graph twice = copy_of(g);
    compute_all(g, 1, group);
    compute_all(&twice, 2, group);
    for (size_t i = 0; i < g->n; ++i) {
        const texp_node *node = g->nodes + i;
        if (!g->needed[i]) continue;
        for (int j = 0; j < WIDTH && group < 0; ++j) {
            double expected = ldexp(g->values[i][j], node->degree);
            assert_true(fabs(twice.values[i][j] - expected) <= 1e-7 * (1 + fabs(expected)));
        }
        /* The epsilon of this normalisation goes with the square of it. */
        int degree = group < 0 || node->normalised_group == group ? node->normalised_degree : 0;
        assert_true(fabs(ldexp(g->normalised[i], degree) / twice.normalised[i] - 1) < 1e-7);
    }
}

static int count_groups(const graph *g)
{
    int groups = 0;
    for (size_t i = 0; i < g->n; ++i) {
        assert_int_equal(g->nodes[i].group >= 0, g->nodes[i].in_set);
        if (g->nodes[i].group >= groups) groups = g->nodes[i].group + 1;
    }
    return groups;
}

static void no_random_network_changes_when_its_growing_layers_are_scaled(void **unused)
{
    int scaled_graphs = 0, swallowed = 0;
    (void)unused;
    for (int k = 0; k < GRAPHS; ++k) {
        graph g;
        draw_graph(&g);
        scaled_graphs += texp_degrees_solve(g.nodes, g.n) > 0;
        assert_true(outputs_stay(&g, EVERY_GROUP));
        for (size_t i = 0; i < g.n; ++i) swallowed += g.needed[i] && g.nodes[i].swallowed && g.nodes[i].in_set;
        drop_swallowed_biases(&g);
        assert_degrees(&g, EVERY_GROUP);
    }
    assert_true(scaled_graphs > GRAPHS / 4);
    assert_true(swallowed > GRAPHS / 50);
}

static void no_random_network_changes_when_one_group_is_scaled(void **unused)
{
    int several = 0;
    (void)unused;
    for (int k = 0; k < GRAPHS; ++k) {
        graph g;
        draw_graph(&g);
        texp_degrees_solve(g.nodes, g.n);
        int groups = count_groups(&g);
        several += groups > 1;
        for (int group = 0; group < groups; ++group) assert_true(outputs_stay(&g, group));
        drop_swallowed_biases(&g);
        for (int group = 0; group < groups; ++group) assert_degrees(&g, group);
    }
    assert_true(several > GRAPHS / 8);
}

static void groups_of_random_networks_have_one_rate(void **unused)
{
    int kept_out = 0;
    (void)unused;
    for (int k = 0; k < GRAPHS; ++k) {
        graph g;
        int rate_of_group[MOST];
        draw_graph(&g);
        int most = texp_degrees_solve(g.nodes, g.n);
        for (size_t i = 0; i < g.n; ++i) g.nodes[i].rate_class = (int)draw(0, 3);
        int members = texp_degrees_solve(g.nodes, g.n);
        memset(rate_of_group, -1, sizeof rate_of_group);
        assert_true(members <= most);
        kept_out += members < most;
        assert_true(outputs_stay(&g, EVERY_GROUP));
        for (size_t i = 0; i < g.n; ++i) {
            int group = g.nodes[i].group;
            if (group < 0) continue;
            if (rate_of_group[group] < 0) rate_of_group[group] = g.nodes[i].rate_class;
            assert_int_equal(g.nodes[i].rate_class, rate_of_group[group]);
        }
    }
    assert_true(kept_out > GRAPHS / 20);
}

/* Members of the largest admissible set, by trying all; -1 where these are too many. */
static int largest_set(graph *g)
{
    int layers[MOST], n = 0, largest = 0;
    for (size_t i = 0; i < g->n; ++i) {
        if (g->nodes[i].trainable) layers[n++] = (int)i;
    }
    if (n > 7) return -1;
    for (int set = 0; set < 1 << n; ++set) {
        int members = 0;
        for (int i = 0; i < n; ++i) members += g->nodes[layers[i]].in_set = set >> i & 1;
        if (members > largest && outputs_stay(g, EVERY_GROUP)) largest = members;
    }
    return largest;
}

static void the_largest_set_is_found_on_every_random_graph(void **unused)
{
    int possible = 0, tried = 0;
    (void)unused;
    for (int k = 0; k < GRAPHS; ++k) {
        graph g;
        draw_graph(&g);
        int members = texp_degrees_solve(g.nodes, g.n), largest = largest_set(&g);
        if (largest < 0) continue;
        assert_int_equal(members, largest);
        possible += largest;
        ++tried;
    }
    assert_true(tried > GRAPHS / 2);
    assert_true(possible > GRAPHS / 2);
}

static void algorithm_1_answers_as_scaling_everything_does(void **unused)
{
    int yes = 0;
    (void)unused;
    for (int k = 0; k < GRAPHS; ++k) {
        graph g;
        texp_obstacle obstacles[TEXP_MOST_OBSTACLES * MOST];
        draw_graph(&g);
        int answer = texp_degrees_all(g.nodes, g.n, obstacles) == 0;
        assert_int_equal(answer, outputs_stay(&g, ALL));
        yes += answer;
        if (!answer) continue;
        drop_swallowed_biases(&g);
        assert_degrees(&g, ALL);
    }
    assert_true(yes > GRAPHS / 50);
    assert_true(yes < GRAPHS / 2);
}

/* ---- remedies of random graphs: the graph as one would write it after following them ---- */

enum { MOST_REMEDIED = 4 * MOST };

typedef struct {
    texp_node nodes[MOST_REMEDIED];
    int inputs[MOST_REMEDIED][2];
    int number[MOST]; /* of the old nodes */
    size_t n;
} remedied;

static int add_normalisation(remedied *r, int from)
{
    r->inputs[r->n][0] = from;
    r->nodes[r->n] = (texp_node){
        .kind = TEXP_NODE_NORMALISE, .inputs = r->inputs[r->n], .n_inputs = 1, .homogeneous = 1, .swallows = 1};
    return (int)r->n++;
}

static void follow(texp_node *node, int *before, int *behind, texp_remedy_kind kind)
{
    int inside = node->kind == TEXP_NODE_LINEAR && !node->normalised;
    if (kind == TEXP_REMEDY_NORMALISE_BEFORE) *before = 1;
    if (kind == TEXP_REMEDY_NORMALISE_BEHIND && inside) node->normalised = 1, node->biased = node->affine = 0;
    if (kind == TEXP_REMEDY_NORMALISE_BEHIND && !inside) *behind = 1;
    if (kind == TEXP_REMEDY_NO_AFFINE) node->affine = 0;
    if (kind == TEXP_REMEDY_NO_BIAS || kind == TEXP_REMEDY_FIXED) node->biased = 0;
    if (kind == TEXP_REMEDY_FIXED) node->trainable = 0;
}

static void follow_remedies(remedied *r, const graph *g, const texp_obstacle *o)
{
    r->n = 0;
    for (size_t i = 0; i < g->n; ++i) {
        texp_node node = g->nodes[i];
        int before = 0, behind = 0, from[2] = {0};
        for (int k = 0; k < o->n_remedies; ++k) {
            if (o->remedies[k].node == (int)i) follow(&node, &before, &behind, o->remedies[k].kind);
        }
        for (size_t k = 0; k < node.n_inputs; ++k) {
            from[k] = node.inputs[k] < 0 ? -1 : r->number[node.inputs[k]];
            if (before) from[k] = add_normalisation(r, from[k]);
        }
        memcpy(r->inputs[r->n], from, sizeof from);
        node.inputs = r->inputs[r->n];
        r->nodes[r->n] = node;
        r->number[i] = (int)r->n++;
        if (behind) r->number[i] = add_normalisation(r, r->number[i]);
    }
}

static void every_remedy_removes_its_obstacle(void **unused)
{
    int removed = 0;
    (void)unused;
    for (int k = 0; k < GRAPHS; ++k) {
        graph g;
        remedied r;
        texp_obstacle obstacles[TEXP_MOST_OBSTACLES * MOST], left[TEXP_MOST_OBSTACLES * MOST_REMEDIED];
        draw_graph(&g);
        int n = texp_degrees_all(g.nodes, g.n, obstacles);
        /* The first: what comes in front of it is as it is computed. */
        for (int i = 0; i < (n > 0); ++i) {
            const texp_obstacle *o = obstacles + i;
            assert_true(o->n_remedies > 0);
            follow_remedies(&r, &g, o);
            int n_left = texp_degrees_all(r.nodes, r.n, left);
            for (int j = 0; j < n_left; ++j) {
                assert_false(left[j].kind == o->kind && left[j].node == r.number[o->node]);
            }
            ++removed;
        }
    }
    assert_true(removed > GRAPHS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_preactivation_resnet_grows_but_for_its_fixed_layer),
        cmocka_unit_test(a_projection_behind_a_normalisation_grows),
        cmocka_unit_test(a_projection_without_a_normalisation_keeps_its_base_rate),
        cmocka_unit_test(a_normalisation_inside_the_layer_swallows_its_bias),
        cmocka_unit_test(an_unnormalised_last_layer_keeps_its_base_rate),
        cmocka_unit_test(a_bias_that_is_not_normalised_next_keeps_degree_0),
        cmocka_unit_test(a_normalisation_behind_the_layer_swallows_its_bias),
        cmocka_unit_test(a_normalisation_behind_additions_and_pooling_swallows_biases),
        cmocka_unit_test(a_bias_that_also_goes_elsewhere_is_not_swallowed),
        cmocka_unit_test(only_a_normalisation_that_subtracts_the_mean_swallows),
        cmocka_unit_test(a_bias_of_its_own_at_every_pixel_is_not_swallowed),
        cmocka_unit_test(one_layer_leaves_rather_than_three_behind_it),
        cmocka_unit_test(what_no_output_reads_binds_nothing),
        cmocka_unit_test(groups_are_separated_by_normalisations),
        cmocka_unit_test(branches_that_are_added_are_one_group),
        cmocka_unit_test(a_group_takes_the_rate_of_most_of_its_layers),
        cmocka_unit_test(where_rates_are_as_frequent_the_networks_own_wins),
        cmocka_unit_test(three_hundred_layers_take_no_time),
        cmocka_unit_test(algorithm_1_says_yes_to_the_papers_preresnet),
        cmocka_unit_test(algorithm_1_wants_a_normalisation_before_the_projection),
        cmocka_unit_test(algorithm_1_wants_a_normalisation_in_the_projection_of_a_postactivation_resnet),
        cmocka_unit_test(algorithm_1_counts_affine_as_degree_1),
        cmocka_unit_test(algorithm_1_lets_a_bias_meet_degree_1_alone),
        cmocka_unit_test(algorithm_1_names_every_obstacle_once),
        cmocka_unit_test(algorithm_1_refuses_weights_that_it_cannot_see_into),
        cmocka_unit_test(two_layers_in_a_row_have_degree_two),
        cmocka_unit_test(a_saturating_activation_demands_degree_0),
        cmocka_unit_test(a_route_of_unequal_degrees_keeps_its_lower_one),
        cmocka_unit_test(without_a_normalisation_nothing_grows),
        cmocka_unit_test(a_detection_head_between_does_not_bind_the_rest),
        cmocka_unit_test(no_random_network_changes_when_its_growing_layers_are_scaled),
        cmocka_unit_test(no_random_network_changes_when_one_group_is_scaled),
        cmocka_unit_test(groups_of_random_networks_have_one_rate),
        cmocka_unit_test(the_largest_set_is_found_on_every_random_graph),
        cmocka_unit_test(algorithm_1_answers_as_scaling_everything_does),
        cmocka_unit_test(every_remedy_removes_its_obstacle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
