#include "train/detector.h"

#include "base/random.h"
#include "net/texp_net.h"
#include "train/box_source.h"
#include "train/detector_check.h"
#include "train/detector_scores.h"

#include <unistd.h>

/* --- images ------------------------------------------------------------------------------------------------------- */

/* Darknet's loop asks the last layer alone how images and boxes shall be made. */
static const layer *last_layer(const network *net)
{
    return net->layers + net->n - 1;
}

static void fit_request(load_args *request, const network *net, int width, int height)
{
    (void)net;
    request->w = width;
    request->h = height;
}

static load_args request(network *net, list *data)
{
    const layer *l = last_layer(net);
    load_args request = get_base_args(net);
    texp_check_photographs(net, data);
    request.type = DETECTION_DATA;
    request.classes = l->classes;
    request.coords = l->coords;
    request.jitter = l->jitter;
    request.num_boxes = net->truths / 5;
    return request;
}

/* Any key of ours asks for our loader, and so does a network that Darknet's has no images for. */
static texp_source *open_source(network *net, list *data)
{
    texp_check_detector(net, data);
    return net->texp->images.seeded || net->c != 3 ? texp_box_source_open(net, data) : NULL;
}

/* random=1: a draw in front of the first update and each 10th behind it, and the largest size for the last 200, as
 * Darknet's loop has it. */
enum { TURNS = 10, SIZES = 10, SMALLEST = 10, STRIDE = 32, LARGEST = 608, LAST_UPDATES = 200 };

static int is_near_end(const network *net, long update)
{
    return net->max_batches && net->max_batches - update < LAST_UPDATES;
}

static int next_size(const network *net, long turn)
{
    if (!last_layer(net)->random || turn % TURNS) return 0;
    int size = (rand() % SIZES + SMALLEST) * STRIDE;
    return is_near_end(net, (long)get_current_batch((network *)net)) ? LARGEST : size;
}

static int size_at(const network *net, long update)
{
    long drawn_at = update - update % TURNS;
    if (!last_layer(net)->random) return 0;
    if (is_near_end(net, drawn_at)) return LARGEST;
    return (int)(texp_random_below(net->texp->seed, TEXP_STREAM_SIZE, (uint64_t)drawn_at, SIZES) + SMALLEST) * STRIDE;
}

/* --- validation --------------------------------------------------------------------------------------------------- */

static void *open_examples(network *net, list *data)
{
    return texp_detector_examples_open(net, data);
}

static texp_validation validate(network *net, const void *examples)
{
    texp_judging judging = texp_examples_judging(examples);
    texp_detector_score s = texp_score_detector(net, examples, &judging);
    texp_validation found = {s.loss, judging.coco ? s.map_coco : s.map};
    if (isatty(STDOUT_FILENO)) printf("\r\033[K"); /* over the live line */
    printf("precision %.4f, recall %.4f, F1 %.4f, average IoU %.2f %% at threshold %g\n", s.precision, s.recall, s.f1,
           100 * s.iou, judging.threshold);
    texp_detector_score_free(&s);
    return found;
}

static void close_examples(void *examples)
{
    texp_detector_examples_close(examples);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static int is_numbered(long update)
{
    return update % 10000 == 0 || (update < 1000 && update % 100 == 0);
}

const texp_task texp_detector = {.command = "detector",
                                 .quality = "mAP",
                                 .is_numbered = is_numbered,
                                 .backup_every = 100,
                                 .request = request,
                                 .open_source = open_source,
                                 .loader_threads = 64,
                                 .next_size = next_size,
                                 .size_at = size_at,
                                 .fit_request = fit_request,
                                 .open_examples = open_examples,
                                 .validate = validate,
                                 .close_examples = close_examples};
