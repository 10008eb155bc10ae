/* links: math */
/* Label files of detectors: where they are looked for, what their lines may say, which error is reported. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "data/boxes.h"
#include "data/label_path.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* --- files in a folder of our own, which is the working directory ---------------------------------------------------- */

static char home[4096], work[] = "build/boxes-XXXXXX";

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

static int enter_folder(void **state)
{
    (void)state;
    if (!getcwd(home, sizeof home) || !mkdtemp(work) || chdir(work)) return -1;
    return mkdir("images", 0777) || mkdir("labels", 0777);
}

static int leave_folder(void **state)
{
    (void)state;
    return chdir(home) || nftw(work, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static texp_boxes *open_boxes(char *const *images, int n, int classes)
{
    texp_boxes *boxes;
    texp_message message;
    if (texp_boxes_open(images, n, classes, &boxes, &message)) fail_msg("%s", message.text);
    return boxes;
}

/* --- places --------------------------------------------------------------------------------------------------------- */

static void label_files_are_looked_for_in_these_places(void **state)
{
    static const struct {
        const char *image, *places[TEXP_LABEL_PLACES];
    } cases[] = {
        {"images/x.jpg", {"labels/x.txt", "images/x.txt"}},
        {"VOC/JPEGImages/x.PNG", {"VOC/labels/x.txt", "VOC/JPEGImages/x.txt"}},
        {"raw/x.bmp", {"labels/x.txt", "raw/x.txt"}},
        {"set/x.jpeg", {"set/x.txt"}},
        {"x.tar.Jpg", {"x.tar.txt"}},
        {"a.jpg.d/x", {"a.jpg.d/x.txt"}},
        {"a.d/.x", {"a.d/.x.txt"}},
        /* Darknet's first `images` and its `raw` in a file's name; by folders; beside. */
        {"/images/set/images/raw1.jpg",
         {"/labels/set/images/labels1.txt", "/images/set/labels/raw1.txt", "/images/set/images/raw1.txt"}},
        {"/images/a/JPEGImages/x.jpg",
         {"/labels/a/labels/x.txt", "/images/a/labels/x.txt", "/images/a/JPEGImages/x.txt"}},
        {"my_images/x.jpg", {"my_labels/x.txt", "my_images/x.txt"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        texp_label_places found = texp_label_places_of(cases[i].image);
        int n = 0;
        while (n < TEXP_LABEL_PLACES && cases[i].places[n]) ++n;
        assert_int_equal(found.n, n);
        for (int k = 0; k < n; ++k) assert_string_equal(found.path[k], cases[i].places[k]);
    }
}

static void a_path_without_room_for_its_labels_has_no_place(void **state)
{
    char image[PATH_MAX];
    (void)state;
    memset(image, 'x', sizeof image);
    image[PATH_MAX - 1] = 0;
    assert_int_equal(texp_label_places_of(image).n, 0);
    image[PATH_MAX - 5] = 0;
    assert_int_equal(texp_label_places_of(image).n, 1);
    /* `raw` becomes longer. */
    memcpy(image, "raw/", 4);
    assert_int_equal(texp_label_places_of(image).n, 0);
}

static void the_first_place_with_a_file_counts(void **state)
{
    char *images[] = {"images/both.png", "images/beside.png", "images/in_labels.png", "images/neither.png"};
    int n;
    (void)state;
    write_text("images/both.txt", "2 .5 .5 .1 .1\n");
    write_text("labels/both.txt", "1 .5 .5 .1 .1\n");
    write_text("images/beside.txt", "2 .5 .5 .1 .1\n");
    write_text("labels/in_labels.txt", "0 .5 .5 .1 .1\n0 .5 .5 .1 .1\n");
    texp_boxes *boxes = open_boxes(images, 4, 3);
    assert_int_equal(texp_boxes_of(boxes, 0, &n)->class_id, 1);
    assert_int_equal(n, 1);
    assert_int_equal(texp_boxes_of(boxes, 1, &n)->class_id, 2);
    assert_int_equal(n, 1);
    assert_int_equal(texp_boxes_of(boxes, 2, &n)->class_id, 0);
    assert_int_equal(n, 2);
    texp_boxes_of(boxes, 3, &n);
    assert_int_equal(n, 0);
    texp_boxes_close(boxes);
}

static void images_without_label_files_are_counted(void **state)
{
    char *images[] = {"images/there.png", "images/gone.png", "images/empty.png", "away/gone.png",
                      "images/there.png/no.png"};
    texp_message message = {""};
    int n;
    (void)state;
    write_text("images/there.txt", "0 .5 .5 .1 .1\n");
    write_text("images/there.png", "a file, no folder");
    write_text("images/empty.txt", "");
    texp_boxes *boxes = open_boxes(images, 5, 1);
    assert_int_equal(texp_boxes_missing(boxes, &message), 3);
    assert_string_equal(message.text,
                        "3 of 5 images have no label file and count as images without objects; of the first "
                        "there is neither labels/gone.txt nor images/gone.txt");
    texp_boxes_of(boxes, 2, &n);
    assert_int_equal(n, 0);
    texp_boxes_close(boxes);
    boxes = open_boxes(images, 1, 1);
    assert_int_equal(texp_boxes_missing(boxes, &message), 0);
    texp_boxes_close(boxes);
    boxes = open_boxes(images + 3, 1, 1);
    assert_int_equal(texp_boxes_missing(boxes, &message), 1);
    assert_non_null(strstr(message.text, "of the first there is no away/gone.txt"));
    texp_boxes_close(boxes);
}

/* --- lines ---------------------------------------------------------------------------------------------------------- */

/* The floats are those that C makes of the decimal numbers, as of Darknet's own reader. */
static void boxes_are_read_as_they_stand(void **state)
{
    char *images[] = {"images/a.png"};
    int n;
    (void)state;
    write_text("images/a.txt",
               "\xef\xbb\xbf 0 0.1 0.2  0.3\t0.4 \r\n\r\n2 1.0000001 -0 1e-3 1.001\r7 0.5 0.5 1 0.33333333333333333");
    texp_boxes *boxes = open_boxes(images, 1, 8);
    const texp_box *box = texp_boxes_of(boxes, 0, &n);
    assert_int_equal(n, 3);
    static const texp_box expected[] = {
        {0, .1f, .2f, .3f, .4f}, {2, 1.0000001f, 0, 1e-3f, 1.001f}, {7, .5f, .5f, 1, .33333333333333333f}};
    for (int i = 0; i < 3; ++i) {
        assert_int_equal(box[i].class_id, expected[i].class_id);
        assert_true(box[i].x == expected[i].x && box[i].y == expected[i].y);
        assert_true(box[i].w == expected[i].w && box[i].h == expected[i].h);
    }
    texp_boxes_close(boxes);
}

/* A label file grows beyond the room that is taken first. */
static void a_file_of_many_boxes_is_read_whole(void **state)
{
    enum { MANY = 1000 };
    char *images[] = {"images/many.png"};
    int n;
    (void)state;
    FILE *file = fopen("images/many.txt", "w");
    for (int i = 0; i < MANY; ++i) fprintf(file, "%d .5 .5 .1 .1\n", i);
    fclose(file);
    texp_boxes *boxes = open_boxes(images, 1, MANY);
    const texp_box *box = texp_boxes_of(boxes, 0, &n);
    assert_int_equal(n, MANY);
    for (int i = 0; i < MANY; ++i) assert_int_equal(box[i].class_id, i);
    texp_boxes_close(boxes);
}

static void bad_lines_are_refused_with_file_line_and_remedy(void **state)
{
    static const struct {
        const char *line, *words[2];
    } cases[] = {
        {"0 .5 .5 .1", {"4 values, not five", "CLASS X Y WIDTH HEIGHT"}},
        {"0", {"1 value, not five", "'0'"}},
        {"0 .5 .5 .1 .1 .9", {"6 values, not five", "CLASS X Y WIDTH HEIGHT"}},
        {"0,.5,.5,.1,.1", {"1 value, not five", "with blanks between them"}},
        {"3 .5 .5 .1 .1", {"the class is none of 0..2", "`classes`"}},
        {"-1 .5 .5 .1 .1", {"the class is none of 0..2", "'-1 .5"}},
        {"100000 .5 .5 .1 .1", {"the class is none of 0..2", "'100000 "}},
        {"18446744073709551616 .5 .5 .1 .1", {"the class is none of 0..2", ""}},
        {"4294967296 .5 .5 .1 .1", {"the class is none of 0..2", ""}},
        {"1.5 .5 .5 .1 .1", {"the class is no whole number", "0..2"}},
        {"cat .5 .5 .1 .1", {"the class is no whole number", "'cat "}},
        {"0 x .5 .1 .1", {"x is no number", ""}},
        {"0 .5 .5,5 .1 .1", {"y is no number", ""}},
        {"0 .5 .5 nan .1", {"the width is no number", ""}},
        {"0 .5 .5 .1 inf", {"the height is no number", ""}},
        {"0 .5 .5 .1 1e99", {"the height is no number", ""}},
        {"0 320 240 50 60", {"x is outside 0..1", "divide x and width by the image's width"}},
        {"0 .5 .5 .1 60", {"the height is outside 0..1", "pixels"}},
        {"0 1 2.5 1 1", {"y is outside 0..1", "pixels"}},
        {"0 1.002 .5 .1 .1", {"x is outside 0..1", "as fractions of the image's width and height"}},
        {"0 .5 -.002 .1 .1", {"y is outside 0..1", "as fractions"}},
        {"0 .5 .5 0 .1", {"the width is not above 0", "remove the line"}},
        {"0 .5 .5 .1 -.0005", {"the height is not above 0", "remove the line"}},
    };
    char *images[] = {"images/good.png", "images/bad.png"};
    (void)state;
    write_text("images/good.txt", "0 .5 .5 .1 .1\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        texp_boxes *boxes = (texp_boxes *)1;
        texp_message message;
        char text[200];
        snprintf(text, sizeof text, "2 .5 .5 .1 .1\n\n%s\nbad, too\n", cases[i].line);
        write_text("images/bad.txt", text);
        assert_int_equal(texp_boxes_open(images, 2, 3, &boxes, &message), -1);
        assert_null(boxes);
        if (strncmp(message.text, "images/bad.txt:3: '", 19) || !strstr(message.text, cases[i].words[0]) ||
            !strstr(message.text, cases[i].words[1])) {
            fail_msg("%s: %s", cases[i].line, message.text);
        }
        assert_int_equal(texp_boxes_open(images, 2, 3, &boxes, NULL), -1);
    }
}

static void a_label_file_that_cannot_be_read_is_no_missing_one(void **state)
{
    char *images[] = {"images/folder.png"}, *loop[] = {"images/loop.png"};
    texp_boxes *boxes;
    texp_message message;
    (void)state;
    assert_int_equal(mkdir("images/folder.txt", 0777), 0);
    assert_int_equal(texp_boxes_open(images, 1, 3, &boxes, &message), -1);
    assert_non_null(strstr(message.text, "images/folder.txt: can't read: Is a directory"));
    assert_int_equal(symlink("loop.txt", "images/loop.txt"), 0);
    assert_int_equal(texp_boxes_open(loop, 1, 3, &boxes, &message), -1);
    assert_non_null(strstr(message.text, strerror(ELOOP)));
}

/* Of many bad files, found by threads in any order, the first of the list. */
static void the_first_bad_file_of_a_list_is_named(void **state)
{
    enum { MANY = 400, FIRST = 150 };
    char *images[MANY], text[40];
    texp_boxes *boxes;
    texp_message message;
    (void)state;
    for (int i = 0; i < MANY; ++i) {
        images[i] = malloc(40);
        snprintf(images[i], 40, "images/n%d.png", i);
        snprintf(text, sizeof text, "images/n%d.txt", i);
        write_text(text, i < FIRST ? "0 .5 .5 .1 .1\n" : "9 .5 .5 .1 .1\n");
    }
    for (int turn = 0; turn < 20; ++turn) {
        assert_int_equal(texp_boxes_open(images, MANY, 3, &boxes, &message), -1);
        assert_non_null(strstr(message.text, "images/n150.txt:1: "));
    }
    for (int i = 0; i < MANY; ++i) free(images[i]);
}

static void one_file_alone_is_read_by_the_same_rules(void **state)
{
    texp_message message;
    int n;
    (void)state;
    write_text("one.txt", "1 .5 .5 .1 .1\n");
    texp_box *boxes = texp_boxes_read("one.txt", 2, &n, &message);
    assert_non_null(boxes);
    assert_int_equal(n, 1);
    assert_int_equal(boxes->class_id, 1);
    free(boxes);
    write_text("one.txt", "");
    boxes = texp_boxes_read("one.txt", 2, &n, &message);
    assert_non_null(boxes);
    assert_int_equal(n, 0);
    free(boxes);
    write_text("one.txt", "2 .5 .5 .1 .1\n");
    assert_null(texp_boxes_read("one.txt", 2, &n, &message));
    assert_non_null(strstr(message.text, "one.txt:1: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(label_files_are_looked_for_in_these_places),
        cmocka_unit_test(a_path_without_room_for_its_labels_has_no_place),
        cmocka_unit_test(the_first_place_with_a_file_counts),
        cmocka_unit_test(images_without_label_files_are_counted),
        cmocka_unit_test(boxes_are_read_as_they_stand),
        cmocka_unit_test(a_file_of_many_boxes_is_read_whole),
        cmocka_unit_test(bad_lines_are_refused_with_file_line_and_remedy),
        cmocka_unit_test(a_label_file_that_cannot_be_read_is_no_missing_one),
        cmocka_unit_test(the_first_bad_file_of_a_list_is_named),
        cmocka_unit_test(one_file_alone_is_read_by_the_same_rules),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
