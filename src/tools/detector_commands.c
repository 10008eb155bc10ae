#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* asprintf */
#endif
#include "tools/detector_commands.h"

#include "base/files.h"
#include "base/number.h"
#include "base/refuse.h"
#include "cfg/options.h"
#include "net/texp_net.h"
#include "tools/alphabet.h"
#include "tools/box_files.h"
#include "train/detector_scores.h"
#include "train/image_set.h"

#include "box.h"
#include "option_list.h"

#include <math.h>

/* Of stb_image_write.h, which is compiled into Darknet's image.c. */
int stbi_write_jpg(const char *file, int w, int h, int c, const void *bytes, int quality);

/* --- what they share ----------------------------------------------------------------------------------------------- */

/* The names DATA CFG [WEIGHTS] of the arguments, opened. */
typedef struct {
    list *data;
    network *net;
    int classes;
    char **names; /* of the classes */
    char **paths; /* of the list `valid`, n of them; NULL where it was not asked for */
    int n;
} subject;

static char **read_names(list *data, int classes)
{
    char *file = texp_data_file(data, "names", "data/names.list");
    list *lines = get_paths(file);
    if (lines->size < classes)
        texp_refuse_option(data, "names", "has %d names, the network %d classes; write one a line for each",
                           lines->size, classes);
    char **names = (char **)list_to_array(lines);
    free_list(lines);
    return names;
}

static subject open_subject(const texp_arguments *a, int wants_list)
{
    subject s = {.data = read_data_cfg(a->names[0])};
    s.net = load_network(a->names[1], a->n > 2 ? a->names[2] : NULL, 0);
    s.classes = texp_detector_classes(s.net);
    if (s.classes <= 0) texp_fail("%s: its last layer must find boxes: [yolo], [region] or [detection]", a->names[1]);
    s.names = read_names(s.data, s.classes);
    if (!wants_list) return s;
    list *paths = texp_read_paths(s.data, "valid", NULL);
    s.n = paths->size;
    s.paths = (char **)list_to_array(paths);
    free_list(paths);
    return s;
}

/* Classes by their numbers in a tree; map=coco asks for another measure and is no file. */
static int *class_map(list *data)
{
    const char *file = texp_word_of(data, "map", NULL);
    return file && strcmp(file, "coco") ? read_map(texp_data_file(data, "map", NULL)) : NULL;
}

/* --- map ---------------------------------------------------------------------------------------------------------- */

static void read_overlap(const char *text, texp_judging *j)
{
    double value;
    if (!strcmp(text, ".5:.95") || !strcmp(text, "0.5:0.95")) {
        j->coco = 1;
        j->points = TEXP_AP_101;
    } else if (texp_read_double(text, &value) && value > 0 && value <= 1) {
        j->overlap = value;
    } else {
        texp_fail("-iou %s: must be above 0 and 1 at most, or .5:.95", texp_path_tail(text));
    }
}

static texp_judging read_judging(const texp_arguments *a, list *data)
{
    texp_judging j = texp_judging_of(data);
    const char *iou = texp_argument(a, "-iou");
    if (iou) read_overlap(iou, &j);
    j.points = (texp_ap_points)texp_argument_number(a, "-points", (long)j.points);
    if (j.points != TEXP_AP_AREA && j.points != TEXP_AP_11 && j.points != TEXP_AP_101)
        texp_fail("-points %d: must be 0 (the area below the curve), 11 or 101", (int)j.points);
    j.threshold = texp_argument_real(a, "-thresh", j.threshold);
    return j;
}

static const char *kind_of(texp_ap_points points)
{
    return points == TEXP_AP_AREA ? "area below the curve" : points == TEXP_AP_11 ? "11 points" : "101 points";
}

static void print_class(const texp_class_score *c, int class, const char *name)
{
    printf("class %d, %s: ", class, name);
    if (isnan(c->ap))
        printf("no object in the list");
    else
        printf("AP %.6f %%", 100 * c->ap);
    printf(", TP %zu, FP %zu, FN %zu\n", c->counts.right, c->counts.wrong, c->counts.missed);
}

