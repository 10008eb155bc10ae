/* Where Darknet enters: each hook calls the room that does the work. */
#include "cfg/data_file.h"
#include "cfg/added_keys.h"
#include "cfg/layer_check.h"
#include "cfg/layer_keys.h"
#include "cfg/net_keys.h"
#include "cfg/options.h"
#include "cfg/sections.h"
#include "cfg/summary.h"
#include "cfg/text_files.h"
#include "cpu/run.h"
#include "net/analysis.h"
#include "net/bn_layer.h"
#include "net/input.h"
#include "net/layers.h"
#include "net/route_groups.h"
#include "net/texp_net.h"
#include "net/threads.h"
#include "net/tracks.h"
#include "net/trainable.h"
#include "net/truths.h"
#include "net/update.h"
#include "net/weight_norms.h"
#include "net/weights_file.h"
#include "tools/command_line.h"
#include "train/classifier.h"

#include "texp.h"

#include "network.h"

/* --- text files --------------------------------------------------------------------------------------------------- */

FILE *texp_open_lines(char *filename)
{
    return texp_open_list(filename);
}

FILE *texp_open_settings(char *filename)
{
    return texp_open_cfg(filename);
}

void texp_read_option(list *options, char *filename, char *section, int number, char *line)
{
    texp_read_cfg_option(options, filename, section, number, line);
}

list *texp_read_data_cfg(char *filename)
{
    return texp_read_data_file(filename);
}

FILE *texp_open_class_tree(char *filename)
{
    return texp_open_tree(filename);
}

int *texp_read_map(char *filename)
{
    return texp_read_class_map(filename);
}

int texp_one_class(char *path, char **labels, int n, float *truth)
{
    return texp_fill_class(path, labels, n, truth);
}

void texp_find_labels(char *image, char labels[4096])
{
    texp_find_label_file(image, labels);
}

box_label *texp_read_boxes(char *filename, int *n)
{
    return texp_read_box_labels(filename, n);
}

/* --- cfg files ---------------------------------------------------------------------------------------------------- */

#ifndef TEXP_DOUBLE
static void refuse_bf16(list *options, const network *net)
{
    const char *missing = net->texp->cpu.bf16 ? texp_cpu_why_no_bf16() : NULL;
    if (missing) texp_refuse_option(options, "precision", "%s", missing);
}

/* Without CUDA gpu_index means nothing: only Darknet's own main sets it to -1 there. */
static int on_cpu(void)
{
#ifdef GPU
    return gpu_index < 0;
#else
    return 1;
#endif
}
#endif

void texp_parse_net(network *net, list *sections)
{
    list *options = ((const texp_section *)sections->front->val)->options;
    texp_check_sections(sections, sections->size);
    texp_read_net_keys(net, options);
    texp_use_threads(net);
#ifndef TEXP_DOUBLE
    refuse_bf16(options, net);
#endif
}

char *texp_base_policy(network *net, char *policy)
{
    (void)policy;
    return (char *)texp_darknet_policy(net);
}

void texp_check_layer(list *options, const char *type, int index, const network *net)
{
    texp_check_layer_numbers(options, type, index, net);
    texp_read_activation(options, net->texp);
}

void texp_parse_layer(layer *l, list *options, network *net)
{
    texp_read_layer_keys(l, options, net);
}

void texp_resize_route(layer *l)
{
    texp_resize_split_route(l);
}

void texp_parse_end(network *net)
{
    texp_net *t = net->texp;
    texp_check_augmentation(net);
    texp_fit_truths(net);
#ifndef TEXP_DOUBLE
    if (on_cpu() && !t->cpu.plain) texp_cpu_use(net);
#endif
    if (!t->ours) return;
    texp_analyse(net);
    texp_make_tracks(net);
    texp_follow_scale(net, 1);
    if (t->run.logs_weight_norms) t->weight_norms = texp_weight_norms_open(net);
    texp_print_summary(net);
}

