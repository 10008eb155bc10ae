/* Accuracy and loss of a network on the `valid` list of a .data file. */
#ifndef TEXP_EVALUATE_H
#define TEXP_EVALUATE_H

#include "darknet.h"

typedef struct {
    int images;
    double loss; /* mean cross-entropy, nats an image */
    double accuracy; /* share of images whose class has the highest output, 0..1 */
    double top; /* share among whose `top` highest outputs the class is */
} texp_scores;

/* The images that a run is evaluated on. */
typedef struct texp_examples texp_examples;

/* Reads the `valid`, `labels`, `classes` keys; NULL where the .data file has no `valid`. Exits with a message where
 * lists or images are bad. */
texp_examples *texp_examples_open(network *net, list *data);

/* Whether Darknet's own `classifier valid`, which takes the first label that occurs in a path, finds the same classes. */
int texp_examples_suit_darknet(const texp_examples *examples);

/* Runs the network over them, net->batch images at a time, as prediction does. */
texp_scores texp_evaluate(network *net, const texp_examples *examples, int top);

void texp_examples_close(texp_examples *examples);

#endif
