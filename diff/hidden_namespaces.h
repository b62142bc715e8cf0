/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces that were seen in one snapshot, and that the gaps of another may hide there. All of
 * them are told at once: to look for one takes as long. */
#ifndef DIFF_HIDDEN_NAMESPACES_H
#define DIFF_HIDDEN_NAMESPACES_H

#include "diff/hidden.h"

struct hidden_namespaces;

/* Of those that were seen in `seen`, the ones that a task was in, or would have put its children
 * in, which gaps cover; and those that were reached only through what gaps cover. Owned by the
 * caller.
 */
int hidden_namespaces_load(const struct hidden *hidden, struct database *database,
                           const struct snapshot *seen, struct hidden_namespaces **ret_namespaces);
void hidden_namespaces_free(struct hidden_namespaces *namespaces);
DEFINE_CLEANUP(struct hidden_namespaces *, hidden_namespaces_free)

bool hidden_namespaces_have(const struct hidden_namespaces *namespaces, const char *type,
                            int64_t inode);

#endif
