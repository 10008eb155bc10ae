#include "degrees.h"

#include <stdlib.h>

static int input_degree(const texp_node *nodes, const texp_node *node, size_t i)
{
    return node->inputs[i] < 0 ? 0 : nodes[node->inputs[i]].degree;
}

/* The degree that a node's inputs bring, or -1 where they disagree. */
static int common_degree(const texp_node *nodes, const texp_node *node)
{
    int degree = node->n_inputs ? input_degree(nodes, node, 0) : 0;
    for (size_t i = 1; i < node->n_inputs; ++i) {
        if (input_degree(nodes, node, i) != degree) return -1;
    }
    return degree;
}

/* Computes one node's degrees; 0 where it is an obstacle. */
static int propagate(texp_node *nodes, texp_node *node)
{
    int degree = common_degree(nodes, node);
    node->norm_degree = node->degree = 0;
    if (degree < 0) return 0;
    switch (node->kind) {
    case TEXP_NODE_NORMALISE:
        node->norm_degree = degree;
        return 1;
    case TEXP_NODE_FIXED:
        return degree == 0;
    case TEXP_NODE_LINEAR:
        degree += node->in_set;
        break;
    case TEXP_NODE_SAME:
    case TEXP_NODE_ADD:
        break;
    }
    if (node->normalised) {
        node->norm_degree = degree;
        return 1;
    }
    node->degree = degree;
    return !degree || (node->homogeneous && !node->biased);
}

/* Takes the last layers of S in front of `index` (itself included) out of S, those of the highest degree only where
 * an addition's inputs differ. What it walks back through has a positive degree, so is no normalisation. Returns how
 * many. */
static int retreat(texp_node *nodes, int index)
{
    if (index < 0) return 0;
    texp_node *node = nodes + index;
    if (node->in_set) {
        node->in_set = 0;
        return 1;
    }
    int highest = 0, removed = 0;
    for (size_t i = 0; i < node->n_inputs; ++i) {
        int degree = input_degree(nodes, node, i);
        if (degree > highest) highest = degree;
    }
    for (size_t i = 0; i < node->n_inputs; ++i) {
        if (highest && input_degree(nodes, node, i) == highest) removed += retreat(nodes, node->inputs[i]);
    }
    return removed;
}

/* The first obstacle, or n. The last node is the output, whose degree must be 0. */
static size_t first_obstacle(texp_node *nodes, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        if (!propagate(nodes, nodes + i)) return i;
    }
    return n && nodes[n - 1].degree ? n - 1 : n;
}

int texp_degrees_solve(texp_node *nodes, size_t n)
{
    int members = 0;
    for (size_t i = 0; i < n; ++i) {
        nodes[i].in_set = nodes[i].kind == TEXP_NODE_LINEAR && nodes[i].trainable;
        members += nodes[i].in_set;
    }
    for (size_t obstacle; (obstacle = first_obstacle(nodes, n)) < n;) {
        int removed = retreat(nodes, (int)obstacle);
        /* An obstacle has a positive degree in front of it, so some layer of S is there. */
        if (!removed) abort();
        members -= removed;
    }
    return members;
}
