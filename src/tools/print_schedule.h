/* ./darknet texp schedule: rates and decays of a cfg's updates, as a table or as CSV. */
#ifndef TEXP_PRINT_SCHEDULE_H
#define TEXP_PRINT_SCHEDULE_H

#include "base/arguments.h"

/* Its arguments are those of command.c. Returns the exit status; ends the program with a message where the cfg is bad. */
int texp_print_schedule(const texp_arguments *arguments);

#endif
