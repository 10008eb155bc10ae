/* links: double, float */
/*
 * The exponential forms give, update by update, the function of the recipe that they fold: the same probabilities in
 * training and in evaluation, on small networks. Two networks with the same start train side by side on the same
 * batches, in double for 200 updates and in float for 50.
 */
#include "support.h"

#include "net/texp_net.h"
#include "net/update.h"
#include "texp.h"

/*
 * The runs round differently, by a unit in the last place at every operation, and training amplifies. By how much is
 * measured in each test: a network whose weights start off by PUSH of themselves must stay within GROWTH*PUSH. That
 * leaves room for the effect of four units at every update, all adding up: GROWTH * 4 * UNIT * UPDATES < TOLERANCE.
 * A push may take a rectifier across its kink, which is a jump: then other batches are tried.
 */
#ifdef TEXP_DOUBLE
enum { UPDATES = 200 };
static const double TOLERANCE = 1e-9, UNIT = 0x1p-53, PUSH = 1e-12, GROWTH = 1e4;
#else
enum { UPDATES = 50 };
static const double TOLERANCE = 1e-3, UNIT = 0x1p-24, PUSH = 1e-6, GROWTH = 30;
#endif

/* ---- Networks: of 8x8 images, 3 channels, 4 classes. */

#define CONVOLUTION(n, size, stride, more)                                                                             \
    "[convolutional]\nfilters=" #n "\nsize=" #size "\nstride=" #stride "\npad=1\nactivation=" more "\n"
#define DECONVOLUTION(n, more) "[deconvolutional]\nfilters=" #n "\nsize=4\nstride=2\npadding=1\nactivation=" more "\n"
#define CONV(n, size, stride)  CONVOLUTION(n, size, stride, "linear\nbias=0")
#define BN                     "[batchnorm]\n"
#define RELU                   "[activation]\nactivation=relu\n"
#define ADD(layer)             "[shortcut]\nfrom=" #layer "\nactivation=linear\n"
#define BLOCK(n)               BN RELU CONV(n, 3, 1) BN RELU CONV(n, 3, 1) ADD(-7)
#define HALF_BLOCK_OF(n, bn)   BN RELU CONV(n, 3, 2) BN RELU CONV(n, 3, 1) "[route]\nlayers=-7\n" bn CONV(n, 1, 2)
#define HEAD                   BN RELU "[avgpool]\n"
#define FIXED                  "[connected]\noutput=4\nactivation=linear\nfixed=1\ninit_std=1\n[softmax]\n"
#define FREE                   "[connected]\noutput=4\nactivation=linear\n[softmax]\n"

typedef struct {
    const char *name;
    const char *keys; /* of [net] */
    const char *body;
    int growing; /* layers in S */
    int all_growing; /* they are all that trains */
} network_case;

