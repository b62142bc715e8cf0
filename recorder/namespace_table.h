/* SPDX-License-Identifier: Apache-2.0 */
/* The namespaces found so far, each once, with everything that led to it. */
#ifndef RECORDER_NAMESPACE_TABLE_H
#define RECORDER_NAMESPACE_TABLE_H

#include "base/arena.h"
#include "recorder/census.h"
#include "recorder/kernel/nsfs.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* What can lead to a namespace, in the order of the contract. */
enum sighting {
    SIGHTING_PROCESS,
    SIGHTING_THREAD,
    SIGHTING_FD,
    SIGHTING_SOCKET,
    SIGHTING_BIND_MOUNT,
    SIGHTING_FOR_CHILDREN,
    SIGHTING_PARENT,
    SIGHTING_OWNER,
    SIGHTING_KERNEL,
    SIGHTING_COUNT,
};

/* "process", "thread", ... */
extern const char *const sighting_names[SIGHTING_COUNT];

struct namespace_key {
    uint32_t type; /* enum nsfs_type */
    uint32_t inode;
};

struct namespace
{
    struct namespace_key key;
    unsigned sightings; /* bit 1 << enum sighting */
    const struct census_task
        *task;                /* first task that leads to it, NULL if none does; of the census */
    enum namespace_link link; /* ... by this link, unless */
    bool by_descriptor;       /* it doesn't: it has it open, as this */
    int descriptor;
    bool resolved; /* it was opened, and asked for what follows */
    bool has_id;
    uint64_t id;
    uint32_t parent, owner; /* inodes, 0 where there is none or it isn't known */
    bool has_owner_uid;
    uid_t owner_uid;
    UT_hash_handle hh;
};

/* Zero-initialise it. */
struct namespace_table {
    struct namespace *namespaces;
    struct arena *arena;
};

void namespace_table_free(struct namespace_table *table);

/* NULL if it isn't known. Borrowed. */
struct namespace *namespace_table_find(const struct namespace_table *table, enum nsfs_type type,
                                       uint32_t inode);

/* Finds or adds it, and adds the sighting. Borrowed. 0 or -ENOMEM. */
int namespace_table_add(struct namespace_table *table, enum nsfs_type type, uint32_t inode,
                        enum sighting sighting, struct namespace **ret_namespace);

/* By type, then by inode. */
void namespace_table_sort(struct namespace_table *table);

#endif
