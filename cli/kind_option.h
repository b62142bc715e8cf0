/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of things as words of the command line. */
#ifndef CLI_KIND_OPTION_H
#define CLI_KIND_OPTION_H

#include "cli/options.h"
#include "schema/kinds.h"

#include <stdio.h>

/* The kind of that name, singular or plural. 0, or -ERROR_USAGE with a suggestion. */
int kind_option_parse(const char *word, enum kind *ret_kind);

/* The kinds of a list, bit 1 << kind for each; `otherwise` for an empty list. */
int kind_option_mask(const struct option_list *words, unsigned otherwise, unsigned *ret_mask);

/* For --help: which kinds there are. */
void kind_option_help(FILE *out);

#endif
