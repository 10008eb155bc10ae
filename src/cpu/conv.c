#include "cpu/conv.h"

#include "cpu/winograd.h"

#ifdef ONEDNN

#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

enum { X, WEIGHTS, Y, TENSORS };

typedef struct {
    dnnl_dims_t strides, dilates, pad;
} geometry;

/* ---- What differs between oneDNN's versions 2 and 3: descriptors, and how a convolution is described. */

#if DNNL_VERSION_MAJOR >= 3

typedef const_dnnl_memory_desc_t description;

static description describe(const dnnl_dims_t dims, int n_dims, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t made = NULL;
    return dnnl_memory_desc_create_with_tag(&made, n_dims, dims, type, tag) == dnnl_success ? made : NULL;
}

static void forget(description made)
{
    if (made) dnnl_memory_desc_destroy((dnnl_memory_desc_t)made);
}

static int append_sum(dnnl_post_ops_t post_ops)
{
    return dnnl_post_ops_append_sum(post_ops, 1, 0, dnnl_data_type_undef);
}

static int append_relu(dnnl_post_ops_t post_ops, float slope)
{
    return dnnl_post_ops_append_eltwise(post_ops, dnnl_eltwise_relu, slope, 0);
}

static dnnl_primitive_desc_t choose(texp_conv_kind kind, dnnl_engine_t engine, const description d[TENSORS],
                                    description bias, const geometry *g, const_dnnl_primitive_attr_t attributes,
                                    const_dnnl_primitive_desc_t hint)
{
    dnnl_primitive_desc_t chosen = NULL;
    const dnnl_alg_kind_t direct = dnnl_convolution_direct;
    int status;
    if (kind == TEXP_CONV_FORWARD) {
        status = dnnl_convolution_forward_primitive_desc_create(&chosen, engine, dnnl_forward_training, direct, d[X],
                                                                d[WEIGHTS], bias, d[Y], g->strides, g->dilates, g->pad,
                                                                g->pad, attributes);
    } else if (kind == TEXP_CONV_BACKWARD_WEIGHTS) {
        status = dnnl_convolution_backward_weights_primitive_desc_create(&chosen, engine, direct, d[X], d[WEIGHTS],
                                                                         NULL, d[Y], g->strides, g->dilates, g->pad,
                                                                         g->pad, hint, attributes);
    } else {
        status = dnnl_convolution_backward_data_primitive_desc_create(
            &chosen, engine, direct, d[X], d[WEIGHTS], d[Y], g->strides, g->dilates, g->pad, g->pad, hint, attributes);
    }
    return status == dnnl_success ? chosen : NULL;
}

#else

typedef const dnnl_memory_desc_t *description;

