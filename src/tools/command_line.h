/* The command lines of Darknet's own commands: what each takes, and what is said to all else. */
#ifndef TEXP_COMMAND_LINE_H
#define TEXP_COMMAND_LINE_H

/*
 * In Darknet's main(), once -i and -nogpu are taken out; argv[argc] is NULL. Returns how many words are left where Darknet shall go on, without the
 * flags of its forks that change nothing here. Otherwise it ends the program: behind a command of the plug-in's, or with a message and
 * a failure where the line can't be meant.
 */
int texp_run_command_line(int argc, char **argv);

#endif
