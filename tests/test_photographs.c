/* links: float */
/*
 * Photographs with boxes as our loader makes them: the same bits for any number of threads, Darknet's augmentation under draws
 * that follow from the seed, and Darknet's own functions beside it.
 */
#include "support.h"

#include "data/order.h"
#include "data/placement.h"
#include "train/box_source.h"

#include "data.h"
#include "image.h"
#include "option_list.h"

enum { IMAGES = 7, CLASSES = 2 };

int stbi_write_jpg(char const *filename, int w, int h, int c, const void *data, int quality);
int stbi_write_png(char const *filename, int w, int h, int c, const void *data, int stride);
image load_image_stb(char *filename, int channels);
void place_image(image im, int w, int h, int dx, int dy, image canvas);
void correct_boxes(box_label *boxes, int n, float dx, float dy, float sx, float sy, int flip);

/* --- photographs on the disk ---------------------------------------------------------------------------------------- */

static char *list_file, *image_files[IMAGES], *label_files[IMAGES];
static int widths[IMAGES], heights[IMAGES];

/* Image i has (20 + 3 i) x (31 - 2 i) pixels of noise and i % 4 boxes. */
static void write_image(int i)
{
    char text[4096] = "";
    int w = widths[i] = 20 + 3 * i, h = heights[i] = 31 - 2 * i;
    size_t head = (size_t)snprintf(text, sizeof text, "P6\n%d %d\n255\n", w, h);
    for (int k = 0; k < 3 * w * h; ++k) text[head + (size_t)k] = (char)random_bits(100 + (uint64_t)i, (uint64_t)k);
    image_files[i] = write_file(".ppm", text, head + (size_t)(3 * w * h));
    label_files[i] = strdup(image_files[i]);
    strcpy(strrchr(label_files[i], '.'), ".txt");
    FILE *file = fopen(label_files[i], "w");
    for (int k = 0; k < i % 4; ++k) fprintf(file, "%d %g %g %g %g\n", k % CLASSES, .2 + .3 * k, .5, .2, .1 + .1 * k);
    fclose(file);
}

static int write_photographs(void **state)
{
    char text[4096] = "";
    (void)state;
    for (int i = 0; i < IMAGES; ++i) {
        write_image(i);
        strcat(strcat(text, image_files[i]), "\n");
    }
    list_file = write_file(".list", text, strlen(text));
    return 0;
}

static int remove_labels(void **state)
{
    (void)state;
    for (int i = 0; i < IMAGES; ++i) unlink(label_files[i]);
    return 0;
}

static texp_photos *open_photos(int c, size_t limit)
{
    texp_photos *photos;
    texp_message message;
    if (!texp_photos_open(list_file, c, limit, &photos, &message)) return photos;
    print_error("%s\n", message.text);
    fail();
    return NULL;
}

static texp_photo get(texp_photos *photos, int i)
{
    texp_photo photo;
    texp_message message;
    assert_int_equal(texp_photos_get(photos, i, &photo, &message), 0);
    return photo;
}

static void the_pixels_are_those_that_darknet_reads(void **state)
{
    (void)state;
    for (int c = 1; c <= 3; c += 2) {
        texp_photos *photos = open_photos(c, 0);
        for (int i = 0; i < IMAGES; ++i) {
            texp_photo photo = get(photos, i);
            image whole = load_image_stb(image_files[i], c);
            assert_int_equal(photo.w, whole.w);
            assert_int_equal(photo.h, whole.h);
            assert_int_equal(photo.c, c);
            for (int p = 0; p < whole.w * whole.h; ++p) {
                for (int k = 0; k < c; ++k)
                    assert_true(whole.data[k * whole.w * whole.h + p] == (float)(photo.pixels[p * c + k] / 255.));
            }
            free_image(whole);
            texp_photos_return(&photo);
        }
        texp_photos_close(photos);
    }
}

/* The limit has room for two photographs: the third is decoded each time. */
static void what_fits_is_decoded_once_and_the_rest_when_it_is_asked_for(void **state)
{
    (void)state;
    size_t limit = 3 * (size_t)(widths[0] * heights[0] + widths[1] * heights[1]);
    texp_photos *photos = open_photos(3, limit), *other = open_photos(3, 0);
    for (int i = 0; i < 3; ++i) {
        texp_photo first = get(photos, i), second = get(photos, i), third = get(other, i);
        size_t size = 3 * (size_t)first.w * (size_t)first.h;
        assert_int_equal(first.pixels == second.pixels, i < 2);
        assert_memory_equal(first.pixels, second.pixels, size);
        assert_memory_equal(first.pixels, third.pixels, size);
        texp_photos_return(&first);
        texp_photos_return(&second);
        texp_photos_return(&third);
    }
    texp_photos_close(photos);
    texp_photos_close(other);
}

