/* links: float */
/*
 * Images of segmenters and their masks under the same view: where an image is its own mask, it stays so however it is cropped,
 * turned, stretched and mirrored. What is drawn follows from the seed and a sample's number alone.
 */
#include "support.h"

#include "train/crop_source.h"
#include "train/segmenter.h"

#include "option_list.h"

enum { IMAGES = 5, SIZE = 12, PIXELS = SIZE * SIZE, SAMPLES = 40 };

static char *list_file, *image_files[IMAGES], *mask_files[IMAGES];

/* Image i: (16 + i) x (19 - i) pixels, black but for a rectangle left of the middle, of class 1, whose grey tells the image. */
static int grey_of(int i)
{
    return 255 - 40 * i;
}

static void write_scene(int i)
{
    char text[2048];
    const int w = 16 + i, h = 19 - i, left = 2, top = 3, wide = w / 3, high = h - 6;
    int head = snprintf(text, sizeof text, "P5\n%d %d\n255\n", w, h);
    for (int k = 0; k < w * h; ++k) {
        int x = k % w, y = k / w;
        text[head + k] = (char)(x >= left && x < left + wide && y >= top && y < top + high ? grey_of(i) : 0);
    }
    image_files[i] = write_file(".jpg", text, (size_t)(head + w * h));
    mask_files[i] = strdup(image_files[i]);
    strcpy(strrchr(mask_files[i], '.'), ".txt");
    FILE *file = fopen(mask_files[i], "w");
    fprintf(file, "1 %d", top * w + left);
    for (int y = 0; y < high; ++y)
        fprintf(file, ",%d,%d", wide, y < high - 1 ? w - wide : (h - top - high) * w + w - left - wide);
    fprintf(file, "\n");
    fclose(file);
}

static int write_scenes(void **state)
{
    char text[4096] = "";
    (void)state;
    for (int i = 0; i < IMAGES; ++i) {
        write_scene(i);
        strcat(strcat(text, image_files[i]), "\n");
    }
    list_file = write_file(".list", text, strlen(text));
    return 0;
}

static int remove_masks(void **state)
{
    (void)state;
    for (int i = 0; i < IMAGES; ++i) unlink(mask_files[i]);
    return 0;
}

/* --- sources ------------------------------------------------------------------------------------------------------ */

#define NETWORK "\n[convolutional]\nfilters=2\nsize=1\nactivation=linear\n[cost]\n"
#define INPUT   "[net]\nbatch=1\nchannels=1\nwidth=12\nheight=12\nseed=3\n"
#define VIEWS   "angle=40\naspect=1.7\nmin_crop=9\nmax_crop=30\n"

static texp_source *source_of(network *net)
{
    char text[512];
    int length = snprintf(text, sizeof text, "train=%s\n", list_file);
    return texp_segmenter.open_source(net, read_data_cfg(write_file(".data", text, (size_t)length)));
}

static data batch_of(int n)
{
    return (data){.X = make_matrix(n, PIXELS), .y = make_matrix(n, 2 * PIXELS)};
}

static float largest_of(const float *values, int n)
{
    float largest = 0;
    for (int i = 0; i < n; ++i) largest = values[i] > largest ? values[i] : largest;
    return largest;
}

/* Both are the same weighted sums, of greys up to 1 and of ones, rounded to floats of 24 bits. */
static void image_and_mask_are_seen_alike(void **state)
{
    (void)state;
    texp_source *source = source_of(network_of(INPUT VIEWS NETWORK));
    data batch = batch_of(SAMPLES);
    int seen = 0, mirrored = 0;
    assert_int_equal(source->images, IMAGES);
    assert_int_equal(source->fill(source, 0, SIZE, SIZE, batch, NULL), 0);
    for (int i = 0; i < SAMPLES; ++i) {
        const float *image = batch.X.vals[i], *mask = batch.y.vals[i] + PIXELS;
        const float grey = largest_of(image, PIXELS), one = largest_of(mask, PIXELS);
        double right = 0;
        assert_true(largest_of(batch.y.vals[i], PIXELS) == 0); /* the other class's */
        for (int k = 0; k < PIXELS; ++k) {
            assert_below(fabs(image[k] * one - mask[k] * grey), 1e-6);
            right += mask[k] * (k % SIZE - (SIZE - 1) / 2.);
        }
        seen += one > 0;
        mirrored += right > 0;
    }
    assert_true(seen > SAMPLES / 2);
    assert_true(mirrored > SAMPLES / 10 && mirrored < SAMPLES * 9 / 10);
    source->close(source);
}

