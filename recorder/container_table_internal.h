/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the table of containers: for container_table.c and container_claims.c alone. */
#ifndef RECORDER_CONTAINER_TABLE_INTERNAL_H
#define RECORDER_CONTAINER_TABLE_INTERNAL_H

#include "recorder/cgroup_names.h"
#include "recorder/container_table.h"

/* A cgroup, and the container that has it to itself. */
struct cgroup_of_container {
    UT_hash_handle hh;
    const char *key; /* hierarchy, ':', path */
    struct container *container;
};

struct pair_of_namespaces {
    UT_hash_handle hh;
    uint32_t inodes[2];          /* pid, mnt */
    struct container *container; /* NULL: several have it */
};

/* A process, and its numbers in the pid namespaces that it is in, behind that of the recorder. */
struct inner_pid {
    pid_t pid;
    uint64_t inner[CGROUP_NAMES_MOST]; /* 0 for none */
};

struct inner_pids {
    size_t count;
    struct inner_pid list[];
};

/* NULL if there is none. */
struct container *container_table_find_key(const struct container_table *table, const char *key);

/* The texts are copied. NULL without memory. */
struct container *container_table_add(struct container_table *table, const char *key,
                                      const char *outer);

/* The first one to have a cgroup keeps it. 0 or -ENOMEM. */
int container_table_add_cgroup(struct container_table *table, struct span hierarchy,
                               struct span path, struct container *container);

/* container_table_find(), by who is alone with the table, or has its lock. Without `add`, the
 * innermost that is known already. */
int container_table_find_unlocked(struct container_table *table, const struct proc_cgroup *cgroup,
                                  bool add, struct container **ret_container);

#endif