static void refused(const char *list, const char *what)
{
    texp_photos *photos;
    texp_message message;
    char *name = write_file(".list", list, strlen(list));
    assert_int_equal(texp_photos_open(name, 3, 0, &photos, &message), -1);
    assert_null(photos);
    if (strstr(message.text, what)) return;
    print_error("no '%s' in: %s\n", what, message.text);
    fail();
}

static void bad_lists_and_images_are_refused_by_line(void **state)
{
    (void)state;
    char text[512], what[256], *no_image = write_file(".png", "GIF87", 5);
    refused("\n\n", "names no image");
    snprintf(text, sizeof text, "%s\r\n\r\nnowhere.png\r\n", image_files[0]);
    refused(text, ", line 3: nowhere.png: No such file");
    snprintf(text, sizeof text, "\xef\xbb\xbf%s\n%s\n", image_files[0], no_image);
    snprintf(what, sizeof what, ", line 2: %s: no image that stb_image knows", no_image);
    refused(text, what);
    texp_photos *photos;
    assert_int_equal(texp_photos_open("nowhere.list", 3, 0, &photos, NULL), -1);
}

/* --- one placement ---------------------------------------------------------------------------------------------------- */

static const texp_placement_rule rule = {.jitter = .3, .hue = .1, .saturation = 1.5, .exposure = 1.4, .flips = 1};

/* The sums are those of Darknet's place_image(), in another order: 4 products of factors up to 1, each to one ulp, 2^-24, and
 * places up to 64 pixels with their own rounding of 2^-18, times a slope of at most 2 a pixel. */
static void a_photograph_is_placed_as_darknet_places_it(void **state)
{
    (void)state;
    enum { W = 26, H = 34 };
    texp_photos *photos = open_photos(3, 0);
    for (uint64_t sample = 0; sample < 200; ++sample) {
        int i = (int)(sample % IMAGES);
        texp_photo photo = get(photos, i);
        texp_placement p = texp_placement_draw(&rule, 8, sample, photo.w, photo.h, W, H);
        image whole = load_image_stb(image_files[i], 3), theirs = make_image(W, H, 3), ours = make_image(W, H, 3);
        fill_image(theirs, .5);
        place_image(whole, p.w, p.h, p.dx, p.dy, theirs);
        assert_int_equal(texp_placement_image(ours.data, W, H, &photo, &p), 0);
        assert_below(largest_difference(ours.data, theirs.data, 3 * W * H), 4 * 0x1p-24 + 4 * 0x1p-18);
        free_image(whole);
        free_image(theirs);
        free_image(ours);
        texp_photos_return(&photo);
    }
    texp_photos_close(photos);
}

/* In drawn order: of each box of ours there is one of Darknet's. */
static void boxes_follow_as_darknets_do(void **state)
{
    (void)state;
    enum { W = 30, H = 20, N = 4, MOST = 6 };
    /* The last one is hardly there: less than a thousandth once it is placed. */
    const texp_box boxes[N] = {
        {0, .2f, .3f, .1f, .4f}, {1, .9f, .5f, .4f, .2f}, {1, .5f, .5f, 1, 1}, {0, .4f, .4f, .0005f, .3f}};
    int orders = 0;
    for (uint64_t sample = 0; sample < 100; ++sample) {
        texp_placement p = texp_placement_draw(&rule, 8, sample, 20 + (int)(sample % 9), 21, W, H);
        float truth[5 * MOST];
        int found = 0;
        assert_int_equal(texp_placement_boxes(truth, MOST, boxes, N, W, H, &p), 0);
        for (int k = 0; k < N - 1; ++k) {
            const texp_box *b = boxes + k;
            box_label theirs = {b->class_id,     b->x,           b->y, b->w, b->h, b->x - b->w / 2, b->x + b->w / 2,
                                b->y - b->h / 2, b->y + b->h / 2};
            correct_boxes(&theirs, 1, -p.dx / W, -p.dy / H, p.w / W, p.h / H, p.flip);
            float want[5] = {theirs.x, theirs.y, theirs.w, theirs.h, (float)theirs.id};
            for (int t = 0; t < N - 1; ++t) found += largest_difference(truth + 5 * t, want, 5) < 1e-6;
        }
        assert_int_equal(found, N - 1);
        for (int t = 5 * (N - 1); t < 5 * MOST; ++t) assert_true(truth[t] == 0);
        orders |= 1 << (int)(truth[2] * 3);
    }
    /* Narrow, middling and wide boxes came first. */
    assert_true((orders & (orders - 1)) != 0);
}

