#include "fastconv.h"

#include <stdlib.h>

#if defined(ONEDNN) && !defined(TEXP_DOUBLE)

#include <limits.h>
#include <oneapi/dnnl/dnnl.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

enum { FORWARD, BACKWARD_WEIGHTS, BACKWARD_DATA, OPERATIONS };

typedef struct {
    dnnl_dims_t strides, dilates, pad_left, pad_right;
} geometry;

/* ---- What differs between oneDNN's versions 2 and 3: descriptors, and how a convolution is described. */

#if DNNL_VERSION_MAJOR >= 3

typedef const_dnnl_memory_desc_t description;

static description describe(const dnnl_dims_t dims, int n_dims, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t made = NULL;
    return dnnl_memory_desc_create_with_tag(&made, n_dims, dims, dnnl_f32, tag) == dnnl_success ? made : NULL;
}

static void forget(description made)
{
    dnnl_memory_desc_destroy((dnnl_memory_desc_t)made);
}

static int append_sum(dnnl_post_ops_t post_ops)
{
    return dnnl_post_ops_append_sum(post_ops, 1, 0, dnnl_data_type_undef);
}

static dnnl_primitive_desc_t choose(int what, dnnl_engine_t engine, description x, description weights, description y,
                                    const geometry *g, const_dnnl_primitive_desc_t forward)
{
    dnnl_primitive_desc_t chosen = NULL;
    const dnnl_alg_kind_t direct = dnnl_convolution_direct;
    int status;
    if (what == FORWARD) {
        status = dnnl_convolution_forward_primitive_desc_create(&chosen, engine, dnnl_forward_training, direct, x,
                                                                weights, NULL, y, g->strides, g->dilates, g->pad_left,
                                                                g->pad_right, NULL);
    } else if (what == BACKWARD_WEIGHTS) {
        status = dnnl_convolution_backward_weights_primitive_desc_create(&chosen, engine, direct, x, weights, NULL, y,
                                                                         g->strides, g->dilates, g->pad_left,
                                                                         g->pad_right, forward, NULL);
    } else {
        status = dnnl_convolution_backward_data_primitive_desc_create(
            &chosen, engine, direct, x, weights, y, g->strides, g->dilates, g->pad_left, g->pad_right, forward, NULL);
    }
    return status == dnnl_success ? chosen : NULL;
}

#else

typedef const dnnl_memory_desc_t *description;

static description describe(const dnnl_dims_t dims, int n_dims, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t *made = malloc(sizeof(*made));
    if (made && dnnl_memory_desc_init_by_tag(made, n_dims, dims, dnnl_f32, tag) == dnnl_success) return made;
    free(made);
    return NULL;
}

static void forget(description made)
{
    free((void *)made);
}

static int append_sum(dnnl_post_ops_t post_ops)
{
    return dnnl_post_ops_append_sum(post_ops, 1);
}

static dnnl_primitive_desc_t choose(int what, dnnl_engine_t engine, description x, description weights, description y,
                                    const geometry *g, const_dnnl_primitive_desc_t forward)
{
    dnnl_primitive_desc_t chosen = NULL;
    dnnl_convolution_desc_t wanted;
    const dnnl_alg_kind_t direct = dnnl_convolution_direct;
    int status;
    if (what == FORWARD) {
        status = dnnl_convolution_forward_desc_init(&wanted, dnnl_forward_training, direct, x, weights, NULL, y,
                                                    g->strides, g->pad_left, g->pad_right);
    } else if (what == BACKWARD_WEIGHTS) {
        status = dnnl_convolution_backward_weights_desc_init(&wanted, direct, x, weights, NULL, y, g->strides,
                                                             g->pad_left, g->pad_right);
    } else {
        status = dnnl_convolution_backward_data_desc_init(&wanted, direct, x, weights, y, g->strides, g->pad_left,
                                                          g->pad_right);
    }
    if (status != dnnl_success) return NULL;
    status = dnnl_primitive_desc_create(&chosen, &wanted, NULL, engine, forward);
    return status == dnnl_success ? chosen : NULL;
}

#endif

/* ---- The objects. */

enum { INPUT, WEIGHTS, OUTPUT, TENSORS };
enum { READ, WRITE, ADD, USES };

/* One array of an operation: as the caller has it, and as the primitive wants it. */
typedef struct {
    dnnl_memory_t user, inner;
    dnnl_primitive_t reorder[USES]; /* user to inner, inner to user, inner added to user; NULL: works on user itself */
    size_t bytes; /* of inner, a multiple of 64; 0 where there is none */
} tensor;

typedef struct {
    dnnl_primitive_t primitive;
    tensor tensors[TENSORS];
} operation;

