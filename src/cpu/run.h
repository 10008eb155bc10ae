/* What the rest calls of the fast CPU backend (plan.h says how it works). */
#ifndef TEXP_RUN_H
#define TEXP_RUN_H

#include "darknet.h"

#include <stdio.h>

/* Has the fast backend run this network, where it can. */
void texp_cpu_use(network *net);

/* The passes of all layers; return 0, and do nothing, where Darknet shall do it. */
int texp_cpu_forward(network *net);
int texp_cpu_backward(network *net);

/* Every layer's output shall be where Darknet has it after a pass: Darknet's own code runs this network from here on. */
void texp_cpu_keep_outputs(network *net);

/* C = alpha op(A) op(B) + beta C as gemm_cpu() has it; 0 where Darknet shall do it. */
int texp_cpu_gemm(int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                  const float *b, int ldb, float beta, float *c, int ldc);

/* NULL where precision=bf16 can be had, else why not and what to do. */
const char *texp_cpu_why_no_bf16(void);

/* Of a network that the backend ran or not: all that it made for it. */
void texp_cpu_free(network *net);

/* Of a network that the backend runs: measure what each kind of work takes from here on (a few percent slower). */
void texp_cpu_time_work(network *net, int on);
/* A table of them, as shares of `seconds` that passed. */
void texp_cpu_print_work(network *net, FILE *file, double seconds);

#endif
