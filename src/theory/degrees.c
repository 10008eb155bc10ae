#include "theory/degrees.h"

#include <limits.h>
#include <stdlib.h>

/* ---- what the outputs depend on, and which biases are taken away ---- */

static void mark_used(texp_node *nodes, size_t n)
{
    for (size_t i = 0; i < n; ++i) nodes[i].used = i + 1 == n || nodes[i].kind == TEXP_NODE_FIXED;
    for (size_t i = n; i-- > 0;) {
        const texp_node *node = nodes + i;
        for (size_t k = 0; node->used && k < node->n_inputs; ++k) {
            if (node->inputs[k] >= 0) nodes[node->inputs[k]].used = 1;
        }
    }
}

/* Whether one number added to a whole channel of this node's input changes no output; node->swallowed tells the same
 * of its output. */
static int swallows_input(const texp_node *node)
{
    if (node->kind == TEXP_NODE_NORMALISE) return node->swallows;
    return (node->kind == TEXP_NODE_SAME || node->kind == TEXP_NODE_ADD) && node->keeps_channels && node->swallowed;
}

static void mark_swallowed(texp_node *nodes, size_t n)
{
    for (size_t i = 0; i < n; ++i) nodes[i].swallowed = i + 1 < n;
    for (size_t i = n; i-- > 0;) {
        const texp_node *node = nodes + i;
        for (size_t k = 0; node->used && k < node->n_inputs; ++k) {
            if (node->inputs[k] >= 0 && !swallows_input(node)) nodes[node->inputs[k]].swallowed = 0;
        }
    }
    for (size_t i = 0; i < n; ++i) {
        texp_node *node = nodes + i;
        node->swallowed = node->swallowed && node->kind == TEXP_NODE_LINEAR && node->biased && node->channel_bias;
    }
}

static int is_linear(const texp_node *node)
{
    return node->kind == TEXP_NODE_LINEAR;
}

/* ---- the constraints on degrees ---- */

/*
 * A value of the network is a vertex, with its degree as a potential; values that must have the same degree are one
 * class. Class 0 is the ground: all that must have degree 0. A map that may be in S is an edge from its input's class
 * to that of its product, whose degree is higher by 0 or by 1. Sought are integer degrees that make the sum of these
 * differences largest. The constraints are totally unimodular and the objective is L-natural concave (Murota, Discrete
 * Convex Analysis): ascending from 0, each time by the set of classes whose raise by 1 gains most, ends in the maximum.
 */
typedef struct {
    texp_node *nodes;
    size_t n;
    int *class; /* of vertices 0 (ground), 1+2i (input of node i), 2+2i (its output, before a normalisation inside) */
    int *degree; /* of classes, by their representing vertex; so are the next two */
    int *weight; /* edges that end in the class, less those that begin there */
    int *group;
    char *kept_out; /* nodes that may not be in S */
    char *chosen; /* classes to be raised */
    /* A flow network: the classes, then source and sink. */
    int *first, *reached_by, *queue;
    struct arc {
        int to, next, room;
    } * arcs; /* arc a and a^1 are opposite */
    int n_arcs;
} problem;

enum { GROUND = 0, PLENTY = INT_MAX / 2 };

static int input_vertex(size_t i)
{
    return 1 + 2 * (int)i;
}

static int product_vertex(size_t i)
{
    return 2 + 2 * (int)i;
}

/* Of what others read. */
static int output_vertex(const texp_node *nodes, int i)
{
    if (i < 0 || nodes[i].kind == TEXP_NODE_NORMALISE || nodes[i].kind == TEXP_NODE_FIXED) return GROUND;
    return is_linear(nodes + i) && nodes[i].normalised ? GROUND : product_vertex((size_t)i);
}

static int find(int *class, int vertex)
{
    while (class[vertex] != vertex) vertex = class[vertex] = class[class[vertex]];
    return vertex;
}

/* The smaller number represents both, so the ground represents its class. */
static void join(int *class, int a, int b)
{
    a = find(class, a);
    b = find(class, b);
    if (a < b)
        class[b] = a;
    else
        class[a] = b;
}

static int may_grow(const problem *p, size_t i)
{
    return is_linear(p->nodes + i) && p->nodes[i].trainable && !p->kept_out[i];
}

