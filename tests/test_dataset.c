/* links: float */
/*
 * Data sets, the sequence of training samples and the converters, on image files written here: PNM, whose bytes are
 * the pixels themselves, so that nothing but the decoder under test stands between file and expectation.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "data/dataset.h"
#include "data/convert.h"
#include "data/sampler.h"

#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { W = 5, H = 4, PIXELS = W * H, MANY = 23, ALL_IN_MEMORY = 1 << 20 };

int stbi_write_jpg(char const *filename, int w, int h, int c, const void *data, int quality);
void fill_truth_detection(char *path, int num_boxes, float *truth, int classes, int flip, float dx, float dy, float sx,
                          float sy);
int stbi_write_png(char const *filename, int w, int h, int c, const void *data, int stride);
int stbi_write_bmp(char const *filename, int w, int h, int c, const void *data);
int stbi_write_tga(char const *filename, int w, int h, int c, const void *data);

/* ---- files in a folder of our own, which is the working directory ------------------------------------------- */

static char home[4096], work[4096];

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

static int enter_folder(void **state)
{
    (void)state;
    if (!getcwd(home, sizeof home)) return -1;
    strcpy(work, access("build", W_OK) ? "/tmp/texp-dataset-XXXXXX" : "build/test-dataset-XXXXXX");
    if (!mkdtemp(work) || chdir(work)) return -1;
    return mkdir("cat", 0777) || mkdir("dog", 0777) || mkdir("any", 0777);
}

