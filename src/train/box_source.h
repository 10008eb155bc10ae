/* Photographs with boxes as our own loader makes them, with Darknet's augmentation (data/placement.h). */
#ifndef TEXP_BOX_SOURCE_H
#define TEXP_BOX_SOURCE_H

#include "train/source.h"

/* Of the `train` list of a .data file, for a network that ends in [yolo] or [region]. Several threads fill a batch: as many as
 * the calling thread has of OpenMP's. Exits with a message where lists, labels or images are bad. */
texp_source *texp_box_source_open(const network *net, list *data);

#endif
