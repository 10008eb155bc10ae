/* links: float */
/*
 * The fast convolution against its definition, seven plain loops in double. Without oneDNN only the stubs are there
 * to be tested.
 */
#include "fastconv.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef _OPENMP
#include <omp.h>
#endif

typedef struct {
    int batch, c, h, w, n, size, stride, pad, groups;
} conv_case;

static const conv_case cases[] = {
    {2, 3, 32, 32, 16, 3, 1, 1, 1},   {2, 16, 32, 32, 16, 3, 1, 1, 1},  {2, 16, 32, 32, 32, 3, 2, 1, 1},
    {3, 64, 8, 8, 64, 3, 1, 1, 1},    {2, 16, 32, 32, 32, 1, 2, 0, 1},  {1, 32, 16, 16, 64, 1, 2, 0, 1},
    {1, 5, 7, 9, 11, 3, 1, 1, 1},     {5, 17, 13, 6, 19, 3, 2, 1, 1},   {1, 1, 1, 1, 1, 1, 1, 0, 1},
    {2, 20, 9, 9, 12, 1, 1, 0, 1},    {1, 3, 33, 31, 8, 7, 2, 3, 1},    {2, 6, 11, 10, 9, 5, 3, 2, 3},
    {2, 32, 10, 10, 32, 3, 1, 1, 32}, {1, 48, 9, 9, 32, 3, 1, 1, 2},    {2, 4, 8, 8, 4, 2, 2, 0, 1},
    {1, 24, 6, 6, 40, 3, 1, 0, 1},    {2, 16, 7, 7, 16, 3, 1, 2, 1},    {1, 18, 5, 5, 21, 5, 1, 0, 1},
    {37, 7, 6, 5, 10, 3, 1, 1, 1},    {64, 16, 16, 16, 16, 3, 1, 1, 1},
};
enum { CASES = sizeof(cases) / sizeof(*cases) };

typedef struct {
    int out_h, out_w;
    size_t inputs, outputs, weights;
} sizes;

typedef struct {
    sizes s;
    float *input, *output, *w, *input_delta, *delta, *weight_updates;
    texp_fastconv *conv;
} arrays;

static uint32_t state;

/* In (-1, 1) */
static float *filled(size_t n)
{
    float *x = malloc(n * sizeof(float));
    size_t i;
    assert_non_null(x);
    for (i = 0; i < n; ++i) {
        state = state * 1664525u + 1013904223u;
        x[i] = ((double)(state >> 16) - 32767.5) / 32768;
    }
    return x;
}

static sizes sizes_of(const conv_case *k)
{
    sizes s;
    s.out_h = (k->h + 2 * k->pad - k->size) / k->stride + 1;
    s.out_w = (k->w + 2 * k->pad - k->size) / k->stride + 1;
    s.inputs = (size_t)k->batch * k->c * k->h * k->w;
    s.outputs = (size_t)k->batch * k->n * s.out_h * s.out_w;
    s.weights = (size_t)k->n * (k->c / k->groups) * k->size * k->size;
    return s;
}

static arrays make_arrays(const conv_case *k)
{
    arrays a = {.s = sizes_of(k)};
    state = 7;
    a.input = filled(a.s.inputs), a.input_delta = filled(a.s.inputs);
    a.output = filled(a.s.outputs), a.delta = filled(a.s.outputs);
    a.w = filled(a.s.weights), a.weight_updates = filled(a.s.weights);
    a.conv = texp_fastconv_create(k->batch, k->c, k->h, k->w, k->n, k->size, k->stride, k->pad, k->groups);
    assert_non_null(a.conv);
    return a;
}

static void free_arrays(arrays *a)
{
    free(a->input), free(a->input_delta), free(a->output), free(a->delta), free(a->w), free(a->weight_updates);
    texp_fastconv_free(a->conv);
}

/* ---- The definition: every product of the convolution, each of which is a term of three sums. */

typedef void (*visitor)(void *to, size_t input, size_t weight, size_t output);

static void visit_row(const conv_case *k, const sizes *s, int b, int o, int y, int x, visitor visit, void *to)
{
    const int c_group = k->c / k->groups, first = o / (k->n / k->groups) * c_group;
    int i, ky, kx;
    for (i = 0; i < c_group; ++i) {
        for (ky = 0; ky < k->size; ++ky) {
            for (kx = 0; kx < k->size; ++kx) {
                const int iy = y * k->stride + ky - k->pad, ix = x * k->stride + kx - k->pad;
                if (iy < 0 || iy >= k->h || ix < 0 || ix >= k->w) continue;
                visit(to, (((size_t)b * k->c + first + i) * k->h + iy) * k->w + ix,
                      (((size_t)o * c_group + i) * k->size + ky) * k->size + kx,
                      (((size_t)b * k->n + o) * s->out_h + y) * s->out_w + x);
            }
        }
    }
}