/* Whether the value in front of the end of the node (activation, addition of a bias) must have degree 0. */
static int demands_0(const texp_node *node)
{
    if (node->kind == TEXP_NODE_FIXED) return 1;
    if (node->kind == TEXP_NODE_NORMALISE || (is_linear(node) && node->normalised)) return 0;
    return !node->homogeneous || (is_linear(node) && node->biased && !node->swallowed);
}

static void constrain(problem *p, size_t i)
{
    const texp_node *node = p->nodes + i;
    /* What nobody reads may add anything to anything. */
    size_t joined = node->used || !node->n_inputs ? node->n_inputs : 1;
    if (!node->n_inputs) join(p->class, GROUND, input_vertex(i));
    for (size_t k = 0; k < joined; ++k) join(p->class, input_vertex(i), output_vertex(p->nodes, node->inputs[k]));
    if (!may_grow(p, i)) join(p->class, input_vertex(i), product_vertex(i));
    if (node->used && demands_0(node)) join(p->class, GROUND, product_vertex(i));
}

static void build_classes(problem *p)
{
    for (int v = 0; v < 1 + 2 * (int)p->n; ++v) {
        p->class[v] = v;
        p->degree[v] = p->weight[v] = 0;
    }
    for (size_t i = 0; i < p->n; ++i) constrain(p, i);
    if (p->n) join(p->class, GROUND, output_vertex(p->nodes, (int)p->n - 1));
    for (int v = 0; v < 1 + 2 * (int)p->n; ++v) p->class[v] = find(p->class, v);
    for (size_t i = 0; i < p->n; ++i) {
        if (!may_grow(p, i)) continue;
        ++p->weight[p->class[product_vertex(i)]];
        --p->weight[p->class[input_vertex(i)]];
    }
}

/* ---- the set of classes whose raise gains most: a closure of the largest weight, by a minimum cut ---- */

static void add_arc(problem *p, int from, int to, int room)
{
    p->arcs[p->n_arcs] = (struct arc){to, p->first[from], room};
    p->first[from] = p->n_arcs++;
    p->arcs[p->n_arcs] = (struct arc){from, p->first[to], 0};
    p->first[to] = p->n_arcs++;
}

static void build_flow(problem *p)
{
    int vertices = 1 + 2 * (int)p->n, source = vertices, sink = vertices + 1;
    p->n_arcs = 0;
    for (int v = 0; v < vertices + 2; ++v) p->first[v] = -1;
    for (int v = 1; v < vertices; ++v) {
        if (p->weight[v] > 0) add_arc(p, source, v, p->weight[v]);
        if (p->weight[v] < 0) add_arc(p, v, sink, -p->weight[v]);
    }
    if (p->weight[GROUND] > 0) add_arc(p, source, GROUND, p->weight[GROUND]);
    add_arc(p, GROUND, sink, PLENTY); /* the ground is not raised */
    for (size_t i = 0; i < p->n; ++i) {
        int a = p->class[input_vertex(i)], b = p->class[product_vertex(i)];
        if (!may_grow(p, i) || a == b) continue;
        /* A difference of 0 forbids raising the input alone, one of 1 the product alone. */
        if (p->degree[a] == p->degree[b])
            add_arc(p, a, b, PLENTY);
        else
            add_arc(p, b, a, PLENTY);
    }
}

/* Breadth first through arcs with room; reached_by holds the arc that led to a vertex, or -1. */
static int search(problem *p, int source, int sink)
{
    int head = 0, tail = 0;
    for (int v = 0; v <= sink; ++v) p->reached_by[v] = -1;
    p->queue[tail++] = source;
    while (head < tail && p->reached_by[sink] < 0) {
        for (int a = p->first[p->queue[head++]]; a >= 0; a = p->arcs[a].next) {
            int to = p->arcs[a].to;
            if (!p->arcs[a].room || to == source || p->reached_by[to] >= 0) continue;
            p->reached_by[to] = a;
            p->queue[tail++] = to;
        }
    }
    return p->reached_by[sink] >= 0;
}