void texp_free_net(network *net)
{
    if (!net->texp) return;
#ifndef TEXP_DOUBLE
    texp_cpu_free(net);
#endif
    texp_weight_norms_close(net->texp->weight_norms);
    texp_net_free(net->texp);
    net->texp = NULL;
}

void texp_free_layer(layer l)
{
    texp_layer_free(l.texp);
}

/* --- weights files ------------------------------------------------------------------------------------------------ */

FILE *texp_weights_create(const char *filename)
{
    return texp_weights_file_create(filename);
}

void texp_weights_commit(FILE *file, const char *filename, network *net, int cutoff)
{
    texp_weights_file_commit(file, filename, net, cutoff);
}

void texp_weights_close(FILE *file, const char *filename, network *net, int cutoff)
{
    texp_weights_file_close(file, filename, net, cutoff);
}

/* --- rates and updates -------------------------------------------------------------------------------------------- */

void texp_resume(network *net)
{
    texp_follow_counter(net);
}

int texp_has_rate(network *net)
{
    return texp_is_ours(net);
}

float texp_rate(network *net)
{
    return texp_current_rate(net);
}

double texp_random_draw(network *net)
{
    return texp_draw_rate(net);
}

int texp_update_network(network *net)
{
    return texp_update(net);
}

/* --- passes ------------------------------------------------------------------------------------------------------- */

int texp_forward_batchnorm(layer l, network net)
{
    return texp_bn_layer_forward(l, net);
}

int texp_backward_batchnorm(layer l, network net)
{
    return texp_bn_layer_backward(l, net);
}

double texp_variance_factor(layer l)
{
    return texp_bn_variance_factor(l);
}

float *texp_normalize_input(network *net, float *input)
{
    return texp_normalised_input(net, input);
}

/* Before the first pass that trains, whoever asked for it. */
static void check_training(network *net)
{
    texp_net *t = net->texp;
    texp_message message;
    if (!t || !net->train || t->run.is_checked) return;
    if (texp_check_trainable(net, &message)) texp_fail("%s", message.text);
    int idle = texp_layer_without_gradient(net);
    if (idle >= 0)
        fprintf(stderr,
                "%s: layer %d [%s]: Darknet has no backward pass of it on the CPU: it and what is before it stay "
                "as they are\n",
                t->file, idle, texp_layer_name(net->layers + idle));
    t->run.is_checked = 1;
}

/* Only as long as a backward pass of Darknet's lasts: who finds it there has asked for it. */
static void lend_input_gradient(network *net)
{
    if (!net->delta) net->delta = texp_input_gradient(net);
}

static void take_input_gradient_back(network *net)
{
    if (net->texp && net->delta == net->texp->images.gradient) net->delta = NULL;
}

/* The double build has one backend: Darknet's loops, with the products of double/gemm.c. */
#ifdef TEXP_DOUBLE

int texp_forward_network(network *net)
{
    take_input_gradient_back(net);
    check_training(net);
    texp_use_threads(net);
    return 0;
}

int texp_backward_network(network *net)
{
    lend_input_gradient(net);
    return 0;
}

void texp_keep_outputs(network *net)
{
    (void)net;
}

#else

int texp_forward_network(network *net)
{
    take_input_gradient_back(net);
    check_training(net);
    texp_use_threads(net);
    if (!texp_cpu_forward(net)) return 0;
    calc_network_cost(net);
    return 1;
}

int texp_backward_network(network *net)
{
    if (texp_cpu_backward(net)) return 1;
    lend_input_gradient(net);
    return 0;
}

void texp_keep_outputs(network *net)
{
    texp_cpu_keep_outputs(net);
}

int texp_gemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
              const float *b, int ldb, float beta, float *c, int ldc)
{
    return texp_cpu_gemm(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

#endif

/* --- validation ---------------------------------------------------------------------------------------------------- */

int texp_valid_classifier(network *net, char *datacfg)
{
    return texp_validate_classifier(net, datacfg);
}

/* --- programs ----------------------------------------------------------------------------------------------------- */

int texp_run_command(int argc, char **argv)
{
    return texp_run_command_line(argc, argv);
}