static void visit_all(const conv_case *k, const sizes *s, visitor visit, void *to)
{
    int b, o, y, x;
    for (b = 0; b < k->batch; ++b) {
        for (o = 0; o < k->n; ++o) {
            for (y = 0; y < s->out_h; ++y) {
                for (x = 0; x < s->out_w; ++x) visit_row(k, s, b, o, y, x, visit, to);
            }
        }
    }
}

/* sum: of products; size: of their absolute values; terms: how many. */
typedef struct {
    const float *left, *right;
    double *sum, *size, *terms;
} reference;

static void add_term(reference *r, size_t at, size_t left, size_t right)
{
    const double product = (double)r->left[left] * r->right[right];
    r->sum[at] += product;
    r->size[at] += fabs(product);
    r->terms[at] += 1;
}

static void to_output(void *to, size_t input, size_t weight, size_t output)
{
    add_term(to, output, input, weight);
}

static void to_weight(void *to, size_t input, size_t weight, size_t output)
{
    add_term(to, weight, input, output);
}

static void to_input(void *to, size_t input, size_t weight, size_t output)
{
    add_term(to, input, weight, output);
}

/*
 * A float sum of n products in any order errs by at most (n + 1) u sum|product| (Higham, Accuracy and Stability, 3.1),
 * u = FLT_EPSILON/2; where it is added to what was there, one more rounding of the result. oneDNN may flush what is
 * subnormal; none is, here.
 */
static void compare(const float *got, const float *before, const reference *r, size_t n)
{
    size_t i;
    for (i = 0; i < n; ++i) {
        const double expected = r->sum[i] + (before ? before[i] : 0);
        const double bound = FLT_EPSILON / 2 * ((r->terms[i] + 1) * r->size[i] + fabs(expected)) * 1.001;
        assert_true(fabs(got[i] - expected) <= bound);
    }
}

static void check(const conv_case *k, const sizes *s, const float *got, const float *before, size_t n,
                  const float *left, const float *right, visitor visit)
{
    reference r = {left, right, calloc(n, sizeof(double)), calloc(n, sizeof(double)), calloc(n, sizeof(double))};
    assert_true(r.sum && r.size && r.terms);
    visit_all(k, s, visit, &r);
    compare(got, before, &r, n);
    free(r.sum), free(r.size), free(r.terms);
}

static float *copy_of(const float *x, size_t n)
{
    float *y = malloc(n * sizeof(float));
    assert_non_null(y);
    return memcpy(y, x, n * sizeof(float));
}

/* ---- The claims. */

static void forward_is_the_definition_and_overwrites(void **unused)
{
    int n;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        const conv_case *k = cases + n;
        arrays a = make_arrays(k);
        a.output[0] = NAN;
        assert_int_equal(texp_fastconv_forward(a.conv, a.output, a.input, a.w), TEXP_FASTCONV_OK);
        check(k, &a.s, a.output, NULL, a.s.outputs, a.input, a.w, to_output);
        free_arrays(&a);
    }
}

static void weight_gradient_is_added(void **unused)
{
    int n;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        const conv_case *k = cases + n;
        arrays a = make_arrays(k);
        float *before = copy_of(a.weight_updates, a.s.weights);
        assert_int_equal(texp_fastconv_backward_weights(a.conv, a.weight_updates, a.input, a.delta), TEXP_FASTCONV_OK);
        check(k, &a.s, a.weight_updates, before, a.s.weights, a.input, a.delta, to_weight);
        free(before);
        free_arrays(&a);
    }
}

static void input_gradient_is_added(void **unused)
{
    int n;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        const conv_case *k = cases + n;
        arrays a = make_arrays(k);
        float *before = copy_of(a.input_delta, a.s.inputs);
        assert_int_equal(texp_fastconv_backward_data(a.conv, a.input_delta, a.delta, a.w, 1), TEXP_FASTCONV_OK);
        check(k, &a.s, a.input_delta, before, a.s.inputs, a.w, a.delta, to_input);
        free(before);
        free_arrays(&a);
    }
}

static void input_gradient_overwrites_on_demand(void **unused)
{
    int n;
    size_t i;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        const conv_case *k = cases + n;
        arrays a = make_arrays(k);
        for (i = 0; i < a.s.inputs; ++i) a.input_delta[i] = NAN;
        assert_int_equal(texp_fastconv_backward_data(a.conv, a.input_delta, a.delta, a.w, 0), TEXP_FASTCONV_OK);
        check(k, &a.s, a.input_delta, NULL, a.s.inputs, a.w, a.delta, to_input);
        free_arrays(&a);
    }
}

