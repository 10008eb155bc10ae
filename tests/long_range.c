/* links: float */
/* A million updates at the standard hyperparameters end with finite numbers, and the network still learns. */
#include "support.h"

#include "net/layers.h"
#include "net/texp_net.h"
#include "texp.h"

enum { UPDATES = 1000000, LAST = 100 };

static network *make(void)
{
    return network_of("[net]\nbatch=2\nchannels=1\nheight=4\nwidth=4\nseed=7\npolicy=texp++\nlearning_rate=.1\n"
                      "momentum=.9\ndecay=.0005\nmax_batches=%d\nbackend=plain\n"
                      "[convolutional]\nbatch_normalize=1\nfilters=2\nsize=3\nstride=1\npad=1\nactivation=leaky\n"
                      "[convolutional]\nbatch_normalize=1\nfilters=2\nsize=3\nstride=2\npad=1\nactivation=leaky\n"
                      "[connected]\noutput=2\nactivation=linear\n[softmax]\n",
                      UPDATES);
}

/* The class is whether the upper or the lower half is brighter. */
static double train(network *net, int k)
{
    for (int b = 0; b < 2; ++b) {
        int lower = random_bits(3, 2 * k + b) & 1;
        for (int i = 0; i < 16; ++i) {
            net->input[16 * b + i] = uniform(4, 32 * (uint64_t)k + 16 * b + i) + ((i < 8) == lower ? 0 : .5);
        }
        net->truth[2 * b] = !lower;
        net->truth[2 * b + 1] = lower;
    }
    return train_network_datum(net);
}

static void a_million_updates_end_with_finite_numbers(void **state)
{
    (void)state;
    network *net = make();
    double loss = 0;
    for (int k = 1; k <= UPDATES; ++k) {
        double now = train(net, k);
        assert_true(isfinite(now));
        if (k > UPDATES - LAST) loss += now / LAST;
    }
    /* alpha is 1 - 5e-4, the scale alpha^-10^6. */
    const texp_schedule *schedule = &net->texp->schedule.tracks->schedule;
    assert_true(schedule->scale > 1e200L && isfinite(schedule->scale));
    assert_true(schedule->doublings > 700);
    for (int i = 0; i < net->n; ++i) {
        double norm = norm_of(net->layers[i].weights, texp_layer_weights(net->layers + i));
        assert_true(isfinite(norm) && norm < 1e3);
    }
    assert_below(loss, .35);
    free_network(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_million_updates_end_with_finite_numbers)};
#ifdef _OPENMP
    omp_set_num_threads(1);
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