static void augment(problem *p, int source, int sink)
{
    int least = PLENTY;
    for (int v = sink; v != source; v = p->arcs[p->reached_by[v] ^ 1].to) {
        if (p->arcs[p->reached_by[v]].room < least) least = p->arcs[p->reached_by[v]].room;
    }
    for (int v = sink; v != source; v = p->arcs[p->reached_by[v] ^ 1].to) {
        p->arcs[p->reached_by[v]].room -= least;
        p->arcs[p->reached_by[v] ^ 1].room += least;
    }
}

/* Of all sets that gain most the smallest: what the source still reaches. */
static void choose_smallest(const problem *p, char *chosen)
{
    for (int v = 0; v < 1 + 2 * (int)p->n; ++v) chosen[v] = p->reached_by[v] >= 0;
}

/* The largest: all but what still reaches the sink. */
static void choose_largest(problem *p, char *chosen, int sink)
{
    int head = 0, tail = 0;
    for (int v = 0; v < sink - 1; ++v) chosen[v] = p->class[v] == v;
    p->queue[tail++] = sink;
    while (head < tail) {
        for (int a = p->first[p->queue[head++]]; a >= 0; a = p->arcs[a].next) {
            int from = p->arcs[a].to;
            if (!p->arcs[a ^ 1].room || !chosen[from]) continue;
            chosen[from] = 0;
            p->queue[tail++] = from;
        }
    }
}

/* Raises the classes of a set that gains most: as long as that is more than nothing the smallest, then the largest. Two
 * steps, so that the maximum is not passed by. Returns 0 where there is nothing left to raise. */
static int raise_degrees(problem *p, int largest)
{
    int vertices = 1 + 2 * (int)p->n, source = vertices, sink = vertices + 1, raised = 0;
    build_flow(p);
    while (search(p, source, sink)) augment(p, source, sink);
    if (largest)
        choose_largest(p, p->chosen, sink);
    else
        choose_smallest(p, p->chosen);
    for (int v = 0; v < vertices; ++v) {
        p->degree[v] += p->chosen[v];
        raised |= p->chosen[v];
    }
    return raised;
}

/* ---- groups ---- */

static int in_set(const problem *p, size_t i)
{
    return may_grow(p, i) && p->degree[p->class[product_vertex(i)]] > p->degree[p->class[input_vertex(i)]];
}

/* Maps outside S join as well: they hand on the scale of what they read. Their two sides differ where they could have
 * been in S. */
static void join_groups(problem *p)
{
    for (int v = 0; v < 1 + 2 * (int)p->n; ++v) p->group[v] = v;
    for (size_t i = 0; i < p->n; ++i) {
        int a = p->class[input_vertex(i)], b = p->class[product_vertex(i)];
        if (may_grow(p, i) && a != GROUND && b != GROUND) join(p->group, a, b);
    }
}

static int group_of(const problem *p, int vertex)
{
    return find(p->group, p->class[vertex]);
}

static int count_class(const problem *p, int group, int rate_class)
{
    int count = 0;
    for (size_t i = 0; i < p->n; ++i) {
        count += in_set(p, i) && group_of(p, product_vertex(i)) == group && p->nodes[i].rate_class == rate_class;
    }
    return count;
}

static int most_frequent_class(const problem *p, int group)
{
    int best = 0, most = count_class(p, group, 0);
    for (size_t i = 0; i < p->n; ++i) {
        if (!in_set(p, i) || group_of(p, product_vertex(i)) != group) continue;
        int count = count_class(p, group, p->nodes[i].rate_class);
        if (count <= most) continue;
        most = count;
        best = p->nodes[i].rate_class;
    }
    return best;
}

/* Keeps out of S what has another rate than most of its group; returns whether there was any. All are found before
 * the first is kept out, as that changes what is counted. */
static int keep_out_mixed_rates(problem *p)
{
    int *leaves = p->queue, any = 0;
    for (size_t i = 0; i < p->n; ++i) {
        leaves[i] = in_set(p, i) && p->nodes[i].rate_class != most_frequent_class(p, group_of(p, product_vertex(i)));
    }
    for (size_t i = 0; i < p->n; ++i) {
        if (!leaves[i]) continue;
        p->kept_out[i] = 1;
        any = 1;
    }
    return any;
}

/* ---- the solution ---- */

