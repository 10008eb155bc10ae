/* The backward pass as a list of operations. */
#ifndef TEXP_BACKWARD_H
#define TEXP_BACKWARD_H

#include "cpu/builder.h"

/* After the forward pass of training, from whose layouts it reads. */
void texp_build_backward(texp_builder *b);

#endif