static description describe(const dnnl_dims_t dims, int n_dims, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t *made = malloc(sizeof *made);
    if (made && dnnl_memory_desc_init_by_tag(made, n_dims, dims, type, tag) == dnnl_success) return made;
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

static int append_relu(dnnl_post_ops_t post_ops, float slope)
{
    return dnnl_post_ops_append_eltwise(post_ops, 1, dnnl_eltwise_relu, slope, 0);
}

static dnnl_primitive_desc_t choose(texp_conv_kind kind, dnnl_engine_t engine, const description d[TENSORS],
                                    description bias, const geometry *g, const_dnnl_primitive_attr_t attributes,
                                    const_dnnl_primitive_desc_t hint)
{
    dnnl_primitive_desc_t chosen = NULL;
    dnnl_convolution_desc_t wanted;
    const dnnl_alg_kind_t direct = dnnl_convolution_direct;
    int status;
    if (kind == TEXP_CONV_FORWARD) {
        status = dnnl_convolution_forward_desc_init(&wanted, dnnl_forward_training, direct, d[X], d[WEIGHTS], bias,
                                                    d[Y], g->strides, g->pad, g->pad);
    } else if (kind == TEXP_CONV_BACKWARD_WEIGHTS) {
        status = dnnl_convolution_backward_weights_desc_init(&wanted, direct, d[X], d[WEIGHTS], NULL, d[Y], g->strides,
                                                             g->pad, g->pad);
    } else {
        status = dnnl_convolution_backward_data_desc_init(&wanted, direct, d[X], d[WEIGHTS], d[Y], g->strides, g->pad,
                                                          g->pad);
    }
    if (status != dnnl_success) return NULL;
    status = dnnl_primitive_desc_create(&chosen, &wanted, attributes, engine, hint);
    return status == dnnl_success ? chosen : NULL;
}

#endif

/* ---- What the convolutions of a plan share. */

typedef struct {
    dnnl_stream_t stream;
    void *scratch;
    size_t bytes;
} lane_scratch;

struct texp_conv_context {
    int block, n_lanes;
    dnnl_engine_t engine;
    lane_scratch *lanes;
};

/* Room for intermediate results of so many bytes, in each lane. */
static int want_scratch(texp_conv_context *context, size_t bytes)
{
    bytes = (bytes + 63) / 64 * 64;
    for (int i = 0; i < context->n_lanes; ++i) {
        lane_scratch *lane = context->lanes + i;
        if (bytes <= lane->bytes) continue;
        free(lane->scratch);
        lane->scratch = aligned_alloc(64, bytes);
        lane->bytes = lane->scratch ? bytes : 0;
        if (!lane->scratch) return 0;
    }
    return 1;
}

static int make_lanes(texp_conv_context *context, int lanes)
{
    if (dnnl_engine_create(&context->engine, dnnl_cpu, 0) != dnnl_success) return 0;
    context->lanes = calloc((size_t)lanes, sizeof *context->lanes);
    if (!context->lanes) return 0;
    for (; context->n_lanes < lanes; ++context->n_lanes) {
        if (dnnl_stream_create(&context->lanes[context->n_lanes].stream, context->engine, dnnl_stream_default_flags) !=
            dnnl_success)
            return 0;
    }
    return 1;
}

void texp_conv_context_free(texp_conv_context *context)
{
    if (!context) return;
    for (int i = 0; i < context->n_lanes; ++i) {
        dnnl_stream_destroy(context->lanes[i].stream);
        free(context->lanes[i].scratch);
    }
    free(context->lanes);
    if (context->engine) dnnl_engine_destroy(context->engine);
    free(context);
}

/* ---- Making. */

enum { BIAS = TENSORS, SCRATCH, PLAIN_WEIGHTS, REORDER_SCRATCH, MEMORIES };

struct texp_conv {
    texp_conv_context *context;
    texp_conv_kind kind;
    texp_conv_use use;
    dnnl_primitive_desc_t chosen;
    dnnl_primitive_t primitive;
    dnnl_primitive_desc_t chosen_reorder;
    dnnl_primitive_t reorder; /* between weights in Darknet's order and in its own */
    dnnl_memory_t (*memories)[MEMORIES]; /* of each lane */
    size_t own_bytes;
    int by_winograd; /* instead of all that is oneDNN's */
    texp_winograd_shape shape;
};

static const dnnl_query_t queries[][TENSORS] = {
    [TEXP_CONV_FORWARD] = {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md},
    [TEXP_CONV_BACKWARD_WEIGHTS] = {dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md},
    [TEXP_CONV_BACKWARD_DATA] = {dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_diff_dst_md},
};

static const int arguments_of[][TENSORS] = {
    [TEXP_CONV_FORWARD] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
    [TEXP_CONV_BACKWARD_WEIGHTS] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST},
    [TEXP_CONV_BACKWARD_DATA] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
};

static dnnl_format_tag_t tag_of(int plain, int block)
{
    return plain ? dnnl_nchw : block == 16 ? dnnl_nChw16c : block == 8 ? dnnl_nChw8c : dnnl_format_tag_any;
}

/* One block that holds all channels may be called NHWC as well, for which oneDNN takes other loops: those of the
 * weight gradients are faster by a sixth. */