/* Of the drawn order the first `most` count, as of Darknet's, hardly visible ones among them. */
static void no_more_boxes_than_the_layer_takes(void **state)
{
    (void)state;
    enum { MOST = 3, N = 9 };
    texp_box boxes[N];
    int first[N] = {0};
    float truth[5 * MOST + 1] = {0};
    for (int i = 0; i < N; ++i) boxes[i] = (texp_box){i, .5f, .5f, .5f, i == 4 ? 1e-4f : .5f};
    for (uint64_t sample = 0; sample < 200; ++sample) {
        texp_placement p = texp_placement_draw(&rule, 1, sample, 40, 40, 40, 40);
        truth[5 * MOST] = 7;
        assert_int_equal(texp_placement_boxes(truth, MOST, boxes, N, 40, 40, &p), 0);
        assert_true(truth[5 * MOST] == 7);
        first[(int)truth[4]]++;
    }
    for (int i = 0; i < N; ++i) assert_true(i == 4 ? !first[i] : first[i] > 5);
}

/* Each draw is uniform in its range: of 4,000, the mean is within 5 standard deviations, 5 * range / sqrt(12 * 4000), of the
 * middle, and both ends are come near to. Darknet's distribution of the shape has no simple mean: its ends are checked. */
static void draws_fill_the_ranges_of_darknets(void **state)
{
    (void)state;
    enum { N = 4000, W = 100, H = 100 };
    double hue = 0, x = 0, flips = 0, most = 0, least = 9, saturated = 0, narrowest = 9, widest = 0;
    for (uint64_t sample = 0; sample < N; ++sample) {
        texp_placement p = texp_placement_draw(&rule, 3, sample, 50, 100, W, H);
        assert_true(p.w <= W && p.h <= H && p.dx >= 0 && p.dy >= 0 && p.dx + p.w <= W + 1e-3 && p.dy + p.h <= H + 1e-3);
        assert_true(fabs(p.hue) <= .1);
        hue += p.hue / N;
        if (p.w < 99) x += p.dx / (W - p.w) / N;
        flips += (double)p.flip / N;
        most = fmax(most, p.saturation), least = fmin(least, p.saturation);
        saturated += (p.saturation > 1) / (double)N;
        double shape = p.w / p.h;
        narrowest = fmin(narrowest, shape), widest = fmax(widest, shape);
    }
    assert_below(fabs(hue), 5 * .2 / sqrt(12. * N));
    assert_below(fabs(x - .5), 5 / sqrt(12. * N));
    assert_below(fabs(flips - .5), 2.5 / sqrt(N));
    assert_below(fabs(saturated - .5), 2.5 / sqrt(N));
    assert_below(most, 1.5);
    assert_above(most, 1.49);
    assert_above(1 / least, 1.49);
    assert_above(.36, narrowest); /* 50 * .7 / (100 * 1.3) = .27 */
    assert_above(narrowest, .269);
    assert_above(widest, .8); /* 50 * 1.3 / (100 * .7) = .93 */
    assert_above(.929, widest);
}

static void without_augmentation_nothing_is_drawn_but_the_place(void **state)
{
    (void)state;
    const texp_placement_rule none = {0};
    for (uint64_t sample = 0; sample < 20; ++sample) {
        texp_placement p = texp_placement_draw(&none, 3, sample, 80, 40, 32, 32);
        assert_true(p.w == 32 && p.h == 16 && p.dx == 0 && p.hue == 0 && p.saturation == 1 && p.exposure == 1 &&
                    !p.flip);
    }
}

/* --- batches ---------------------------------------------------------------------------------------------------------- */

static network *detector(const char *keys)
{
    return network_of("[net]\nbatch=4\nheight=32\nwidth=32\n%s\n[convolutional]\nfilters=7\nsize=1\nactivation=linear\n"
                      "[yolo]\nmask=0\nanchors=8,8\nclasses=2\nnum=1\njitter=.3\n",
                      keys);
}

