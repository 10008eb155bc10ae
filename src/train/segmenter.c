#include "train/segmenter.h"

#include "base/refuse.h"
#include "base/text.h"
#include "net/texp_net.h"
#include "train/crop_source.h"
#include "train/image_set.h"
#include "train/test_loss.h"

#include "network.h"
#include "option_list.h"
#include "utils.h"

#include <limits.h>

/* --- truths: the masks of an image's objects, as runs of pixels ------------------------------------------------------- */

/* Darknet's place of an image's masks. */
static void place_of(const char *image, char file[PATH_MAX])
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s", image) >= (int)sizeof path - 64)
        texp_fail("%.100s...: the path is too long; use a shorter one", image);
    find_replace(path, "images", "mask", file);
    find_replace(file, "JPEGImages", "mask", file);
    find_replace(file, ".jpg", ".txt", file);
    find_replace(file, ".JPG", ".txt", file);
    find_replace(file, ".JPEG", ".txt", file);
}

typedef struct {
    int classes;
    int out_w, out_h; /* of the network's output, an image of `classes` channels */
    int n;
    char **files; /* of each image; owned */
} masks;

/* "CLASS RUN,RUN,...": runs of pixels outside and inside of the object in turns, row by row. */
typedef struct {
    long class_id;
    char *runs;
} object;

static int read_object(const texp_text *text, char *line, int classes, object *o, texp_message *message)
{
    o->class_id = strtol(line, &o->runs, 10);
    if (o->runs == line || !texp_is_blank(*o->runs))
        return texp_say(message, "%s:%d: is not CLASS RUN,RUN,...; write an object a line", text->file, text->line);
    if (o->class_id < 0 || o->class_id >= classes)
        return texp_say(message, "%s:%d: class %ld: the network has classes 0 to %d", text->file, text->line,
                        o->class_id, classes - 1);
    while (texp_is_blank(*o->runs)) ++o->runs;
    if (o->runs[strspn(o->runs, "0123456789,")])
        return texp_say(message, "%s:%d: runs are whole numbers between commas", text->file, text->line);
    return 0;
}

/* Ones where the object is; `pixels` in all, those behind the last run as the next one would be. */
static int fill_runs(const texp_text *text, const char *runs, float *mask, size_t pixels, texp_message *message)
{
    size_t at = 0;
    float inside = 0;
    for (char *end; *runs; runs = *end ? end + 1 : end) {
        unsigned long length = strtoul(runs, &end, 10);
        if (length > pixels - at)
            return texp_say(message, "%s:%d: its runs have more than the image's %zu pixels", text->file, text->line,
                            pixels);
        for (; length; --length) mask[at++] = inside;
        inside = 1 - inside;
    }
    while (at < pixels) mask[at++] = inside;
    return 0;
}

/* All objects of a class in one channel of `whole`; NULL: they are looked at alone. */
static int read_masks(const char *file, int classes, const image *whole, texp_message *message)
{
    texp_text text;
    char *line;
    int status = 0;
    if (texp_text_open(&text, file, message)) return -1;
    size_t pixels = whole ? (size_t)whole->w * whole->h : 0;
    float *mask = calloc(pixels + 1, sizeof *mask);
    while (!status && (line = texp_text_line(&text))) {
        object o;
        status = read_object(&text, line, classes, &o, message);
        if (status || !whole) continue;
        status = fill_runs(&text, o.runs, mask, pixels, message);
        for (size_t i = 0; i < pixels; ++i) {
            if (mask[i] != 0) whole->data[pixels * (size_t)o.class_id + i] = 1;
        }
    }
    free(mask);
    texp_text_close(&text);
    return status;
}

