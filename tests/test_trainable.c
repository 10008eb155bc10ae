/* What can't be trained is refused by name before the first update, whoever trains; predictions go on. */
#include "support.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define LAST          "[connected]\noutput=2\nactivation=linear\n[softmax]\n"

typedef struct {
    const char *of_net, *layers;
    int trains;
} attempt;

static void run(const void *argument)
{
    const attempt *a = argument;
    network *net = network_of("[net]\nheight=2\nwidth=2\nchannels=3\n%s\n%s" LAST, a->of_net, a->layers);
    for (int i = 0; i < net->inputs * net->batch; ++i) net->input[i] = .1f * (float)(i % 7);
    for (int i = 0; i < net->truths * net->batch; ++i) net->truth[i] = i % 2 == 0;
    if (a->trains)
        train_network_datum(net);
    else
        network_predict(net, net->input);
    free_network(net);
}

static outcome trained(const char *of_net, const char *layers)
{
    return in_child(run, &(attempt){of_net, layers, 1});
}

static outcome predicted(const char *of_net, const char *layers)
{
    return in_child(run, &(attempt){of_net, layers, 0});
}

static void layers_that_darknet_trains_on_the_gpu_alone_are_refused_by_name_and_predict(void **state)
{
    static const char *const layers[] = {"[rnn]\noutput=4\nactivation=leaky\n", "[rnn]\noutput=4\nbatch_normalize=1\n",
                                         "[lstm]\noutput=4\n", "[lstm]\noutput=4\nbatch_normalize=1\n",
                                         "[crnn]\noutput_filters=4\nhidden_filters=3\nactivation=leaky\n"};
    static const char *const of_net[] = {"batch=4", "batch=2\ntime_steps=3"};
    (void)state;
    for (size_t i = 0; i < LENGTH(layers); ++i) {
        for (size_t j = 0; j < LENGTH(of_net); ++j) {
            char name[16];
            sscanf(layers[i], "%15[^\n]", name);
            assert_refuses(trained(of_net[j], layers[i]), ".cfg: layer 0 ", name, "can't train it on the CPU");
            assert_succeeds(predicted(of_net[j], layers[i]));
        }
    }
}

static void a_layer_without_a_backward_pass_is_named_and_trains_as_in_darknet(void **state)
{
    (void)state;
    assert_refuses(trained("batch=2", "[convolutional]\nfilters=2\nbinary=1\n"), "layer 0 [convolutional]: binary=1");
    outcome o = trained("batch=2\ntime_steps=3", "[gru]\noutput=4\n");
    assert_succeeds(o);
    assert_non_null(strstr(o.text, "layer 0 [gru]: Darknet has no backward pass of it on the CPU"));
    assert_null(strstr(predicted("batch=2", "[gru]\noutput=4\n").text, "backward pass"));
}

static void batch_normalisation_of_one_value_is_refused_before_an_update(void **state)
{
    static const char *const layers[] = {"[connected]\noutput=4\nbatch_normalize=1\n",
                                         "[convolutional]\nfilters=4\nsize=2\nbatch_normalize=1\n",
                                         "[avgpool]\n[batchnorm]\n", "[gru]\noutput=4\nbatch_normalize=1\n"};
    (void)state;
    for (size_t i = 0; i < LENGTH(layers); ++i) {
        assert_refuses(trained("batch=1", layers[i]), "batch normalisation of one value a channel",
                       "make batch/subdivisions 2 or more");
        assert_refuses(trained("batch=4\nsubdivisions=4", layers[i]), "batch normalisation of one value a channel");
        assert_succeeds(trained("batch=2", layers[i]));
        assert_succeeds(predicted("batch=1", layers[i]));
    }
    assert_succeeds(trained("batch=1", "[convolutional]\nfilters=4\nbatch_normalize=1\n"));
}

/* Darknet writes the gradient of the input of some of these, for which it has no memory. */
static const char *const first[] = {"[avgpool]\n",
                                    "[maxpool]\nsize=2\nstride=1\n",
                                    "[maxpool]\nsize=1\n",
                                    "[upsample]\nstride=2\n",
                                    "[upsample]\nstride=-2\n",
                                    "[l2norm]\n",
                                    "[normalization]\nsize=3\n",
                                    "[reorg]\nstride=1\n",
                                    "[reorg]\nstride=1\nflatten=1\n",
                                    "[reorg]\nextra=2\n",
                                    "[activation]\nactivation=relu\n",
                                    "[batchnorm]\n",
                                    "[local]\nfilters=2\nsize=2\n",
                                    "[deconvolutional]\nfilters=2\nsize=2\n",
                                    "[crop]\ncrop_height=1\ncrop_width=1\n",
                                    "[connected]\noutput=3\n",
                                    "[convolutional]\nfilters=2\nsize=2\n",
                                    "[convolutional]\nfilters=2\nxnor=1\n",
                                    "[softmax]\nnoloss=1\n",
                                    "[gru]\noutput=3\n"};

static void any_layer_can_be_the_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(first); ++i) {
        for (int plain = 0; plain < 2; ++plain) {
            outcome o = trained(plain ? "batch=2\nbackend=plain" : "batch=2", first[i]);
            if (o.status) fail_msg("%s: status %d\n%s", first[i], o.status, o.text);
        }
    }
}

static void a_loss_with_more_truths_than_the_last_one_is_refused(void **state)
{
    static const char *const losses[] = {"[softmax]\n", "[logistic]\n", "[region]\nclasses=1\ncoords=1\nnum=1\n",
                                         "[iseg]\nclasses=1\nids=2\n"};
    (void)state;
    for (size_t i = 0; i < LENGTH(losses); ++i) {
        assert_refuses(trained("batch=2", losses[i]), "layer 0 ", "truths an image, and the last layer has 2");
    }
    assert_succeeds(predicted("batch=2", losses[0]));
    assert_succeeds(trained("batch=2", "[connected]\noutput=2\n[cost]\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_that_darknet_trains_on_the_gpu_alone_are_refused_by_name_and_predict),
        cmocka_unit_test(a_layer_without_a_backward_pass_is_named_and_trains_as_in_darknet),
        cmocka_unit_test(any_layer_can_be_the_first),
        cmocka_unit_test(a_loss_with_more_truths_than_the_last_one_is_refused),
        cmocka_unit_test(batch_normalisation_of_one_value_is_refused_before_an_update),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