static data fill_with(network *net, int threads, uint64_t first, int n, int size)
{
    char text[512];
    texp_message message;
    list *options = make_list();
    snprintf(text, sizeof text, "%s", list_file);
    option_insert(options, "train", text);
    data d = {.X = make_matrix(n, size * size * net->c), .y = make_matrix(n, net->truths)};
#ifdef _OPENMP
    omp_set_num_threads(threads);
#else
    (void)threads;
#endif
    texp_source *source = texp_box_source_open(net, options);
    assert_int_equal(source->images, IMAGES);
    if (source->fill(source, first, size, size, d, &message)) {
        print_error("%s\n", message.text);
        fail();
    }
    source->close(source);
    free_list_contents(options);
    free_list(options);
    return d;
}

static void assert_same(data a, data b, int row_of_b)
{
    for (int i = 0; i < a.X.rows && i + row_of_b < b.X.rows; ++i) {
        assert_memory_equal(a.X.vals[i], b.X.vals[i + row_of_b], (size_t)a.X.cols * sizeof(float));
        assert_memory_equal(a.y.vals[i], b.y.vals[i + row_of_b], (size_t)a.y.cols * sizeof(float));
    }
}

static void any_number_of_threads_and_any_start_give_the_same_bits(void **state)
{
    (void)state;
    network *net = detector("channels=3\nseed=4\nhue=.1\nsaturation=1.5\nexposure=1.5");
    data one = fill_with(net, 1, 0, 3 * IMAGES, 32);
    for (int threads = 2; threads <= 5; threads += 3) {
        data many = fill_with(net, threads, 0, 3 * IMAGES, 32), late = fill_with(net, threads, 9, 5, 32);
        assert_same(many, one, 0);
        assert_same(late, one, 9);
        free_data(many);
        free_data(late);
    }
    network *other = detector("channels=3\nseed=5\nhue=.1\nsaturation=1.5\nexposure=1.5");
    data another = fill_with(other, 2, 0, 3, 32);
    assert_true(memcmp(another.X.vals[0], one.X.vals[0], (size_t)one.X.cols * sizeof(float)) != 0);
    free_data(another);
    free_data(one);
    free_network(other);
    free_network(net);
}

/* Without a shape, colours and mirroring of its own each image is known by its number of boxes and its size. */
static void an_epoch_has_each_image_once(void **state)
{
    (void)state;
    network *net = detector("channels=3\nseed=4\nflip=0");
    net->layers[1].jitter = 0;
    data d = fill_with(net, 2, 2 * IMAGES, IMAGES, 32);
    int boxes = 0;
    for (int i = 0; i < IMAGES; ++i) {
        for (int k = 0; k < 4; ++k) boxes += d.y.vals[i][5 * k + 2] > 0;
        for (int j = 0; j < i; ++j)
            assert_true(memcmp(d.X.vals[i], d.X.vals[j], (size_t)d.X.cols * sizeof(float)) != 0);
    }
    assert_int_equal(boxes, 0 + 1 + 2 + 3 + 0 + 1 + 2);
    free_data(d);
    free_network(net);
}

static void mean_and_std_hold_for_the_images_that_are_trained_on(void **state)
{
    (void)state;
    network *raw = detector("channels=3\nseed=4\nexposure=1.5"),
            *normal = detector("channels=3\nseed=4\nexposure=1.5\nmean=.2,.3,.4\nstd=.5,.25,.2");
    data a = fill_with(raw, 2, 0, 4, 32), b = fill_with(normal, 2, 0, 4, 32);
    const double mean[] = {.2, .3, .4}, std[] = {.5, .25, .2};
    for (int i = 0; i < 4; ++i) {
        for (int k = 0; k < 3 * 32 * 32; ++k) {
            int c = k / (32 * 32);
            assert_below(fabs(b.X.vals[i][k] - (a.X.vals[i][k] - mean[c]) / std[c]), 1e-6);
        }
    }
    free_data(a);
    free_data(b);
    free_network(raw);
    free_network(normal);
}

static void flip_0_mirrors_none_and_others_half(void **state)
{
    (void)state;
    enum { N = 8 * IMAGES };
    const char *keys[] = {"channels=3\nseed=4\nflip=0", "channels=3\nseed=4\nflip=1", "channels=3\nseed=4"};
    data d[3];
    for (int i = 0; i < 3; ++i) {
        network *net = detector(keys[i]);
        d[i] = fill_with(net, 2, 0, N, 32);
        free_network(net);
    }
    int mirrored = 0;
    for (int i = 0; i < N; ++i)
        mirrored += memcmp(d[0].X.vals[i], d[1].X.vals[i], (size_t)d[0].X.cols * sizeof(float)) != 0;
    assert_true(mirrored > N / 4 && mirrored < 3 * N / 4);
    assert_same(d[1], d[2], 0);
    for (int i = 0; i < 3; ++i) free_data(d[i]);
}

