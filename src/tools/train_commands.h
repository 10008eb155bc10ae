/* Darknet's commands that train by the plug-in's loop alone. */
#ifndef TEXP_TRAIN_COMMANDS_H
#define TEXP_TRAIN_COMMANDS_H

#include "base/arguments.h"

/* `regressor train` and `segmenter train`; both return the exit status. */
int texp_train_regressor(const texp_arguments *arguments);
int texp_train_segmenter(const texp_arguments *arguments);

#endif
