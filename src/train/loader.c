#include "train/loader.h"

#include "base/libc_rand.h"
#include "base/refuse.h"
#include "net/checkpoint.h"
#include "net/texp_net.h"
#include "train/image_set.h"

#include "data.h"

/* Where the order of the images stands. */
typedef struct {
    uint64_t next; /* number of the sample to be loaded next */
    /* Of the batch under way: */
    uint64_t loading; /* its first sample's number */
    texp_rand rand_loading; /* what rand() was before it */
    /* Of a state, until the first batch is loaded: */
    int resumed;
    texp_rand rand_then; /* what rand() was when it was saved */
} image_order;

struct texp_loader {
    const texp_setup *setup;
    texp_source *source; /* our loader's, or NULL: Darknet makes the images */
    load_args request; /* of Darknet's loader; of ours, n and the size alone */
    data loaded; /* by the thread */
    int failed; /* it could not; the message says why */
    texp_message message;
    pthread_t thread;
    int under_way;
    long turn; /* updates before which a change of size was asked for */
    image_order order;
};

/* --- opening ------------------------------------------------------------------------------------------------------ */

static void read_paths(load_args *request, list *data)
{
    /* Of a tree of classes an image has several. */
    char **labels = request->hierarchy ? NULL : request->labels;
    list *paths = texp_read_labelled_paths(data, "train", "data/train.list", labels, request->classes);
    request->paths = (char **)list_to_array(paths);
    request->m = paths->size;
    free_list(paths);
}

static void fit_request(texp_loader *loader, int width, int height)
{
    loader->setup->task->fit_request(&loader->request, loader->setup->net, width, height);
}

texp_loader *texp_loader_open(const texp_setup *setup)
{
    texp_loader *loader = calloc(1, sizeof *loader);
    network *net = setup->net;
    loader->setup = setup;
    loader->source = setup->task->open_source(net, setup->data);
    loader->request = loader->source ? get_base_args(net) : setup->task->request(net, setup->data);
    if (!loader->source) read_paths(&loader->request, setup->data);
    loader->request.n = setup->batch;
    loader->request.d = &loader->loaded;
    loader->request.threads = setup->task->loader_threads;
    loader->order.next = *net->seen;
    if (setup->task->counts_epochs) printf("%d\n", texp_loader_images(loader));
    fit_request(loader, net->w, net->h);
    return loader;
}

int texp_loader_images(const texp_loader *loader)
{
    return loader->source ? loader->source->images : loader->request.m;
}

int texp_loader_is_ours(const texp_loader *loader)
{
    return loader->source != NULL;
}

int texp_loader_keeps_order(const texp_loader *loader)
{
    return loader->source || loader->setup->net->texp->has_seed;
}

void texp_loader_close(texp_loader *loader)
{
    if (!loader) return;
    if (loader->under_way) free_data(texp_loader_take(loader));
    if (loader->source) loader->source->close(loader->source);
    for (int i = 0; i < loader->request.m; ++i) free(loader->request.paths[i]);
    free(loader->request.paths);
    free(loader);
}

/* --- batches ------------------------------------------------------------------------------------------------------ */

static void *load_ours(void *argument)
{
    texp_loader *loader = argument;
    const network *net = loader->setup->net;
    const load_args *request = &loader->request;
    loader->loaded = (data){.X = make_matrix(request->n, request->w * request->h * net->c),
                            .y = make_matrix(request->n, net->truths)};
    loader->failed = loader->source->fill(loader->source, loader->order.loading, request->w, request->h, loader->loaded,
                                          &loader->message);
    return NULL;
}

static void *load_nothing(void *argument)
{
    return argument;
}

/* Of the first batch that a resumed run loads, rand() shall be what it was when the run before loaded it; behind it,
 * what it was at the save. */
static void begin_in_order(image_order *order)
{
    if (!order->resumed) {
        texp_rand_save(&order->rand_loading);
    } else if (texp_rand_restore(&order->rand_loading)) {
        texp_checkpoint_refuse(&(texp_message){"the training state: `run rand loading` is no state of rand()"});
    }
}

static void end_in_order(image_order *order)
{
    if (order->resumed && texp_rand_restore(&order->rand_then)) {
        texp_checkpoint_refuse(&(texp_message){"the training state: `run rand` is no state of rand()"});
    }
    order->resumed = 0;
}

