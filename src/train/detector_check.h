/* What must hold before a detector is trained. */
#ifndef TEXP_DETECTOR_CHECK_H
#define TEXP_DETECTOR_CHECK_H

#include "darknet.h"

/* Exits with a message where the network can't be trained with boxes, or `classes` of the .data file are not its own. */
void texp_check_detector(const network *net, list *data);

/* For Darknet's loader, whose threads find out later: exits with a message where an image of the `train` list or a label file
 * is bad. */
void texp_check_photographs(const network *net, list *data);

#endif
