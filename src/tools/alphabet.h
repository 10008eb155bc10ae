/* Letters for the names that are drawn beside boxes. */
#ifndef TEXP_ALPHABET_H
#define TEXP_ALPHABET_H

#include "darknet.h"

/*
 * As Darknet's load_alphabet(): images of the letters 32..126 by size (0..7) and letter, black on white. Where data/labels has not
 * all of their files, which a clone does not have, they are drawn. Lives as long as the program.
 */
image **texp_alphabet(void);

/* Draws each box whose class has more than `threshold`, with its name, and prints what is found, as Darknet's draw_detections().
 * Boxes are fractions of the picture; names: `classes` of them. Letters beyond ASCII are drawn as question marks. */
void texp_draw_detections(image picture, const detection *found, int n, float threshold, char *const *names,
                          int classes);

#endif
