/*
 * Image files from the binary forms in which data sets are published: IDX (MNIST, Fashion-MNIST) and CIFAR-10's own.
 * Darknet then reads them like any others. Nothing here knows of Darknet.
 */
#ifndef TEXP_IMAGES_H
#define TEXP_IMAGES_H

#include "base/arguments.h"
#include "base/message.h"

/* Common to both: names is a file with the class names, one a line, the first for class 0; image number i (1, 2, ... in
 * the order of the input) of class NAME becomes OUT/NAME/i.png, i with at least five digits. Everything is written to
 * OUT.part first and renamed when complete, so OUT is whole or missing; it must not exist before. An OUT.part left by
 * an interrupted run is removed.
 * Return the number of images, or -1 with a message: a file that is missing, cut short, too long or of another kind, a
 * label outside the names, a disk that is full. */

/* IDX images and labels, unpacked, as grey PNG with `pad` rows and columns of zeros added on each side. */
int texp_images_from_idx(const char *images, const char *labels, const char *names, int pad, const char *out,
                         texp_message *message);

/* CIFAR-10 batches (records of one label and 3 x 32 x 32 bytes), taken as one sequence, as coloured PNG. */
int texp_images_from_cifar10(const char *const *batches, int n_batches, const char *names, const char *out,
                             texp_message *message);

/* ./darknet texp images idx and cifar10, with the arguments of tools/command.c. Return the exit status. */
int texp_images_idx(const texp_arguments *arguments);
int texp_images_cifar10(const texp_arguments *arguments);

#endif
