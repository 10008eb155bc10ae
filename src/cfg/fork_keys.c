#include "cfg/fork_keys.h"

#define IN(type)      (UINT32_C(1) << (type))
#define ALL_TYPES     ((IN(BLANK) - 1) & ~IN(NETWORK))
#define REFUSED       .is_refused = 1
#define UNLESS(value) .neutral = (value)

static const texp_fork_key rows[] = {
    /* Images. */
    {"mosaic", IN(NETWORK), UNLESS("0"), .what = "images mixed of four"},
    {"mosaic_bound", IN(NETWORK), UNLESS("0"), .what = "boxes of mixed images"},
    {"cutmix", IN(NETWORK), UNLESS("0"), .what = "images mixed of two"},
    {"mixup", IN(NETWORK), UNLESS("0"), .what = "images mixed of two"},
    {"blur", IN(NETWORK), UNLESS("0"), .what = "blurred images"},
    {"gaussian_noise", IN(NETWORK), UNLESS("0"), .what = "noise in images"},
    {"letter_box", IN(NETWORK), .what = "images that keep their aspect ratio"},
    {"resize_step", IN(NETWORK), UNLESS("32"), .what = "the step of sizes with random=1"},
    {"augment_speed", IN(NETWORK), .what = "pace in sequences of images"},
    {"contrastive_jit_flip", IN(NETWORK), .what = "augmentation of contrastive learning"},
    {"contrastive_color", IN(NETWORK), .what = "augmentation of contrastive learning"},
    {"resize", IN(YOLO) | IN(REGION), UNLESS("1"), .what = "images scaled at random, beside jitter"},

    /* Memory, speed, and what is drawn. */
    {"optimized_memory", IN(NETWORK), .what = "memory of the GPU"},
    {"workspace_size_limit_MB", IN(NETWORK), .what = "memory of the GPU"},
    {"use_cuda_graph", IN(NETWORK), .what = "speed of the GPU"},
    {"loss_scale", IN(NETWORK), .what = "half precision on the GPU"},
    {"stream", IN(CONVOLUTIONAL) | IN(ROUTE), .what = "speed of the GPU"},
    {"wait_stream", IN(CONVOLUTIONAL) | IN(ROUTE), .what = "speed of the GPU"},
    {"max_chart_loss", IN(NETWORK), .what = "the chart's axis"},
    {"show_receptive_field", IN(NETWORK), .what = "a column of its table"},
    {"attention", IN(NETWORK), .what = "pictures of what a network looks at"},
    {"show_details", IN(YOLO), .what = "what a layer prints"},
    {"try_fix_nan", IN(NETWORK), .what = "weights that are no numbers set to 0; here such a run stops"},

    /* Boxes that are found. */
    {"nms_kind", IN(YOLO), UNLESS("greedynms"), .what = "which of overlapping boxes are shown"},
    {"beta_nms", IN(YOLO), UNLESS("0.6"), .what = "which of overlapping boxes are shown"},
    {"beta1", IN(YOLO), .what = "which of overlapping boxes are shown"},
    {"uc_normalizer", IN(YOLO), .what = "the loss of [Gaussian_yolo]"},
    {"track_history_size", IN(YOLO), .what = "tracking"},
    {"sim_thresh", IN(YOLO), .what = "tracking"},
    {"dets_for_track", IN(YOLO), .what = "tracking"},
    {"dets_for_show", IN(YOLO), .what = "tracking"},
    {"track_ciou_norm", IN(YOLO), .what = "tracking"},

    /* Updates. */
    {"dynamic_minibatch", IN(NETWORK), UNLESS("0"), REFUSED, "batches that follow the images' size"},
    {"sequential_subdivisions", IN(NETWORK), UNLESS("=subdivisions"), REFUSED, "subdivisions that change in training"},
    {"seq_scales", IN(NETWORK), REFUSED, .what = "subdivisions that change in training"},
    {"ema_alpha", IN(NETWORK), UNLESS("0"), REFUSED, "averaged weights"},
    {"weights_reject_freq", IN(NETWORK), UNLESS("0"), REFUSED, "weights that are set back"},
    {"equidistant_point", IN(NETWORK), UNLESS("0"), REFUSED, "gradients that are left out"},
    {"badlabels_rejection_percentage", IN(NETWORK), UNLESS("0"), REFUSED, "labels that are left out"},
    {"num_sigmas_reject_badlabels", IN(NETWORK), UNLESS("0"), REFUSED, "labels that are left out"},
    {"adversarial_lr", IN(NETWORK), UNLESS("0"), REFUSED, "adversarial training"},
    {"track", IN(NETWORK), UNLESS("0"), REFUSED, "training on sequences of images"},
    {"contrastive", IN(NETWORK), UNLESS("0"), REFUSED, "contrastive learning"},
    {"unsupervised", IN(NETWORK), UNLESS("0"), REFUSED, "contrastive learning"},
    {"label_smooth_eps", IN(NETWORK) | IN(YOLO), UNLESS("0"), REFUSED, "smoothed labels"},
    {"dont_update", ALL_TYPES, UNLESS("0"), REFUSED, "weights that stay; here fixed=1"},
    {"burnin_update", ALL_TYPES, UNLESS("0"), REFUSED, "weights that stay during burn_in"},
    {"train_only_bn", ALL_TYPES, UNLESS("0"), REFUSED, "layers that train batch normalisation alone"},
    {"clip", ALL_TYPES, UNLESS("0"), REFUSED, "bounded weights of one layer; in [net] it bounds all"},

    /* Networks. */
    {"stride_x", IN(CONVOLUTIONAL) | IN(MAXPOOL), UNLESS("=stride"), REFUSED, "a stride of columns"},
    {"stride_y", IN(CONVOLUTIONAL) | IN(MAXPOOL), UNLESS("=stride"), REFUSED, "a stride of rows"},
    {"dilation", IN(CONVOLUTIONAL) | IN(CRNN), UNLESS("1"), REFUSED, "dilated convolutions"},
    {"antialiasing", IN(CONVOLUTIONAL) | IN(MAXPOOL), UNLESS("0"), REFUSED, "a blur before the stride"},
    {"assisted_excitation", IN(CONVOLUTIONAL), UNLESS("0"), REFUSED, "activations raised where boxes are"},
    {"share_index", IN(CONVOLUTIONAL), REFUSED, .what = "weights shared with another layer"},
    {"cbn", IN(CONVOLUTIONAL), UNLESS("0"), REFUSED, "batch statistics over iterations"},
    {"bin_output", IN(CONVOLUTIONAL), UNLESS("0"), REFUSED, "binary outputs"},
    {"sway", IN(CONVOLUTIONAL), UNLESS("0"), REFUSED, "deformed filters"},
    {"rotate", IN(CONVOLUTIONAL), UNLESS("0"), REFUSED, "deformed filters"},
    {"stretch", IN(CONVOLUTIONAL), UNLESS("0"), REFUSED, "deformed filters"},
    {"stretch_sway", IN(CONVOLUTIONAL), UNLESS("0"), REFUSED, "deformed filters"},
    {"deform", IN(CONVOLUTIONAL), UNLESS("0"), REFUSED, "deformed filters"},
    {"angle", IN(CONVOLUTIONAL), .what = "the angle of deformed filters"},
    {"grad_centr", IN(CONVOLUTIONAL), UNLESS("0"), REFUSED, "centred gradients"},
    {"reverse", IN(CONVOLUTIONAL), UNLESS("0"), REFUSED, "gradients turned round"},
    {"coordconv", IN(CONVOLUTIONAL), UNLESS("0"), REFUSED, "coordinates as channels"},
    {"maxpool_depth", IN(MAXPOOL), UNLESS("0"), REFUSED, "the largest over channels"},
    {"out_channels", IN(MAXPOOL), UNLESS("1"), REFUSED, "the largest over channels"},
    {"maxpool_zero_nonmax", IN(MAXPOOL), UNLESS("0"), REFUSED, "all but the largest set to 0"},
    {"weights_type", IN(SHORTCUT), UNLESS("none"), REFUSED, "weighted sums"},
    {"weights_normalization", IN(SHORTCUT), UNLESS("none"), REFUSED, "weighted sums"},
    {"dropblock", IN(DROPOUT), UNLESS("0"), REFUSED, "blocks that are dropped"},
    {"dropblock_size_rel", IN(DROPOUT), UNLESS("0"), REFUSED, "blocks that are dropped"},
    {"dropblock_size_abs", IN(DROPOUT), UNLESS("0"), REFUSED, "blocks that are dropped"},
    {"hidden", IN(RNN), UNLESS("=output"), REFUSED, "another number of units inside than output="},
    {"hidden", IN(CRNN), UNLESS("=hidden_filters"), REFUSED, "what hidden_filters= says here"},
    {"output", IN(CRNN), UNLESS("=output_filters"), REFUSED, "what output_filters= says here"},
    {"logistic", IN(RNN), UNLESS("0"), REFUSED, "a logistic output"},
    {"size", IN(CRNN), UNLESS("3"), REFUSED, "the size of filters, 3 here"},
    {"stride", IN(CRNN), UNLESS("1"), REFUSED, "the stride, 1 here"},
    {"pad", IN(CRNN), UNLESS("1"), REFUSED, "the padding, half the size here"},
    {"padding", IN(CRNN), UNLESS("1"), REFUSED, "the padding, half the size here"},
    {"groups", IN(CRNN), UNLESS("1"), REFUSED, "convolutions in groups"},
    {"xnor", IN(CRNN), UNLESS("0"), REFUSED, "binary weights"},

    /* Losses. */
    {"iou_thresh_kind", IN(YOLO), UNLESS("iou"), REFUSED, "several anchors for a box"},
    {"delta_normalizer", IN(YOLO), UNLESS("1"), REFUSED, "a factor of the loss"},
    {"objectness_smooth", IN(YOLO), UNLESS("0"), REFUSED, "objectness that follows the overlap"},
    {"new_coords", IN(YOLO), UNLESS("0"), REFUSED, "another form of boxes"},
    {"focal_loss", IN(YOLO) | IN(REGION), UNLESS("0"), REFUSED, "focal loss"},
    {"counters_per_class", IN(YOLO), REFUSED, .what = "weights of classes"},
    {"embedding_layer", IN(YOLO), REFUSED, .what = "embeddings for tracking"},
};