static void a_grey_network_gets_grey_images(void **state)
{
    (void)state;
    network *net = detector("channels=1\nseed=4\nexposure=1.5\nhue=.1\nsaturation=1.5");
    data d = fill_with(net, 2, 0, 4, 32);
    for (int i = 0; i < 4; ++i) {
        double sum = 0;
        for (int k = 0; k < 32 * 32; ++k) {
            assert_true(d.X.vals[i][k] >= 0 && d.X.vals[i][k] <= 1);
            sum += d.X.vals[i][k];
        }
        assert_above(sum / (32 * 32), .3);
    }
    free_data(d);
    free_network(net);
}

/* The first half of what write_one() writes. */
static char *write_cut(const char *ending, int (*write_one)(const char *name, const uint8_t *pixels))
{
    uint8_t pixels[3 * 24 * 24];
    char *name = write_file(ending, "", 0);
    for (size_t i = 0; i < sizeof pixels; ++i) pixels[i] = (uint8_t)random_bits(7, i);
    assert_true(write_one(name, pixels));
    FILE *file = fopen(name, "rb");
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    assert_int_equal(truncate(name, ftell(file) / 2), 0);
    fclose(file);
    return name;
}

static int write_jpeg(const char *name, const uint8_t *pixels)
{
    return stbi_write_jpg(name, 24, 24, 3, pixels, 90);
}

static int write_png(const char *name, const uint8_t *pixels)
{
    return stbi_write_png(name, 24, 24, 3, pixels, 3 * 24);
}

/* Both images are cut behind their headers; the first sample of the batch is told, whichever thread meets it. */
static void a_damaged_image_is_a_message_that_names_its_line(void **state)
{
    (void)state;
    char text[512], *files[] = {write_cut(".jpg", write_jpeg), write_cut(".png", write_png)};
    const char *what[] = {"a JPEG cut short", "no image, or a damaged one"};
    snprintf(text, sizeof text, "%s\n%s\n", files[0], files[1]);
    char *list_name = write_file(".list", text, strlen(text));
    network *net = detector("channels=3\nseed=4");
    list *options = make_list();
    texp_order order;
    texp_message message;
    option_insert(options, "train", list_name);
    hush();
    texp_source *source = texp_box_source_open(net, options);
    speak();
    assert_int_equal(texp_order_open(&order, 4, 2), 0);
    int firsts = 0;
    for (uint64_t first = 0; first < 20; ++first) {
        data d = {.X = make_matrix(4, net->inputs), .y = make_matrix(4, net->truths)};
        int bad = texp_order_image(&order, first);
        assert_int_equal(source->fill(source, first, 32, 32, d, &message), -1);
        snprintf(text, sizeof text, "%s, line %d: %s: %s", list_name, bad + 1, files[bad], what[bad]);
        assert_non_null(strstr(message.text, text));
        firsts |= 1 << bad;
        free_data(d);
    }
    assert_int_equal(firsts, 3);
    texp_order_close(&order);
    source->close(source);
    free_list(options);
    free_network(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pixels_are_those_that_darknet_reads),
        cmocka_unit_test(what_fits_is_decoded_once_and_the_rest_when_it_is_asked_for),
        cmocka_unit_test(bad_lists_and_images_are_refused_by_line),
        cmocka_unit_test(a_photograph_is_placed_as_darknet_places_it),
        cmocka_unit_test(boxes_follow_as_darknets_do),
        cmocka_unit_test(no_more_boxes_than_the_layer_takes),
        cmocka_unit_test(draws_fill_the_ranges_of_darknets),
        cmocka_unit_test(without_augmentation_nothing_is_drawn_but_the_place),
        cmocka_unit_test(any_number_of_threads_and_any_start_give_the_same_bits),
        cmocka_unit_test(an_epoch_has_each_image_once),
        cmocka_unit_test(mean_and_std_hold_for_the_images_that_are_trained_on),
        cmocka_unit_test(flip_0_mirrors_none_and_others_half),
        cmocka_unit_test(a_grey_network_gets_grey_images),
        cmocka_unit_test(a_damaged_image_is_a_message_that_names_its_line),
    };
    return cmocka_run_group_tests(tests, write_photographs, remove_labels);
}
