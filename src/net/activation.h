/*
 * Activations that Darknet does not have. The layer itself is linear; around its own passes stand ours, which keep the
 * values before the activation: mish and swish are not monotonous, so their gradient can't be had from their output.
 *
 *     mish (Misra 2019)                       y = x tanh(log(1 + e^x))
 *     swish (Ramachandran et al. 2017, SiLU)  y = x / (1 + e^-x)
 *
 * Neither is homogeneous: where they stand a degree of 0 is demanded.
 */
#ifndef TEXP_ACTIVATION_H
#define TEXP_ACTIVATION_H

#include "net/texp_net.h"

#include "darknet.h"

/* Of a word in a cfg; TEXP_DARKNETS for any other word. */
texp_activation_kind texp_activation_named(const char *word);

/* Puts the activation behind a layer of `activates` (layer_traits.h) that was made linear. */
void texp_activate_behind(layer *l, texp_activation_kind kind);

/* The memory that it has. */
void texp_free_activation(texp_layer_activation *own);

/* What a layer ends with, Darknet's activations included: its word in a cfg, and what it does to degrees. */
const char *texp_activation_word(const layer *l);
int texp_is_linear(const layer *l);
int texp_keeps_degree(const layer *l);

/* y and dy/dx. */
double texp_activated(texp_activation_kind kind, double x);
double texp_activation_slope(texp_activation_kind kind, double x);

#endif