static void a_sample_follows_from_its_number_alone(void **state)
{
    (void)state;
    network *net = network_of(INPUT VIEWS "saturation=1.5\nexposure=1.5\n" NETWORK);
    texp_source *source = source_of(net), *other = source_of(net);
    data all = batch_of(SAMPLES), one = batch_of(1);
    int same = 0;
    assert_int_equal(source->fill(source, 0, SIZE, SIZE, all, NULL), 0);
    for (int i = SAMPLES - 1; i > 0; i -= 3) {
        assert_int_equal(other->fill(other, (uint64_t)i, SIZE, SIZE, one, NULL), 0);
        assert_memory_equal(one.X.vals[0], all.X.vals[i], PIXELS * sizeof(float));
        assert_memory_equal(one.y.vals[0], all.y.vals[i], 2 * PIXELS * sizeof(float));
        same += !memcmp(one.X.vals[0], all.X.vals[i - 1], PIXELS * sizeof(float)); /* both may be black */
    }
    assert_true(same < SAMPLES / 6);
    source->close(source);
    other->close(other);
}

static void each_epoch_shows_each_image_once_in_an_order_of_its_own(void **state)
{
    (void)state;
    texp_source *source = source_of(network_of(INPUT "min_crop=12\nmax_crop=12\n" NETWORK));
    data batch = batch_of(IMAGES);
    int orders = 0, first[IMAGES];
    for (int epoch = 0; epoch < 6; ++epoch) {
        int greys[IMAGES], times[IMAGES] = {0};
        assert_int_equal(source->fill(source, (uint64_t)(epoch * IMAGES), SIZE, SIZE, batch, NULL), 0);
        for (int i = 0; i < IMAGES; ++i) {
            greys[i] = (int)lrintf(255 * largest_of(batch.X.vals[i], PIXELS));
            for (int k = 0; k < IMAGES; ++k) times[k] += greys[i] == grey_of(k);
        }
        for (int k = 0; k < IMAGES; ++k) assert_int_equal(times[k], 1);
        if (!epoch) memcpy(first, greys, sizeof first);
        orders += memcmp(first, greys, sizeof first) != 0;
    }
    assert_true(orders >= 3); /* of five, each of which is the first with probability 1 in 120 */
    source->close(source);
}

/* Where the whole width is seen, the object stays left. */
static void flip_0_mirrors_nothing(void **state)
{
    (void)state;
    network *net = network_of(INPUT "flip=0\n" NETWORK);
    net->max_crop = net->min_crop;
    texp_source *source = source_of(net);
    data batch = batch_of(30);
    int seen = 0;
    assert_int_equal(source->fill(source, 0, SIZE, SIZE, batch, NULL), 0);
    for (int i = 0; i < 30; ++i) {
        /* Images 0 and 1 are higher than wide. */
        if (lrintf(255 * largest_of(batch.X.vals[i], PIXELS)) < grey_of(1)) continue;
        double right = 0;
        for (int k = 0; k < PIXELS; ++k) right += batch.X.vals[i][k] * (k % SIZE - (SIZE - 1) / 2.);
        assert_true(right < 0);
        ++seen;
    }
    assert_true(seen > 8);
    source->close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(image_and_mask_are_seen_alike),
        cmocka_unit_test(a_sample_follows_from_its_number_alone),
        cmocka_unit_test(each_epoch_shows_each_image_once_in_an_order_of_its_own),
        cmocka_unit_test(flip_0_mirrors_nothing),
    };
    return cmocka_run_group_tests(tests, write_scenes, remove_masks);
}