static const network_case networks[] = {
    /* The paper's setting: all that is not scale invariant is frozen. */
    {"preresnet", "affine=0\nbatchnorm_eps=1e-2\n", CONV(4, 3, 1) BLOCK(4) HALF_BLOCK_OF(6, BN) ADD(-4) HEAD FIXED, 6,
     1},
    /* Trainable affine and last layer, which take the base rate. */
    {"preresnet_trainable", "batchnorm_eps=1e-2\n", CONV(4, 3, 1) BLOCK(4) HALF_BLOCK_OF(6, BN) ADD(-4) HEAD FREE, 6,
     0},
    /* No normalisation in front of the 1x1 convolution: then that one takes the base rate. */
    {"preresnet_unnormalised_shortcut", "affine=0\nbatchnorm_eps=1e-2\n",
     CONV(4, 3, 1) BLOCK(4) HALF_BLOCK_OF(6, "") ADD(-3) HEAD FIXED, 5, 0},
    /* Gradients gathered over two passes before each update. */
    {"preresnet_subdivided", "affine=0\nbatchnorm_eps=1e-2\nsubdivisions=2\n",
     CONV(4, 3, 1) BLOCK(4) HALF_BLOCK_OF(6, BN) ADD(-4) HEAD FIXED, 6, 1},
    /* Darknet's own formula of batch normalisation, with its two epsilons. */
    {"convnet", "affine=0\n",
     CONVOLUTION(6, 3, 1, "relu\nbatch_normalize=1") CONVOLUTION(6, 3, 2, "leaky\nbatch_normalize=1")
         CONVOLUTION(8, 3, 2, "relu\nbatch_normalize=1") "[avgpool]\n" FIXED,
     3, 1},
    {"convnet_trainable", "",
     CONVOLUTION(6, 3, 1, "relu\nbatch_normalize=1") CONVOLUTION(
         6, 3, 2, "leaky\nbatch_normalize=1") "[connected]\noutput=6\nactivation=relu\nbatch_normalize=1\n" FREE,
     3, 0},
    /* Rates of layers' own: the first and third grow by themselves, the last keeps its base rate. */
    {"own_rates", "",
     CONVOLUTION(6, 3, 1, "relu\nbatch_normalize=1\nlearning_rate=.5")
         CONVOLUTION(6, 3, 2, "leaky\nbatch_normalize=1") "[connected]\noutput=6\nactivation=relu\nbatch_normalize=1\n"
                                                          "learning_rate=2\n[connected]\noutput=4\nactivation=linear\n"
                                                          "learning_rate=3\n[softmax]\n",
     3, 0},
    /* One rate in a residual stream is another's: its layer keeps its base rate, and with it the stream. */
    {"own_rate_in_a_stream", "batchnorm_eps=1e-2\n",
     CONV(4, 3, 1) BN RELU CONV(4, 3, 1) BN RELU CONVOLUTION(4, 3, 1, "linear\nbias=0\nlearning_rate=.5") ADD(-7)
         HEAD FREE,
     1, 0},
    /* Statistics inside a [deconvolutional], behind one and behind a [local] follow the scale. The bias of a [local] of
     * one pixel is a channel's, and swallowed. Without rectifiers: of this many pixels some always cross their kink. */
    {"deconvolutions", "batchnorm_eps=1e-2\n",
     DECONVOLUTION(6, "linear\nbatch_normalize=1") DECONVOLUTION(4, "linear") BN
     "[local]\nfilters=4\nsize=32\nstride=32\npad=0\nactivation=linear\n" BN FREE,
     3, 0},
    /* What yolov4-tiny is made of; curves keep no degree and stand behind normalisations. */
    {"groups_and_curves", "batchnorm_eps=1e-2\n",
     CONVOLUTION(6, 3, 1, "mish\nbatch_normalize=1") "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n" CONVOLUTION(
         4, 3, 1, "swish\nbatch_normalize=1")
         CONVOLUTION(4, 3, 1, "linear") "[route]\nlayers=-1\ngroups=2\ngroup_id=0\n" BN
                                        "[activation]\nactivation=mish\n"
                                        "[route]\nlayers=-1,0\n"
                                        "[avgpool]\n" FREE,
     3, 0},
    /* Biases that a normalisation swallows, through an addition and pooling. */
    {"swallowed_biases", "batchnorm_eps=1e-2\n",
     CONVOLUTION(4, 3, 1, "linear") BN RELU CONVOLUTION(4, 3, 1, "linear")
         ADD(-4) "[maxpool]\nsize=2\nstride=2\n" HEAD FREE,
     2, 0},
};
enum { NETWORKS = sizeof networks / sizeof *networks, OWN_RATES = 6 };

/* ---- Recipes. With eta*lambda 4e-4 and momentum .9 the weights grow by .4 % an update, 2.3-fold in 200. */

typedef struct {
    const char *name;
    const char *policy; /* of the base */
    const char *keys;
} recipe_case;

static const recipe_case recipes[] = {
    {"steps", "steps", "steps=20,140\nscales=.5,.2\n"},
    {"steps_up", "steps", "steps=20,140\nscales=.2,5\n"},
    {"steps_with_decays", "steps", "steps=20,140\nscales=.5,.2\ndecays=1.5,.1\n"},
    {"constant", "constant", ""},
    {"step", "step", "step=20\nscale=.8\n"},
    {"exp", "exp", "gamma=.99\n"},
    {"poly", "poly", "power=1.5\nmax_batches=200\n"}, /* ends at rate 0 */
    {"sigmoid", "sigmoid", "gamma=.05\nstep=30\n"},
    {"cosine", "cosine", "max_batches=200\n"},
    {"cosine_by_epochs", "cosine", "max_batches=200\nstep=10\n"},
    {"sgdr", "sgdr", "sgdr_cycle=30\nsgdr_mult=2\nlearning_rate_min=.002\nmax_batches=200\n"},
    {"burn_in", "steps", "burn_in=30\npower=2\nsteps=40,140\nscales=.5,.2\n"},
    {"without_momentum", "steps", "momentum=0\nsteps=20,140\nscales=.5,.2\n"},
};
enum { RECIPES = sizeof recipes / sizeof *recipes, STEP_DECAY = 0, CONSTANT_RATE = 3, BURN_IN = 11 };