static void print_score(const texp_detector_score *s, const texp_judging *j, char *const *names)
{
    for (int i = 0; i < s->classes; ++i) print_class(s->by_class + i, i, names[i]);
    printf("at threshold %g: precision %.6f, recall %.6f, F1 %.6f, average IoU %.6f %%\n", j->threshold, s->precision,
           s->recall, s->f1, 100 * s->iou);
    printf("at threshold %g: TP %zu, FP %zu, FN %zu\n", j->threshold, s->counts.right, s->counts.wrong,
           s->counts.missed);
    printf("loss %.6f, %d images\n", s->loss, s->images);
    if (j->coco) printf("mAP@.5:.95 %.6f %%\n", 100 * s->map_coco);
    printf("mAP@%g %.6f %% (%s)\n", j->overlap, 100 * s->map, kind_of(j->points));
}

int texp_detector_map(const texp_arguments *a)
{
    subject s = open_subject(a, 0);
    texp_judging judging = read_judging(a, s.data);
    texp_detector_examples *examples = texp_detector_examples_open(s.net, s.data);
    if (!examples) texp_fail("%s: no `valid` list; add valid=FILE", a->names[0]);
    texp_detector_score score = texp_score_detector(s.net, examples, &judging);
    print_score(&score, &judging, s.names);
    texp_detector_score_free(&score);
    texp_detector_examples_close(examples);
    return EXIT_SUCCESS;
}

/* --- valid -------------------------------------------------------------------------------------------------------- */

static void write_boxes(void *files, const texp_found *found)
{
    texp_box_files_write(files, found);
}

static int write_all_boxes(const texp_arguments *a, int mirrors)
{
    subject s = open_subject(a, 1);
    texp_detect_settings settings = texp_detect_defaults();
    if (mirrors && s.net->batch < 2)
        texp_fail("%s: batch/subdivisions is %d: valid2 predicts two images at once; make it 2 or more", a->names[1],
                  s.net->batch);
    settings.threshold = (float)texp_argument_real(a, "-thresh", settings.threshold);
    settings.map = class_map(s.data);
    settings.mirrors = mirrors;
    texp_box_files *files = texp_box_files_open(s.data, s.classes, s.names, s.paths, texp_argument(a, "-out"));
    settings.classes = texp_box_files_classes(files);
    double began = what_time_is_it_now();
    texp_detect(s.net, s.paths, s.n, &settings, NULL, write_boxes, files);
    texp_box_files_close(files);
    fprintf(stderr, "Total Detection Time: %f Seconds\n", what_time_is_it_now() - began);
    return EXIT_SUCCESS;
}

int texp_detector_valid(const texp_arguments *a)
{
    return write_all_boxes(a, 0);
}

int texp_detector_valid_mirrored(const texp_arguments *a)
{
    return write_all_boxes(a, 1);
}

/* --- recall ------------------------------------------------------------------------------------------------------- */

/* Darknet's numbers, with which proposals are counted whatever their class. */
static const float recall_threshold = .001f, recall_overlap = .5f, recall_nms = .4f;

typedef struct {
    const texp_boxes *truth;
    int classes;
    long total, right, proposals;
    double iou_sum;
} recall_counts;

static float best_iou(const texp_found *found, const texp_box *b)
{
    float best = 0;
    for (int k = 0; k < found->n; ++k) {
        float iou = box_iou(found->found[k].bbox, (box){b->x, b->y, b->w, b->h});
        if (found->found[k].objectness > recall_threshold && iou > best) best = iou;
    }
    return best;
}

static void count_image(void *context, const texp_found *found)
{
    recall_counts *c = context;
    int n;
    const texp_box *boxes = texp_boxes_of(c->truth, found->image, &n);
    do_nms_obj(found->found, found->n, c->classes, recall_nms);
    for (int k = 0; k < found->n; ++k) c->proposals += found->found[k].objectness > recall_threshold;
    for (int i = 0; i < n; ++i) {
        float iou = best_iou(found, boxes + i);
        c->total++;
        c->iou_sum += iou;
        c->right += iou > recall_overlap;
    }
    double total = c->total ? (double)c->total : 1;
    printf("%5d %5ld %5ld\tRPs/Img: %.2f\tIOU: %.2f%%\tRecall:%.2f%%\n", found->image, c->right, c->total,
           (double)c->proposals / (found->image + 1), 100 * c->iou_sum / total, 100 * (double)c->right / total);
}

