/* links: float */
/* Average precision against pycocotools and the definitions of the VOC devkit (tests/reference/average_precision.py). */
#include "train/average_precision.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 2000 };
static texp_detection detections[MOST];
static texp_ground_truth truths[MOST];
static size_t n, m;

/* Sums of up to 2000 quotients, each rounded once. */
static const double ROUNDING = 1e-12;

static void assert_near(double a, double b, const char *line)
{
    if (fabs(a - b) <= ROUNDING || (isnan(a) && isnan(b))) return;
    print_error("%.17g instead of %.17g: %s\n", a, b, line);
    fail();
}

static void check_ap(const char *line)
{
    int class, points;
    double iou, value;
    assert_int_equal(sscanf(line, "ap %d %lf %d %lf", &class, &iou, &points, &value), 4);
    assert_near(texp_average_precision(detections, n, truths, m, class, iou, (texp_ap_points)points), value, line);
}

static void check_counts(const char *line)
{
    int class;
    size_t right, wrong, missed;
    double iou, threshold, sum;
    texp_counts counts;
    assert_int_equal(
        sscanf(line, "counts %d %lf %lf %zu %zu %zu %lf", &class, &iou, &threshold, &right, &wrong, &missed, &sum), 7);
    assert_int_equal(texp_count_detections(detections, n, truths, m, class, iou, threshold, &counts), 0);
    assert_int_equal(counts.right, right);
    assert_int_equal(counts.wrong, wrong);
    assert_int_equal(counts.missed, missed);
    assert_near(counts.iou_sum, sum, line);
}

static void read_line(const char *line)
{
    texp_detection d;
    texp_ground_truth t;
    if (!strncmp(line, "case", 4)) {
        n = m = 0;
    } else if (sscanf(line, "truth %d %d %lf %lf %lf %lf", &t.image, &t.class, &t.box.x, &t.box.y, &t.box.w,
                      &t.box.h) == 6) {
        assert_true(m < MOST);
        truths[m++] = t;
    } else if (sscanf(line, "detection %d %d %lf %lf %lf %lf %lf", &d.image, &d.class, &d.score, &d.box.x, &d.box.y,
                      &d.box.w, &d.box.h) == 7) {
        assert_true(n < MOST);
        detections[n++] = d;
    }
}

static void each_line(const char *prefix, void (*check)(const char *line), int wanted)
{
    char line[256];
    int checked = 0;
    FILE *file = fopen("tests/reference/average_precision.txt", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        read_line(line);
        if (strncmp(line, prefix, strlen(prefix))) continue;
        check(line);
        ++checked;
    }
    fclose(file);
    assert_int_equal(checked, wanted);
}

static void average_precision_is_that_of_voc_and_coco(void **state)
{
    (void)state;
    each_line("ap ", check_ap, 162);
}

static void counts_are_those_of_voc(void **state)
{
    (void)state;
    each_line("counts ", check_counts, 54);
}

static void iou_of_boxes_by_hand(void **state)
{
    (void)state;
    texp_rect a = {1, 1, 2, 2}, b = {2, 2, 2, 2}, far = {5, 5, 2, 2}, touching = {3, 1, 2, 2}, none = {1, 1, 0, 0};
    assert_near(texp_iou(a, b), 1. / 7, "two squares that share a quarter");
    assert_near(texp_iou(a, a), 1, "the same");
    assert_near(texp_iou(a, far), 0, "apart");
    assert_near(texp_iou(a, touching), 0, "side by side");
    assert_near(texp_iou(none, none), 0, "empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(average_precision_is_that_of_voc_and_coco),
        cmocka_unit_test(counts_are_those_of_voc),
        cmocka_unit_test(iou_of_boxes_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
