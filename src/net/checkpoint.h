/*
 * The training state of a network, beside the weights that training writes: all that the next update depends on and
 * that a weights file has no room for. weights_and_state.h has the files, state.h their format; the records are
 *
 *     cfg                    bytes      the cfg in normal form (cfg_text.h)
 *     cfg hash               u64        CRC-64/XZ of that
 *     seen, t                u64        images seen; updates done, as Darknet's Adam counts them
 *     seed                   u64
 *     track I NAME           u64, f64 or extended: the schedule of track I, where the plug-in's update runs (schedule.h)
 *     group I NAME           f64 or extended: what the log of weight norms carries from update to update, with norms=1
 *     layer I NAME           f32        momentum of layer I: weight_updates, bias_updates, scale_updates; with Adam on
 *     layer I.J NAME                    the GPU its moments m, v, bias_m, ... I.J: the J-th layer inside a recurrent
 *                                       one (layers.h), which itself has what it carries from batch to batch: state,
 *                                       or h, c, prev_state, prev_cell. Where the cfg keeps layers from being saved or
 *                                       loaded as they are (dontsave, dontload, dontloadscales, numload, flipped),
 *                                       also weights, biases, scales, rolling_mean, rolling_variance
 *     run ...                           of the training loop (train/run.c)
 */
#ifndef TEXP_CHECKPOINT_H
#define TEXP_CHECKPOINT_H

#include "store/state.h"

#include "darknet.h"

/* Whether a save of the layers up to `cutoff` is one of training: all layers, after an update in this process or what a
 * state restored, on one GPU at most (where several share the work, it says once that there will be no state). */
int texp_checkpoint_is_due(network *net, int cutoff);

/* WEIGHTS.part is finished: gives it and the network's state their names (texp_publish_with_state). */
int texp_checkpoint_publish(network *net, const char *weights, texp_message *message);

/* At the start of training, once the weights are loaded: restores what lies beside them. Returns what was read, for the
 * caller's own records and to be closed by it; NULL where there is no state. Exits with a message where there is one
 * that does not fit. Prints nothing else. */
texp_saved *texp_checkpoint_restore(network *net, const char *weights);

/* Whether all that a save of training holds of the layers is finite: weights, biases, statistics, momentum. */
int texp_checkpoint_is_finite(const network *net);

/* Exits with "MESSAGE; REMEDY", the remedy for a state that does not fit. */
void texp_checkpoint_refuse(const texp_message *message) __attribute__((noreturn));

#endif
