/* links: math */
/* Degrees of homogeneity on hand-made graphs: what grows is what the paper's Appendix E allows, by hand analysis. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "degrees.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define INPUTS(...)  .inputs = (const int[]){__VA_ARGS__}, .n_inputs = COUNT(((const int[]){__VA_ARGS__}))

#define CONV(from)                                                                                                     \
    {                                                                                                                  \
        .kind = TEXP_NODE_LINEAR, INPUTS(from), .trainable = 1, .homogeneous = 1                                       \
    }
#define CONV_BIAS(from)                                                                                                \
    {                                                                                                                  \
        .kind = TEXP_NODE_LINEAR, INPUTS(from), .trainable = 1, .homogeneous = 1, .biased = 1                          \
    }
#define CONV_NORM(from)                                                                                                \
    {                                                                                                                  \
        .kind = TEXP_NODE_LINEAR, INPUTS(from), .trainable = 1, .homogeneous = 1, .biased = 1, .normalised = 1         \
    }
#define FIXED_CONV(from)                                                                                               \
    {                                                                                                                  \
        .kind = TEXP_NODE_LINEAR, INPUTS(from), .homogeneous = 1                                                       \
    }
#define NORM(from)                                                                                                     \
    {                                                                                                                  \
        .kind = TEXP_NODE_NORMALISE, INPUTS(from), .homogeneous = 1                                                    \
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
        .kind = TEXP_NODE_ADD, INPUTS(a, b), .homogeneous = 1                                                          \
    }
#define SOFTMAX(from)                                                                                                  \
    {                                                                                                                  \
        .kind = TEXP_NODE_FIXED, INPUTS(from)                                                                          \
    }

/* Checks which nodes grow and what the normalisations see: one number a node. */
static void check(texp_node *nodes, size_t n, const int *growing, const int *norm_degrees)
{
    int members = 0;
    for (size_t i = 0; i < n; ++i) members += growing[i];
    assert_int_equal(texp_degrees_solve(nodes, n), members);
    for (size_t i = 0; i < n; ++i) {
        assert_int_equal(nodes[i].in_set, growing[i]);
        assert_int_equal(nodes[i].norm_degree, norm_degrees[i]);
    }
    assert_int_equal(nodes[n - 1].degree, 0);
}
#define CHECK(nodes, growing, norms) check(nodes, COUNT(nodes), growing, norms)
#define LIST(...)                    ((const int[]){__VA_ARGS__})

static void a_preactivation_resnet_grows_but_for_its_fixed_layer(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), NORM(0), RELU(1), CONV(2), ADD(3, 0), NORM(4), RELU(5), FIXED_CONV(6), SOFTMAX(7)};
    /* Both inputs of the addition have degree 1: so has what its norm sees. */
    CHECK(nodes, LIST(1, 0, 0, 1, 0, 0, 0, 0, 0), LIST(0, 1, 0, 0, 0, 1, 0, 0, 0));
}

static void a_projection_behind_a_norm_grows(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), NORM(0), RELU(1), CONV(2), NORM(0), CONV(4), ADD(5, 3), NORM(6), SOFTMAX(7)};
    CHECK(nodes, LIST(1, 0, 0, 1, 0, 1, 0, 0, 0), LIST(0, 1, 0, 0, 1, 0, 0, 1, 0));
}

static void a_projection_without_a_norm_keeps_its_base_rate(void **state)
{
    (void)state;
    /* The stem's degree 1 would become 2 in the projection, beside 1 of the main path (Appendix E). */
    texp_node nodes[] = {CONV(-1), NORM(0), RELU(1), CONV(2), CONV(0), ADD(4, 3), NORM(5), SOFTMAX(6)};
    CHECK(nodes, LIST(1, 0, 0, 1, 0, 0, 0, 0), LIST(0, 1, 0, 0, 0, 0, 1, 0));
}

static void a_norm_inside_the_layer_swallows_its_bias(void **state)
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

