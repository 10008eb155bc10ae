/* Darknet's own readers of text files, under the rules of base/text.h. All exit with a message where a file is bad. */
#ifndef TEXP_TEXT_FILES_H
#define TEXP_TEXT_FILES_H

#include "darknet.h"

#include <stdio.h>

/* The lines of a list (of images, labels or names), each ended by LF, to be closed by the caller. */
FILE *texp_open_list(const char *file);

/* The lines of a cfg, numbered as in the file: blank where there is nothing but a comment, no blanks in a [section]. */
FILE *texp_open_cfg(const char *file);

/* A line of a cfg that is no section: its key and value go into the options of `section`, which begin at `line` and own it.
 * options is NULL above the first section, which is refused, as is what is not key=value. */
void texp_read_cfg_option(list *options, const char *file, const char *section, int number, char *line);

/* A tree= file: NAME PARENT a line, PARENT -1 or the number of a line before it (from 0). As texp_open_list. */
FILE *texp_open_tree(const char *file);

/* A map= file: a class number a line, 0 or more. A new array. */
int *texp_read_class_map(const char *file);

/* The boxes of a label file (data/boxes.h), of any class; a missing file has none. A new array of *n, to be freed. */
box_label *texp_read_box_labels(const char *file, int *n);

/* Where the label file of an image is; beside the image where there is none. */
void texp_find_label_file(const char *image, char file[4096]);

#endif
