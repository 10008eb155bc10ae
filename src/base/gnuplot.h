/*
 * gnuplot at work in a process of its own. The script and the picture are files without a name, so that nothing is left behind
 * whoever is killed; a picture that is whole appears under its name at once. Nothing here knows of Darknet, prints or exits.
 *
 * The environment's GNUPLOT names another program than the first gnuplot of PATH; where it is empty, there is none.
 */
#ifndef TEXP_GNUPLOT_H
#define TEXP_GNUPLOT_H

#include "base/message.h"

#include <stddef.h>

/* Whether there is a gnuplot to run. */
int texp_gnuplot_is_there(void);
/* Whether the environment says that there shall be none. */
int texp_gnuplot_is_unwanted(void);

/* A picture under way. */
typedef struct texp_drawing texp_drawing;

/*
 * Starts gnuplot on `length` bytes of script, which write a picture to the standard output; it shall become `file`.
 * behind: gnuplot only gets the time that nobody else wants, a process group of its own, which a Ctrl-C does not reach, and
 * a minute at most.
 * Returns NULL with a message where it can't.
 */
texp_drawing *texp_drawing_start(const char *script, size_t length, const char *file, int behind,
                                 texp_message *message);

typedef enum { TEXP_DRAWN, TEXP_STILL_DRAWING, TEXP_NOT_DRAWN } texp_drawing_status;

/*
 * Waits so many seconds at most, 0: not at all. Behind TEXP_DRAWN, when the file is there, and behind TEXP_NOT_DRAWN, with a
 * message, the drawing is freed.
 */
texp_drawing_status texp_drawing_wait(texp_drawing *drawing, double seconds, texp_message *message);

/* Ends gnuplot and frees the drawing, whose file stays what it was; NULL is fine. */
void texp_drawing_cancel(texp_drawing *drawing);

#endif