/* `policy` ends where the name of the base begins: "" for the base itself. */
static network *make_network(const network_case *k, const char *policy, const recipe_case *r, const char *backend)
{
    network *net = network_of("[net]\nbatch=4\nchannels=3\nheight=8\nwidth=8\nseed=7\nlearning_rate=.005\ndecay=.08\n"
                              "backend=%s\n%s%spolicy=%s\n%s%s%s",
                              backend, k->keys, policy, r->policy, r->keys,
                              strstr(r->keys, "momentum") ? "" : "momentum=.9\n", k->body);
    int i;
    /* Rolling statistics that start at 0 would make the first predictions infinitely sensitive. */
    for (i = 0; i < net->n; ++i) {
        layer l = net->layers[i];
        if (l.rolling_variance) fill(l.rolling_variance, l.out_c, i, .5, 1.5);
    }
    return net;
}

/* Another number, other batches. */
static int batches;

/* Update k. */
static void train(network *net, int k)
{
    int i;
    for (i = 0; i < net->subdivisions; ++i) {
        set_batch(net, 100000 * batches + 1000 * (i + 1) + k);
        train_network_datum(net);
    }
}

static void predict(network *net)
{
    set_batch(net, 0);
    network_predict(net, net->input);
}

/* Trains networks side by side and holds all against the first; frees them. */
typedef struct {
    double training, evaluation; /* largest difference of a probability, over all updates */
    double change; /* of a prediction of the first between two updates: something was learnt */
} differences;

static void compare(network *first, network *other, differences *d, int is_training)
{
    double apart = largest_difference(first->output, other->output, (size_t)first->outputs * first->batch);
    double *worst = is_training ? &d->training : &d->evaluation;
    *worst = fmax(*worst, apart);
}

/* after: called on the second after each of its updates, or NULL. d[i] is of the (i+1)th against the first. */
static void train_together(network **nets, int n, differences *d, void (*after)(network *))
{
    size_t outputs = (size_t)nets[0]->outputs * nets[0]->batch;
    float *before = calloc(outputs, sizeof *before);
    double change = 0;
    int i, k;
    memset(d, 0, (n - 1) * sizeof *d);
    for (k = 1; k <= UPDATES; ++k) {
        for (i = 0; i < n; ++i) train(nets[i], k);
        for (i = 1; i < n; ++i) compare(nets[0], nets[i], d + i - 1, 1);
        if (after) after(nets[1]);
        for (i = 0; i < n; ++i) predict(nets[i]);
        for (i = 1; i < n; ++i) compare(nets[0], nets[i], d + i - 1, 0);
        if (k > 1) change = fmax(change, largest_difference(before, nets[0]->output, outputs));
        memcpy(before, nets[0]->output, outputs * sizeof *before);
    }
    for (i = 0; i < n; ++i) free_network(nets[i]);
    for (i = 1; i < n; ++i) d[i - 1].change = change;
    free(before);
}

static differences train_both(network *first, network *second, void (*after)(network *))
{
    network *nets[] = {first, second};
    differences d;
    train_together(nets, 2, &d, after);
    return d;
}

static void push(network *net)
{
    int i, j;
    for (i = 0; i < net->n; ++i) {
        layer l = net->layers[i];
        for (j = 0; l.weights && j < l.nweights; ++j) l.weights[j] *= 1 + PUSH * (random_bits(i, j) & 1 ? 1 : -1);
    }
}

static void assert_same_function(differences d)
{
    assert_below(d.training, TOLERANCE);
    assert_below(d.evaluation, TOLERANCE);
    assert_above(d.change, 1e-3);
}

/* ---- Tests. */

typedef struct {
    const network_case *network;
    const recipe_case *recipe;
    const char *backend;
} pair_case;