/* Darknet's loader threads draw from one sequence as they come: in order, one after another in place of many. */
static void load_in_order(texp_loader *loader)
{
    begin_in_order(&loader->order);
    if (!loader->source) load_data_blocking(loader->request);
    int failed = pthread_create(&loader->thread, NULL, loader->source ? load_ours : load_nothing, loader);
    if (failed) texp_fail("can't start a loader thread: %s", strerror(failed));
    end_in_order(&loader->order);
}

/* A batch of ours has the size at once that its update needs. */
static void advance_ours(texp_loader *loader)
{
    const texp_setup *s = loader->setup;
    image_order *order = &loader->order;
    int size = s->task->size_at ? s->task->size_at(s->net, (long)(order->loading / (uint64_t)loader->request.n)) : 0;
    if (size) loader->request.w = loader->request.h = size;
    order->next += (uint64_t)loader->request.n;
}

void texp_loader_start(texp_loader *loader)
{
    loader->order.loading = loader->order.next;
    if (loader->source) advance_ours(loader);
    if (texp_loader_keeps_order(loader))
        load_in_order(loader);
    else
        loader->thread = load_data(loader->request);
    loader->under_way = 1;
}

data texp_loader_take(texp_loader *loader)
{
    pthread_join(loader->thread, NULL);
    loader->under_way = 0;
    if (loader->failed) texp_fail("%s", loader->message.text);
    return loader->loaded;
}

/* --- changes of size ------------------------------------------------------------------------------------------------ */

/* As Darknet's loop does it: the batch under way has the old size and is thrown away. */
static int reload_at_next_size(texp_loader *loader)
{
    const texp_setup *s = loader->setup;
    int size = s->task->next_size ? s->task->next_size(s->net, loader->turn++) : 0;
    if (!size) return 0;
    printf("Resizing\n%d\n", size);
    fit_request(loader, size, size);
    free_data(texp_loader_take(loader));
    texp_loader_start(loader);
    return size;
}

int texp_loader_next_size(texp_loader *loader)
{
    int size = loader->request.w;
    if (!loader->source) return reload_at_next_size(loader);
    if (size == loader->setup->net->w || !loader->setup->task->size_at) return 0;
    printf("Resizing\n%d\n", size);
    return size;
}

/* --- training state ---------------------------------------------------------------------------------------------- */

void texp_loader_save(const texp_loader *loader, texp_state *state)
{
    texp_rand now;
    texp_state_add_u64(state, "run images", (uint64_t)texp_loader_images(loader));
    texp_state_add_u64(state, "run count", (uint64_t)loader->turn);
    texp_state_add_u64(state, "run width", (uint64_t)loader->setup->net->w);
    texp_state_add_u64(state, "run height", (uint64_t)loader->setup->net->h);
    if (!texp_loader_keeps_order(loader)) return;
    texp_rand_save(&now);
    texp_state_add_u64(state, "run loading", loader->order.loading);
    texp_state_add(state, "run rand loading", TEXP_U64, loader->order.rand_loading.words, TEXP_RAND_WORDS);
    texp_state_add(state, "run rand", TEXP_U64, now.words, TEXP_RAND_WORDS);
}

static int restore_order(image_order *order, const texp_saved *saved, texp_message *message)
{
    if (texp_saved_u64(saved, "run loading", &order->next, message) ||
        texp_saved_get(saved, "run rand loading", TEXP_U64, order->rand_loading.words, TEXP_RAND_WORDS, message) ||
        texp_saved_get(saved, "run rand", TEXP_U64, order->rand_then.words, TEXP_RAND_WORDS, message)) {
        return -1;
    }
    order->resumed = 1;
    return 0;
}

static void restore_size(texp_loader *loader, int width, int height)
{
    network *net = loader->setup->net;
    if (net->w == width && net->h == height) return;
    fit_request(loader, width, height);
    resize_network(net, width, height);
}

int texp_loader_restore(texp_loader *loader, const texp_saved *saved, texp_message *message)
{
    uint64_t images, turn, width, height;
    if (texp_saved_u64(saved, "run images", &images, message) || texp_saved_u64(saved, "run count", &turn, message) ||
        texp_saved_u64(saved, "run width", &width, message) || texp_saved_u64(saved, "run height", &height, message) ||
        (texp_loader_keeps_order(loader) && restore_order(&loader->order, saved, message))) {
        return -1;
    }
    if (images != (uint64_t)texp_loader_images(loader)) {
        return texp_say(message, "%s: the list of training images had %lu lines beside its state, and has %d now",
                        texp_path_tail(loader->setup->weights_file), (unsigned long)images, texp_loader_images(loader));
    }
    loader->turn = (long)turn;
    restore_size(loader, (int)width, (int)height);
    return 0;
}
