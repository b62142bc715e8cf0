/* SPDX-License-Identifier: Apache-2.0 */
/* The commands. One is a file that defines a `struct command`, and a row of the table in
 * commands.c. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/options.h"

#include <stdio.h>

/* Exit codes beside 0 and those of failures; see command_exit_code(). */
enum exit_code {
    EXIT_DIFFERENT = 1,    /* diff --exit-code found something */
    EXIT_USAGE = 2,        /* a typing error, or a revision that does not exist */
    EXIT_GAPS = 3,         /* stored, but with gaps, and --strict was given */
    EXIT_NO_DATABASE = 10, /* no such file */
    EXIT_LOCKED = 11,      /* another writer holds it */
    EXIT_DAMAGED = 12,     /* not ours, damaged, of a newer version, or a seal is broken */
    EXIT_OTHER = 13,       /* anything else */
};

struct command {
    const char *name;
    const char *arguments; /* behind the name, in the usage line */
    const char *summary;   /* a few words, for the list of commands */
    const char *details;   /* lines of text behind the options of --help; NULL for none */
    const char *examples;  /* lines; NULL for none */
    const struct option_row *options;
    int least, most; /* how many arguments it takes */

    /* More of --help, made from other tables; NULL for none. */
    void (*help)(FILE *out);

    /* Does the work with `count` arguments, NULL-terminated. 0, a positive exit code, or a negative
     * error whose message main() prints. */
    int (*run)(int count, char **arguments);
};

extern const struct command command_record, command_log, command_list, command_show, command_diff,
    command_export, command_doctor, command_verify, command_completion, command_help;

/* NULL-terminated. */
extern const struct command *const commands[];

/* The command, NULL if there is none; then a message with a suggestion is set. */
const struct command *command_by_name(const char *name);

/* Runs what argv says, from the options in front of the command on. 0, an exit code, or a negative
 * error. */
int command_run(int argc, char **argv);

/* The exit code for what command_run() returned. */
int command_exit_code(int result);

#endif