static void *open_truths(char *const *images, int n, const network *net)
{
    const image output = get_network_image((network *)net);
    masks *all = calloc(1, sizeof *all);
    texp_message message;
    char file[PATH_MAX];
    *all = (masks){output.c, output.w, output.h, n, calloc((size_t)n, sizeof *all->files)};
    for (int i = 0; i < n; ++i) {
        place_of(images[i], file);
        if (!strcmp(file, images[i]))
            texp_fail("%s: masks are found for .jpg, .JPG and .JPEG alone; give it such a name", images[i]);
        if (read_masks(file, all->classes, NULL, &message))
            texp_fail("%s; %s has its masks there", message.text, images[i]);
        all->files[i] = strdup(file);
    }
    return all;
}

static int fill_mask(const void *truths, int i, int width, int height, const texp_view *view, float *row,
                     texp_message *message)
{
    const masks *all = truths;
    const augment_args *a = &view->crop;
    const int div = a->w / all->out_w;
    image whole = make_image(width, height, all->classes);
    int status = read_masks(all->files[i], all->classes, &whole, message);
    image crop =
        rotate_crop_image(whole, a->rad, a->scale / div, a->w / div, a->h / div, a->dx / div, a->dy / div, a->aspect);
    if (view->flip) flip_image(crop);
    memcpy(row, crop.data, (size_t)crop.w * crop.h * crop.c * sizeof *row);
    free_image(whole);
    free_image(crop);
    return status;
}

static void close_truths(void *truths)
{
    masks *all = truths;
    free_ptrs((void **)all->files, all->n);
    free(all);
}

static const texp_truths truths = {open_truths, fill_mask, close_truths};

/* --- images ------------------------------------------------------------------------------------------------------- */

enum { DARKNETS_CLASSES = 80 }; /* of its loader of masks, whatever the network */

static void fit_request(load_args *request, const network *net, int width, int height)
{
    request->w = request->size = width;
    request->h = height;
    request->min = net->min_crop;
    request->max = net->max_crop;
}

static void check(const network *net)
{
    const image output = get_network_image((network *)net);
    const char *file = net->texp->file;
    if (net->c != 1 && net->c != 3)
        texp_fail("%s: [net] channels=%d: photographs have 1 (grey) or 3; write one of them", file, net->c);
    int div = output.w ? net->w / output.w : 0;
    if (!div || output.w * div != net->w || output.h * div != net->h)
        texp_fail("%s: the network's output has %d x %d pixels for an image of %d x %d; segmenters need the same whole "
                  "part of "
                  "both sides",
                  file, output.w, output.h, net->w, net->h);
    if (net->truths != output.w * output.h * output.c)
        texp_fail(
            "%s: the network compares %d numbers with masks of %d x %d x %d; end it with the layer that makes them",
            file, net->truths, output.w, output.h, output.c);
}

static load_args request(network *net, list *data)
{
    load_args request = get_base_args(net);
    const image output = get_network_image(net);
    if (output.c != DARKNETS_CLASSES)
        texp_fail("%s: the network has %d classes, Darknet's own loader %d; add seed=N to [net] for a loader of %d",
                  net->texp->file, output.c, DARKNETS_CLASSES, output.c);
    texp_check_truths(net, data, &truths);
    request.type = SEGMENTATION_DATA;
    request.center = 0;
    request.scale = net->w / output.w;
    request.classes = DARKNETS_CLASSES;
    return request;
}

static texp_source *open_source(network *net, list *data)
{
    check(net);
    if (!net->texp->images.seeded && net->c == 3) return NULL;
    return texp_crop_source_open(net, data, "train", net->min_crop, net->max_crop, &truths);
}

/* --- validation --------------------------------------------------------------------------------------------------- */

static void *open_examples(network *net, list *data)
{
    return texp_open_test_source(net, data, &truths);
}

const texp_task texp_segmenter = {.command = "segmenter",
                                  .counts_epochs = 1,
                                  .backup_every = 100,
                                  .request = request,
                                  .open_source = open_source,
                                  .loader_threads = 32,
                                  .fit_request = fit_request,
                                  .open_examples = open_examples,
                                  .validate = texp_validate_by_loss,
                                  .close_examples = texp_close_test_source};
