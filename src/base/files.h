/*
 * Files that appear whole or not at all: written as NAME.part, brought to the disk, renamed. What had that name before
 * is untouched until then. Also files read whole, and checksums. Nothing here knows of Darknet, prints or exits.
 *
 * Functions that take a message return 0, or -1 (or NULL) with "NAME: can't ...: why" in it (it may be NULL); the caller
 * adds the remedy.
 */
#ifndef TEXP_FILES_H
#define TEXP_FILES_H

#include "base/message.h"

#include <stddef.h>
#include <stdint.h>

/* Opens NAME.part for writing, emptied; NULL where it can't. From then on a limit on file size is an error of the write
 * that passes it, as a full disk is, and no longer the end of the program (SIGXFSZ is ignored). */
FILE *texp_file_create(const char *name, texp_message *message);

/* Ends what texp_file_create began: flushes, syncs, closes. NAME.part is then whole and on the disk. On an error,
 * whenever it came since the file was opened, NAME.part is removed. */
int texp_file_finish(FILE *file, const char *name, texp_message *message);

/* Renames a finished NAME.part to NAME and syncs the folder. On an error NAME.part is removed. */
int texp_file_publish(const char *name, texp_message *message);

/* Renames within a folder and syncs it. */
int texp_file_rename(const char *from, const char *to, texp_message *message);

/* Removes NAME.part, if it is there: for one that was finished and shall not be published. */
void texp_file_discard(const char *name);

/* Makes a folder with all those above it that are missing. Returns 0, or -1 with errno; 0 where something of that name was
 * there. */
int texp_folder_make(const char *name);

/* A whole file, or what a pipe gives until its end, with a 0 behind its *size bytes; to be freed by the caller. NULL and
 * errno where it can't be read, ENOMEM among them. */
unsigned char *texp_file_read(const char *name, size_t *size);

/* " (looked for from FOLDER)", the working directory, for a relative path that could not be opened; "" for an absolute one. */
typedef struct {
    char text[256];
} texp_place;
texp_place texp_looked_from(const char *path);

/* CRC-64/XZ (ECMA-182, reflected) of n bytes behind those whose checksum is `crc`; 0 before the first. Finds every
 * change within 64 neighbouring bits. */
uint64_t texp_crc64(uint64_t crc, const void *bytes, size_t n);

/* Size in bytes and CRC-64/XZ of a whole file. */
typedef struct {
    uint64_t size, crc;
} texp_file_sum;
int texp_file_sum_of(const char *file, texp_file_sum *sum, texp_message *message);
int texp_file_sums_equal(texp_file_sum a, texp_file_sum b);

#endif
