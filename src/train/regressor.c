#include "train/regressor.h"

#include "base/number.h"
#include "base/refuse.h"
#include "base/text.h"
#include "cfg/options.h"
#include "net/texp_net.h"
#include "train/crop_source.h"
#include "train/image_set.h"
#include "train/test_loss.h"

#include "option_list.h"
#include "utils.h"

#include <limits.h>

/* --- truths: net->truths numbers an image --------------------------------------------------------------------------- */

/* Darknet's place of an image's numbers. */
static void place_of(const char *image, char file[PATH_MAX])
{
    static const char *const endings[] = {".BMP", ".JPEG", ".JPG",  ".JPeG", ".Jpeg", ".PNG",
                                          ".TIF", ".bmp",  ".jpeg", ".jpg",  ".png",  ".tif"};
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s", image) >= (int)sizeof path - 64)
        texp_fail("%.100s...: the path is too long; use a shorter one", image);
    find_replace(path, "images", "labels", file);
    find_replace(file, "JPEGImages", "labels", file);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i) find_replace(file, (char *)endings[i], ".txt", file);
}

static void read_numbers(const char *image, int n, float *numbers)
{
    char file[PATH_MAX], *word, *rest, *line;
    texp_text text;
    texp_message message;
    int found = 0;
    place_of(image, file);
    if (texp_text_open(&text, file, &message)) texp_fail("%s; %s has its numbers there", message.text, image);
    while ((line = texp_text_line(&text))) {
        for (word = strtok_r(line, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest), ++found) {
            double number;
            if (!texp_read_double(word, &number))
                texp_fail("%s:%d: '%.60s' is no number; write one for each class", file, text.line, word);
            if (found < n) numbers[found] = (float)number;
        }
    }
    texp_text_close(&text);
    if (found < n) texp_fail("%s: has %d numbers for %d classes; write one for each", file, found, n);
}

typedef struct {
    int n;
    float *numbers; /* of each image; owned */
} numbers;

static void *open_truths(char *const *images, int n, const network *net)
{
    numbers *all = calloc(1, sizeof *all);
    all->n = net->truths;
    all->numbers = calloc((size_t)n * net->truths, sizeof *all->numbers);
    if (!all->numbers) texp_fail("no memory for the numbers of %d images", n);
    for (int i = 0; i < n; ++i) read_numbers(images[i], all->n, all->numbers + (size_t)i * all->n);
    return all;
}

static int fill_numbers(const void *truths, int i, int width, int height, const texp_view *view, float *row,
                        texp_message *message)
{
    const numbers *all = truths;
    (void)width, (void)height, (void)view, (void)message;
    memcpy(row, all->numbers + (size_t)i * all->n, (size_t)all->n * sizeof *row);
    return 0;
}

static void close_truths(void *truths)
{
    numbers *all = truths;
    free(all->numbers);
    free(all);
}

static const texp_truths truths = {open_truths, fill_numbers, close_truths};

/* --- images ------------------------------------------------------------------------------------------------------- */

static void fit_request(load_args *request, const network *net, int width, int height)
{
    request->w = request->size = width;
    request->h = height;
    request->min = (int)(net->min_ratio * width);
    request->max = (int)(net->max_ratio * width);
}

static void check(const network *net, list *data)
{
    int classes = option_find_int_quiet(data, "classes", 1);
    if (net->c != 1 && net->c != 3)
        texp_fail("%s: [net] channels=%d: photographs have 1 (grey) or 3; write one of them", net->texp->file, net->c);
    if (net->w != net->h)
        texp_fail("%s: [net] width=%d, height=%d: regressors see squares; make them equal", net->texp->file, net->w,
                  net->h);
    if (net->outputs == classes && net->truths == classes) return;
    if (option_find(data, "classes"))
        texp_refuse_option(data, "classes", "the network has %d outputs; make them equal", net->outputs);
    texp_fail("%s: the network has %d outputs, and without classes= in the .data file there is 1; write classes=%d",
              net->texp->file, net->outputs, net->outputs);
}

static load_args request(network *net, list *data)
{
    load_args request = get_base_args(net);
    texp_check_truths(net, data, &truths);
    request.type = REGRESSION_DATA;
    request.center = 0;
    request.classes = net->truths;
    return request;
}

static texp_source *open_source(network *net, list *data)
{
    load_args request = {0};
    check(net, data);
    if (!net->texp->images.seeded && net->c == 3) return NULL;
    fit_request(&request, net, net->w, net->h);
    return texp_crop_source_open(net, data, "train", request.min, request.max, &truths);
}

/* --- validation --------------------------------------------------------------------------------------------------- */

static void *open_examples(network *net, list *data)
{
    return texp_open_test_source(net, data, &truths);
}

const texp_task texp_regressor = {.command = "regressor",
                                  .counts_epochs = 1,
                                  .backup_every = 100,
                                  .request = request,
                                  .open_source = open_source,
                                  .loader_threads = 32,
                                  .fit_request = fit_request,
                                  .open_examples = open_examples,
                                  .validate = texp_validate_by_loss,
                                  .close_examples = texp_close_test_source};
