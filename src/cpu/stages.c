#include "cpu/stages.h"

#include "base/refuse.h"
#include "net/texp_net.h"

/* --- stages ------------------------------------------------------------------------------------------------------- */

/* What one thread's part of a stage should take of its processor's cache. */
enum { CACHE = 384 << 10 };

/* Images for which it fits; more where the weights, read for each part, would weigh more than the images. */
static double wanted_images(const texp_op *op)
{
    const double image = (double)(texp_image_bytes(op->in) + texp_image_bytes(op->in2) + texp_image_bytes(op->out));
    double images = CACHE / image;
    if (op->kind != TEXP_BY_CONVOLUTION) return images;
    const double by_weights = (double)texp_weight_bytes(op->convolution) / image;
    return images > by_weights ? images : by_weights;
}

/* The number of images a part: a divisor of the batch, not much above `wanted`, that keeps all threads busy. */
static int part_of_batch(int batch, int lanes, double wanted)
{
    int best = 0;
    double best_time = 0;
    for (int n = 1; n <= batch; ++n) {
        if (batch % n || (n > 1 && (n > wanted || batch / n < lanes))) continue;
        const int parts = batch / n, rounds = (parts + lanes - 1) / lanes;
        const double time = (double)rounds * n;
        if (!best || time <= best_time) best = n, best_time = time;
    }
    return best;
}

/* Too few images to give each thread its share. */
static int too_few(int batch, int lanes)
{
    const int n = part_of_batch(batch, lanes, 1);
    return (double)batch / lanes < .7 * ((batch / n + lanes - 1) / lanes * n);
}

/* Gradients of many weights would have to be summed for each part and thread. */
static int convolves_whole(const texp_plan *plan, const texp_op *op)
{
    if (op->kind != TEXP_BY_CONVOLUTION || op->conv_kind != TEXP_CONV_BACKWARD_WEIGHTS) return 0;
    const double images =
        part_of_batch(plan->batch, plan->lanes, CACHE / (double)(texp_image_bytes(op->in) + texp_image_bytes(op->in2)));
    return (double)texp_weight_bytes(op->convolution) >
           images * (double)(texp_image_bytes(op->in) + texp_image_bytes(op->in2));
}

/* Groups of neighbouring parts, which one thread takes at a time. Results do not depend on who takes them, so a thread that
 * another program displaces leaves more to the others. A weight gradient has a sum for each group, whose number is therefore
 * bounded. */
static int groups_of(const texp_plan *plan, const texp_list *list, const texp_stage *stage)
{
    enum { GROUPS_A_LANE = 4 };
    const int parts = plan->batch / stage->images, most = GROUPS_A_LANE * plan->lanes;
    int sums = 0;
    for (int i = 0; i < stage->ops; ++i) {
        const texp_op *op = list->ops + stage->first + i;
        sums |= op->kind == TEXP_BY_CONVOLUTION && op->conv_kind == TEXP_CONV_BACKWARD_WEIGHTS;
    }
    return sums && parts > most ? most : parts;
}

static void end_stage(const texp_plan *plan, texp_list *list, texp_stage *stage, double wanted)
{
    if (!stage->ops) return;
    if (stage->whole || too_few(plan->batch, plan->lanes)) {
        stage->whole = 1;
        stage->images = plan->batch;
    } else {
        stage->images = part_of_batch(plan->batch, plan->lanes, wanted);
    }
    stage->sums = groups_of(plan, list, stage);
    for (int i = 0; i < stage->ops; ++i) {
        texp_op *op = list->ops + stage->first + i;
        op->parts = plan->batch / stage->images;
        op->sums = stage->sums;
    }
    list->stages[list->n_stages++] = *stage;
    *stage = (texp_stage){.first = stage->first + stage->ops};
}

static void find_stages(texp_plan *plan, texp_list *list)
{
    texp_stage stage = {0};
    double least = 0, most = 0;
    list->stages = texp_plan_alloc(plan, (size_t)list->n * sizeof *list->stages);
    for (int i = 0; i < list->n; ++i) {
        const texp_op *op = list->ops + i;
        const int alone = op->kind == TEXP_ALONE || convolves_whole(plan, op);
        const double wanted = wanted_images(op);
        const int differs =
            op->kind == TEXP_BY_CONVOLUTION && !op->joined && most > 0 && (wanted > 6 * most || wanted < least / 6);
        if (alone || differs) end_stage(plan, list, &stage, least);
        if (!stage.ops) least = most = 0;
        ++stage.ops;
        stage.whole = alone;
        if (op->kind == TEXP_BY_CONVOLUTION) {
            most = wanted > most ? wanted : most;
            least = least == 0 || wanted < least ? wanted : least;
        } else if (most == 0 && (least == 0 || wanted < least)) {
            least = wanted;
        }
        if (alone || op->finish) end_stage(plan, list, &stage, least);
    }
    end_stage(plan, list, &stage, least);
}

