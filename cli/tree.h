/* SPDX-License-Identifier: Apache-2.0 */
/* Which record stands below which: processes by their parents; namespaces by their parents and
 * owners; mounts by what they sit on; cgroups by their paths. */
#ifndef CLI_TREE_H
#define CLI_TREE_H

#include "cli/records.h"

#include <stdbool.h>
#include <stddef.h>

/* Below TREE_DEPTH_MOST a tree goes on without growing to the right: anybody can make a chain of
 * thousands, and what is drawn grows with its square. */
enum { TREE_ROOT = -1, TREE_DEPTH_MOST = 64 };

struct tree {
    ptrdiff_t *parents; /* by record: the number of the one that it stands below, or TREE_ROOT;
                           never a circle, whatever the records say */
    size_t *order;      /* all numbers, parents before children, else in the order of the records */
};

void tree_free(struct tree *tree);
#define _cleanup_tree_ _cleanup_(tree_free)

/* Whether things of this kind stand below each other; then the column that shows it. */
bool tree_exists(enum kind kind);
unsigned tree_column(enum kind kind);

/* The tree of all records of a kind in a snapshot. 0 or -ENOMEM. `ret_tree` is zero-initialised by
 * the caller. */
int tree_make(const struct records *records, struct tree *ret_tree);

#endif
