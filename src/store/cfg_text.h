/*
 * What a cfg says, without what it looks like: for telling whether a run goes on with the cfg that it began with.
 * Nothing here knows of Darknet, prints or exits.
 */
#ifndef TEXP_CFGTEXT_H
#define TEXP_CFGTEXT_H

#include "base/message.h"

#include <stddef.h>

/* The normal form of a cfg's text: its sections and key=value lines in their order, each ended by a newline, without
 * comments, blank lines and any blanks (base/text.h). To be freed; NULL where there is no memory. */
char *texp_cfg_normal(const char *text);

/* The normal form of a file, to be freed; NULL where it can't be read. */
char *texp_cfg_normal_of(const char *file);

/* Whether a key's difference counts; section 0 is the first one ([net]). */
typedef int texp_key_counts(const void *context, int section, const char *key);

/* Compares two normal forms, section by section; the order of keys within a section does not matter, of a key given
 * twice the first counts, as Darknet has it, and of all keys those that `counts` says; sections that differ always do.
 * Returns 0 where they say the same; otherwise 1 and the first difference, as in "[net] momentum=0.9 there, momentum=0.8
 * here" or "layer 3 [convolutional] filters=8 there, nothing here": there is the first form. Layers count from 0. */
int texp_cfg_difference(const char *there, const char *here, texp_key_counts *counts, const void *context,
                        texp_message *difference);

#endif
