/* ./darknet texp ... */
#ifndef TEXP_COMMAND_H
#define TEXP_COMMAND_H

/* The arguments of Darknet's main; returns the exit status. */
int texp_command(int argc, char **argv);

#endif
