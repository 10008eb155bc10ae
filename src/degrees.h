/*
 * Which weights are scale invariant: degrees of homogeneity on the layer graph (Li & Arora 2020, Appendix E, Table 1).
 *
 * S is a set of layers whose weights may be multiplied by one c > 0 without changing the network's output. A value
 * has degree d when it is then multiplied by c^d. Layers of S take the exponential rate, all others their base rate.
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
    int trainable; /* TEXP_NODE_LINEAR: has weights that train and may so be in S */
    int biased; /* a bias is added that is not in S: the degree there must be 0, or normalised next */
    int normalised; /* TEXP_NODE_LINEAR: batch normalisation follows inside the layer */
    int homogeneous; /* the activation at the end keeps degrees (relu, leaky, linear); otherwise it demands 0 */

    /* Results. */
    int in_set; /* in S */
    int norm_degree; /* degree of what this layer normalises, 0 where it normalises nothing */
    int degree; /* of the output */
} texp_node;

/*
 * Finds a set S and the degrees that it gives. Starts from all trainable layers; while some place is not homogeneous,
 * the last layers of S in front of it leave the set. The result is always admissible, not always the largest set.
 * Returns the number of layers in S.
 */
int texp_degrees_solve(texp_node *nodes, size_t n);

#endif