static int degree_of(const problem *p, int vertex)
{
    return p->degree[p->class[vertex]];
}

static int write_results(problem *p)
{
    int members = 0, groups = 0;
    int *number = p->queue; /* of a group, by its representing vertex */
    for (int v = 0; v < 1 + 2 * (int)p->n; ++v) number[v] = -1;
    for (size_t i = 0; i < p->n; ++i) {
        texp_node *node = p->nodes + i;
        int own = group_of(p, product_vertex(i));
        int normalises = node->kind == TEXP_NODE_NORMALISE || (is_linear(node) && node->normalised);
        node->in_set = in_set(p, i);
        if (node->in_set && number[own] < 0) number[own] = groups++;
        members += node->in_set;
        node->degree_in = degree_of(p, input_vertex(i));
        node->normalised_degree = normalises ? degree_of(p, product_vertex(i)) : 0;
        node->degree = degree_of(p, output_vertex(p->nodes, (int)i));
        node->group = node->in_set ? number[own] : -1;
        node->normalised_group = node->normalised_degree ? number[own] : -1;
    }
    return members;
}

static int allocate(problem *p)
{
    size_t vertices = 1 + 2 * p->n, arcs = 2 * (vertices + 2 + p->n);
    p->class = calloc(vertices, sizeof *p->class);
    p->degree = calloc(vertices, sizeof *p->degree);
    p->weight = calloc(vertices, sizeof *p->weight);
    p->group = calloc(vertices, sizeof *p->group);
    p->kept_out = calloc(p->n + 1, sizeof *p->kept_out);
    p->chosen = calloc(vertices + 2, sizeof *p->chosen);
    p->first = calloc(vertices + 2, sizeof *p->first);
    p->reached_by = calloc(vertices + 2, sizeof *p->reached_by);
    p->queue = calloc(vertices + 2, sizeof *p->queue);
    p->arcs = calloc(arcs, sizeof *p->arcs);
    return p->class && p->degree && p->weight && p->group && p->kept_out && p->chosen && p->first && p->reached_by &&
           p->queue && p->arcs;
}

static void release(problem *p)
{
    free(p->class);
    free(p->degree);
    free(p->weight);
    free(p->group);
    free(p->kept_out);
    free(p->chosen);
    free(p->first);
    free(p->reached_by);
    free(p->queue);
    free(p->arcs);
}

int texp_degrees_solve(texp_node *nodes, size_t n)
{
    problem p = {.nodes = nodes, .n = n};
    int members = -1;
    mark_used(nodes, n);
    mark_swallowed(nodes, n);
    if (allocate(&p)) {
        do {
            build_classes(&p);
            for (int largest = 0; largest <= 1; ++largest) {
                while (raise_degrees(&p, largest)) {
                }
            }
            join_groups(&p);
        } while (keep_out_mixed_rates(&p));
        members = write_results(&p);
    }
    release(&p);
    return members;
}

/* ---- Algorithm 1 ---- */

typedef struct {
    texp_node *nodes;
    size_t n;
    texp_obstacle *obstacles;
    int n_obstacles;
} walk;

static int output_degree(const walk *w, int i)
{
    return i < 0 ? 0 : w->nodes[i].degree;
}

static texp_obstacle *add_obstacle(walk *w, texp_obstacle_kind kind, int node, int degree)
{
    texp_obstacle *o = w->obstacles + w->n_obstacles++;
    *o = (texp_obstacle){.kind = kind, .node = node, .degree = degree};
    return o;
}

static void add_remedy(texp_obstacle *o, texp_remedy_kind kind, int node)
{
    o->remedies[o->n_remedies].kind = kind;
    o->remedies[o->n_remedies++].node = node;
}

static int has_several_inputs(const texp_node *node)
{
    for (size_t k = 1; k < node->n_inputs; ++k) {
        if (node->inputs[k] != node->inputs[0]) return 1;
    }
    return 0;
}

/* Where degrees begin anew, or come together. */
static int is_normalised(const texp_node *node)
{
    return node->kind == TEXP_NODE_NORMALISE || (is_linear(node) && node->normalised);
}

