/*
 * Images a second of the loader on one core, for 32x32 images in colour:
 *     loader [seconds 1] [list labels classes]
 * Without a list it writes 1,000 images of noise to a folder of its own. Prints the best of five runs of each part and
 * fails where the whole, from bytes to augmented floats and truth, stays below 10,000 a second.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* nftw */
#endif
#include "data/sampler.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SIDE = 32, CHANNELS = 3, VALUES = SIDE * SIDE * CHANNELS, IMAGES = 1000, BATCH = 128, RUNS = 5, NEEDED = 10000 };

static const texp_augment cifar = {4, 1, CHANNELS, {.4914, .4822, .4465}, {.247, .2435, .2616}};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void give_up(const char *what)
{
    fprintf(stderr, "loader: %s\n", what);
    exit(1);
}

/* ---- images of noise ---------------------------------------------------------------------------------------- */

static void write_image(const char *name, unsigned seed)
{
    FILE *file = fopen(name, "wb");
    int i;
    if (!file) give_up("cannot write an image");
    fprintf(file, "P6 %d %d 255\n", SIDE, SIDE);
    for (i = 0; i < VALUES; ++i) {
        seed = seed * 1664525u + 1013904223u;
        fputc((int)(seed >> 24), file);
    }
    fclose(file);
}

static void write_images(const char *folder)
{
    char name[256];
    int i;
    FILE *list, *labels;
    snprintf(name, sizeof name, "%s/list", folder);
    list = fopen(name, "w");
    snprintf(name, sizeof name, "%s/labels", folder);
    labels = fopen(name, "w");
    if (!list || !labels) give_up("cannot write a list");
    for (i = 0; i < 10; ++i) fprintf(labels, "class%d\n", i);
    for (i = 0; i < IMAGES; ++i) {
        snprintf(name, sizeof name, "%s/%04d_class%d.ppm", folder, i, i % 10);
        fprintf(list, "%s\n", name);
        write_image(name, (unsigned)i);
    }
    fclose(list);
    fclose(labels);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

/* ---- the parts ---------------------------------------------------------------------------------------------- */

static texp_dataset *open_set(const char *list, const char *labels, int classes)
{
    texp_dataset *set;
    texp_message message = {""};
    double start = now();
    if (texp_dataset_open(list, labels, classes, SIDE, SIDE, CHANNELS, (size_t)1 << 31, &set, NULL, &message))
        give_up(message.text);
    printf("%-42s %10.0f images/s\n", "labelled and decoded into memory", texp_dataset_size(set) / (now() - start));
    return set;
}

/* Augmentation alone, of an image that stays in the cache. */
static double augment_rate(const texp_dataset *set, double seconds, float *out)
{
    const uint8_t *pixels = texp_dataset_pixels(set, 0, NULL, NULL);
    texp_augment_table table;
    uint64_t sample = 0;
    double start = now(), end;
    if (!pixels) give_up("the list is too long for this benchmark: it must fit into 2 GiB");
    texp_augment_fill_table(&cifar, &table);
    do {
        texp_augment_image(out, pixels, SIDE, SIDE, &cifar, &table, texp_augment_random(&cifar, 1, sample++));
        end = sample % BATCH ? start : now();
    } while (end - start < seconds);
    return sample / (end - start);
}

static double sampler_rate(texp_sampler *sampler, double seconds, float **x, float **truth)
{
    uint64_t sample = 0;
    double start = now(), end;
    do {
        if (texp_sampler_fill(sampler, sample, BATCH, x, truth, NULL)) give_up("an image was lost");
        sample += BATCH;
        end = now();
    } while (end - start < seconds);
    return sample / (end - start);
}

static int measure(const char *list, const char *labels, int classes, double seconds)
{
    texp_dataset *set = open_set(list, labels, classes);
    texp_sampler *sampler;
    float *values = malloc(sizeof(float) * BATCH * (VALUES + classes)), *x[BATCH], *truth[BATCH];
    double rate, augment = 0, all = 0;
    int j;
    if (!values || texp_sampler_open(set, &cifar, 1, &sampler, NULL)) give_up("no memory");
    for (j = 0; j < BATCH; ++j) {
        x[j] = values + (size_t)j * VALUES;
        truth[j] = values + (size_t)BATCH * VALUES + (size_t)j * classes;
    }
    for (j = 0; j < RUNS; ++j) {
        rate = augment_rate(set, seconds / RUNS, x[0]);
        if (rate > augment) augment = rate;
        rate = sampler_rate(sampler, seconds / RUNS, x, truth);
        if (rate > all) all = rate;
    }
    printf("%-42s %10.0f images/s\n", "cropped, mirrored, normalised", augment);
    printf("%-42s %10.0f images/s\n", "the whole: shuffled batches of 128", all);
    texp_sampler_close(sampler);
    texp_dataset_close(set);
    free(values);
    if (all >= NEEDED) return 0;
    fprintf(stderr, "loader: below %d images/s\n", NEEDED);
    return 1;
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/texp-loader-XXXXXX", list[64], labels[64];
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    int status;
    if (argc == 5) return measure(argv[2], argv[3], atoi(argv[4]), seconds);
    if (argc > 2 || seconds <= 0) give_up("usage: loader [seconds] [list labels classes]");
    if (!mkdtemp(folder)) give_up("cannot make a folder in /tmp");
    snprintf(list, sizeof list, "%s/list", folder);
    snprintf(labels, sizeof labels, "%s/labels", folder);
    write_images(folder);
    status = measure(list, labels, 10, seconds);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return status;
}
