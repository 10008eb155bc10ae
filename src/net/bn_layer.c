#include "net/bn_layer.h"

#include "net/texp_net.h"

#include "blas.h"

/* Darknet's form is left to Darknet where its epsilons stand, too. Where they follow a scale our loops run at every
 * scale, 1 included, so that powers of two leave no trace in how it rounds. */
static int is_stock(const texp_layer *own)
{
    return !own || (!own->bn.exact && !own->bn.follows_scale);
}

texp_bn_form texp_bn_form_of(const layer *l)
{
    return (texp_bn_form){l->texp->bn.exact, l->bn_eps, l->bn_eps_root};
}

double texp_bn_variance_factor(layer l)
{
    double n = (double)l.batch * l.out_h * l.out_w;
    return l.texp && l.texp->bn.exact && n > 1 ? (n - 1) / n : 1;
}

/* What a layer normalises: a [batchnorm] reads its neighbour's output, the others keep theirs in x. */
static float *values_in(layer l, network net)
{
    return l.type == BATCHNORM ? net.input : l.x;
}

int texp_bn_layer_forward(layer l, network net)
{
    if (is_stock(l.texp)) return 0;
    const texp_bn_form form = texp_bn_form_of(&l);
    int spatial = l.out_h * l.out_w;
    if (l.type != BATCHNORM) copy_cpu(l.outputs * l.batch, l.output, 1, l.x, 1);
    if (net.train) {
        texp_bn_train(l.output, l.mean, l.variance, l.rolling_mean, l.rolling_variance, values_in(l, net), l.scales,
                      l.biases, &form, l.batch, l.out_c, spatial);
    } else {
        texp_bn_evaluate(l.output, values_in(l, net), l.rolling_mean, l.rolling_variance, l.scales, l.biases, &form,
                         l.batch, l.out_c, spatial);
    }
    return 1;
}

int texp_bn_layer_backward(layer l, network net)
{
    if (is_stock(l.texp)) return 0;
    const texp_bn_form form = texp_bn_form_of(&l);
    int apart = l.type == BATCHNORM, frozen = l.texp->frozen.affine;
    const float *mean = net.train ? l.mean : l.rolling_mean;
    const float *variance = net.train ? l.variance : l.rolling_variance;
    texp_bn_backward(apart ? net.delta : l.delta, frozen ? NULL : l.scale_updates, frozen ? NULL : l.bias_updates,
                     values_in(l, net), l.delta, mean, variance, l.scales, &form, apart, l.batch, l.out_c,
                     l.out_h * l.out_w);
    return 1;
}
