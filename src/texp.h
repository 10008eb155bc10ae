/*
 * The hooks: all that patched Darknet sees of the plug-in. Each does nothing, or what stock Darknet did, for a network
 * whose cfg has none of our keys. hooks.c hands them on to the rooms below it.
 *
 * Several networks in one process. What a network needs hangs on it, so threads may predict, train, load and save at
 * once, each another network. One network belongs to one thread at a time, as in Darknet. Cfgs are parsed by one thread
 * at a time. libc's rand(), from which [dropout] draws in training and parsing draws weights, is the process's: networks
 * that draw at once get their numbers as they come.
 */
#ifndef TEXP_H
#define TEXP_H

#include "base/refuse.h"

#include "darknet.h"

#include <stdio.h>

/* --- text files --------------------------------------------------------------------------------------------------- */

/* All text files by one reader (base/text.h); whatever is bad ends the program with a message that names file and line.
 * A list of images, labels or names: its lines that are not blank, each ended by LF. */
FILE *texp_open_lines(char *filename);
/* A cfg, whose lines keep their numbers; without comments. */
FILE *texp_open_settings(char *filename);
/* Its key=value lines: into the options of a section, that begin at `line` and own it. */
void texp_read_option(list *options, char *filename, char *section, int number, char *line);
/* The options of a .data file. */
list *texp_read_data_cfg(char *filename);
/* Class names with parents, and class numbers. */
FILE *texp_open_class_tree(char *filename);
int *texp_read_map(char *filename);
/* The class of an image by its path as the truth of n outputs; 0 where it is none or not the only one. */
int texp_one_class(char *path, char **labels, int n, float *truth);
/* The label file of an image, wherever it is, and the boxes in it: none where there is no file. */
void texp_find_labels(char *image, char labels[4096]);
box_label *texp_read_boxes(char *filename, int *n);

/* --- cfg files ---------------------------------------------------------------------------------------------------- */

/* Numbers of option lists, whole and finite or refused. */
int texp_option_int(list *options, const char *key, const char *value);
double texp_option_float(list *options, const char *key, const char *value);

/* Before anything is made of the cfg's sections: refuses with messages, all at once, what can't be understood in them, and
 * reads [net]. */
void texp_parse_net(network *net, list *sections);
/* The policy that Darknet's own parser shall see: the base of a texp* policy. */
char *texp_base_policy(network *net, char *policy);
/* Before a layer is made: refuses numbers that Darknet would divide by or count too far with. */
void texp_check_layer(list *options, const char *type, int index, const network *net);
/* Layer keys affine, fixed, bias, init_std; called before unused keys are reported. */
void texp_parse_layer(layer *l, list *options, network *net);
/* After a [route] was resized as one of all channels: it takes its group of them. */
void texp_resize_route(layer *l);
/* Once all layers stand: which of them take the exponential rate. */
void texp_parse_end(network *net);
void texp_free_net(network *net);
void texp_free_layer(layer l);

/* --- weights files (net/weights_file.h) ---------------------------------------------------------------------------- */

FILE *texp_weights_create(const char *filename);
void texp_weights_commit(FILE *file, const char *filename, network *net, int cutoff);
void texp_weights_close(FILE *file, const char *filename, network *net, int cutoff);

/* --- rates and updates -------------------------------------------------------------------------------------------- */

/* After weights were loaded and the counter perhaps cleared: the schedule continues at the counter. */
void texp_resume(network *net);

/* The rate of the update that was done last (before the first: of the first). Before Darknet's /batch. */
int texp_has_rate(network *net);
float texp_rate(network *net);
/* Uniform in [0,1): the draw of policy=random for the current update. */
double texp_random_draw(network *net);

/* One update of all layers, on the CPU or the GPU; 0 where Darknet shall do it. */
int texp_update_network(network *net);

/* --- passes ------------------------------------------------------------------------------------------------------- */

/* Batch normalisation on the CPU; 0 where Darknet shall do it. */
int texp_forward_batchnorm(layer l, network net);
int texp_backward_batchnorm(layer l, network net);
/* For the GPU: what Darknet's variance (of N-1) must be multiplied by. */
double texp_variance_factor(layer l);

/* What network_predict feeds: `input` (net->batch images, values 0..1), or a normalised copy owned by the network. */
float *texp_normalize_input(network *net, float *input);

/* The passes of all layers by the fast CPU backend, the network's cost with the forward pass; 0 where Darknet shall do
 * it. */
int texp_forward_network(network *net);
int texp_backward_network(network *net);
/* Every layer's output shall be where Darknet has it after a pass: Darknet's own code runs this network from here on. */
void texp_keep_outputs(network *net);
/* C = alpha op(A) op(B) + beta C as gemm_cpu() has it; 0 where Darknet shall do it. */
int texp_gemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
              const float *b, int ldb, float beta, float *c, int ldc);

/* --- validation --------------------------------------------------------------------------------------------------- */

/* `classifier valid` of cfgs with the plug-in's loader; 0 where Darknet shall do it. */
int texp_valid_classifier(network *net, char *datacfg);

/* --- programs ----------------------------------------------------------------------------------------------------- */

/* Checks a command line in main(), and ends the program where it was meant for the plug-in or can't be meant; otherwise returns
 * how many words are left. */
int texp_run_command(int argc, char **argv);

#endif