static int is_one_block(texp_conv_kind kind, const texp_conv_shape *s, const texp_conv_use *use, int block)
{
    return kind == TEXP_CONV_BACKWARD_WEIGHTS && use->type == TEXP_F32 && !use->plain_x && !use->plain_y &&
           s->c == block && s->n == block && s->groups == 1;
}

static description describe_weights(const texp_conv_shape *s, dnnl_data_type_t type, int any)
{
    dnnl_dims_t whole = {s->n, s->c, s->size, s->size};
    dnnl_dims_t grouped = {s->groups, s->n / s->groups, s->c / s->groups, s->size, s->size};
    if (s->groups == 1) return describe(whole, 4, type, any ? dnnl_format_tag_any : dnnl_oihw);
    return describe(grouped, 5, type, any ? dnnl_format_tag_any : dnnl_goihw);
}

/* The caller gives the room for intermediate results. */
static dnnl_primitive_attr_t attributes_of(texp_conv_kind kind, const texp_conv_use *use)
{
    dnnl_primitive_attr_t made = NULL;
    dnnl_post_ops_t post_ops = NULL;
    if (dnnl_primitive_attr_create(&made) != dnnl_success) return NULL;
    int good = dnnl_primitive_attr_set_scratchpad_mode(made, dnnl_scratchpad_mode_user) == dnnl_success;
    if (kind == TEXP_CONV_FORWARD && use->slope != 1) {
        good = good && dnnl_post_ops_create(&post_ops) == dnnl_success &&
               append_relu(post_ops, use->slope) == dnnl_success &&
               dnnl_primitive_attr_set_post_ops(made, post_ops) == dnnl_success;
        if (post_ops) dnnl_post_ops_destroy(post_ops);
    }
    if (good) return made;
    dnnl_primitive_attr_destroy(made);
    return NULL;
}

/* block 0: as the convolution likes it best. */
static dnnl_primitive_desc_t choose_for(dnnl_engine_t engine, texp_conv_kind kind, const texp_conv_shape *s,
                                        const texp_conv_use *use, int block)
{
    const dnnl_data_type_t type = use->type == TEXP_BF16 ? dnnl_bf16 : dnnl_f32;
    const dnnl_data_type_t own = kind == TEXP_CONV_BACKWARD_WEIGHTS ? dnnl_f32 : type;
    const int out_h = (s->h + 2 * s->pad - s->size) / s->stride + 1;
    const int out_w = (s->w + 2 * s->pad - s->size) / s->stride + 1;
    dnnl_dims_t x = {use->images, s->c, s->h, s->w}, y = {use->images, s->n, out_h, out_w}, biases = {s->n};
    geometry g = {{s->stride, s->stride}, {0, 0}, {s->pad, s->pad}};
    const int one_block = is_one_block(kind, s, use, block);
    const dnnl_format_tag_t x_tag = one_block ? dnnl_nhwc : tag_of(use->plain_x, block);
    const dnnl_format_tag_t y_tag = one_block ? dnnl_nhwc : tag_of(use->plain_y, block);
    description d[TENSORS] = {describe(x, 4, type, x_tag), describe_weights(s, own, 1), describe(y, 4, type, y_tag)};
    description forward_weights = describe_weights(s, type, 1);
    description bias = use->bias && kind == TEXP_CONV_FORWARD ? describe(biases, 1, dnnl_f32, dnnl_a) : NULL;
    dnnl_primitive_attr_t attributes = attributes_of(kind, use);
    dnnl_primitive_attr_t plain_attributes = attributes_of(TEXP_CONV_BACKWARD_DATA, use);
    dnnl_primitive_desc_t hint = NULL, chosen = NULL;
    if (d[X] && d[WEIGHTS] && d[Y] && forward_weights && attributes && plain_attributes) {
        if (kind != TEXP_CONV_FORWARD) {
            description forward[TENSORS] = {d[X], forward_weights, d[Y]};
            hint = choose(TEXP_CONV_FORWARD, engine, forward, NULL, &g, plain_attributes, NULL);
        }
        if (kind == TEXP_CONV_FORWARD || hint) chosen = choose(kind, engine, d, bias, &g, attributes, hint);
    }
    if (hint) dnnl_primitive_desc_destroy(hint);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    if (plain_attributes) dnnl_primitive_attr_destroy(plain_attributes);
    for (int i = 0; i < TENSORS; ++i) forget(d[i]);
    forget(forward_weights);
    forget(bias);
    return chosen;
}

