#include "train/image_memory.h"

#include <stdio.h>
#include <unistd.h>

size_t texp_image_memory(void)
{
    /* Free pages alone would leave out the page cache, which gives way. */
    unsigned long kilobytes = 0;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && !kilobytes && fgets(line, sizeof line, file)) sscanf(line, "MemAvailable: %lu", &kilobytes);
    if (file) fclose(file);
    if (kilobytes) return (size_t)kilobytes / 2 * 1024;
    return (size_t)sysconf(_SC_AVPHYS_PAGES) / 2 * (size_t)sysconf(_SC_PAGESIZE);
}
