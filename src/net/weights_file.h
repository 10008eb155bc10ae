/*
 * Weights files: written atomically; Darknet reads them. The format is Darknet's, byte for byte; where a
 * [batchnorm] layer has biases, for which the format has no room, they follow the last layer behind a mark, where
 * stock Darknet does not look.
 */
#ifndef TEXP_WEIGHTS_FILE_H
#define TEXP_WEIGHTS_FILE_H

#include "darknet.h"

/* Opens FILENAME.part for writing. Fails with a message where it can't. */
FILE *texp_weights_file_create(const char *filename);

/* Writes the biases of [batchnorm] layers and brings the file to the disk, after training with the network's state
 * beside it (checkpoint.h); then both get their names: until then the files that were there are untouched. On an error
 * it removes what it wrote, says so and exits with a failure. */
void texp_weights_file_commit(FILE *file, const char *filename, network *net, int cutoff);

/* After the layers were read: reads the biases of [batchnorm] layers if they are there, notes leftover bytes, closes.
 * Exits with a message where the file ends inside the biases. */
void texp_weights_file_close(FILE *file, const char *filename, network *net, int cutoff);

#endif
