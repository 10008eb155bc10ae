/* The files that `detector valid` writes into results/, for the judges of VOC, COCO and ImageNet. */
#ifndef TEXP_BOX_FILES_H
#define TEXP_BOX_FILES_H

#include "train/detections.h"

typedef struct texp_box_files texp_box_files;

/*
 * Of the kind that eval= in the .data file names: voc (default), coco, imagenet; in the folder results=, which is made where it is
 * missing. name: that of the files without ending, NULL: as Darknet calls them. names, paths: of the classes and images, borrowed.
 * Exits with a message where a file can't be made, or the kind does not fit the classes.
 */
texp_box_files *texp_box_files_open(list *data, int classes, char **names, char **paths, const char *name);

/* How many classes are written. */
int texp_box_files_classes(const texp_box_files *files);

void texp_box_files_write(texp_box_files *files, const texp_found *found);

/* The files get their names now: they are whole or not there. Exits with a message where one can't be written. */
void texp_box_files_close(texp_box_files *files);

#endif
