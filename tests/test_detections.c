/* links: float */
/* What a detector's validation computes: the loss that Darknet's own training pass has, and nothing that training goes by is changed. */
#include "support.h"

#include "train/detections.h"

#include "image.h"

enum { W = 32, H = 24, CLASSES = 2, IMAGES = 3 };

static char *paths[IMAGES];
static const int widths[IMAGES] = {40, 20, 32}, heights[IMAGES] = {30, 30, 24};
/* The second reaches beyond its image; the third image has none. */
static const texp_box truth[] = {{1, .5f, .4f, .25f, .5f}, {0, .9f, .5f, .4f, .3f}};

static network *make_net(int batch, const char *more)
{
    srand(11);
    return network_of("[net]\nbatch=%d\nwidth=%d\nheight=%d\nchannels=3\nmax_batches=9\n[convolutional]\nfilters="
                      "8\nsize=3\nstride=2\n"
                      "pad=1\nactivation=leaky\n%s[convolutional]\nfilters=14\nsize=1\nstride=1\nactivation=linear\n["
                      "yolo]\nmask=0,1\n"
                      "anchors=6,8,12,10\nclasses=%d\nnum=2\nignore_thresh=.7\n",
                      batch, W, H, more, CLASSES);
}

static void write_images(void)
{
    for (int i = 0; i < IMAGES; ++i) {
        unsigned char bytes[64 + 3 * 40 * 30];
        int head = snprintf((char *)bytes, 64, "P6\n%d %d\n255\n", widths[i], heights[i]),
            n = 3 * widths[i] * heights[i];
        for (int k = 0; k < n; ++k) bytes[head + k] = (unsigned char)random_bits((uint64_t)i + 1, (uint64_t)k);
        paths[i] = write_file(".ppm", bytes, (size_t)(head + n));
        if (i == 2) continue;
        char label[64];
        snprintf(label, sizeof label, "%.*s.txt", (int)strlen(paths[i]) - 4, paths[i]);
        FILE *file = fopen(label, "w");
        const texp_box *b = truth + i;
        fprintf(file, "%d %f %f %f %f\n", b->class_id, b->x, b->y, b->w, b->h);
        fclose(file);
    }
}

static void remove_labels(void)
{
    for (int i = 0; i < 2; ++i) {
        char label[64];
        snprintf(label, sizeof label, "%.*s.txt", (int)strlen(paths[i]) - 4, paths[i]);
        unlink(label);
    }
}

static texp_boxes *open_boxes(void)
{
    texp_boxes *boxes;
    texp_message message;
    if (texp_boxes_open(paths, IMAGES, CLASSES, &boxes, &message)) fail_msg("%s", message.text);
    return boxes;
}

static int visited[IMAGES];

static void visit(void *context, const texp_found *found)
{
    (void)context;
    visited[found->image]++;
    assert_int_equal(found->w, widths[found->image]);
    assert_int_equal(found->h, heights[found->image]);
}

static double loss_of(network *net, int n, texp_boxes *boxes)
{
    texp_detect_settings settings = texp_detect_defaults();
    return texp_detect(net, paths, n, &settings, boxes, visit, NULL);
}

/* The truth of image 0 or 1 in the letterbox, by hand: 40 x 30 fills 32 x 24, of 20 x 30 there are 16 x 24 in the middle; the box that
 * reaches beyond its image, from .7 to 1.1, ends at 1. */
static void set_truth(network *net)
{
    float rows[2][5] = {{.5f, .4f, .25f, .5f, 1}, {.25f + .85f / 2, .5f, .3f / 2, .3f, 0}};
    memset(net->truth, 0, sizeof(float) * (size_t)(net->truths * net->batch));
    for (int i = 0; i < 2; ++i) memcpy(net->truth + i * net->truths, rows[i], sizeof rows[i]);
}

static void the_loss_is_that_of_darknets_training_pass(void **state)
{
    (void)state;
    network *net = make_net(2, "");
    texp_boxes *boxes = open_boxes();
    double loss = loss_of(net, 2, boxes);
    for (int i = 0; i < 2; ++i) {
        image whole = load_image_color(paths[i], 0, 0), boxed = letterbox_image(whole, W, H);
        memcpy(net->input + i * net->inputs, boxed.data, sizeof(float) * (size_t)net->inputs);
    }
    set_truth(net);
    net->train = 1;
    forward_network(net);
    /* Truths differ by the roundings of a few sums, of 6e-8 each, and enter squares of differences below 10. */
    assert_below(fabs(loss - *net->cost / 2), 1e-5 * loss);
    assert_above(loss, .1);
    texp_boxes_close(boxes);
}

static void images_that_do_not_fill_a_batch_count_once(void **state)
{
    (void)state;
    texp_boxes *boxes = open_boxes();
    double whole = loss_of(make_net(3, ""), 3, boxes);
    memset(visited, 0, sizeof visited);
    double parts = loss_of(make_net(2, ""), 3, boxes);
    for (int i = 0; i < IMAGES; ++i) assert_int_equal(visited[i], 1);
    /* Float sums of another order. */
    assert_below(fabs(whole - parts), 1e-5 * whole);
    texp_boxes_close(boxes);
}

static void nothing_that_training_goes_by_is_changed(void **state)
{
    (void)state;
    texp_boxes *boxes = open_boxes();
    const char *normalised =
        "[convolutional]\nbatch_normalize=1\nfilters=8\nsize=3\nstride=1\npad=1\nactivation=leaky\n";
    network *net = make_net(2, normalised), *same = make_net(2, normalised);
    for (int i = 0; i < 2; ++i) {
        network *each = i ? same : net;
        srand(5);
        set_batch(each, 3);
        set_truth(each);
        each->train = 1;
        if (!i) loss_of(each, 3, boxes);
        int drawn = rand();
        srand(5);
        assert_int_equal(drawn, rand());
        forward_network(each);
        backward_network(each);
        update_network(each);
    }
    assert_int_equal(*net->seen, *same->seen);
    for (int i = 0; i < net->n; ++i) {
        const layer *a = net->layers + i, *b = same->layers + i;
        if (a->type != CONVOLUTIONAL) continue;
        assert_memory_equal(a->weights, b->weights, sizeof(float) * (size_t)a->nweights);
        assert_memory_equal(a->biases, b->biases, sizeof(float) * (size_t)a->n);
        if (!a->batch_normalize) continue;
        assert_memory_equal(a->rolling_mean, b->rolling_mean, sizeof(float) * (size_t)a->n);
        assert_memory_equal(a->rolling_variance, b->rolling_variance, sizeof(float) * (size_t)a->n);
    }
    texp_boxes_close(boxes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_is_that_of_darknets_training_pass),
        cmocka_unit_test(images_that_do_not_fill_a_batch_count_once),
        cmocka_unit_test(nothing_that_training_goes_by_is_changed),
    };
    write_images();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_labels();
    return failed;
}
