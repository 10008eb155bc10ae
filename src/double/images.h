/* The batches that `texp verify` trains on: of a .data file, or drawn at random. */
#ifndef TEXP_VERIFY_DATA_H
#define TEXP_VERIFY_DATA_H

#include "darknet.h"

typedef struct texp_batches texp_batches;

/* data_file NULL: random inputs, and random truths that fit the last layer. Otherwise the `train` list of the file,
 * read as training reads it: by our loader where the cfg asks for it, else by Darknet's, as classes, or as boxes where
 * the network ends in [yolo], [region] or [detection]. Exits with a message where the two do not fit. The network gives
 * shapes and settings and must outlive the batches. */
texp_batches *texp_batches_open(network *net, const char *data_file);

/* What the batches are, for people: "random inputs and classes". */
const char *texp_batches_kind(const texp_batches *batches);

/* The images of update k, k = 1, 2, ... in turn: batch*subdivisions rows, to be freed by free_data. They depend on k and
 * on the cfg's seed alone. */
data texp_batches_next(texp_batches *batches, long k);

void texp_batches_close(texp_batches *batches);

#endif