static void mark_ancestors(const walk *w, int i)
{
    w->nodes[i].group = 1;
    for (; i >= 0; --i) {
        const texp_node *node = w->nodes + i;
        for (size_t k = 0; node->group == 1 && k < node->n_inputs; ++k) {
            if (node->inputs[k] >= 0) w->nodes[node->inputs[k]].group = 1;
        }
    }
}

/* The branch that ends in node i is to end with `degree` instead of a higher one: a normalisation goes in front of the
 * map after which that many maps are left. Everything from there on must belong to this branch alone (the others'
 * ancestors have group 1). Returns 0 where no place will do. */
static int remedy_branch(const walk *w, texp_obstacle *o, int i, int degree)
{
    for (int left = degree; i >= 0; i = w->nodes[i].inputs[0]) {
        const texp_node *node = w->nodes + i;
        int ends = is_normalised(node) || has_several_inputs(node);
        if (!left && (ends || is_linear(node))) {
            add_remedy(o, is_normalised(node) ? TEXP_REMEDY_NO_AFFINE : TEXP_REMEDY_NORMALISE_BEHIND, i);
            return 1;
        }
        if (ends || node->group == 1) return 0;
        if (!is_linear(node) || !node->trainable || --left) continue;
        add_remedy(o, TEXP_REMEDY_NORMALISE_BEFORE, i);
        return 1;
    }
    return 0;
}

/* Degree 0 for all inputs. */
static void remedy_inputs(const walk *w, texp_obstacle *o, const texp_node *node)
{
    o->n_remedies = 0;
    for (size_t k = 0; k < node->n_inputs && o->n_remedies < TEXP_MOST_REMEDIES; ++k) {
        if (output_degree(w, node->inputs[k]) > 0) add_remedy(o, TEXP_REMEDY_NORMALISE_BEHIND, node->inputs[k]);
    }
}

static void remedy_addition(const walk *w, texp_obstacle *o, const texp_node *node)
{
    int fits = 1;
    for (size_t i = 0; i < w->n; ++i) w->nodes[i].group = 0;
    for (size_t k = 0; k < node->n_inputs; ++k) {
        if (node->inputs[k] >= 0 && output_degree(w, node->inputs[k]) == o->degree) mark_ancestors(w, node->inputs[k]);
    }
    for (size_t k = 0; k < node->n_inputs && fits && o->n_remedies < TEXP_MOST_REMEDIES; ++k) {
        if (output_degree(w, node->inputs[k]) > o->degree) fits = remedy_branch(w, o, node->inputs[k], o->degree);
    }
    if (!fits) remedy_inputs(w, o, node);
}

/* The degree of what a node reads, the lowest where there are several. */
static int read_inputs(walk *w, size_t i)
{
    const texp_node *node = w->nodes + i;
    int lowest = node->n_inputs ? output_degree(w, node->inputs[0]) : 0, highest = lowest;
    for (size_t k = 1; k < node->n_inputs; ++k) {
        int degree = output_degree(w, node->inputs[k]);
        if (degree < lowest) lowest = degree;
        if (degree > highest) highest = degree;
    }
    if (lowest < highest && node->used) {
        texp_obstacle *o = add_obstacle(w, TEXP_OBSTACLE_ADD, (int)i, lowest);
        o->other = highest;
        remedy_addition(w, o, node);
    }
    return lowest;
}

static int is_read(const walk *w, int i)
{
    for (size_t j = (size_t)i + 1; j < w->n; ++j) {
        const texp_node *node = w->nodes + j;
        for (size_t k = 0; node->used && k < node->n_inputs; ++k) {
            if (node->inputs[k] == i) return 1;
        }
    }
    return 0;
}

/* As many as the last layer and the affine in front of it. */
enum { MOST_FIXED = 2 };

/* Fixes all that gives the value of node i its degree, up to the next normalisation; one is put behind an addition in
 * between. Returns 0 where that is too much. */
static int remedy_value(const walk *w, texp_obstacle *o, int i)
{
    for (int left = o->degree; left > 0; i = w->nodes[i].inputs[0]) {
        const texp_node *node = w->nodes + i;
        if (!is_normalised(node) && !has_several_inputs(node) && !(is_linear(node) && node->trainable)) continue;
        if (o->n_remedies == MOST_FIXED) return 0;
        add_remedy(o,
                   is_normalised(node) ? TEXP_REMEDY_NO_AFFINE
                   : is_linear(node)   ? TEXP_REMEDY_FIXED
                                       : TEXP_REMEDY_NORMALISE_BEHIND,
                   i);
        left = is_linear(node) && !is_normalised(node) ? left - 1 : 0;
    }
    return 1;
}

