/* .data files: what stands in them, and whether it fits together. */
#ifndef TEXP_DATA_FILE_H
#define TEXP_DATA_FILE_H

#include "darknet.h"

/* The options of a .data file: each key stands at the begin of its line, which it owns. A key that no command reads is
 * ignored with a warning that names the nearest known one. Exits with a message where the file can't be read, a line is not
 * key=value, the `labels` or `names` are fewer than `classes`, or `top` is more. */
list *texp_read_data_file(const char *file);

#endif