typedef struct {
    int batch, c, h, w, n, size, stride, pad, groups, out_h, out_w;
} shape;

struct texp_fastconv {
    shape shape;
    int threads; /* that the primitives were made for: they split their work when they are made */
    operation operations[OPERATIONS];
};

/* How an operation uses input, weights and output, and what oneDNN calls them there. */
static const struct {
    int use[TENSORS], argument[TENSORS];
    dnnl_query_t query[TENSORS];
} roles[OPERATIONS] = {
    {{READ, READ, WRITE},
     {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
     {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md}},
    {{READ, ADD, READ},
     {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST},
     {dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md}},
    {{ADD, READ, READ},
     {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
     {dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_diff_dst_md}},
};

/* Shared by all objects: activations in a primitive's own format are large, and live for one call only. */
static struct {
    int users;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    char *scratch;
    size_t bytes;
} shared;

static int acquire_shared(void)
{
    if (!shared.engine && dnnl_engine_create(&shared.engine, dnnl_cpu, 0) != dnnl_success) return 0;
    if (!shared.stream &&
        dnnl_stream_create(&shared.stream, shared.engine, dnnl_stream_default_flags) != dnnl_success) {
        return 0;
    }
    ++shared.users;
    return 1;
}

static void release_shared(void)
{
    if (--shared.users > 0) return;
    free(shared.scratch);
    dnnl_stream_destroy(shared.stream);
    dnnl_engine_destroy(shared.engine);
    memset(&shared, 0, sizeof(shared));
}

/* At least `bytes` bytes, on a cache line's boundary; what the buffer held is lost. */
static char *scratch(size_t bytes)
{
    if (bytes > shared.bytes) {
        free(shared.scratch);
        shared.scratch = aligned_alloc(64, bytes);
        shared.bytes = shared.scratch ? bytes : 0;
    }
    return shared.scratch;
}

/* ---- Making. */

static dnnl_primitive_t make_reorder(description from, description to, int add)
{
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t post_ops = NULL;
    dnnl_primitive_desc_t chosen = NULL;
    dnnl_primitive_t made = NULL;
    if (dnnl_primitive_attr_create(&attributes) == dnnl_success && dnnl_post_ops_create(&post_ops) == dnnl_success &&
        (!add || append_sum(post_ops) == dnnl_success) &&
        dnnl_primitive_attr_set_post_ops(attributes, post_ops) == dnnl_success &&
        dnnl_reorder_primitive_desc_create(&chosen, from, shared.engine, to, shared.engine, attributes) ==
            dnnl_success) {
        dnnl_primitive_create(&made, chosen);
    }
    dnnl_primitive_desc_destroy(chosen);
    dnnl_post_ops_destroy(post_ops);
    dnnl_primitive_attr_destroy(attributes);
    return made;
}

/* What is added can also be asked to overwrite; only adding needs a place of its own where the formats are equal. */
static int make_tensor(tensor *t, description user, description inner, int use)
{
    const int same = dnnl_memory_desc_equal(user, inner);
    if (dnnl_memory_create(&t->user, user, shared.engine, DNNL_MEMORY_NONE) != dnnl_success) return 0;
    if (same && use != ADD) return 1;
    if (dnnl_memory_create(&t->inner, inner, shared.engine, DNNL_MEMORY_NONE) != dnnl_success) return 0;
    t->bytes = (dnnl_memory_desc_get_size(inner) + 63) / 64 * 64;
    if (use == READ) return (t->reorder[READ] = make_reorder(user, inner, 0)) != NULL;
    if (!same && !(t->reorder[WRITE] = make_reorder(inner, user, 0))) return 0;
    return use == WRITE || (t->reorder[ADD] = make_reorder(inner, user, 1)) != NULL;
}

static int make_operation(operation *made, int what, dnnl_primitive_desc_t chosen, const description user[TENSORS])
{
    int i;
    for (i = 0; i < TENSORS; ++i) {
        description inner = dnnl_primitive_desc_query_md(chosen, roles[what].query[i], 0);
        if (!inner || !make_tensor(made->tensors + i, user[i], inner, roles[what].use[i])) return 0;
    }
    return dnnl_primitive_create(&made->primitive, chosen) == dnnl_success;
}

static geometry geometry_of(const shape *s)
{
    geometry g = {{s->stride, s->stride}, {0, 0}, {s->pad, s->pad}, {s->pad, s->pad}};
    return g;
}

/* The caller's formats (any = 0), or "as the primitive likes it" (any = 1). */
static int describe_all(description made[TENSORS], const shape *s, int any)
{
    dnnl_dims_t input = {s->batch, s->c, s->h, s->w}, output = {s->batch, s->n, s->out_h, s->out_w};
    dnnl_dims_t plain = {s->n, s->c, s->size, s->size};
    dnnl_dims_t grouped = {s->groups, s->n / s->groups, s->c / s->groups, s->size, s->size};
    const dnnl_format_tag_t activations = any ? dnnl_format_tag_any : dnnl_nchw;
    made[INPUT] = describe(input, 4, activations);
    made[OUTPUT] = describe(output, 4, activations);
    made[WEIGHTS] = s->groups == 1 ? describe(plain, 4, any ? dnnl_format_tag_any : dnnl_oihw)
                                   : describe(grouped, 5, any ? dnnl_format_tag_any : dnnl_goihw);
    return made[INPUT] && made[OUTPUT] && made[WEIGHTS];
}

static void forget_all(description made[TENSORS])
{
    int i;
    for (i = 0; i < TENSORS; ++i) forget(made[i]);
}

static int make_all(texp_fastconv *conv, const description user[TENSORS], const description wanted[TENSORS])
{
    const geometry g = geometry_of(&conv->shape);
    dnnl_primitive_desc_t forward = NULL;
    int what, good = 1;
    for (what = 0; good && what < OPERATIONS; ++what) {
        dnnl_primitive_desc_t chosen =
            choose(what, shared.engine, wanted[INPUT], wanted[WEIGHTS], wanted[OUTPUT], &g, forward);
        good = chosen && make_operation(conv->operations + what, what, chosen, user);
        if (what == FORWARD) {
            forward = chosen;
        } else {
            dnnl_primitive_desc_destroy(chosen);
        }
    }
    dnnl_primitive_desc_destroy(forward);
    return good;
}

static void destroy_operations(texp_fastconv *conv)
{
    int what, i, use;
    for (what = 0; what < OPERATIONS; ++what) {
        operation *o = conv->operations + what;
        for (i = 0; i < TENSORS; ++i) {
            for (use = 0; use < USES; ++use) dnnl_primitive_destroy(o->tensors[i].reorder[use]);
            dnnl_memory_destroy(o->tensors[i].inner);
            dnnl_memory_destroy(o->tensors[i].user);
        }
        dnnl_primitive_destroy(o->primitive);
    }
    memset(conv->operations, 0, sizeof(conv->operations));
}

/* Without OpenMP a change cannot be seen: oneDNN then has the number of threads that it started with. */
static int threads_now(void)
{
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

static int make_operations(texp_fastconv *conv)
{
    description user[TENSORS] = {0}, wanted[TENSORS] = {0};
    int good =
        describe_all(user, &conv->shape, 0) && describe_all(wanted, &conv->shape, 1) && make_all(conv, user, wanted);
    forget_all(user);
    forget_all(wanted);
    if (!good) destroy_operations(conv);
    conv->threads = good ? threads_now() : 0;
    return good;
}

static int good_shape(shape *s)
{
    if (s->batch < 1 || s->c < 1 || s->h < 1 || s->w < 1 || s->n < 1 || s->size < 1 || s->stride < 1) return 0;
    if (s->pad < 0 || s->groups < 1 || s->c % s->groups || s->n % s->groups) return 0;
    if (s->pad > INT_MAX / 4 || s->h > INT_MAX / 4 || s->w > INT_MAX / 4) return 0;
    if (s->h + 2 * s->pad < s->size || s->w + 2 * s->pad < s->size) return 0;
    s->out_h = (s->h + 2 * s->pad - s->size) / s->stride + 1;
    s->out_w = (s->w + 2 * s->pad - s->size) / s->stride + 1;
    return 1;
}

int texp_fastconv_available(void)
{
    return 1;
}

texp_fastconv *texp_fastconv_create(int batch, int c, int h, int w, int n, int size, int stride, int pad, int groups)
{
    shape s = {batch, c, h, w, n, size, stride, pad, groups, 0, 0};
    texp_fastconv *conv;
    if (!good_shape(&s) || !acquire_shared()) return NULL;
    conv = calloc(1, sizeof(*conv));
    if (conv) {
        conv->shape = s;
        if (make_operations(conv)) return conv;
    }
    free(conv);
    release_shared();
    return NULL;
}

void texp_fastconv_free(texp_fastconv *conv)
{
    if (!conv) return;
    destroy_operations(conv);
    free(conv);
    release_shared();
}

/* ---- Running. */

static int execute(dnnl_primitive_t primitive, int n, const dnnl_exec_arg_t *arguments)
{
    return dnnl_primitive_execute(primitive, shared.stream, n, arguments) == dnnl_success;
}

/* Nothing to do where the primitive works on the caller's array. */
static int reorder(const tensor *t, int use)
{
    dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, t->user}, {DNNL_ARG_TO, t->inner}};
    if (!t->reorder[use]) return 1;
    if (use != READ) {
        arguments[0].memory = t->inner;
        arguments[1].memory = t->user;
    }
    return execute(t->reorder[use], 2, arguments);
}

/* Tells oneDNN where this call's arrays lie: the caller's, and their places in the scratch buffer. */
static int place(operation *o, float *const arrays[TENSORS])
{
    size_t bytes = 0;
    char *free_part;
    int i;
    for (i = 0; i < TENSORS; ++i) bytes += o->tensors[i].bytes;
    free_part = scratch(bytes);
    if (bytes && !free_part) return TEXP_FASTCONV_MEMORY;
    for (i = 0; i < TENSORS; ++i) {
        tensor *t = o->tensors + i;
        if (dnnl_memory_set_data_handle(t->user, arrays[i]) != dnnl_success) return TEXP_FASTCONV_FAILED;
        if (!t->inner) continue;
        if (dnnl_memory_set_data_handle(t->inner, free_part) != dnnl_success) return TEXP_FASTCONV_FAILED;
        free_part += t->bytes;
    }
    return TEXP_FASTCONV_OK;
}

static int convolve(const operation *o, const int use[TENSORS], const int argument[TENSORS])
{
    dnnl_exec_arg_t arguments[TENSORS];
    int i, good = 1;
    for (i = 0; i < TENSORS; ++i) {
        const tensor *t = o->tensors + i;
        arguments[i].arg = argument[i];
        arguments[i].memory = t->reorder[use[i]] ? t->inner : t->user;
        if (use[i] == READ) good = good && reorder(t, READ);
    }
    good = good && execute(o->primitive, TENSORS, arguments);
    for (i = 0; i < TENSORS; ++i) {
        if (use[i] != READ) good = good && reorder(o->tensors + i, use[i]);
    }
    return good && dnnl_stream_wait(shared.stream) == dnnl_success;
}

/* add: 0 where what the role adds to the caller's array shall overwrite it. */
static int run(texp_fastconv *conv, int what, float *input, float *weights, float *output, int add)
{
    float *const arrays[TENSORS] = {input, weights, output};
    int i, status, use[TENSORS];
    if (conv->threads != threads_now()) {
        destroy_operations(conv);
        if (!make_operations(conv)) return TEXP_FASTCONV_FAILED;
    }
    status = place(conv->operations + what, arrays);
    if (status != TEXP_FASTCONV_OK) return status;
    for (i = 0; i < TENSORS; ++i) use[i] = roles[what].use[i] == ADD && !add ? WRITE : roles[what].use[i];
    return convolve(conv->operations + what, use, roles[what].argument) ? TEXP_FASTCONV_OK : TEXP_FASTCONV_FAILED;
}

/* oneDNN's handles are not const; arrays with the role READ are only read. */

int texp_fastconv_forward(texp_fastconv *conv, float *output, const float *input, const float *weights)
{
    return run(conv, FORWARD, (float *)input, (float *)weights, output, 0);
}

int texp_fastconv_backward_weights(texp_fastconv *conv, float *weight_updates, const float *input, const float *delta)
{
    return run(conv, BACKWARD_WEIGHTS, (float *)input, weight_updates, (float *)delta, 1);
}

int texp_fastconv_backward_data(texp_fastconv *conv, float *input_delta, const float *delta, const float *weights,
                                int add)
{
    return run(conv, BACKWARD_DATA, input_delta, (float *)weights, (float *)delta, add);
}

#else

int texp_fastconv_available(void)
{
    return 0;
}

texp_fastconv *texp_fastconv_create(int batch, int c, int h, int w, int n, int size, int stride, int pad, int groups)
{
    (void)batch, (void)c, (void)h, (void)w, (void)n, (void)size, (void)stride, (void)pad, (void)groups;
    return NULL;
}

int texp_fastconv_forward(texp_fastconv *conv, float *output, const float *input, const float *weights)
{
    (void)conv, (void)output, (void)input, (void)weights;
    return TEXP_FASTCONV_FAILED;
}

int texp_fastconv_backward_weights(texp_fastconv *conv, float *weight_updates, const float *input, const float *delta)
{
    (void)conv, (void)weight_updates, (void)input, (void)delta;
    return TEXP_FASTCONV_FAILED;
}

int texp_fastconv_backward_data(texp_fastconv *conv, float *input_delta, const float *delta, const float *weights,
                                int add)
{
    (void)conv, (void)input_delta, (void)delta, (void)weights, (void)add;
    return TEXP_FASTCONV_FAILED;
}

void texp_fastconv_free(texp_fastconv *conv)
{
    (void)conv;
}

#endif