/* At the end of a network weights are fixed, as the paper does; in the middle a normalisation is put in. */
static void demand_0(walk *w, size_t i, int degree)
{
    const texp_node *node = w->nodes + i;
    int inside = node->kind == TEXP_NODE_FIXED;
    texp_obstacle *o = add_obstacle(w, TEXP_OBSTACLE_DEMAND, (int)i, degree);
    if (!is_read(w, (int)i) && remedy_value(w, o, inside ? node->inputs[0] : (int)i)) return;
    o->n_remedies = 0;
    add_remedy(o, inside ? TEXP_REMEDY_NORMALISE_BEFORE : TEXP_REMEDY_NORMALISE_BEHIND, (int)i);
}

static int add_bias(walk *w, size_t i, int degree)
{
    const texp_node *node = w->nodes + i;
    if (node->biased && !node->swallowed && degree != 1 && node->used) {
        add_remedy(add_obstacle(w, TEXP_OBSTACLE_BIAS, (int)i, degree), TEXP_REMEDY_NO_BIAS, (int)i);
    }
    return degree;
}

static int activate(walk *w, size_t i, int degree)
{
    const texp_node *node = w->nodes + i;
    if (node->homogeneous || !degree) return degree;
    if (!node->used) return 0;
    texp_obstacle *o = add_obstacle(w, TEXP_OBSTACLE_ACTIVATION, (int)i, degree);
    if (node->kind == TEXP_NODE_ADD)
        remedy_inputs(w, o, node);
    else if (node->kind == TEXP_NODE_SAME)
        add_remedy(o, TEXP_REMEDY_NORMALISE_BEFORE, (int)i);
    else
        add_remedy(o, node->normalised ? TEXP_REMEDY_NO_AFFINE : TEXP_REMEDY_NORMALISE_BEHIND, (int)i);
    return 0;
}

static int normalise(texp_node *node, int degree)
{
    node->normalised_degree = degree;
    return node->affine != 0;
}

static int walk_fixed(walk *w, size_t i, int degree)
{
    if (degree) demand_0(w, i, degree);
    if (w->nodes[i].trainable) {
        add_remedy(add_obstacle(w, TEXP_OBSTACLE_OPAQUE, (int)i, 0), TEXP_REMEDY_FIXED, (int)i);
    }
    return 0;
}

static int walk_node(walk *w, size_t i, int degree)
{
    texp_node *node = w->nodes + i;
    switch (node->kind) {
    case TEXP_NODE_FIXED:
        return walk_fixed(w, i, degree);
    case TEXP_NODE_NORMALISE:
        return normalise(node, degree);
    case TEXP_NODE_LINEAR:
        degree += node->in_set;
        degree = node->normalised ? normalise(node, degree) : add_bias(w, i, degree);
        break;
    case TEXP_NODE_SAME:
    case TEXP_NODE_ADD:
        break;
    }
    return activate(w, i, degree);
}

int texp_degrees_all(texp_node *nodes, size_t n, texp_obstacle *obstacles)
{
    walk w = {nodes, n, obstacles, 0};
    mark_used(nodes, n);
    mark_swallowed(nodes, n);
    for (size_t i = 0; i < n; ++i) {
        nodes[i].in_set = is_linear(nodes + i) && nodes[i].trainable;
        nodes[i].normalised_degree = 0;
        nodes[i].degree_in = read_inputs(&w, i);
        nodes[i].degree = walk_node(&w, i, nodes[i].degree_in);
    }
    if (n && nodes[n - 1].degree) demand_0(&w, n - 1, nodes[n - 1].degree);
    for (size_t i = 0; i < n; ++i) {
        nodes[i].group = nodes[i].in_set ? 0 : -1;
        nodes[i].normalised_group = nodes[i].normalised_degree ? 0 : -1;
    }
    return w.n_obstacles;
}
