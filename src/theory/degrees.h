/*
 * Which weights are scale invariant: degrees of homogeneity on the layer graph (Li & Arora 2020, Appendix E, Table 1).
 *
 * S is a set of layers whose weights may be multiplied by one c > 0 without changing the network's outputs. A value
 * has degree d when it is then multiplied by c^d. Layers of S take the exponential rate, all others their base rate.
 *
 * Outputs are all nodes TEXP_NODE_FIXED and the last node. What no output depends on can be anything.
 */
#ifndef TEXP_DEGREES_H
#define TEXP_DEGREES_H

#include <stddef.h>

typedef enum {
    TEXP_NODE_SAME, /* d -> d: relu, leaky, linear; pooling, dropout, reorg, upsample */
    TEXP_NODE_LINEAR, /* d -> d+1 in S, d -> d otherwise; then bias, normalisation, activation as flagged */
    TEXP_NODE_ADD, /* (d, d) -> d: shortcut, route; unequal degrees are an obstacle */
    TEXP_NODE_NORMALISE, /* d -> 0 */
    TEXP_NODE_FIXED /* 0 -> 0, anything else an obstacle: softmax, costs, detection, layers not analysed */
} texp_node_kind;

typedef struct {
    texp_node_kind kind;
    const int *inputs; /* indices of nodes, all smaller than this node's; -1: the network's input, of degree 0 */
    size_t n_inputs;
    int trainable; /* has weights that train. TEXP_NODE_LINEAR: may so be in S; TEXP_NODE_FIXED: never is */
    int biased; /* TEXP_NODE_LINEAR: a bias that trains is added, and no normalisation inside the layer takes it away */
    int channel_bias; /* that bias is one number a channel and reaches the output as it is (linear activation) */
    int normalised; /* TEXP_NODE_LINEAR: batch normalisation follows inside the layer */
    int affine; /* of the normalisation, inside or TEXP_NODE_NORMALISE: it ends with scales and biases that train */
    int swallows; /* TEXP_NODE_NORMALISE: the mean of each channel is taken away (batch normalisation), so that one
                     number added to all of a channel changes nothing */
    int keeps_channels; /* TEXP_NODE_SAME, _ADD: such a number in the input is one in the output, and changes nothing
                           else: pooling, upsampling, additions and concatenations without activation */
    int homogeneous; /* the activation at the end keeps degrees (relu, leaky, linear); otherwise it demands 0 */
    int rate_class; /* which value of the layer's own factor of the learning rate; 0: the factor 1 */

    /* Results. */
    int used; /* some output depends on it; only then does the rest mean anything */
    int swallowed; /* biased, and a normalisation behind takes the bias away again, on every path */
    int in_set; /* in S */
    int degree_in; /* of the input; of what comes first, where they should be equal and are not */
    int normalised_degree; /* degree of what this layer normalises, 0 where it normalises nothing */
    int degree; /* of the output */
    int group; /* in S: which group, 0, 1, ...; otherwise -1 */
    int normalised_group; /* normalised_degree > 0: whose scale the statistics follow; otherwise -1 */
} texp_node;

/*
 * Finds the largest set S and the degrees that it gives: of all admissible sets one with the most layers, and of those
 * the one with the largest degrees: where one of two layers must leave, the one nearer to the input stays.
 *
 * Groups are the smallest sets known to be invariant each by itself: scaling one group alone changes no output either,
 * and multiplies its values by c^degree as well. A group takes one schedule, so all its members have one rate_class:
 * where they would not, those that are not of the most frequent class (ties: class 0, else that of the first layer)
 * are kept out of S, and the largest set without them is taken.
 *
 * Returns the number of layers in S, or -1 where memory runs out.
 */
int texp_degrees_solve(texp_node *nodes, size_t n);

typedef enum {
    TEXP_OBSTACLE_ADD, /* adds or joins values of unequal degrees: degree < other */
    TEXP_OBSTACLE_BIAS, /* adds a bias, of degree 1, to a value of another degree */
    TEXP_OBSTACLE_ACTIVATION, /* an activation that keeps no degree, of a value of degree > 0 */
    TEXP_OBSTACLE_DEMAND, /* an output, or a layer that keeps no degree, of degree > 0 */
    TEXP_OBSTACLE_OPAQUE /* TEXP_NODE_FIXED with weights that train; degree is 0 */
} texp_obstacle_kind;

typedef enum {
    TEXP_REMEDY_NORMALISE_BEFORE, /* a normalisation without affine before that node, for that node alone */
    TEXP_REMEDY_NORMALISE_BEHIND, /* one behind that node (TEXP_NODE_LINEAR: in it), for all that read it */
    TEXP_REMEDY_NO_BIAS, /* no bias, or a normalisation behind it, or fixed weights in that node */
    TEXP_REMEDY_FIXED, /* weights (and bias) of that node fixed */
    TEXP_REMEDY_NO_AFFINE /* scale and bias of that node's normalisation fixed */
} texp_remedy_kind;

enum { TEXP_MOST_REMEDIES = 8, TEXP_MOST_OBSTACLES = 3 /* of one node */ };

typedef struct {
    texp_obstacle_kind kind;
    int node;
    int degree; /* that it meets */
    int other; /* TEXP_OBSTACLE_ADD: the higher one */
    int n_remedies; /* all of them together remove this obstacle (the first ones, where an addition needs still more) */
    struct {
        texp_remedy_kind kind;
        int node;
    } remedies[TEXP_MOST_REMEDIES];
} texp_obstacle;

/*
 * Algorithm 1: whether the outputs are 0-homogeneous in all parameters that train, biases and affine included (swallowed
 * biases may be scaled or not). Gives the degrees under "all of them scaled": in_set says trainable, groups are 0.
 * Behind an obstacle it goes on as if the obstacle were removed, so that each is found once: an addition has the lower
 * degree, a bias is not there, a demand of 0 is met.
 *
 * obstacles: room for TEXP_MOST_OBSTACLES * n. Returns how many there are; 0: the network is scale invariant.
 */
int texp_degrees_all(texp_node *nodes, size_t n, texp_obstacle *obstacles);

#endif
