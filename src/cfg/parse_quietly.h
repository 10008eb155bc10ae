/* Keeps what Darknet prints away from what the texp commands print. */
#ifndef TEXP_PARSE_QUIETLY_H
#define TEXP_PARSE_QUIETLY_H

#include "darknet.h"

/* stdout as a stream of the caller's own; what others print to stdout is lost from here on. Ends the program where that
 * cannot be had. */
FILE *texp_take_stdout(void);

/* Whatever ends the program from here on, Darknet's own exits and assertions among it, gives it the exit status `status`
 * until texp_give_verdict(): then it is the program's own. */
void texp_exit_without_verdict(int status);
void texp_give_verdict(void);

/* parse_network_cfg() without its table of layers. Of what it prints besides, warnings are shown where `warns`, and the
 * message, of one line or several, where it ends the program. */
network *texp_parse_quietly(const char *cfg, int warns);

#endif
