/* SPDX-License-Identifier: Apache-2.0 */
/* Which columns of a kind are shown. */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include "schema/kinds.h"

#include <stddef.h>

struct option_list;

struct columns {
    unsigned numbers[2 * COLUMNS_MOST]; /* a column may be asked for twice */
    size_t count;
};

/* The columns named by -o: names of schema/kinds.h, or "all"; a "+" in front of the first one adds
 * to the default ones. An empty list gives the default ones. 0, or -ERROR_USAGE with a suggestion.
 */
int columns_choose(enum kind kind, const struct option_list *names, struct columns *ret_columns);

#endif