static size_t recomputed_bytes(const texp_list *list)
{
    size_t most = 0;
    for (int s = 0; s < list->n_stages; ++s) {
        const texp_stage *stage = list->stages + s;
        for (int i = stage->first; i < stage->first + stage->ops; ++i) {
            const texp_op *op = list->ops + i;
            const texp_tensor *all[] = {op->in, op->in2, op->out};
            for (int k = 0; k < 3; ++k) {
                if (!all[k] || !all[k]->lane_bytes) continue;
                const size_t bytes = (size_t)stage->images * texp_image_bytes(all[k]);
                most = bytes > most ? bytes : most;
            }
        }
    }
    return most;
}

/* One of them is read while the next is written: two places are enough for all. */
static void place_recomputed(texp_plan *plan)
{
    const texp_list *lists[] = {&plan->train, &plan->backward, &plan->evaluate};
    size_t bytes = 64;
    for (int i = 0; i < 3; ++i) bytes = recomputed_bytes(lists[i]) > bytes ? recomputed_bytes(lists[i]) : bytes;
    bytes = (bytes + 63) / 64 * 64;
    void *places[] = {texp_plan_alloc(plan, bytes * (size_t)plan->lanes),
                      texp_plan_alloc(plan, bytes * (size_t)plan->lanes)};
    for (int i = 0, k = 0; i < plan->net->n; ++i) {
        texp_tensor *t = plan->recomputed[i];
        if (!t) continue;
        t->lane_bytes = bytes;
        t->data = places[k++ % 2];
    }
}

/* --- convolutions ------------------------------------------------------------------------------------------------- */

static void want_scratch(texp_plan *plan, size_t bytes)
{
    bytes = (bytes + 63) / 64 * 64 + 128;
    if (bytes > plan->scratch_bytes) plan->scratch_bytes = bytes;
}

static void open_convolution(texp_plan *plan, texp_op *op, const texp_stage *stage)
{
    texp_convolution *c = op->convolution;
    const layer *l = plan->net->layers + c->layer;
    /* Called for one image after another it keeps that image in the nearest cache; unless weights are the more to read. */
    op->calls = 1;
    if (op->conv_kind != TEXP_CONV_BACKWARD_WEIGHTS && !stage->whole &&
        texp_weight_bytes(op->convolution) <= texp_image_bytes(op->in) + texp_image_bytes(op->out)) {
        op->calls = stage->images;
    }
    const texp_conv_use use = {.images = stage->images / op->calls,
                               .lanes = stage->whole ? 1 : plan->lanes,
                               .threads = stage->whole ? plan->lanes : 1,
                               .plain_x = c->plain_input || c->in_plain,
                               .plain_y = c->in_plain,
                               .type = c->type,
                               .bias = op->conv_kind == TEXP_CONV_FORWARD && (op->bn || !l->batch_normalize),
                               .slope = op->conv_kind == TEXP_CONV_FORWARD ? op->slope : 1};
    op->conv = texp_conv_open(plan->convs, op->conv_kind, &c->shape, &use);
    if (!op->conv) {
        texp_fail("%s: layer %d: oneDNN refuses this convolution; add backend=plain to [net]", plan->net->texp->file,
                  c->layer);
    }
    const size_t own = (texp_conv_own_bytes(op->conv) + 63) / 64 * 64;
    const size_t images = (size_t)stage->images;
    const size_t plains = images * sizeof(float) * ((size_t)l->inputs + l->outputs) + 128;
    if (op->conv_kind == TEXP_CONV_FORWARD) {
        /* Whichever of training and evaluation has the larger order. */
        if (own > c->weights_bytes) {
            c->weights = texp_plan_alloc(plan, own);
            c->weights_bytes = own;
        }
        if (c->in_plain) want_scratch(plan, plains);
    } else if (op->conv_kind == TEXP_CONV_BACKWARD_DATA) {
        c->back_weights = texp_plan_alloc(plan, own);
        want_scratch(plan, c->in_plain ? plains : images * texp_image_bytes(op->out));
    } else {
        c->updates_size = own / sizeof(float);
        c->updates = texp_plan_alloc(plan, own * (size_t)stage->sums);
        want_scratch(plan, own + (c->in_plain ? plains : 0));
    }
}

static void open_convolutions(texp_plan *plan, texp_list *list)
{
    for (int s = 0; s < list->n_stages; ++s) {
        const texp_stage *stage = list->stages + s;
        for (int i = stage->first; i < stage->first + stage->ops; ++i) {
            if (list->ops[i].kind == TEXP_BY_CONVOLUTION) open_convolution(plan, list->ops + i, stage);
        }
    }
}

void texp_make_stages(texp_plan *plan)
{
    texp_list *lists[] = {&plan->train, &plan->backward, &plan->evaluate};
    for (int i = 0; i < 3; ++i) {
        find_stages(plan, lists[i]);
        open_convolutions(plan, lists[i]);
    }
    place_recomputed(plan);
    plan->claims = texp_plan_alloc(plan, sizeof *plan->claims * (size_t)plan->lanes);
    plan->scratch_bytes = (plan->scratch_bytes + 4095) / 4096 * 4096 + 64;
    plan->scratch = texp_plan_alloc(plan, plan->scratch_bytes * (size_t)plan->lanes);
}