static const char *const layers[] = {
    "[local_avgpool]", "[reorg_old]", "[reorg3d]", "[sam]",     "[scale_channels]", "[contrastive]",  "[Gaussian_yolo]",
    "[conv_lstm]",     "[history]",   "[empty]",   "[silence]", "[implicit_add]",   "[implicit_mul]", "[bdp_yolo]",
};

static const char *const activations[] = {
    "relu6", "hard_mish", "gelu", "revleaky", "norm_chan", "norm_chan_softmax", "norm_chan_softmax_maxval"};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

const texp_fork_key *texp_fork_key_at(size_t i)
{
    return i < LENGTH(rows) ? rows + i : NULL;
}

const texp_fork_key *texp_fork_key_of(LAYER_TYPE type, const char *name)
{
    for (size_t i = 0; i < LENGTH(rows); ++i) {
        if (rows[i].sections & IN(type) && !strcmp(rows[i].name, name)) return rows + i;
    }
    return NULL;
}

static int is_among(const char *word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        if (!strcmp(words[i], word)) return 1;
    }
    return 0;
}

int texp_is_fork_layer(const char *section)
{
    return is_among(section, layers, LENGTH(layers));
}

int texp_is_fork_activation(const char *word)
{
    return is_among(word, activations, LENGTH(activations));
}
