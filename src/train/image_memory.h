/* How much memory decoded images may take. */
#ifndef TEXP_IMAGE_MEMORY_H
#define TEXP_IMAGE_MEMORY_H

#include <stddef.h>

/* Half of the free memory, in bytes. */
size_t texp_image_memory(void);

#endif