/* The slow ones are named "ref..."; "gemm:ref" is a matrix product in plain C++, which is not slow. */
static int is_fast(const_dnnl_primitive_desc_t chosen)
{
    const char *name = "";
    dnnl_primitive_desc_query(chosen, dnnl_query_impl_info_str, 0, &name);
    return strncmp(name, "ref", 3) != 0;
}

static int begin_one_thread(int wanted)
{
#ifdef _OPENMP
    int before = omp_get_max_threads();
    if (wanted == 1) omp_set_num_threads(1);
    return before;
#else
    return wanted;
#endif
}

static void end_one_thread(int before)
{
#ifdef _OPENMP
    omp_set_num_threads(before);
#else
    (void)before;
#endif
}

/* The block of the output that oneDNN itself would choose; 0: none that blocked.h has. */
static int find_block(dnnl_engine_t engine)
{
    int block = 0;
    const texp_conv_shape s = {64, 14, 14, 64, 3, 1, 1, 1};
    const texp_conv_use use = {.images = 2, .lanes = 1, .threads = 1, .slope = 1};
    dnnl_dims_t y = {2, 64, 14, 14};
    dnnl_primitive_desc_t chosen = choose_for(engine, TEXP_CONV_FORWARD, &s, &use, 0);
    for (int b = 8; chosen && b <= 16; b += 8) {
        description blocked = describe(y, 4, dnnl_f32, tag_of(0, b));
        if (blocked && dnnl_memory_desc_equal(dnnl_primitive_desc_query_md(chosen, dnnl_query_dst_md, 0), blocked)) {
            block = b;
        }
        forget(blocked);
    }
    if (chosen) dnnl_primitive_desc_destroy(chosen);
    return block;
}

texp_conv_context *texp_conv_context_make(int lanes)
{
    texp_conv_context *context = calloc(1, sizeof *context);
    if (!context) return NULL;
    if (make_lanes(context, lanes)) context->block = find_block(context->engine);
    if (context->block) return context;
    texp_conv_context_free(context);
    return NULL;
}

int texp_conv_block(const texp_conv_context *context)
{
    return context->block;
}

int texp_conv_can(const texp_conv_context *context, texp_conv_kind kind, const texp_conv_shape *shape,
                  const texp_conv_use *use)
{
    dnnl_primitive_desc_t chosen = choose_for(context->engine, kind, shape, use, context->block);
    int can = chosen && is_fast(chosen);
    if (chosen) dnnl_primitive_desc_destroy(chosen);
    return can;
}

static int make_memory(dnnl_engine_t engine, dnnl_memory_t *made, description d)
{
    return d && dnnl_memory_create(made, d, engine, DNNL_MEMORY_NONE) == dnnl_success;
}

static size_t scratch_bytes(const_dnnl_primitive_desc_t of)
{
    description scratch = dnnl_primitive_desc_query_md(of, dnnl_query_scratchpad_md, 0);
    return scratch ? dnnl_memory_desc_get_size(scratch) : 0;
}