/* d: of a pushed copy of the base, of texp++ and of texp with the correction, each against the base. */
static void train_forms(const pair_case *p, differences d[3])
{
    network *nets[] = {make_network(p->network, "", p->recipe, p->backend),
                       make_network(p->network, "", p->recipe, p->backend),
                       make_network(p->network, "policy=texp++\nbase_", p->recipe, p->backend),
                       make_network(p->network, "policy=texp\nmomentum_correction=1\nbase_", p->recipe, p->backend)};
    assert_int_equal(nets[2]->texp->counts.growing, p->network->growing);
    assert_int_equal(nets[3]->texp->counts.growing, p->network->growing);
    push(nets[1]);
    train_together(nets, 4, d, NULL);
}

static int is_smooth(const differences *pushed)
{
    return pushed->training < GROWTH * PUSH && pushed->evaluation < GROWTH * PUSH;
}

static void exponential_forms_train_as_their_base(void **state)
{
    enum { TRIES = 5 };
    differences d[3];
    assert_true(GROWTH * 4 * UNIT * UPDATES < TOLERANCE);
    for (batches = 0; batches < TRIES; ++batches) {
        train_forms(*state, d);
        if (is_smooth(d)) break;
    }
    batches = 0;
    assert_true(is_smooth(d));
    assert_same_function(d[1]);
    assert_same_function(d[2]);
}

static const recipe_case falling_rate = {"", "steps", "steps=20,40\nscales=.1,.5\n"};

/* texp-- is texp, without the correction, of the recipe whose rate stays and whose decay falls instead. The paper has
 * it where all that trains is in S; layers outside have no such recipe. */
static void texp_mm_is_texp_of_its_constant_rate_recipe(void **state)
{
    const network_case *k = *state;
    const recipe_case falling_decay = {"", "steps", "steps=20,40\nscales=1,1\ndecays=.1,.5\n"};
    network *minus = make_network(k, "policy=texp--\nbase_", &falling_rate, "auto");
    network *texp = make_network(k, "policy=texp\nbase_", &falling_decay, "auto");
    assert_same_function(train_both(minus, texp, NULL));
}

/* The recipe that the above folds, but for the correction: with it, that one is followed exactly. */
static void texp_of_the_constant_rate_recipe_is_that_recipe(void **state)
{
    const network_case *k = *state;
    const recipe_case falling_decay = {"", "steps", "steps=20,40\nscales=1,1\ndecays=.1,.5\n"};
    network *base = make_network(k, "", &falling_decay, "auto");
    network *texp = make_network(k, "policy=texp\nmomentum_correction=1\nbase_", &falling_decay, "auto");
    assert_same_function(train_both(base, texp, NULL));
}

/* Biases that were loaded: the base keeps them, the form takes them into the rolling means. */
static void loaded_biases_that_are_swallowed_change_nothing(void **state)
{
    const network_case *k = *state;
    network *nets[] = {make_network(k, "", recipes + STEP_DECAY, "auto"),
                       make_network(k, "policy=texp++\nbase_", recipes + STEP_DECAY, "auto")};
    for (int i = 0; i < 2; ++i) {
        for (int j = 0; j < nets[i]->n; ++j) {
            layer l = nets[i]->layers[j];
            if (l.type == CONVOLUTIONAL) fill(l.biases, l.n, 77 + j, -.5, .5);
        }
    }
    texp_resume(nets[1]);
    assert_true(nets[0]->layers[0].biases[1] != 0 && nets[1]->layers[0].biases[1] == 0);
    assert_same_function(train_both(nets[0], nets[1], NULL));
}

/* Where all is scale invariant, one rate for all is the rate of S. */
static void texp_layers_all_is_invariant_where_all_is(void **state)
{
    const network_case *k = *state;
    differences d =
        train_both(make_network(k, "policy=texp++\nbase_", recipes + STEP_DECAY, "auto"),
                   make_network(k, "texp_layers=all\npolicy=texp++\nbase_", recipes + STEP_DECAY, "auto"), NULL);
    assert_true(d.training == 0 && d.evaluation == 0);
}

/* Forms that must differ, and are seen to: what is equal above is not equal for want of any difference. */
static void texp_mm_is_not_texp(void **state)
{
    (void)state;
    assert_above(train_both(make_network(networks, "policy=texp--\nbase_", &falling_rate, "auto"),
                            make_network(networks, "policy=texp\nbase_", &falling_rate, "auto"), NULL)
                     .training,
                 1e-2);
}

