/* `darknet detector map`, `valid`, `valid2`, `recall` and `test`: what a trained detector finds. */
#ifndef TEXP_DETECTOR_COMMANDS_H
#define TEXP_DETECTOR_COMMANDS_H

#include "base/arguments.h"

/* Each takes the arguments of its row in command_table.c and returns the exit status; exits with a message where files can't be
 * read or written, or do not fit the network. */
int texp_detector_map(const texp_arguments *arguments);
int texp_detector_valid(const texp_arguments *arguments);
int texp_detector_valid_mirrored(const texp_arguments *arguments);
int texp_detector_recall(const texp_arguments *arguments);
int texp_detector_test(const texp_arguments *arguments);

#endif