static int leave_folder(void **state)
{
    (void)state;
    return chdir(home) || nftw(work, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void write_bytes(const char *name, const void *data, size_t length)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* c = 1: P5, grey; c = 3: P6, colour; pixel by pixel. */
static void write_pnm(const char *name, int w, int h, int c, const unsigned char *pixels)
{
    char data[4096];
    int header = snprintf(data, sizeof data, "P%d %d %d 255\n", c == 1 ? 5 : 6, w, h);
    memcpy(data + header, pixels, (size_t)w * h * c);
    write_bytes(name, data, (size_t)header + w * h * c);
}

static void write_even(const char *name, int w, int h, int value)
{
    unsigned char pixels[400];
    memset(pixels, value, sizeof pixels);
    write_pnm(name, w, h, 1, pixels);
}

static texp_dataset *open_set(const char *list, const char *labels, int classes, int c, size_t limit)
{
    texp_dataset *set;
    texp_message message = {""};
    if (texp_dataset_open(list, labels, classes, W, H, c, limit, &set, NULL, &message)) fail_msg("%s", message.text);
    return set;
}

/* Opens list.txt and labels.txt, which must fail with a message that has both words. */
static void assert_refused(int c, const char *word, const char *other)
{
    texp_dataset *set = (texp_dataset *)&set;
    texp_message message = {""};
    assert_int_equal(texp_dataset_open("list.txt", "labels.txt", 2, W, H, c, ALL_IN_MEMORY, &set, NULL, &message), -1);
    assert_null(set);
    if (!strstr(message.text, word) || !strstr(message.text, other))
        fail_msg("`%s` lacks `%s` or `%s`", message.text, word, other);
    assert_int_equal(texp_dataset_open("list.txt", "labels.txt", 2, W, H, c, ALL_IN_MEMORY, &set, NULL, NULL), -1);
}

/* ---- labels ------------------------------------------------------------------------------------------------- */

static void label_comes_from_folder_or_file_name_alone(void **state)
{
    static char *const labels[] = {"cat", "dog", "shirt", "t-shirt", "ice cream", "polar_bear", "a-b", "b-c"};
    static const struct {
        const char *path;
        int label;
    } cases[] = {
        {"train/cat/1.png", 0},
        {"cat/1.png", 0},
        {"/data/cat/dog/1.png", 1},
        {"classification/1.png", TEXP_LABEL_NONE}, /* where stock Darknet finds a cat */
        {"cat/train/1.png", TEXP_LABEL_NONE},
        {"catalogue/dog/1.png", 1},
        {"dog/7_cat.png", 1}, /* the folder goes first */
        {"train/7_cat.png", 0},
        {"train/cat_7.png", 0},
        {"train/cat-7.png", 0},
        {"train/cat.png", 0},
        {"cat.png", 0},
        {"cat", 0},
        {"train/7_cat_b.png", 0},
        {"train/cat_cat.png", 0},
        {"train/7_concat.png", TEXP_LABEL_NONE},
        {"train/cats_7.png", TEXP_LABEL_NONE},
        {"train/7.cat", TEXP_LABEL_NONE},
        {"train/7_cat.dog", 0},
        {"train/.cat", TEXP_LABEL_NONE},
        {"train/Cat.png", TEXP_LABEL_NONE},
        {"train/cat/", 0},
        {"train/7_cat_dog.png", TEXP_LABEL_AMBIGUOUS},
        {"train/7_t-shirt.png", 3},
        {"train/7_shirt.png", 2},
        {"train/t-shirt/1.png", 3},
        {"train/t-shirt-shirt.png", TEXP_LABEL_AMBIGUOUS},
        {"train/1_a-b-c.png", TEXP_LABEL_AMBIGUOUS},
        {"train/7_ice cream.png", 4},
        {"ice cream/1.png", 4},
        {"train/polar_bear_7.png", 5},
        {"train/polar-bear_7.png", TEXP_LABEL_NONE},
        {"", TEXP_LABEL_NONE},
        {"/", TEXP_LABEL_NONE},
        {"__--.png", TEXP_LABEL_NONE},
    };
    size_t i;
    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; ++i) {
        int label = texp_label_of_path(cases[i].path, labels, 8);
        if (label != cases[i].label) fail_msg("%s: %d, not %d", cases[i].path, label, cases[i].label);
    }
}

static void lines_may_be_blank_or_end_in_cr_lf(void **state)
{
    texp_dataset *set;
    (void)state;
    write_even("cat/1.pgm", W, H, 1);
    write_even("dog/2.pgm", W, H, 2);
    write_text("list.txt", "\r\n\ncat/1.pgm\r\n  \r\ndog/2.pgm\ncat/1.pgm");
    write_text("labels.txt", "dog\r\n\r\ncat");
    set = open_set("list.txt", "labels.txt", 2, 1, ALL_IN_MEMORY);
    assert_int_equal(texp_dataset_size(set), 3);
    assert_int_equal(texp_dataset_label(set, 0), 1);
    assert_int_equal(texp_dataset_label(set, 1), 0);
    assert_memory_equal(texp_dataset_pixels(set, 2, NULL, NULL), texp_dataset_pixels(set, 0, NULL, NULL), PIXELS);
    assert_memory_not_equal(texp_dataset_pixels(set, 2, NULL, NULL), texp_dataset_pixels(set, 1, NULL, NULL), PIXELS);
    texp_dataset_close(set);
}

/* Where neither folder nor file name has a label, and one alone occurs in the path, it is that one, as in stock Darknet. */
static void a_single_label_anywhere_in_the_path_is_the_class(void **state)
{
    static char *const labels[] = {"cat", "dog", "rain", "snow"};
    static const struct {
        const char *path;
        int class;
    } cases[] = {{"cat/dog/7.png", 1},
                 {"rain/train/5_snow.png", 3},
                 {"dogs/1.png", 1},
                 {"cat/any/1.png", 0},
                 {"any/snow5.png", 3},
                 {"classification/1.png", 0},
                 {"train/1.png", 2},
                 {"train/snow5.png", TEXP_LABEL_AMBIGUOUS},
                 {"any/cat_dog.png", TEXP_LABEL_AMBIGUOUS},
                 {"any/1.png", TEXP_LABEL_NONE}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        int class = texp_class_of_path(cases[i].path, labels, 4);
        if (class != cases[i].class) fail_msg("%s: %d, not %d", cases[i].path, class, cases[i].class);
    }
}

static void classes_from_elsewhere_in_the_path_are_noted(void **state)
{
    static char *const labels[] = {"cat", "dog"};
    texp_image_list list;
    texp_message note, message;
    int classes[4];
    (void)state;
    write_text("list.txt", "cat/1.png\n\nany/dogs/2.png\nany/3_dog.png\nany/cats/4.png\n");
    assert_int_equal(texp_image_list_open(&list, "list.txt", &message), 0);
    assert_int_equal(texp_classes_of_list(&list, labels, 2, "labels.txt", classes, &note, &message), 0);
    assert_memory_equal(classes, ((int[]){0, 1, 1, 0}), sizeof classes);
    assert_string_equal(note.text, "list.txt: 2 of 4 images have their class from elsewhere in the path than folder or "
                                   "file name, as line 3: any/dogs/2.png is `dog`");
    texp_image_list_close(&list);
    write_text("list.txt", "cat/1.png\n");
    assert_int_equal(texp_image_list_open(&list, "list.txt", &message), 0);
    assert_int_equal(texp_classes_of_list(&list, labels, 2, "labels.txt", classes, &note, &message), 0);
    assert_string_equal(note.text, "");
    texp_image_list_close(&list);
}

/* Of a single class there may be images that are none of it. */
static void an_image_may_be_none_of_a_single_class(void **state)
{
    unsigned char buffer[PIXELS];
    (void)state;
    write_text("labels.txt", "cat\n");
    write_even("cat/1.pgm", W, H, 1);
    write_even("any/1.pgm", W, H, 1);
    write_text("list.txt", "any/1.pgm\ncat/1.pgm\n");
    texp_dataset *set = open_set("list.txt", "labels.txt", 1, 1, ALL_IN_MEMORY);
    assert_int_equal(texp_dataset_label(set, 0), TEXP_LABEL_NONE);
    assert_int_equal(texp_dataset_label(set, 1), 0);
    assert_non_null(texp_dataset_pixels(set, 0, buffer, NULL));
    texp_dataset_close(set);
}

/* As in Darknet's imagenet1k.data, whose labels file goes on for more than 20,000 lines. */
static void labels_beyond_the_classes_do_not_count(void **state)
{
    texp_dataset *set;
    (void)state;
    write_even("any/1_dog.pgm", W, H, 1);
    write_text("list.txt", "any/1_dog.pgm\n");
    write_text("labels.txt", "dog\nany\ncat\ncat\n");
    set = open_set("list.txt", "labels.txt", 1, 1, ALL_IN_MEMORY);
    assert_int_equal(texp_dataset_label(set, 0), 0);
    assert_int_equal(texp_dataset_classes(set), 1);
    texp_dataset_close(set);
}

/* ---- pixels ------------------------------------------------------------------------------------------------- */

static void colour_is_planar(void **state)
{
    unsigned char pixels[PIXELS * 3];
    const uint8_t *got;
    texp_dataset *set;
    int i, k;
    (void)state;
    for (i = 0; i < PIXELS * 3; ++i) pixels[i] = (unsigned char)(i * 4 + 1);
    write_pnm("cat/1.ppm", W, H, 3, pixels);
    write_text("list.txt", "cat/1.ppm\n");
    write_text("labels.txt", "cat\ndog\n");
    set = open_set("list.txt", "labels.txt", 2, 3, ALL_IN_MEMORY);
    got = texp_dataset_pixels(set, 0, NULL, NULL);
    for (k = 0; k < 3; ++k) {
        for (i = 0; i < PIXELS; ++i) assert_int_equal(got[k * PIXELS + i], pixels[3 * i + k]);
    }
    texp_dataset_close(set);
}

/* 77/256, 150/256 and 29/256 are stb_image's shares of red, green and blue. */
static void grey_and_colour_become_each_other(void **state)
{
    unsigned char pixels[PIXELS * 3];
    const uint8_t *got;
    texp_dataset *set;
    int i;
    (void)state;
    for (i = 0; i < PIXELS * 3; ++i) pixels[i] = (unsigned char)(i * 37);
    write_pnm("cat/grey.pgm", W, H, 1, pixels);
    write_pnm("cat/colour.ppm", W, H, 3, pixels);
    write_text("list.txt", "cat/grey.pgm\ncat/colour.ppm\n");
    write_text("labels.txt", "cat\ndog\n");
    set = open_set("list.txt", "labels.txt", 2, 3, ALL_IN_MEMORY);
    got = texp_dataset_pixels(set, 0, NULL, NULL);
    for (i = 0; i < 3 * PIXELS; ++i) assert_int_equal(got[i], pixels[i % PIXELS]);
    texp_dataset_close(set);
    set = open_set("list.txt", "labels.txt", 2, 1, ALL_IN_MEMORY);
    got = texp_dataset_pixels(set, 1, NULL, NULL);
    for (i = 0; i < PIXELS; ++i)
        assert_int_equal(got[i], (77 * pixels[3 * i] + 150 * pixels[3 * i + 1] + 29 * pixels[3 * i + 2]) >> 8);
    texp_dataset_close(set);
}

/* MANY images, number i filled with i + 1 in its first byte and rising from there. */
static void write_many(void)
{
    FILE *list = fopen("list.txt", "w");
    int i, p;
    assert_non_null(list);
    for (i = 0; i < MANY; ++i) {
        unsigned char pixels[PIXELS];
        char name[40];
        for (p = 0; p < PIXELS; ++p) pixels[p] = (unsigned char)(i + 1 + 11 * p);
        snprintf(name, sizeof name, "%s/many%d.pgm", i % 3 ? "cat" : "dog", i);
        write_pnm(name, W, H, 1, pixels);
        fprintf(list, "%s\n", name);
    }
    fclose(list);
    write_text("labels.txt", "cat\ndog\n");
}

static void decoding_on_demand_gives_the_same(void **state)
{
    uint8_t buffer[PIXELS * 3];
    texp_dataset *memory, *demand;
    int i;
    (void)state;
    write_many();
    memory = open_set("list.txt", "labels.txt", 2, 3, MANY * PIXELS * 3);
    demand = open_set("list.txt", "labels.txt", 2, 3, MANY * PIXELS * 3 - 1);
    for (i = 0; i < MANY; ++i) {
        assert_ptr_equal(texp_dataset_pixels(demand, i, buffer, NULL), buffer);
        assert_memory_equal(buffer, texp_dataset_pixels(memory, i, NULL, NULL), sizeof buffer);
        assert_int_equal(texp_dataset_label(demand, i), texp_dataset_label(memory, i));
    }
    texp_dataset_close(memory);
    texp_dataset_close(demand);
}

static void an_image_lost_later_is_named(void **state)
{
    uint8_t buffer[PIXELS];
    texp_message message = {""};
    texp_dataset *set;
    (void)state;
    write_many();
    set = open_set("list.txt", "labels.txt", 2, 1, 0);
    write_text("cat/many1.pgm", "nothing");
    assert_null(texp_dataset_pixels(set, 1, buffer, &message));
    assert_non_null(strstr(message.text, "list.txt, line 2: cat/many1.pgm: "));
    remove("cat/many2.pgm");
    assert_null(texp_dataset_pixels(set, 2, buffer, &message));
    assert_non_null(strstr(message.text, "list.txt, line 3: cat/many2.pgm: No such file"));
    texp_dataset_close(set);
}

/* ---- what is refused ---------------------------------------------------------------------------------------- */

static void bad_lists_are_refused(void **state)
{
    (void)state;
    write_text("labels.txt", "cat\ndog\n");
    remove("list.txt");
    assert_refused(1, "list.txt", "No such file");
    write_text("list.txt", "");
    assert_refused(1, "list.txt", "names no image");
    write_text("list.txt", "\n \r\n");
    assert_refused(1, "list.txt", "names no image");
    write_bytes("list.txt", "c\0a\0t\0\n", 7);
    assert_refused(1, "list.txt:1: a zero byte", "no text");
    remove("list.txt");
    assert_int_equal(mkdir("list.txt", 0777), 0);
    assert_refused(1, "list.txt", "Is a directory");
    assert_int_equal(rmdir("list.txt"), 0);
}

static void bad_labels_are_refused(void **state)
{
    (void)state;
    write_even("any/1.pgm", W, H, 1);
    write_text("list.txt", "\nany/1.pgm\n");
    remove("labels.txt");
    assert_refused(1, "labels.txt", "No such file");
    write_text("labels.txt", "");
    assert_refused(1, "labels.txt has 0 labels", "2 are needed");
    write_text("labels.txt", "cat\n");
    assert_refused(1, "labels.txt has 1 labels", "2 are needed");
    write_text("labels.txt", "cat\n\ncat\r\n");
    assert_refused(1, "labels.txt: line 3", "repeats the label `cat`");
    write_text("labels.txt", "cat\ndog\n");
    assert_refused(1, "list.txt, line 2: any/1.pgm: ", "has no label of labels.txt");
    write_text("list.txt", "any/cat_dog.pgm\n");
    assert_refused(1, "list.txt, line 1: any/cat_dog.pgm: ", "two labels of labels.txt, `cat` and `dog`");
    write_text("list.txt", "any/catalogue of dogs.pgm\n");
    assert_refused(1, "list.txt, line 1: any/catalogue of dogs.pgm: ", "`cat` and `dog`");
}

static void bad_images_are_refused(void **state)
{
    unsigned char data[8192];
    size_t length;
    FILE *file;
    (void)state;
    write_text("labels.txt", "cat\ndog\n");
    write_text("list.txt", "cat/none.png\n");
    assert_refused(1, "list.txt, line 1: cat/none.png: ", "No such file");
    write_text("list.txt", "cat\n");
    assert_refused(1, "list.txt, line 1: cat: ", "Is a directory");
    write_text("list.txt", "cat/bad.png\n");
    write_text("cat/bad.png", "this is no image");
    assert_refused(1, "list.txt, line 1: cat/bad.png: ", "no image that stb_image knows");
    write_text("cat/bad.png", "");
    assert_refused(1, "list.txt, line 1: cat/bad.png: ", "an empty file");
    write_even("cat/bad.png", W + 1, H, 9);
    assert_refused(1, "6x4 pixels", "takes 5x4");
    write_even("cat/bad.png", H, W, 9);
    assert_refused(1, "4x5 pixels", "takes 5x4");
    memset(data, 77, sizeof data);
    assert_true(stbi_write_jpg("cat/bad.jpg", W, H, 1, data, 90));
    write_text("list.txt", "cat/bad.jpg\n");
    texp_dataset_close(open_set("list.txt", "labels.txt", 2, 1, ALL_IN_MEMORY));
    file = fopen("cat/bad.jpg", "rb");
    length = fread(data, 1, sizeof data, file);
    fclose(file);
    write_bytes("cat/bad.jpg", data, length - 3);
    assert_refused(1, "list.txt, line 1: cat/bad.jpg: ", "cut short");
    assert_refused(2, "2 channels", "1 (grey) or 3");
}

/* Darknet's own reader of boxes, whose loader serves cfgs without our keys. */
static void darknets_loader_finds_labels_beside_the_image(void **state)
{
    float truth[10] = {0};
    (void)state;
    assert_int_equal(mkdir("images", 0777), 0);
    write_text("images/9.txt", "3 .5 .25 .2 .1\n");
    fill_truth_detection("images/9.PNG", 2, truth, 4, 0, 0, 0, 1, 1);
    assert_true(truth[0] == .5f && truth[1] == .25f && truth[4] == 3);
    assert_true(fabsf(truth[2] - .2f) < 1e-6f && fabsf(truth[3] - .1f) < 1e-6f); /* from two sums of halves */
    memset(truth, 0, sizeof truth);
    fill_truth_detection("images/none.png", 2, truth, 4, 0, 0, 0, 1, 1);
    for (int i = 0; i < 10; ++i) assert_true(truth[i] == 0);
}

/* By what is in them, whatever their names end in. */
static void images_of_all_formats_are_read(void **state)
{
    static unsigned char pixels[3 * PIXELS];
    (void)state;
    write_text("labels.txt", "cat\ndog\n");
    assert_true(stbi_write_png("cat/1.PNG", W, H, 3, pixels, 0));
    assert_true(stbi_write_jpg("cat/2.JPG", W, H, 3, pixels, 90));
    assert_true(stbi_write_bmp("cat/3.bmp", W, H, 3, pixels));
    assert_true(stbi_write_tga("cat/4.Tga", W, H, 3, pixels));
    assert_true(stbi_write_png("dog/5", W, H, 3, pixels, 0));
    write_text("list.txt", "cat/1.PNG\r\ncat/2.JPG\r\ncat/3.bmp\r\ncat/4.Tga\r\ndog/5\r\n");
    texp_dataset *set = open_set("list.txt", "labels.txt", 2, 3, ALL_IN_MEMORY);
    assert_int_equal(texp_dataset_size(set), 5);
    texp_dataset_close(set);
}

/* Larger than the pieces that are read of it, with the mark of its end far before the last byte, and cut. */
static void a_png_cut_short_is_refused(void **state)
{
    enum { SIDE = 300 };
    static unsigned char pixels[3 * SIDE * SIDE], data[4 * SIDE * SIDE];
    texp_message message = {""};
    int w = 0, h = 0;
    (void)state;
    for (size_t i = 0; i < sizeof pixels; ++i) pixels[i] = (unsigned char)(i * i * 2654435761u >> 13);
    assert_true(stbi_write_png("cat/noise.png", SIDE, SIDE, 3, pixels, 0));
    FILE *file = fopen("cat/noise.png", "rb");
    size_t length = fread(data, 1, sizeof data, file);
    fclose(file);
    assert_true(length > 2 * 65536 && length < sizeof data - 1000);
    assert_int_equal(texp_image_check("cat/noise.png", &w, &h, &message), 0);
    assert_int_equal(w, SIDE);
    assert_int_equal(h, SIDE);
    write_bytes("cat/noise.png", data, length + 1000);
    assert_int_equal(texp_image_check("cat/noise.png", &w, &h, &message), 0);
    write_bytes("cat/noise.png", data, length - 12);
    assert_int_equal(texp_image_check("cat/noise.png", &w, &h, &message), -1);
    assert_string_equal(message.text, "a PNG cut short: its end is missing; copy it again");
}

/* Of many bad images, found by threads in any order, the first of the list. */
static void the_first_bad_image_of_a_list_is_named(void **state)
{
    enum { MANY_LINES = 400 };
    texp_image_list list;
    texp_message message = {""};
    (void)state;
    write_even("cat/good.pgm", W, H, 1);
    FILE *file = fopen("list.txt", "w");
    for (int i = 0; i < MANY_LINES; ++i) fprintf(file, i < 150 ? "cat/good.pgm\n\n" : "cat/none%d.png\n\n", i);
    fclose(file);
    assert_int_equal(texp_image_list_open(&list, "list.txt", &message), 0);
    assert_int_equal(list.n, MANY_LINES);
    for (int turn = 0; turn < 10; ++turn) {
        assert_int_equal(texp_image_list_check(&list, &message), -1);
        assert_non_null(strstr(message.text, "list.txt, line 301: cat/none150.png: No such file or directory"));
    }
    texp_image_list_close(&list);
}

/* On demand, opening reads no more than headers, but a list that cannot be right is found then and not hours later. */
static void wrong_sizes_are_refused_on_demand_too(void **state)
{
    texp_dataset *set;
    texp_message message = {""};
    (void)state;
    write_text("labels.txt", "cat\ndog\n");
    write_even("cat/large.pgm", W, H + 1, 9);
    write_text("list.txt", "cat/large.pgm\n");
    assert_int_equal(texp_dataset_open("list.txt", "labels.txt", 2, W, H, 1, 0, &set, NULL, &message), -1);
    assert_non_null(strstr(message.text, "5x5 pixels"));
    write_text("cat/large.pgm", "nothing");
    assert_int_equal(texp_dataset_open("list.txt", "labels.txt", 2, W, H, 1, 0, &set, NULL, &message), -1);
    assert_non_null(strstr(message.text, "line 1: cat/large.pgm: no image"));
}

/* ---- the sequence of samples -------------------------------------------------------------------------------- */

enum { LONG = 5 * MANY + 7, MOST = 64 };

static const texp_augment none = {0, 0, 1, {0}, {1}}, full = {4, 1, 1, {.3}, {.2}};

static texp_sampler *open_sampler(const texp_dataset *set, const texp_augment *augment, uint64_t seed)
{
    texp_sampler *sampler;
    texp_message message = {""};
    if (texp_sampler_open(set, augment, seed, &sampler, &message)) fail_msg("%s", message.text);
    return sampler;
}

/* Samples 0..LONG-1 in batches, into x (LONG x PIXELS) and truth (LONG x 2). */
static void take(texp_sampler *sampler, int batch, float *x, float *truth)
{
    float *rows[MOST], *truths[MOST];
    int first, j;
    for (first = 0; first < LONG; first += batch) {
        int n = first + batch > LONG ? LONG - first : batch;
        for (j = 0; j < n; ++j) {
            rows[j] = x + (size_t)(first + j) * PIXELS;
            truths[j] = truth + (size_t)(first + j) * 2;
        }
        assert_int_equal(texp_sampler_fill(sampler, (uint64_t)first, n, rows, truths, NULL), 0);
    }
}

static float *room(size_t n)
{
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    memset(x, 0xff, n * sizeof *x);
    return x;
}

/* Which of the many images a row shows that isn't augmented. */
static int image_of(const float *row)
{
    return (int)((double)row[0] * 255 + .5) - 1;
}

static void each_epoch_shows_each_image_once_in_its_own_order(void **state)
{
    float *x = room(LONG * PIXELS), *truth = room(LONG * 2);
    texp_dataset *set;
    texp_sampler *sampler;
    int epoch, i, same = 0;
    (void)state;
    write_many();
    set = open_set("list.txt", "labels.txt", 2, 1, ALL_IN_MEMORY);
    sampler = open_sampler(set, &none, 1);
    take(sampler, MANY - 6, x, truth); /* batches that span epochs */
    for (epoch = 0; epoch < 5; ++epoch) {
        int shown[MANY] = {0};
        for (i = 0; i < MANY; ++i) {
            int at = epoch * MANY + i, image = image_of(x + at * PIXELS);
            assert_in_range(image, 0, MANY - 1);
            assert_int_equal(shown[image]++, 0);
            same += image == image_of(x + i * PIXELS);
            assert_true(truth[2 * at] == (image % 3 != 0));
            assert_true(truth[2 * at + 1] == (image % 3 == 0));
        }
    }
    assert_in_range(same, MANY, MANY + MANY / 2); /* by chance 1 in MANY: four epochs of about one each */
    texp_sampler_close(sampler);
    texp_dataset_close(set);
    free(x);
    free(truth);
}

static void samples_do_not_depend_on_batches_or_memory(void **state)
{
    static const int batches[] = {1, 7, MANY, MOST};
    float *x = room(LONG * PIXELS), *truth = room(LONG * 2);
    float *y = room(LONG * PIXELS), *other = room(LONG * 2);
    texp_dataset *set, *demand;
    texp_sampler *sampler;
    size_t i;
    (void)state;
    write_many();
    set = open_set("list.txt", "labels.txt", 2, 1, ALL_IN_MEMORY);
    demand = open_set("list.txt", "labels.txt", 2, 1, 0);
    sampler = open_sampler(set, &full, 42);
    take(sampler, 16, x, truth);
    texp_sampler_close(sampler);
    for (i = 0; i < 4; ++i) {
        sampler = open_sampler(i % 2 ? set : demand, &full, 42);
        take(sampler, batches[i], y, other);
        assert_memory_equal(x, y, LONG * PIXELS * sizeof *x);
        assert_memory_equal(truth, other, LONG * 2 * sizeof *x);
        texp_sampler_close(sampler);
    }
    sampler = open_sampler(set, &full, 43);
    take(sampler, 16, y, other);
    assert_memory_not_equal(x, y, LONG * PIXELS * sizeof *x);
    texp_sampler_close(sampler);
    texp_dataset_close(set);
    texp_dataset_close(demand);
    free(x);
    free(truth);
    free(y);
    free(other);
}

/* A resume asks for a sample far on first; going back is as good. */
static void any_sample_can_be_asked_for_first(void **state)
{
    float *x = room(LONG * PIXELS), *truth = room(LONG * 2), row[PIXELS], t[2], *rows = row, *truths = t;
    texp_dataset *set;
    texp_sampler *sampler;
    int at;
    (void)state;
    write_many();
    set = open_set("list.txt", "labels.txt", 2, 1, ALL_IN_MEMORY);
    sampler = open_sampler(set, &full, 42);
    take(sampler, 16, x, truth);
    texp_sampler_close(sampler);
    sampler = open_sampler(set, &full, 42);
    for (at = LONG - 1; at >= 0; at -= 5) {
        assert_int_equal(texp_sampler_fill(sampler, (uint64_t)at, 1, &rows, &truths, NULL), 0);
        assert_memory_equal(row, x + at * PIXELS, sizeof row);
        assert_memory_equal(t, truth + at * 2, sizeof t);
    }
    assert_int_equal(texp_sampler_fill(sampler, (uint64_t)1 << 60, 1, &rows, &truths, NULL), 0);
    texp_sampler_close(sampler);
    texp_dataset_close(set);
    free(x);
    free(truth);
}

/* The order is that of the run without augmentation, the draw that of the sample. */
static void each_sample_has_its_own_draw(void **state)
{
    float *x = room(LONG * PIXELS), *plain = room(LONG * PIXELS), *truth = room(LONG * 2), want[PIXELS];
    texp_dataset *set;
    texp_sampler *sampler;
    texp_augment_table table;
    int at;
    (void)state;
    write_many();
    set = open_set("list.txt", "labels.txt", 2, 1, ALL_IN_MEMORY);
    sampler = open_sampler(set, &full, 42);
    take(sampler, 16, x, truth);
    texp_sampler_close(sampler);
    sampler = open_sampler(set, &none, 42);
    take(sampler, 16, plain, truth);
    texp_sampler_close(sampler);
    texp_augment_fill_table(&full, &table);
    for (at = 0; at < LONG; ++at) {
        const uint8_t *pixels = texp_dataset_pixels(set, image_of(plain + at * PIXELS), NULL, NULL);
        texp_augment_image(want, pixels, W, H, &full, &table, texp_augment_random(&full, 42, (uint64_t)at));
        assert_memory_equal(want, x + at * PIXELS, sizeof want);
    }
    texp_dataset_close(set);
    free(x);
    free(plain);
    free(truth);
}

static void validation_is_in_the_order_of_the_list(void **state)
{
    float x[3][PIXELS], t[3][2], *rows[] = {x[0], x[1], x[2]}, *truths[] = {t[0], t[1], t[2]};
    texp_augment normalised = {4, 1, 1, {.5}, {.25}};
    texp_dataset *set;
    texp_sampler *sampler;
    int j, p;
    (void)state;
    write_many();
    set = open_set("list.txt", "labels.txt", 2, 1, ALL_IN_MEMORY);
    sampler = open_sampler(set, &normalised, 1);
    assert_int_equal(texp_sampler_fill_plain(sampler, MANY - 3, 3, rows, truths, NULL), 0);
    for (j = 0; j < 3; ++j) {
        int image = MANY - 3 + j;
        for (p = 0; p < PIXELS; ++p) {
            double want = (((image + 1 + 11 * p) & 255) / 255. - .5) / .25;
            /* byte/255 rounded to float, times 4: 4 * 2^-25; the result, up to 2: 2^-24 */
            assert_true((double)x[j][p] - want < 3.1 / (1 << 24) && want - (double)x[j][p] < 3.1 / (1 << 24));
        }
        assert_true(t[j][0] == (image % 3 != 0) && t[j][1] == (image % 3 == 0));
    }
    assert_int_equal(texp_sampler_fill_plain(sampler, 0, 3, rows, NULL, NULL), 0); /* truth isn't always wanted */
    assert_int_equal(texp_sampler_fill(sampler, 0, 3, rows, NULL, NULL), 0);
    texp_sampler_close(sampler);
    texp_dataset_close(set);
}

static void a_sampler_reports_what_it_cannot_do(void **state)
{
    float row[PIXELS], t[2], *rows = row, *truths = t;
    texp_augment colour = {0, 0, 3, {0}, {1, 1, 1}}, bad = {0, 0, 1, {0}, {0}};
    texp_message message = {""};
    texp_dataset *set;
    texp_sampler *sampler;
    (void)state;
    write_many();
    set = open_set("list.txt", "labels.txt", 2, 1, 0);
    assert_int_equal(texp_sampler_open(set, &colour, 1, &sampler, &message), -1);
    assert_null(sampler);
    assert_non_null(strstr(message.text, "3 channels, the images have 1"));
    assert_int_equal(texp_sampler_open(set, &bad, 1, &sampler, &message), -1);
    assert_non_null(strstr(message.text, "standard deviation"));
    sampler = open_sampler(set, &none, 1);
    remove("dog/many0.pgm");
    assert_int_equal(texp_sampler_fill_plain(sampler, 0, 1, &rows, &truths, &message), -1);
    assert_non_null(strstr(message.text, "dog/many0.pgm: No such file"));
    texp_sampler_close(sampler);
    texp_dataset_close(set);
}

/* ---- the converters ----------------------------------------------------------------------------------------- */

static void idx_images_come_back_padded(void **state)
{
    unsigned char images[16 + 2 * 2 * 3] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3};
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 1, 0};
    texp_message message = {""};
    texp_dataset *set;
    int i, y, x;
    (void)state;
    for (i = 0; i < 12; ++i) images[16 + i] = (unsigned char)(10 + 20 * i);
    write_bytes("images.idx", images, sizeof images);
    write_bytes("labels.idx", labels, sizeof labels);
    write_text("labels.txt", "cat\ndog\n");
    if (texp_images_from_idx("images.idx", "labels.idx", "labels.txt", 1, "idx", &message) != 2)
        fail_msg("%s", message.text);
    write_text("list.txt", "idx/dog/00001.png\nidx/cat/00002.png\n");
    set = open_set("list.txt", "labels.txt", 2, 1, ALL_IN_MEMORY); /* 3x2, one more on each side: 5x4 */
    for (i = 0; i < 2; ++i) {
        const uint8_t *got = texp_dataset_pixels(set, i, NULL, NULL);
        assert_int_equal(texp_dataset_label(set, i), 1 - i);
        for (y = 0; y < H; ++y) {
            for (x = 0; x < W; ++x) {
                int inside = y >= 1 && y < 3 && x >= 1 && x < 4;
                assert_int_equal(got[y * W + x], inside ? images[16 + 6 * i + 3 * (y - 1) + x - 1] : 0);
            }
        }
    }
    texp_dataset_close(set);
}