int texp_detector_recall(const texp_arguments *a)
{
    subject s = open_subject(a, 1);
    texp_message message;
    texp_boxes *boxes;
    if (texp_boxes_open(s.paths, s.n, s.classes, &boxes, &message)) texp_fail("%s", message.text);
    if (texp_boxes_missing(boxes, &message)) fprintf(stderr, "%s\n", message.text);
    texp_detect_settings settings = texp_detect_defaults();
    settings.threshold = recall_threshold;
    settings.overlap = 0;
    recall_counts counts = {.truth = boxes, .classes = s.classes};
    texp_detect(s.net, s.paths, s.n, &settings, NULL, count_image, &counts);
    texp_boxes_close(boxes);
    return EXIT_SUCCESS;
}

/* --- test --------------------------------------------------------------------------------------------------------- */

/* NAME.jpg, as Darknet's save_image() writes it, whole or not at all. */
static void save_picture(image picture, const char *name)
{
    enum { QUALITY = 80 };
    texp_message message;
    char *file, *part;
    size_t points = (size_t)picture.w * (size_t)picture.h;
    unsigned char *bytes = malloc(points * (size_t)picture.c);
    if (asprintf(&file, "%s.jpg", name) < 0 || asprintf(&part, "%s.part", file) < 0 || !bytes)
        texp_fail("no memory for a picture");
    for (int k = 0; k < picture.c; ++k) {
        for (size_t i = 0; i < points; ++i)
            bytes[i * (size_t)picture.c + (size_t)k] = (unsigned char)(255 * picture.data[i + (size_t)k * points]);
    }
    if (!stbi_write_jpg(part, picture.w, picture.h, picture.c, bytes, QUALITY))
        texp_fail("%s: can't write the picture; name another file by -out", file);
    if (texp_file_publish(file, &message)) texp_fail("%s", message.text);
    free(bytes);
    free(part);
    free(file);
}

static void test_picture(subject *s, char *file, const texp_detect_settings *settings, float threshold, const char *out)
{
    image picture = load_image_color(file, 0, 0);
    image input = s->net->c == 3 ? picture : load_image(file, 0, 0, s->net->c);
    int n;
    double began = what_time_is_it_now();
    detection *found = texp_detect_image(s->net, input, settings, &n);
    printf("%s: Predicted in %f seconds.\n", file, what_time_is_it_now() - began);
    texp_draw_detections(picture, found, n, threshold, s->names, s->classes);
    free_detections(found, n);
    save_picture(picture, out ? out : "predictions");
#ifdef OPENCV
    if (!out) {
        make_window("predictions", 512, 512, 0);
        show_image(picture, "predictions", 0);
    }
#endif
    if (input.data != picture.data) free_image(input);
    free_image(picture);
}

int texp_detector_test(const texp_arguments *a)
{
    subject s = open_subject(a, 0);
    texp_detect_settings settings = texp_detect_defaults();
    float threshold = (float)texp_argument_real(a, "-thresh", .5);
    const char *out = texp_argument(a, "-out");
    char *line = NULL;
    size_t room = 0;
    settings.threshold = threshold;
    settings.hierarchy = (float)texp_argument_real(a, "-hier", .5);
    if (a->n > 3) {
        test_picture(&s, a->names[3], &settings, threshold, out);
        return EXIT_SUCCESS;
    }
    for (;;) {
        printf("Enter Image Path: ");
        fflush(stdout);
        if (getline(&line, &room, stdin) < 0) break;
        line[strcspn(line, "\r\n")] = 0;
        if (*line) test_picture(&s, line, &settings, threshold, out);
    }
    free(line);
    return EXIT_SUCCESS;
}
