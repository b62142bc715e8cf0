/* SPDX-License-Identifier: Apache-2.0 */
/* --help, made from the tables of commands, options and kinds. Each returns 0. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/commands.h"
#include "schema/kinds.h"

#include <stdio.h>

/* `nslapse` alone. */
void help_short(FILE *out);

/* `nslapse --help`. */
int help_overview(FILE *out);

/* `nslapse COMMAND --help`. */
int help_command(const struct command *command, FILE *out);

/* `nslapse help KIND`: its columns. */
int help_kind(enum kind kind, FILE *out);

/* `nslapse --version`. */
int help_version(FILE *out);

#endif
