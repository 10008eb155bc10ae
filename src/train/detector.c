#include "train/detector.h"

#include "net/texp_net.h"

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
    (void)data;
    request.type = DETECTION_DATA;
    request.classes = l->classes;
    request.coords = l->coords;
    request.jitter = l->jitter;
    request.num_boxes = l->max_boxes;
    return request;
}

/* random=1: a draw in front of the first update and each 10th behind it, and the largest size for the last 200, as
 * Darknet's loop has it. */
static int next_size(const network *net, long turn)
{
    enum { LARGEST = 608, LAST_UPDATES = 200 };
    if (!last_layer(net)->random || turn % 10) return 0;
    int size = (rand() % 10 + 10) * 32;
    long left = net->max_batches - (long)get_current_batch((network *)net);
    return net->max_batches && left < LAST_UPDATES ? LARGEST : size;
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
                                 .loader_threads = 64,
                                 .next_size = next_size,
                                 .fit_request = fit_request};
