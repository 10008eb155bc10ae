/* links: math */
/* Degrees of homogeneity on hand-made graphs: what grows is what the paper's Appendix E allows, by hand analysis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