static void a_bias_behind_a_growing_layer_is_an_obstacle(void **state)
{
    (void)state;
    texp_node nodes[] = {CONV(-1), CONV_BIAS(0), NORM(1), SOFTMAX(2)};
    /* First the layer with the bias leaves, then the one before it, whose degree the bias still meets. */
    CHECK(nodes, LIST(0, 0, 0, 0), LIST(0, 0, 0, 0));
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

static void without_a_norm_nothing_grows(void **state)
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

/* --- random graphs, computed with numbers: the oracle that knows nothing of degrees --------------------------------- */

enum { WIDTH = 4, MOST = 12, GRAPHS = 20000 };

typedef struct {
    texp_node nodes[MOST];
    int inputs[MOST][2];
    size_t n;
    double weights[MOST][WIDTH][WIDTH], biases[MOST][WIDTH], channel_bias[MOST], input[WIDTH];
    /* For one scale of the weights in S. */
    double values[MOST][WIDTH];
    double normalised[MOST]; /* length of what a node normalises */
} graph;

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

static void draw_node(graph *g, size_t i)
{
    static const texp_node_kind kinds[] = {TEXP_NODE_LINEAR, TEXP_NODE_LINEAR, TEXP_NODE_LINEAR, TEXP_NODE_NORMALISE,
                                           TEXP_NODE_SAME,   TEXP_NODE_ADD,    TEXP_NODE_ADD,    TEXP_NODE_FIXED};
    texp_node node = {.kind = kinds[(int)draw(0, 8)], .inputs = g->inputs[i], .n_inputs = 1};
    /* As in a cfg: mostly the layer before; a shortcut or route reads an earlier one. */
    g->inputs[i][0] = one_in(6) ? (int)draw(0, i + 1) - 1 : (int)i - 1;
    g->inputs[i][1] = (int)draw(0, i + 1) - 1;
    if (i + 1 == g->n) node.kind = TEXP_NODE_FIXED;
    if (node.kind == TEXP_NODE_ADD) node.n_inputs = 2;
    node.trainable = node.kind == TEXP_NODE_LINEAR && !one_in(5);
    node.biased = node.kind == TEXP_NODE_LINEAR && one_in(3);
    node.normalised = node.kind == TEXP_NODE_LINEAR && one_in(3);
    node.homogeneous = node.kind != TEXP_NODE_FIXED && !one_in(6);
    g->nodes[i] = node;
}

static void draw_graph(graph *g)
{
    g->n = 3 + (size_t)draw(0, MOST - 2);
    for (size_t i = 0; i < g->n; ++i) draw_node(g, i);
    draw_numbers(&g->weights[0][0][0], MOST * WIDTH * WIDTH);
    draw_numbers(&g->biases[0][0], MOST * WIDTH);
    draw_numbers(g->channel_bias, MOST);
    draw_numbers(g->input, WIDTH);
}

/* Mean 0 and length 1, then the affine's bias; returns the length that there was. */
static double normalise(double *x, const double *bias)
{
    double mean = 0, squares = 0;
    for (int j = 0; j < WIDTH; ++j) mean += x[j] / WIDTH;
    for (int j = 0; j < WIDTH; ++j) x[j] -= mean, squares += x[j] * x[j];
    for (int j = 0; j < WIDTH; ++j) x[j] = x[j] / sqrt(squares) + bias[j];
    return sqrt(squares);
}

static void compute(graph *g, size_t i, double scale)
{
    const texp_node *node = g->nodes + i;
    double x[WIDTH] = {0}, *y = g->values[i];
    for (size_t k = 0; k < node->n_inputs; ++k) {
        const double *from = node->inputs[k] < 0 ? g->input : g->values[node->inputs[k]];
        for (int j = 0; j < WIDTH; ++j) x[j] += from[j];
    }
    g->normalised[i] = 1;
    memcpy(y, x, sizeof x);
    if (node->kind == TEXP_NODE_NORMALISE) g->normalised[i] = normalise(y, g->biases[i]);
    if (node->kind == TEXP_NODE_LINEAR) {
        for (int j = 0; j < WIDTH; ++j) {
            y[j] = 0;
            for (int k = 0; k < WIDTH; ++k) y[j] += (node->in_set ? scale : 1) * g->weights[i][j][k] * x[k];
            /* Normalisation swallows the bias of a channel, whose values are these four. */
            if (node->biased) y[j] += node->normalised ? g->channel_bias[i] : g->biases[i][j];
        }
        if (node->normalised) g->normalised[i] = normalise(y, g->biases[i]);
    }
    for (int j = 0; j < WIDTH && node->kind != TEXP_NODE_NORMALISE; ++j) {
        y[j] = node->homogeneous ? (y[j] > 0 ? y[j] : .1 * y[j]) : tanh(y[j]);
    }
}

static void compute_all(graph *g, double scale)
{
    for (size_t i = 0; i < g->n; ++i) compute(g, i, scale);
}

/* Whether the outputs, all that has a degree of 0 by demand, stay when S is scaled. Rounding is 1e-15, amplified where
 * a sum or a norm is near 0; a wrong degree changes values by a factor of 2. */
static int is_admissible(graph *g)
{
    graph scaled = *g;
    compute_all(g, 1);
    compute_all(&scaled, 2);
    for (size_t i = 0; i < g->n; ++i) {
        for (int j = 0; g->nodes[i].kind == TEXP_NODE_FIXED && j < WIDTH; ++j) {
            if (!(fabs(g->values[i][j] - scaled.values[i][j]) < 1e-7)) return 0;
        }
    }
    return 1;
}

static void no_random_network_changes_when_its_growing_layers_are_scaled(void **unused)
{
    int scaled_graphs = 0;
    (void)unused;
    for (int k = 0; k < GRAPHS; ++k) {
        graph g, twice;
        draw_graph(&g);
        scaled_graphs += texp_degrees_solve(g.nodes, g.n) > 0;
        assert_true(is_admissible(&g));
        twice = g;
        compute_all(&twice, 2);
        for (size_t i = 0; i < g.n; ++i) {
            for (int j = 0; j < WIDTH; ++j) {
                double expected = ldexp(g.values[i][j], g.nodes[i].degree);
                assert_true(fabs(twice.values[i][j] - expected) <= 1e-7 * (1 + fabs(expected)));
            }
            /* The epsilon of this normalisation goes with the square of it. */
            assert_true(fabs(ldexp(g.normalised[i], g.nodes[i].norm_degree) / twice.normalised[i] - 1) < 1e-7);
        }
    }
    assert_true(scaled_graphs > GRAPHS / 4);
}

/* Members of the largest admissible set, by trying all; -1 where these are too many. */
static int largest_set(graph *g)
{
    int layers[MOST], n = 0, largest = 0;
    for (size_t i = 0; i < g->n; ++i) {
        if (g->nodes[i].trainable) layers[n++] = (int)i;
    }
    if (n > 6) return -1;
    for (int set = 0; set < 1 << n; ++set) {
        int members = 0;
        for (int i = 0; i < n; ++i) members += g->nodes[layers[i]].in_set = set >> i & 1;
        if (members > largest && is_admissible(g)) largest = members;
    }
    return largest;
}

/* The largest set is not promised. On wild graphs 84 % of its layers are found; an empty set would be admissible, too. */
static void most_layers_that_could_grow_do(void **unused)
{
    int found = 0, possible = 0;
    (void)unused;
    for (int k = 0; k < GRAPHS / 10; ++k) {
        graph g;
        draw_graph(&g);
        int members = texp_degrees_solve(g.nodes, g.n), largest = largest_set(&g);
        if (largest < 0) continue;
        found += members;
        possible += largest;
        assert_true(members <= largest);
    }
    assert_true(possible > GRAPHS / 20);
    assert_true(found > .8 * possible);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_preactivation_resnet_grows_but_for_its_fixed_layer),
        cmocka_unit_test(a_projection_behind_a_norm_grows),
        cmocka_unit_test(a_projection_without_a_norm_keeps_its_base_rate),
        cmocka_unit_test(a_norm_inside_the_layer_swallows_its_bias),
        cmocka_unit_test(an_unnormalised_last_layer_keeps_its_base_rate),
        cmocka_unit_test(a_bias_behind_a_growing_layer_is_an_obstacle),
        cmocka_unit_test(two_layers_in_a_row_have_degree_two),
        cmocka_unit_test(a_saturating_activation_demands_degree_0),
        cmocka_unit_test(a_route_of_unequal_degrees_keeps_its_lower_one),
        cmocka_unit_test(without_a_norm_nothing_grows),
        cmocka_unit_test(a_detection_head_between_does_not_bind_the_rest),
        cmocka_unit_test(no_random_network_changes_when_its_growing_layers_are_scaled),
        cmocka_unit_test(most_layers_that_could_grow_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