static void texp_without_correction_is_not_its_base(void **state)
{
    (void)state;
    assert_above(train_both(make_network(networks, "", recipes + CONSTANT_RATE, "auto"),
                            make_network(networks, "policy=texp\nbase_", recipes + CONSTANT_RATE, "auto"), NULL)
                     .training,
                 1e-2);
}

/* The schedule is rebuilt from the counter alone: to the bit what it was. */
static void resuming_after_every_update_changes_nothing(void **state)
{
    const recipe_case *burn_in = recipes + BURN_IN;
    differences d;
    (void)state;
    d = train_both(make_network(networks, "policy=texp++\nbase_", burn_in, "auto"),
                   make_network(networks, "policy=texp++\nbase_", burn_in, "auto"), texp_resume);
    assert_true(d.training == 0 && d.evaluation == 0);
    assert_above(d.change, 1e-3);
}

#ifdef TEXP_DOUBLE
static void freeze_epsilon(network *net)
{
    texp_follow_scale(net, 1);
}

static void epsilon_that_does_not_follow_breaks_the_equivalence(void **state)
{
    const network_case *k = *state;
    network *base = make_network(k, "", recipes + CONSTANT_RATE, "auto");
    network *form = make_network(k, "policy=texp++\nbase_", recipes + CONSTANT_RATE, "auto");
    differences d = train_both(base, form, freeze_epsilon);
    assert_above(d.training, 1e-6);
    assert_above(d.evaluation, 1e-6);
}
#endif

static struct CMUnitTest tests[256];
static size_t n_tests;

static void add_test(CMUnitTestFunction body, const void *state, const char *format, ...)
{
    char *name;
    va_list list;
    va_start(list, format);
    if (vasprintf(&name, format, list) < 0) exit(99);
    va_end(list);
    tests[n_tests++] = (struct CMUnitTest){name, body, NULL, NULL, (void *)state};
}

static void add_pair(int network, int recipe, const char *backend)
{
    pair_case *p = malloc(sizeof *p);
    *p = (pair_case){networks + network, recipes + recipe, backend};
    add_test(exponential_forms_train_as_their_base, p, "exponential_forms_train_as_their_base:%s,%s,%s",
             networks[network].name, recipes[recipe].name, backend);
}

int main(void)
{
    int i;
#ifdef _OPENMP
    omp_set_num_threads(1); /* networks this small gain nothing from more, and lose much where other programs run */
#endif
    for (i = 0; i < NETWORKS; ++i) {
        add_pair(i, STEP_DECAY, "auto");
        add_pair(i, STEP_DECAY, "plain");
    }
    for (i = STEP_DECAY + 1; i < RECIPES; ++i) add_pair(0, i, "auto"), add_pair(OWN_RATES, i, "auto");
    for (i = 0; i < NETWORKS; ++i) {
        if (!networks[i].all_growing) continue;
        add_test(texp_mm_is_texp_of_its_constant_rate_recipe, networks + i,
                 "texp--_is_texp_of_its_constant_rate_recipe:%s", networks[i].name);
        add_test(texp_of_the_constant_rate_recipe_is_that_recipe, networks + i,
                 "texp_of_the_constant_rate_recipe_is_that_recipe:%s", networks[i].name);
    }
    add_test(loaded_biases_that_are_swallowed_change_nothing, networks + NETWORKS - 1,
             "loaded_biases_that_are_swallowed_change_nothing");
    add_test(texp_layers_all_is_invariant_where_all_is, networks, "texp_layers_all_is_invariant_where_all_is");
    add_test(resuming_after_every_update_changes_nothing, NULL, "resuming_after_every_update_changes_nothing");
    add_test(texp_mm_is_not_texp, NULL, "texp--_is_not_texp");
    add_test(texp_without_correction_is_not_its_base, NULL, "texp_without_correction_is_not_its_base");
#ifdef TEXP_DOUBLE
    for (i = 0; i < NETWORKS; ++i) {
        add_test(epsilon_that_does_not_follow_breaks_the_equivalence, networks + i,
                 "epsilon_that_does_not_follow_breaks_the_equivalence:%s", networks[i].name);
    }
#endif
    return _cmocka_run_group_tests("equivalence", tests, n_tests, NULL, NULL);
}
