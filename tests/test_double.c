/* links: double */
/* The double build's own matrix product and columns, which `texp verify` rests on. */
#include "support.h"

#include "col2im.h"
#include "gemm.h"
#include "im2col.h"

/* In extended precision, element by element. */
static double element(int ta, int tb, int m, int n, int k, const double *a, const double *b, int i, int j)
{
    long double sum = 0;
    int p;
    for (p = 0; p < k; ++p) sum += (long double)a[ta ? p * m + i : i * k + p] * b[tb ? j * k + p : p * n + j];
    return (double)sum;
}

/* Sums of k products of numbers in [-1, 1]: k rounding errors of at most k*2^-53 each, were they all to add up. */
static void check(int ta, int tb, int m, int n, int k, double beta)
{
    double *a = calloc((size_t)m * k, sizeof *a), *b = calloc((size_t)k * n, sizeof *b);
    double *c = calloc((size_t)m * n, sizeof *c), *before = calloc((size_t)m * n, sizeof *c), worst = 0;
    int i, j;
    fill(a, (size_t)m * k, 1, -1, 1);
    fill(b, (size_t)k * n, 2, -1, 1);
    fill(c, (size_t)m * n, 3, -1, 1);
    memcpy(before, c, (size_t)m * n * sizeof *c);
    gemm(ta, tb, m, n, k, .5, a, ta ? m : k, b, tb ? k : n, beta, c, n);
    for (i = 0; i < m; ++i) {
        for (j = 0; j < n; ++j) {
            double expected = .5 * element(ta, tb, m, n, k, a, b, i, j) + beta * before[i * n + j];
            worst = fmax(worst, fabs(c[i * n + j] - expected));
        }
    }
    assert_below(worst, (k + 2.) * (k + 2.) * 0x1p-53);
    free(a), free(b), free(c), free(before);
}

static const int sizes[][3] = {{1, 1, 1},      {2, 3, 5},     {8, 8, 8},   {16, 1024, 27},
                               {97, 193, 193}, {7, 400, 385}, {200, 1, 50}};

static void products_are_those_of_the_definition(void **state)
{
    size_t i;
    int t;
    (void)state;
    for (i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        for (t = 0; t < 4; ++t) {
            check(t & 1, t >> 1, sizes[i][0], sizes[i][1], sizes[i][2], 1);
            check(t & 1, t >> 1, sizes[i][0], sizes[i][1], sizes[i][2], t / 2.);
        }
    }
}

/* What was in C is not looked at: it may be a workspace that nobody has written. */
static void beta_of_zero_overwrites(void **state)
{
    double a = 2, b = 3, c = NAN;
    (void)state;
    gemm(0, 0, 1, 1, 1, 1, &a, 1, &b, 1, 0, &c, 1);
    assert_true(c == 6);
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    enum { M = 200, N = 500, K = 400 };
    double *a = calloc(M * K, sizeof *a), *b = calloc(K * N, sizeof *b), *c[2];
    int i;
    (void)state;
    fill(a, M * K, 1, -1, 1);
    fill(b, K * N, 2, -1, 1);
    for (i = 0; i < 2; ++i) {
#ifdef _OPENMP
        omp_set_num_threads(i + 1);
#endif
        c[i] = calloc(M * N, sizeof **c);
        gemm(0, 0, M, N, K, 1, a, K, b, N, 1, c[i], N);
    }
    assert_memory_equal(c[0], c[1], M * N * sizeof **c);
    free(a), free(b), free(c[0]), free(c[1]);
}

/* ---- Columns. */

static const int shapes[][6] = {/* channels, height, width, size, stride, pad */
                                {1, 1, 1, 1, 1, 0}, {3, 8, 8, 3, 1, 1}, {2, 9, 7, 3, 2, 1},   {2, 7, 9, 5, 3, 2},
                                {1, 4, 4, 7, 1, 3}, {2, 3, 5, 2, 2, 0}, {4, 40, 40, 3, 1, 1}, {1, 2, 2, 3, 1, 4}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static int columns_of(const int *s, int length)
{
    return (length + 2 * s[5] - s[3]) / s[4] + 1;
}

/* The pixel that number i of the columns stands for, or -1: padding. */
static int pixel_of(const int *s, int i)
{
    int w = columns_of(s, s[2]), h = columns_of(s, s[1]), c = i / (h * w), kernel = s[3] * s[3];
    int y = c % kernel / s[3] + i / w % h * s[4] - s[5], x = c % s[3] + i % w * s[4] - s[5];
    return y < 0 || y >= s[1] || x < 0 || x >= s[2] ? -1 : (c / kernel * s[1] + y) * s[2] + x;
}

static void columns_are_those_of_the_definition(void **state)
{
    int n, i;
    (void)state;
    for (n = 0; n < SHAPES; ++n) {
        const int *s = shapes[n];
        int pixels = s[0] * s[1] * s[2], values = s[0] * s[3] * s[3] * columns_of(s, s[1]) * columns_of(s, s[2]);
        double *image = calloc(pixels, sizeof *image), *column = calloc(values, sizeof *column);
        fill(image, pixels, 4, -1, 1);
        fill(column, values, 5, -1, 1);
        im2col_cpu(image, s[0], s[1], s[2], s[3], s[4], s[5], column);
        for (i = 0; i < values; ++i) assert_true(column[i] == (pixel_of(s, i) < 0 ? 0 : image[pixel_of(s, i)]));
        free(image), free(column);
    }
}

/* Multiples of 2^-24 add up without rounding, in any order. */
static void sums_of_columns_are_those_of_the_definition(void **state)
{
    int n, i;
    (void)state;
    for (n = 0; n < SHAPES; ++n) {
        const int *s = shapes[n];
        int pixels = s[0] * s[1] * s[2], values = s[0] * s[3] * s[3] * columns_of(s, s[1]) * columns_of(s, s[2]);
        double *image = calloc(pixels, sizeof *image), *expected = calloc(pixels, sizeof *image);
        double *column = calloc(values, sizeof *column);
        fill(image, pixels, 4, -1, 1);
        memcpy(expected, image, pixels * sizeof *image);
        fill(column, values, 5, -1, 1);
        for (i = 0; i < values; ++i) {
            if (pixel_of(s, i) >= 0) expected[pixel_of(s, i)] += column[i];
        }
        col2im_cpu(column, s[0], s[1], s[2], s[3], s[4], s[5], image);
        assert_memory_equal(image, expected, pixels * sizeof *image);
        free(image), free(expected), free(column);
    }
}

/* ---- Numbers that Darknet reads by %f. */

box_label *read_boxes(char *filename, int *n); /* data.c */

static void boxes_are_read_as_doubles(void **state)
{
    static const char text[] = "2 0.25 0.5 0.125 0.0625\n0 .75 1 1e-1 0.2\n";
    int n;
    box_label *boxes = read_boxes(write_file(".txt", text, strlen(text)), &n);
    (void)state;
    assert_int_equal(n, 2);
    assert_true(boxes[0].id == 2 && boxes[0].x == .25 && boxes[0].y == .5 && boxes[0].w == .125 && boxes[0].h == .0625);
    assert_true(boxes[1].x == .75 && boxes[1].h == .2);
    free(boxes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(products_are_those_of_the_definition),
                                       cmocka_unit_test(beta_of_zero_overwrites),
                                       cmocka_unit_test(the_number_of_threads_changes_no_bit),
                                       cmocka_unit_test(columns_are_those_of_the_definition),
                                       cmocka_unit_test(sums_of_columns_are_those_of_the_definition),
                                       cmocka_unit_test(boxes_are_read_as_doubles)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