static int make_reorder(texp_conv *conv, description plain, description own)
{
    const int adds = conv->kind == TEXP_CONV_BACKWARD_WEIGHTS;
    const dnnl_engine_t engine = conv->context->engine;
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t post_ops = NULL;
    dnnl_primitive_desc_t chosen = NULL;
    /* oneDNN's own scratch memory would be that of the thread which makes the reorder, not of one which runs it. */
    if (dnnl_primitive_attr_create(&attributes) == dnnl_success && dnnl_post_ops_create(&post_ops) == dnnl_success &&
        dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user) == dnnl_success &&
        (!adds || append_sum(post_ops) == dnnl_success) &&
        dnnl_primitive_attr_set_post_ops(attributes, post_ops) == dnnl_success &&
        dnnl_reorder_primitive_desc_create(&chosen, adds ? own : plain, engine, adds ? plain : own, engine,
                                           attributes) == dnnl_success) {
        conv->chosen_reorder = chosen;
        if (want_scratch(conv->context, scratch_bytes(chosen))) dnnl_primitive_create(&conv->reorder, chosen);
    }
    if (post_ops) dnnl_post_ops_destroy(post_ops);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    return conv->reorder != NULL;
}

static int make_lane(const texp_conv *conv, dnnl_memory_t memories[MEMORIES], description plain)
{
    const dnnl_engine_t engine = conv->context->engine;
    const_dnnl_primitive_desc_t chosen = conv->chosen;
    for (int i = 0; i < TENSORS; ++i) {
        if (!make_memory(engine, memories + i, dnnl_primitive_desc_query_md(chosen, queries[conv->kind][i], 0)))
            return 0;
    }
    if (conv->use.bias &&
        !make_memory(engine, memories + BIAS, dnnl_primitive_desc_query_md(chosen, dnnl_query_weights_md, 1)))
        return 0;
    return make_memory(engine, memories + SCRATCH, dnnl_primitive_desc_query_md(chosen, dnnl_query_scratchpad_md, 0)) &&
           make_memory(engine, memories + REORDER_SCRATCH,
                       dnnl_primitive_desc_query_md(conv->chosen_reorder, dnnl_query_scratchpad_md, 0)) &&
           make_memory(engine, memories + PLAIN_WEIGHTS, plain);
}

static int make_all(texp_conv *conv, const texp_conv_shape *shape)
{
    description own = dnnl_primitive_desc_query_md(conv->chosen, queries[conv->kind][WEIGHTS], 0);
    description plain = describe_weights(shape, dnnl_f32, 0);
    int good = own && plain && want_scratch(conv->context, scratch_bytes(conv->chosen)) &&
               dnnl_primitive_create(&conv->primitive, conv->chosen) == dnnl_success && make_reorder(conv, plain, own);
    conv->memories = calloc((size_t)conv->use.lanes, sizeof *conv->memories);
    for (int i = 0; good && conv->memories && i < conv->use.lanes; ++i)
        good = make_lane(conv, conv->memories[i], plain);
    if (good) conv->own_bytes = dnnl_memory_desc_get_size(own);
    forget(plain);
    return good && conv->memories;
}

/* Where the Winograd algorithm is the faster: with floats by 1.3 to 2.2 times, with bfloat16 for weight gradients. */
static int suits_winograd(texp_conv_kind kind, const texp_conv_shape *s, const texp_conv_use *use, int block)
{
    return s->size == 3 && s->stride == 1 && s->pad == 1 && s->groups == 1 && !use->plain_x && !use->plain_y &&
           s->c % block == 0 && s->n % block == 0 && s->h >= 4 && s->w >= 4 && texp_winograd_can(block, use->type) &&
           (use->type == TEXP_F32 || kind == TEXP_CONV_BACKWARD_WEIGHTS);
}

static int make_winograd(texp_conv *conv, const texp_conv_shape *s)
{
    conv->by_winograd = 1;
    conv->shape = (texp_winograd_shape){s->c, s->n, s->h, s->w};
    conv->own_bytes = texp_winograd_own_bytes(&conv->shape);
    return want_scratch(conv->context, texp_winograd_scratch_bytes(&conv->shape, conv->context->block, conv->use.type));
}

