/* SPDX-License-Identifier: Apache-2.0 */
/* The things that belong to one: a process's namespaces and threads, a namespace's processes, owner
 * and ancestors, a mount's namespace, a container's processes,
 * namespaces and mounts, and what it shares, what views disagree about it. */
#ifndef CLI_RELATED_H
#define CLI_RELATED_H

#include "cli/records.h"

enum { RELATED_MOST = 8 };

struct related {
    struct {
        const char *name; /* "namespaces", "owner", ... */
        struct records records;
    } groups[RELATED_MOST];
    size_t count; /* of groups; none of them is empty */
};

void related_free(struct related *related);
#define _cleanup_related_ _cleanup_(related_free)

/* All that belongs to the record in its snapshot. `ret_related` is zero-initialised by the caller.
 * 0 or a negative error. */
int related_find(struct database *database, const struct snapshot *snapshot,
                 const struct record *record, struct related *ret_related);

#endif
