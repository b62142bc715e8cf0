/* SPDX-License-Identifier: Apache-2.0 */
/* A process has a number in its own pid namespace and in each one above it: what NSpid of
 * proc_pid_status(5) lists, from the recorder's namespace inwards. Which namespaces those are
 * follows from the process's own and the parents of pid namespaces; pid_namespaces(7). */
#ifndef SCHEMA_PID_CHAINS_H
#define SCHEMA_PID_CHAINS_H

#include "base/buffer.h"
#include "schema/record.h"
#include "schema/snapshot.h"

#include <stddef.h>

/* The pid namespaces of a snapshot. Zero-initialise it. */
struct pid_chains {
    struct pid_namespace {
        int64_t inode, parent; /* no parent: -1 */
    } * namespaces;            /* by inode */
    size_t count, capacity;
    int64_t *chain; /* of the process at hand, its own namespace first */
    size_t chain_capacity;
};

void pid_chains_free(struct pid_chains *chains);

int pid_chains_load(struct pid_chains *chains, struct database *database,
                    const struct snapshot *snapshot);

/* Appends {"pid:INODE":PID, ...} from the outermost namespace inwards, for those namespaces that
 * are known; nothing where the process's own isn't, or its numbers aren't. */
int pid_chains_append(struct pid_chains *chains, const struct record *process, struct buffer *json);

#endif
