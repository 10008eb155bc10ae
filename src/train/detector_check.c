#include "train/detector_check.h"

#include "base/refuse.h"
#include "cfg/options.h"
#include "data/boxes.h"
#include "data/photos.h"
#include "net/layers.h"
#include "net/texp_net.h"
#include "train/image_set.h"

#include "option_list.h"

/* --- the network -------------------------------------------------------------------------------------------------- */

static int reads_boxes(const layer *l)
{
    return texp_layer_traits_of(l->type)->truth == TEXP_TRUTH_BOXES;
}

static void check_last_layer(const network *net)
{
    const layer *l = net->layers + net->n - 1;
    if (reads_boxes(l)) return;
    if (l->type == DETECTION)
        texp_fail("%s: [detection] is trained by `yolo train`; detector train needs [yolo] or [region] at the end",
                  net->texp->file);
    texp_fail("%s: the last layer is [%s]; detector train needs [yolo] or [region] at the end", net->texp->file,
              texp_layer_name(l));
}

static void check_layer(const network *net, int i)
{
    const layer *l = net->layers + i;
    if (l->type == REGION && l->coords != 4)
        texp_fail("%s: layer %d [region] coords=%d: boxes have 4; write coords=4", net->texp->file, i, l->coords);
    if (!(l->jitter >= 0 && l->jitter < 1))
        texp_fail("%s: layer %d [%s] jitter=%g: is a share of the image's sides; write 0 or more, below 1",
                  net->texp->file, i, texp_layer_name(l), l->jitter);
}

static void check_classes(const network *net, list *data)
{
    const layer *last = net->layers + net->n - 1;
    int classes = option_find_int_quiet(data, "classes", last->classes);
    for (int i = 0; i < net->n; ++i) {
        const layer *l = net->layers + i;
        if (!reads_boxes(l)) continue;
        check_layer(net, i);
        if (l->classes == classes) continue;
        if (!option_find(data, "classes"))
            texp_fail("%s: layer %d [%s] classes=%d: the last layer has classes=%d; make them equal", net->texp->file,
                      i, texp_layer_name(l), l->classes, classes);
        texp_refuse_option(data, "classes", "layer %d [%s] of %s has classes=%d; make them equal", i,
                           texp_layer_name(l), net->texp->file, l->classes);
    }
}

void texp_check_detector(const network *net, list *data)
{
    check_last_layer(net);
    if (net->c != 1 && net->c != 3)
        texp_fail("%s: [net] channels=%d: photographs have 1 (grey) or 3; write one of them", net->texp->file, net->c);
    check_classes(net, data);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

void texp_check_photographs(const network *net, list *data)
{
    texp_photos *photos;
    texp_boxes *boxes;
    texp_message message;
    const layer *l = net->layers + net->n - 1;
    const char *list = texp_data_file(data, "train", "data/train.list");
    if (texp_photos_open(list, net->c, 0, &photos, &message) ||
        texp_boxes_open(texp_photos_paths(photos), texp_photos_size(photos), l->classes, &boxes, &message)) {
        texp_fail("%s", message.text);
    }
    if (texp_boxes_missing(boxes, &message)) fprintf(stderr, "%s\n", message.text);
    texp_boxes_close(boxes);
    texp_photos_close(photos);
}
