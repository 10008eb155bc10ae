#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* asprintf */
#endif
#include "tools/box_files.h"

#include "base/files.h"
#include "base/refuse.h"
#include "cfg/options.h"

#include <errno.h>
#include <sys/stat.h>

enum { COCO_CLASSES = 80, COCO_LAST = 90, IMAGENET_CLASSES = 200 };

typedef struct {
    char *name;
    FILE *file;
} named_file;

struct texp_box_files {
    enum { VOC, COCO, IMAGENET } kind;
    named_file *files; /* of VOC: by class; otherwise one */
    int n, classes;
    char **paths;
    int written; /* boxes, in COCO's */
};

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* The folder with those above it. */
static void make_folder(const char *folder)
{
    char *path = strdup(folder);
    for (char *slash = path; slash; *slash = '/') {
        slash = strchr(slash + 1, '/');
        if (slash) *slash = 0;
        if (mkdir(path, 0777) && errno != EEXIST)
            texp_fail("%s: can't make this folder: %s; name another by results=", path, strerror(errno));
        if (!slash) break;
    }
    free(path);
}

static void open_file(named_file *f, const char *folder, const char *name, const char *of_class, const char *ending)
{
    texp_message message;
    if (strchr(of_class, '/')) texp_fail("class %s: its name is to be that of a file; write it without /", of_class);
    if (asprintf(&f->name, "%s/%s%s%s", folder, name, of_class, ending) < 0)
        texp_fail("no memory for the name of a file");
    f->file = texp_file_create(f->name, &message);
    if (!f->file) texp_fail("%s; name another folder by results=", message.text);
}

static int read_kind(list *data)
{
    const char *kind = texp_word_of(data, "eval", "voc");
    if (!strcmp(kind, "voc")) return VOC;
    if (!strcmp(kind, "coco")) return COCO;
    if (!strcmp(kind, "imagenet")) return IMAGENET;
    texp_refuse_option(data, "eval", "must be voc, coco or imagenet");
}

static void check_classes(const texp_box_files *b, list *data, int classes)
{
    if (b->kind == COCO && classes > COCO_CLASSES)
        texp_refuse_option(data, "eval", "COCO has %d classes, the network %d; remove it", COCO_CLASSES, classes);
    if (b->kind == IMAGENET && classes < IMAGENET_CLASSES)
        texp_refuse_option(data, "eval", "ImageNet has %d classes, the network %d; remove it", IMAGENET_CLASSES,
                           classes);
}

texp_box_files *texp_box_files_open(list *data, int classes, char **names, char **paths, const char *name)
{
    static const char *const usual[] = {
        [VOC] = "comp4_det_test_", [COCO] = "coco_results", [IMAGENET] = "imagenet-detection"};
    const char *folder = texp_word_of(data, "results", "results");
    texp_box_files *b = calloc(1, sizeof *b);
    b->kind = read_kind(data);
    b->paths = paths;
    b->classes = b->kind == IMAGENET ? IMAGENET_CLASSES : classes;
    b->n = b->kind == VOC ? classes : 1;
    b->files = calloc((size_t)b->n, sizeof *b->files);
    check_classes(b, data, classes);
    make_folder(folder);
    if (!name) name = usual[b->kind];
    for (int i = 0; i < b->n; ++i)
        open_file(b->files + i, folder, name, b->kind == VOC ? names[i] : "", b->kind == COCO ? ".json" : ".txt");
    if (b->kind == COCO) fprintf(b->files->file, "[\n");
    return b;
}

int texp_box_files_classes(const texp_box_files *b)
{
    return b->classes;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

typedef struct {
    float left, top, right, bottom;
} edges;

/* In pixels, with the edge of the first pixel at `first`; cut off at the image. */
static edges edges_of(const texp_found *f, int i, float first)
{
    float w = (float)f->w, h = (float)f->h;
    box b = f->found[i].bbox;
    b = (box){b.x * w, b.y * h, b.w * w, b.h * h};
    edges e = {(float)(b.x - b.w / 2. + first), (float)(b.y - b.h / 2. + first), (float)(b.x + b.w / 2. + first),
               (float)(b.y + b.h / 2. + first)};
    if (e.left < first) e.left = first;
    if (e.top < first) e.top = first;
    if (e.right > w) e.right = w;
    if (e.bottom > h) e.bottom = h;
    return e;
}

/* The number at the end of a COCO image's name. */
static int coco_image(const char *path)
{
    const char *slash = strrchr(path, '/'), *mark = strrchr(path, '_');
    return atoi(mark ? mark + 1 : slash ? slash + 1 : path);
}

/* COCO's numbers of its 80 classes leave out ten of 1..90. */
static int coco_class(int class)
{
    static const int left_out[] = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83};
    int id = class + 1;
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; ++i) id += id >= left_out[i];
    return id <= COCO_LAST ? id : 0;
}

/* Of probabilities all digits are written: six would make ties of low ones, and judges order by them. */
static void write_voc(texp_box_files *b, const texp_found *f, int i, int class)
{
    edges e = edges_of(f, i, 1);
    char *id = basecfg(b->paths[f->image]);
    fprintf(b->files[class].file, "%s %.9g %f %f %f %f\n", id, f->found[i].prob[class], e.left, e.top, e.right,
            e.bottom);
    free(id);
}

static void write_coco(texp_box_files *b, const texp_found *f, int i, int class)
{
    edges e = edges_of(f, i, 0);
    fprintf(b->files->file, "%s{\"image_id\":%d, \"category_id\":%d, \"bbox\":[%f, %f, %f, %f], \"score\":%.9g}",
            b->written++ ? ",\n" : "", coco_image(b->paths[f->image]), coco_class(class), e.left, e.top,
            e.right - e.left, e.bottom - e.top, f->found[i].prob[class]);
}

static void write_imagenet(texp_box_files *b, const texp_found *f, int i, int class)
{
    edges e = edges_of(f, i, 0);
    fprintf(b->files->file, "%d %d %.9g %f %f %f %f\n", f->image + 1, class + 1, f->found[i].prob[class], e.left, e.top,
            e.right, e.bottom);
}

void texp_box_files_write(texp_box_files *b, const texp_found *f)
{
    static void (*const write[])(texp_box_files *, const texp_found *, int,
                                 int) = {[VOC] = write_voc, [COCO] = write_coco, [IMAGENET] = write_imagenet};
    for (int i = 0; i < f->n; ++i) {
        for (int class = 0; class < b->classes; ++class) {
            if (f->found[i].prob[class] > 0) write[b->kind](b, f, i, class);
        }
    }
}

void texp_box_files_close(texp_box_files *b)
{
    texp_message message;
    if (b->kind == COCO) fprintf(b->files->file, "\n]\n");
    for (int i = 0; i < b->n; ++i) {
        if (texp_file_finish(b->files[i].file, b->files[i].name, &message) ||
            texp_file_publish(b->files[i].name, &message))
            texp_fail("%s; free some room", message.text);
        free(b->files[i].name);
    }
    free(b->files);
    free(b);
}
