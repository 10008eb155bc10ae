/*
 * ./darknet texp check CFG [-csv] [-probe]: which layers take the exponential rate, and Algorithm 1's answer.
 *
 * Prints one row a layer: index, type, output (width x height x channels), degree of homogeneity of input and output when
 * the weights of S are scaled, and the rate of its weights (none: it has no parameters; fixed: none of them ever changes;
 * base; exponential: in S). Then a line for each obstacle of Algorithm 1, with its remedy, and
 *
 *     scale invariant: yes|no
 *     exponential rate: N of M layers with weights
 *
 * M counts fixed layers, too. -probe scales the weights of S and compares the outputs (probe.h).
 *
 * -csv prints a table alone, one row a layer, of these columns:
 *     layer,type,width,height,channels,weights,degree_in,degree_out,rate,group,scale_invariant,obstacle
 * weights: how many; group: layers of S of one number are invariant by themselves (empty outside S); scale_invariant:
 * the answer for the whole network, yes or no, in every row; obstacle: in quotes, several parted by " | ". So N is the
 * number of rows of rate exponential, M that of rows with weights above 0. What the probe says goes to stderr.
 */
#ifndef TEXP_CHECK_H
#define TEXP_CHECK_H

#include "base/arguments.h"

/* Exit status: 0 scale invariant, 1 not (or the probe failed), 2 where nothing can be said: bad cfg, file or arguments. */
enum { TEXP_CHECK_YES = 0, TEXP_CHECK_NO = 1, TEXP_CHECK_BAD = 2 };
int texp_check_main(const texp_arguments *arguments);

#endif