static void run_all(arrays *a)
{
    assert_int_equal(texp_fastconv_forward(a->conv, a->output, a->input, a->w), TEXP_FASTCONV_OK);
    assert_int_equal(texp_fastconv_backward_weights(a->conv, a->weight_updates, a->input, a->delta), TEXP_FASTCONV_OK);
    assert_int_equal(texp_fastconv_backward_data(a->conv, a->input_delta, a->delta, a->w, 1), TEXP_FASTCONV_OK);
}

static void assert_same(const arrays *a, const arrays *b)
{
    assert_memory_equal(a->output, b->output, a->s.outputs * sizeof(float));
    assert_memory_equal(a->weight_updates, b->weight_updates, a->s.weights * sizeof(float));
    assert_memory_equal(a->input_delta, b->input_delta, a->s.inputs * sizeof(float));
}

static void inputs_are_left_alone(void **unused)
{
    int n;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        arrays a = make_arrays(cases + n), b = make_arrays(cases + n);
        run_all(&a);
        assert_memory_equal(a.input, b.input, a.s.inputs * sizeof(float));
        assert_memory_equal(a.delta, b.delta, a.s.outputs * sizeof(float));
        assert_memory_equal(a.w, b.w, a.s.weights * sizeof(float));
        free_arrays(&a);
        free_arrays(&b);
    }
}

/* Also with other shapes' leavings in the scratch buffer, and with an object made anew. */
static void runs_repeat_to_the_bit(void **unused)
{
    int n;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        arrays a = make_arrays(cases + n), other = make_arrays(cases + (n + 1) % CASES), b;
        run_all(&a);
        run_all(&other);
        b = make_arrays(cases + n);
        run_all(&b);
        assert_same(&a, &b);
        free_arrays(&a);
        free_arrays(&b);
        free_arrays(&other);
    }
}

#ifdef _OPENMP
/* An object follows a change of the number of threads, and gives what one made under that number gives. */
static void thread_count_may_change(void **unused)
{
    const int threads = omp_get_max_threads();
    int n;
    (void)unused;
    for (n = 0; n < CASES; ++n) {
        arrays a = make_arrays(cases + n), b;
        omp_set_num_threads(threads + 1);
        run_all(&a);
        b = make_arrays(cases + n);
        run_all(&b);
        assert_same(&a, &b);
        omp_set_num_threads(threads);
        free_arrays(&a);
        free_arrays(&b);
    }
}
#endif

static void impossible_shapes_are_refused(void **unused)
{
    (void)unused;
    assert_null(texp_fastconv_create(0, 3, 8, 8, 4, 3, 1, 1, 1));
    assert_null(texp_fastconv_create(1, 3, 8, 8, 4, 0, 1, 1, 1));
    assert_null(texp_fastconv_create(1, 3, 8, 8, 4, 3, 0, 1, 1));
    assert_null(texp_fastconv_create(1, 3, 8, 8, 4, 3, 1, -1, 1));
    assert_null(texp_fastconv_create(1, 3, 8, 8, 4, 3, 1, 1, 2));
    assert_null(texp_fastconv_create(1, 4, 8, 8, 3, 3, 1, 1, 2));
    assert_null(texp_fastconv_create(1, 3, 2, 2, 4, 5, 1, 1, 1));
    assert_null(texp_fastconv_create(1, 3, 8, 8, 4, 3, 1, 0x7fffffff, 1));
    texp_fastconv_free(NULL);
}

static void without_onednn_nothing_is_created(void **unused)
{
    (void)unused;
    assert_null(texp_fastconv_create(1, 3, 8, 8, 4, 3, 1, 1, 1));
    assert_int_equal(texp_fastconv_forward(NULL, NULL, NULL, NULL), TEXP_FASTCONV_FAILED);
    assert_int_equal(texp_fastconv_backward_weights(NULL, NULL, NULL, NULL), TEXP_FASTCONV_FAILED);
    assert_int_equal(texp_fastconv_backward_data(NULL, NULL, NULL, NULL, 1), TEXP_FASTCONV_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_the_definition_and_overwrites),
        cmocka_unit_test(weight_gradient_is_added),
        cmocka_unit_test(input_gradient_is_added),
        cmocka_unit_test(input_gradient_overwrites_on_demand),
        cmocka_unit_test(inputs_are_left_alone),
        cmocka_unit_test(runs_repeat_to_the_bit),
#ifdef _OPENMP
        cmocka_unit_test(thread_count_may_change),
#endif
        cmocka_unit_test(impossible_shapes_are_refused),
    };
    const struct CMUnitTest stubs[] = {
        cmocka_unit_test(impossible_shapes_are_refused),
        cmocka_unit_test(without_onednn_nothing_is_created),
    };
    if (!texp_fastconv_available()) return cmocka_run_group_tests_name("stubs", stubs, NULL, NULL);
    return cmocka_run_group_tests_name("oneDNN", tests, NULL, NULL);
}
