/* Lists of images, one path a line, and whether their images can be read. Nothing here knows of Darknet or exits. */
#ifndef TEXP_IMAGE_LIST_H
#define TEXP_IMAGE_LIST_H

#include "base/text.h"

typedef struct {
    texp_text text; /* the paths point into it */
    int n; /* images, at least 1 */
    char **paths; /* relative to the working directory, as Darknet's are */
    int *lines; /* the line of each, 1, 2, ... */
} texp_image_list;

/* Returns 0 and the list, to be closed by the caller; or -1 with a message (may be NULL): the file can't be read, is no text,
 * or names no image. `file` must live as long. */
int texp_image_list_open(texp_image_list *list, const char *file, texp_message *message);
void texp_image_list_close(texp_image_list *list);

/* "LIST, line 2: IMAGE: WHAT" as a message; returns -1. */
int texp_image_list_say(const texp_image_list *list, int i, const char *what, texp_message *message);

/* Whether the begin of each file is that of an image, and a JPEG or PNG has its end, by threads; progress is shown where it
 * lasts. Returns 0, or -1 with a message about the first image for which that is not so. */
int texp_image_list_check(const texp_image_list *list, texp_message *message);

/* The same of one file, with its size in pixels. Returns 0, or -1 with what is wrong in the message, without the file's
 * name. A format that stb_image does not know is refused, where Darknet isn't built with OpenCV, which knows more; the size is then
 * 0. */
int texp_image_check(const char *file, int *w, int *h, texp_message *message);

#endif