static void cifar_images_come_back(void **state)
{
    enum { BYTES = 3 * 32 * 32 };
    static unsigned char batches[2][2][1 + BYTES];
    static const char *const names[] = {"one.bin", "two.bin"};
    texp_message message = {""};
    texp_dataset *set;
    int i, p;
    (void)state;
    for (i = 0; i < 4; ++i) {
        batches[i / 2][i % 2][0] = (unsigned char)(i & 1);
        for (p = 0; p < BYTES; ++p) batches[i / 2][i % 2][1 + p] = (unsigned char)(p * (i + 3) / 7);
    }
    for (i = 0; i < 2; ++i) write_bytes(names[i], batches[i], sizeof batches[i]);
    write_text("labels.txt", "cat\ndog\n");
    if (texp_images_from_cifar10(names, 2, "labels.txt", "cifar", &message) != 4) fail_msg("%s", message.text);
    write_text("list.txt", "cifar/cat/00001.png\ncifar/dog/00002.png\ncifar/cat/00003.png\ncifar/dog/00004.png\n");
    assert_int_equal(texp_dataset_open("list.txt", "labels.txt", 2, 32, 32, 3, ALL_IN_MEMORY, &set, NULL, &message), 0);
    for (i = 0; i < 4; ++i)
        assert_memory_equal(texp_dataset_pixels(set, i, NULL, NULL), batches[i / 2][i % 2] + 1, BYTES);
    texp_dataset_close(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(label_comes_from_folder_or_file_name_alone),
        cmocka_unit_test(a_single_label_anywhere_in_the_path_is_the_class),
        cmocka_unit_test(classes_from_elsewhere_in_the_path_are_noted),
        cmocka_unit_test(an_image_may_be_none_of_a_single_class),
        cmocka_unit_test(lines_may_be_blank_or_end_in_cr_lf),
        cmocka_unit_test(labels_beyond_the_classes_do_not_count),
        cmocka_unit_test(colour_is_planar),
        cmocka_unit_test(grey_and_colour_become_each_other),
        cmocka_unit_test(decoding_on_demand_gives_the_same),
        cmocka_unit_test(an_image_lost_later_is_named),
        cmocka_unit_test(bad_lists_are_refused),
        cmocka_unit_test(bad_labels_are_refused),
        cmocka_unit_test(bad_images_are_refused),
        cmocka_unit_test(darknets_loader_finds_labels_beside_the_image),
        cmocka_unit_test(images_of_all_formats_are_read),
        cmocka_unit_test(a_png_cut_short_is_refused),
        cmocka_unit_test(the_first_bad_image_of_a_list_is_named),
        cmocka_unit_test(wrong_sizes_are_refused_on_demand_too),
        cmocka_unit_test(each_epoch_shows_each_image_once_in_its_own_order),
        cmocka_unit_test(samples_do_not_depend_on_batches_or_memory),
        cmocka_unit_test(any_sample_can_be_asked_for_first),
        cmocka_unit_test(each_sample_has_its_own_draw),
        cmocka_unit_test(validation_is_in_the_order_of_the_list),
        cmocka_unit_test(a_sampler_reports_what_it_cannot_do),
        cmocka_unit_test(idx_images_come_back_padded),
        cmocka_unit_test(cifar_images_come_back),
    };
    return cmocka_run_group_tests_name("dataset", tests, enter_folder, leave_folder);
}
