/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of one mount namespace as lines of mountinfo, whoever can be asked for them: the
 * kernel by the namespace's id (statmount(2), kernel 6.13), a task in it, or a visitor that enters
 * it. Each gives the same lines, but for a task that has only a part of the namespace below its
 * root. */
#ifndef RECORDER_MOUNT_TABLE_H
#define RECORDER_MOUNT_TABLE_H

#include "recorder/kernel/mount_calls.h"
#include "recorder/kernel/visitor.h"
#include "recorder/namespace_search.h"

/* A mount namespace that is being looked at. */
struct mount_namespace {
    struct namespace_search *search;
    struct namespace *namespace;
    const struct census_task *const *tasks; /* those in it */
    size_t task_count;
    struct visitor *visitor; /* NULL until it is needed */
    int visitor_code;        /* why there can be none: negative errno */
};

/* The visitor in it, which is started when it is needed first, and ended by the caller. 0 or a
 * negative errno without a message. Borrowed. */
int mount_namespace_enter(struct mount_namespace *place, struct visitor **ret_visitor);

/* Zero-initialise it. */
struct mount_table {
    struct buffer lines;
    size_t count; /* of lines */
    struct buffer
        root;      /* of the task that it was read through, seen from the namespace's; else empty */
    bool made;     /* by us, of what the kernel's calls answered */
    bool restless; /* it changed whenever it was read */
    int code;      /* why nothing could be read: negative errno */
    struct mount_ids_list ids; /* of all its mounts, by id of mountinfo; empty where not known */
};

void mount_table_free(struct mount_table *table);
#define _cleanup_mount_table_ _cleanup_(mount_table_free)

/* Asks the kernel's calls alone, which show all of the namespace, whatever root the tasks in it
 * have, and whether there are any. 0, or a negative errno without a message: -EOPNOTSUPP where
 * another way is better. */
int mount_table_ask_kernel(struct mount_namespace *place, struct mount_table *table);

/* Each way there is, until one shows something. 0, also where nothing could be read; or -ENOMEM
 * with its message. */
int mount_table_read(struct mount_namespace *place, struct mount_table *table);

/* False if the table's root isn't that of the namespace. */
static inline bool mount_table_is_whole(const struct mount_table *table)
{
    return table->root.length <= 1;
}

/* NULL where they aren't known. Borrowed. */
const struct mount_ids *mount_table_ids(const struct mount_table *table, int64_t id);

#endif