static int make_by_onednn(texp_conv *conv, const texp_conv_shape *shape)
{
    const int before = begin_one_thread(conv->use.threads);
    conv->chosen = choose_for(conv->context->engine, conv->kind, shape, &conv->use, conv->context->block);
    const int good = conv->chosen && is_fast(conv->chosen) && make_all(conv, shape);
    end_one_thread(before);
    return good;
}

texp_conv *texp_conv_open(texp_conv_context *context, texp_conv_kind kind, const texp_conv_shape *shape,
                          const texp_conv_use *use)
{
    texp_conv *conv = calloc(1, sizeof *conv);
    if (!conv) return NULL;
    conv->context = context;
    conv->kind = kind;
    conv->use = *use;
    if (kind != TEXP_CONV_FORWARD) conv->use.bias = 0;
    const int good =
        suits_winograd(kind, shape, use, context->block) ? make_winograd(conv, shape) : make_by_onednn(conv, shape);
    if (good) return conv;
    texp_conv_close(conv);
    return NULL;
}

void texp_conv_close(texp_conv *conv)
{
    if (!conv) return;
    for (int i = 0; conv->memories && i < conv->use.lanes; ++i) {
        for (int j = 0; j < MEMORIES; ++j) {
            if (conv->memories[i][j]) dnnl_memory_destroy(conv->memories[i][j]);
        }
    }
    free(conv->memories);
    if (conv->reorder) dnnl_primitive_destroy(conv->reorder);
    if (conv->primitive) dnnl_primitive_destroy(conv->primitive);
    if (conv->chosen) dnnl_primitive_desc_destroy(conv->chosen);
    if (conv->chosen_reorder) dnnl_primitive_desc_destroy(conv->chosen_reorder);
    free(conv);
}

size_t texp_conv_own_bytes(const texp_conv *conv)
{
    return conv->own_bytes;
}

/* ---- Running. */

static int execute(const texp_conv *conv, dnnl_primitive_t primitive, int lane, int n, const dnnl_exec_arg_t *arguments)
{
    return dnnl_primitive_execute(primitive, conv->context->lanes[lane].stream, n, arguments) == dnnl_success ? 0 : -1;
}

static int point(dnnl_memory_t memory, const void *to)
{
    return dnnl_memory_set_data_handle(memory, (void *)to) == dnnl_success;
}

static int reorder(texp_conv *conv, int lane, int from, const void *from_data, int to, void *to_data)
{
    dnnl_memory_t *m = conv->memories[lane % conv->use.lanes];
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_FROM, m[from]}, {DNNL_ARG_TO, m[to]}, {DNNL_ARG_SCRATCHPAD, m[REORDER_SCRATCH]}};
    if (!point(m[from], from_data) || !point(m[to], to_data)) return -1;
    if (!point(m[REORDER_SCRATCH], conv->context->lanes[lane].scratch)) return -1;
    return execute(conv, conv->reorder, lane, 3, arguments);
}

int texp_conv_set_weights(texp_conv *conv, int lane, void *own, const float *weights)
{
    if (conv->by_winograd) {
        texp_winograd_set_weights(&conv->shape, conv->context->block, own, weights,
                                  conv->kind == TEXP_CONV_BACKWARD_DATA);
        return 0;
    }
    return reorder(conv, lane, PLAIN_WEIGHTS, weights, WEIGHTS, own);
}

int texp_conv_add_updates(texp_conv *conv, int lane, float *updates, const float *own)
{
    if (conv->by_winograd) {
        texp_winograd_add_updates(&conv->shape, conv->context->block, updates, own);
        return 0;
    }
    return reorder(conv, lane, WEIGHTS, own, PLAIN_WEIGHTS, updates);
}

