/*
 * Weights files: read with every length checked, written atomically. The format is Darknet's, byte for byte; where a
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

/* Opens a weights file for reading. One file at a time, by one thread. */
FILE *texp_weights_file_open(const char *filename);

/* Layer `index` is read next. A file may end in front of a layer (pre-trained weights of a network's first layers,
 * which Darknet's users cut off with `partial`), never inside one. */
void texp_weights_file_layer(int index);

/* fread that exits with a message naming file and layer where the file is cut. */
void texp_weights_file_read(void *data, size_t size, size_t count, FILE *file);

/* Reads the biases of [batchnorm] layers if they are there, notes leftover bytes, closes. */
void texp_weights_file_close(FILE *file, network *net, int cutoff);

#endif
