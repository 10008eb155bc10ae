#include "train/box_source.h"

#include "base/refuse.h"
#include "data/augment.h"
#include "data/boxes.h"
#include "data/order.h"
#include "data/placement.h"
#include "net/texp_net.h"
#include "train/image_memory.h"
#include "train/image_set.h"

#include "image.h"

#include <pthread.h>
#include <stdatomic.h>
#ifdef _OPENMP
#include <omp.h>
#endif

typedef struct {
    texp_source source;
    texp_photos *photos;
    texp_boxes *boxes;
    texp_placement_rule rule;
    const texp_augment *normalisation; /* NULL: none */
    texp_order order;
    int most_boxes, threads;
} box_source;

/* A batch in the making. */
typedef struct {
    box_source *of;
    uint64_t first;
    int w, h;
    data batch;
    int *images; /* of each sample */
    atomic_int next; /* sample to be made */
    pthread_mutex_t lock; /* of what follows */
    int bad; /* the first sample that could not be made; batch.X.rows: none */
    texp_message message;
} making;

/* --- one sample --------------------------------------------------------------------------------------------------- */

static void change_colours(image canvas, const texp_placement *p)
{
    if (canvas.c == 3) {
        distort_image(canvas, p->hue, p->saturation, p->exposure);
        return;
    }
    scale_image(canvas, p->exposure);
    constrain_image(canvas);
}

static int place(const making *m, int sample, const texp_photo *photo, texp_message *message)
{
    const box_source *s = m->of;
    image canvas = {.w = m->w, .h = m->h, .c = photo->c, .data = m->batch.X.vals[sample]};
    texp_placement p =
        texp_placement_draw(&s->rule, s->order.seed, m->first + (uint64_t)sample, photo->w, photo->h, m->w, m->h);
    int n;
    const texp_box *boxes = texp_boxes_of(s->boxes, m->images[sample], &n);
    if (texp_placement_image(canvas.data, m->w, m->h, photo, &p) ||
        texp_placement_boxes(m->batch.y.vals[sample], s->most_boxes, boxes, n, m->w, m->h, &p)) {
        return texp_say(message, "no memory for a batch of images");
    }
    change_colours(canvas, &p);
    if (p.flip) flip_image(canvas);
    if (s->normalisation) texp_augment_normalise(canvas.data, (size_t)m->w * m->h, s->normalisation);
    return 0;
}

static int make_sample(const making *m, int sample, texp_message *message)
{
    texp_photo photo;
    if (texp_photos_get(m->of->photos, m->images[sample], &photo, message)) return -1;
    int status = place(m, sample, &photo, message);
    texp_photos_return(&photo);
    return status;
}

/* --- a batch ------------------------------------------------------------------------------------------------------ */

/* Of several samples that can't be made, the first one is told. */
static void take_message(making *m, int sample, const texp_message *message)
{
    pthread_mutex_lock(&m->lock);
    if (sample < m->bad) {
        m->bad = sample;
        m->message = *message;
    }
    pthread_mutex_unlock(&m->lock);
}

static void *make_samples(void *argument)
{
    making *m = argument;
    texp_message message;
    int sample;
    while ((sample = atomic_fetch_add(&m->next, 1)) < m->batch.X.rows) {
        if (make_sample(m, sample, &message)) take_message(m, sample, &message);
    }
    return NULL;
}

/* The calling thread is one of them; fewer do the same. */
static void make_with_threads(making *m, int threads)
{
    pthread_t helpers[threads];
    int n = 0;
    while (n < threads - 1 && !pthread_create(helpers + n, NULL, make_samples, m)) ++n;
    make_samples(m);
    for (int i = 0; i < n; ++i) pthread_join(helpers[i], NULL);
}

static int fill(texp_source *source, uint64_t first, int w, int h, data batch, texp_message *message)
{
    box_source *s = (box_source *)source;
    making m = {.of = s, .first = first, .w = w, .h = h, .batch = batch, .bad = batch.X.rows};
    m.images = calloc((size_t)batch.X.rows, sizeof *m.images);
    if (!m.images) return texp_say(message, "no memory for a batch of images");
    for (int i = 0; i < batch.X.rows; ++i) m.images[i] = texp_order_image(&s->order, first + (uint64_t)i);
    pthread_mutex_init(&m.lock, NULL);
    make_with_threads(&m, s->threads < batch.X.rows ? s->threads : batch.X.rows);
    pthread_mutex_destroy(&m.lock);
    free(m.images);
    return m.bad < batch.X.rows ? texp_say(message, "%s", m.message.text) : 0;
}

/* --- opening and closing ------------------------------------------------------------------------------------------ */

static void close_source(texp_source *source)
{
    box_source *s = (box_source *)source;
    texp_photos_close(s->photos);
    texp_boxes_close(s->boxes);
    texp_order_close(&s->order);
    free(s);
}

static int count_threads(void)
{
    enum { MOST = 16 };
    int n = 1;
#ifdef _OPENMP
    n = omp_get_max_threads();
#endif
    return n < MOST ? n : MOST;
}

static texp_placement_rule rule_of(const network *net, const layer *l)
{
    return (texp_placement_rule){.jitter = l->jitter,
                                 .hue = net->hue,
                                 .saturation = net->saturation,
                                 .exposure = net->exposure,
                                 .flips = !net->texp->images.has_flip || net->texp->images.augment.flip};
}

static void open_files(box_source *s, const network *net, const char *list, int classes)
{
    texp_message message;
    if (texp_photos_open(list, net->c, texp_image_memory(), &s->photos, &message)) texp_fail("%s", message.text);
    int n = texp_photos_size(s->photos);
    if (texp_boxes_open(texp_photos_paths(s->photos), n, classes, &s->boxes, &message)) texp_fail("%s", message.text);
    if (texp_boxes_missing(s->boxes, &message)) fprintf(stderr, "%s\n", message.text);
    s->source.images = n;
}

texp_source *texp_box_source_open(const network *net, list *data)
{
    const layer *l = net->layers + net->n - 1;
    const texp_net *t = net->texp;
    box_source *s = calloc(1, sizeof *s);
    open_files(s, net, texp_data_file(data, "train", "data/train.list"), l->classes);
    s->source.fill = fill;
    s->source.close = close_source;
    s->rule = rule_of(net, l);
    s->normalisation = t->images.normalises ? &t->images.augment : NULL;
    s->most_boxes = net->truths / 5;
    s->threads = count_threads();
    if (texp_order_open(&s->order, t->seed, s->source.images)) texp_fail("no memory for the order of the images");
    return &s->source;
}