/* Threads that work on one call take each a share of the channels. */
static int run_winograd(const texp_conv *conv, int lane, void *x, void *y, void *own, const float *bias)
{
    const texp_conv_use *use = &conv->use;
    const int is_back = conv->kind == TEXP_CONV_BACKWARD_DATA;
    texp_winograd_shape s = conv->shape;
    if (is_back) s.c = conv->shape.n, s.n = conv->shape.c;
#pragma omp parallel for schedule(static, 1) num_threads(use->threads) if (use->threads > 1)
    for (int i = 0; i < use->threads; ++i) {
        const texp_winograd_use part = {
            conv->context->block, use->type, use->images, i, use->threads, conv->context->lanes[lane + i].scratch};
        if (conv->kind == TEXP_CONV_BACKWARD_WEIGHTS)
            texp_winograd_run_weights(&s, &part, own, x, y);
        else if (is_back)
            texp_winograd_run(&s, &part, x, y, own, NULL, 1);
        else
            texp_winograd_run(&s, &part, y, x, own, use->bias ? bias : NULL, use->slope);
    }
    return 0;
}

int texp_conv_run(texp_conv *conv, int lane, void *x, void *y, void *own, const float *bias)
{
    if (conv->by_winograd) return run_winograd(conv, lane, x, y, own, bias);
    dnnl_memory_t *m = conv->memories[lane];
    const int *argument = arguments_of[conv->kind];
    dnnl_exec_arg_t arguments[TENSORS + 2] = {{argument[X], m[X]},
                                              {argument[WEIGHTS], m[WEIGHTS]},
                                              {argument[Y], m[Y]},
                                              {DNNL_ARG_SCRATCHPAD, m[SCRATCH]},
                                              {DNNL_ARG_BIAS, m[BIAS]}};
    if (!point(m[X], x) || !point(m[Y], y) || !point(m[WEIGHTS], own)) return -1;
    if (!point(m[SCRATCH], conv->context->lanes[lane].scratch)) return -1;
    if (conv->use.bias && !point(m[BIAS], bias)) return -1;
    return execute(conv, conv->primitive, lane, TENSORS + 1 + conv->use.bias, arguments);
}

int texp_onednn_gemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                     const float *b, int ldb, float beta, float *c, int ldc)
{
    return dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) ==
                   dnnl_success
               ? 0
               : -1;
}

#else

texp_conv_context *texp_conv_context_make(int lanes)
{
    (void)lanes;
    return NULL;
}

void texp_conv_context_free(texp_conv_context *context)
{
    (void)context;
}

int texp_conv_block(const texp_conv_context *context)
{
    (void)context;
    return 0;
}

int texp_conv_can(const texp_conv_context *context, texp_conv_kind kind, const texp_conv_shape *shape,
                  const texp_conv_use *use)
{
    (void)context, (void)kind, (void)shape, (void)use;
    return 0;
}

texp_conv *texp_conv_open(texp_conv_context *context, texp_conv_kind kind, const texp_conv_shape *shape,
                          const texp_conv_use *use)
{
    (void)context, (void)kind, (void)shape, (void)use;
    return NULL;
}

void texp_conv_close(texp_conv *conv)
{
    (void)conv;
}

size_t texp_conv_own_bytes(const texp_conv *conv)
{
    (void)conv;
    return 0;
}

int texp_conv_set_weights(texp_conv *conv, int lane, void *own, const float *weights)
{
    (void)conv, (void)lane, (void)own, (void)weights;
    return -1;
}

int texp_conv_add_updates(texp_conv *conv, int lane, float *updates, const float *own)
{
    (void)conv, (void)lane, (void)updates, (void)own;
    return -1;
}

int texp_conv_run(texp_conv *conv, int lane, void *x, void *y, void *own, const float *bias)
{
    (void)conv, (void)lane, (void)x, (void)y, (void)own, (void)bias;
    return -1;
}

int texp_onednn_gemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                     const float *b, int ldb, float beta, float *c, int ldc)
{
    (void)transpose_a, (void)transpose_b, (void)m, (void)n, (void)k, (void)alpha, (void)a, (void)lda, (void)b;
    (void)ldb, (void)beta, (void)c, (void)ldc;
    return -1;
}

#endif
