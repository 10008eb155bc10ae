/* links: float */
/* Weights files: the format of Darknet, whole or not at all. */
#include "support.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define CONV  "[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\nstride=1\npad=1\nactivation=relu\n"
#define NORM  "[batchnorm]\n"
#define PLAIN "[connected]\noutput=3\nactivation=linear\n[softmax]\n"
#define NET   "[net]\nbatch=2\nheight=6\nwidth=6\nchannels=2\n%s"

enum { HEADER = 3 * sizeof(int) + sizeof(size_t), CONV_FLOATS = 4 * 4 + 4 * 2 * 9, PLAIN_FLOATS = 3 + 3 * 144 };

static network *make(const char *layers)
{
    return network_of(NET, layers);
}

static long size_of(const char *file)
{
    struct stat s;
    return stat(file, &s) ? -1 : (long)s.st_size;
}

static void quietly_save(network *net, char *file)
{
    hush();
    save_weights(net, file);
    speak();
}

static void quietly_load(network *net, char *file)
{
    hush();
    load_weights(net, file);
    speak();
}

static void the_layout_is_darknets_to_the_byte(void **state)
{
    (void)state;
    char *file = write_file(".weights", "", 0);
    network *net = make(CONV PLAIN);
    layer conv = net->layers[0], connected = net->layers[1];
    *net->seen = 77;
    quietly_save(net, file);
    assert_int_equal(size_of(file), HEADER + sizeof(float) * (CONV_FLOATS + PLAIN_FLOATS));
    /* In the order of Darknet's save_convolutional_weights and save_connected_weights. */
    const struct {
        const float *values;
        size_t n;
    } parts[] = {{conv.biases, 4},   {conv.scales, 4},      {conv.rolling_mean, 4},  {conv.rolling_variance, 4},
                 {conv.weights, 72}, {connected.biases, 3}, {connected.weights, 432}};
    int head[3];
    size_t seen;
    float read[432];
    FILE *f = fopen(file, "rb");
    assert_int_equal(fread(head, sizeof head, 1, f), 1);
    assert_int_equal(fread(&seen, sizeof seen, 1, f), 1);
    assert_true(head[0] == 0 && head[1] == 2 && head[2] == 0 && seen == 77);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
        assert_int_equal(fread(read, sizeof(float), parts[i].n, f), parts[i].n);
        assert_memory_equal(read, parts[i].values, parts[i].n * sizeof(float));
    }
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
}

static void biases_of_a_batchnorm_layer_survive(void **state)
{
    (void)state;
    char *file = write_file(".weights", "", 0);
    network *net = make(NORM PLAIN), *other = make(NORM PLAIN);
    quietly_save(net, file);
    long plain = size_of(file);
    net->layers[0].biases[0] = .5f;
    net->layers[0].biases[1] = -2;
    quietly_save(net, file);
    assert_int_equal(size_of(file), plain + 8 + 2 * sizeof(float));
    quietly_load(other, file);
    assert_memory_equal(other->layers[0].biases, net->layers[0].biases, 2 * sizeof(float));
    assert_memory_equal(other->layers[1].weights, net->layers[1].weights, 3 * 72 * sizeof(float));
}

/* A file of the first `size` bytes of `whole`. */
static char *cut(const char *whole, long size)
{
    char *bytes = calloc(1, (size_t)size + 1);
    FILE *f = fopen(whole, "rb");
    if (fread(bytes, 1, (size_t)size, f) != (size_t)size) exit(99);
    fclose(f);
    char *file = write_file(".weights", bytes, (size_t)size);
    free(bytes);
    return file;
}

static void load_in_child(const void *file)
{
    network *net = make(CONV PLAIN);
    load_weights(net, (char *)file);
}

static void a_file_cut_inside_a_layer_is_refused_wherever_it_is_cut(void **state)
{
    (void)state;
    char *file = write_file(".weights", "", 0);
    quietly_save(make(CONV PLAIN), file);
    const long conv_end = HEADER + sizeof(float) * CONV_FLOATS, end = size_of(file);
    const long places[] = {0,       5,      HEADER - 1, HEADER, HEADER + 1, HEADER + 16, conv_end - 1, conv_end + 1,
                           end - 4, end - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
        char *part = cut(file, places[i]);
        outcome o = in_child(load_in_child, part);
        assert_refuses(o, part);
    }
}

static void a_file_that_ends_between_layers_is_loaded_with_a_word(void **state)
{
    (void)state;
    char *file = write_file(".weights", "", 0);
    quietly_save(make(CONV PLAIN), file);
    char *part = cut(file, HEADER + sizeof(float) * CONV_FLOATS);
    outcome o = in_child(load_in_child, part);
    assert_succeeds(o);
    assert_non_null(strstr(o.text, "ends in front of layer 1"));
}

static void a_longer_file_is_loaded_with_a_word(void **state)
{
    (void)state;
    char *file = write_file(".weights", "", 0);
    quietly_save(make(CONV PLAIN), file);
    FILE *f = fopen(file, "ab");
    fwrite("leftover", 8, 1, f);
    fclose(f);
    outcome o = in_child(load_in_child, file);
    assert_succeeds(o);
    assert_non_null(strstr(o.text, "8 bytes are left over"));
}

static void save_on_a_full_disk(const void *file)
{
    const struct rlimit little = {1000, 1000};
    network *net = make(CONV PLAIN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file size fails as a full disk does */
    setrlimit(RLIMIT_FSIZE, &little);
    save_weights(net, (char *)file);
}

static void a_full_disk_leaves_the_file_before_untouched(void **state)
{
    (void)state;
    char *file = write_file(".weights", "precious", 8), part[80], read[9] = "";
    /* Pipes are not bound by the limit: the message arrives. */
    outcome o = in_child(save_on_a_full_disk, file);
    assert_refuses(o, file, "unchanged");
    FILE *f = fopen(file, "rb");
    assert_int_equal(fread(read, 1, 8, f), 8);
    fclose(f);
    assert_string_equal(read, "precious");
    assert_int_equal(size_of(file), 8);
    snprintf(part, sizeof part, "%s.part", file);
    assert_int_equal(size_of(part), -1);
}

static void save_until_killed(const void *file)
{
    network *net = make(CONV PLAIN);
    for (;;) save_weights(net, (char *)file);
}

static void a_killed_save_leaves_a_whole_file(void **state)
{
    (void)state;
    char *file = write_file(".weights", "", 0), part[80];
    network *net = make(CONV PLAIN);
    quietly_save(net, file);
    long whole = size_of(file);
    for (int i = 0; i < 40; ++i) {
        pid_t child = fork();
        if (!child) {
            if (!freopen("/dev/null", "w", stderr)) _exit(1);
            save_until_killed(file);
        }
        usleep(2000 + 500 * (unsigned)i); /* many moments: a save takes a fraction of a millisecond to some */
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_int_equal(size_of(file), whole);
        quietly_load(net, file);
    }
    snprintf(part, sizeof part, "%s.part", file);
    unlink(part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layout_is_darknets_to_the_byte),
        cmocka_unit_test(biases_of_a_batchnorm_layer_survive),
        cmocka_unit_test(a_file_cut_inside_a_layer_is_refused_wherever_it_is_cut),
        cmocka_unit_test(a_file_that_ends_between_layers_is_loaded_with_a_word),
        cmocka_unit_test(a_longer_file_is_loaded_with_a_word),
        cmocka_unit_test(a_full_disk_leaves_the_file_before_untouched),
        cmocka_unit_test(a_killed_save_leaves_a_whole_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
