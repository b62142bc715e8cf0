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
    /* How it is opened again: by the first task that leads to it, which is in it or has it open; or
     * by the path of a bind mount. */
    const struct census_task *task; /* NULL if none does; of the census */
    enum namespace_link link;       /* ... by this link, unless */
    bool by_descriptor;             /* it has it open, as this */
    int descriptor;
    const struct namespace *within; /* the mount namespace that the path is in */
    const char *path;               /* as captured, from the root of that; NULL if there is none */
    int code;      /* why no path could be gone yet: negative errno, 0 where none was tried */
    int fd;        /* a mount namespace that no later look could open, until it is visited; or -1 */
    bool visited;  /* ... its mounts were looked at */
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

/* How many steps lead to it: 1 through a task, more through bind mounts in mount namespaces that
 * are entered one after the other; 0 if nothing leads to it, or more than NAMESPACE_STEPS_MOST. */
enum { NAMESPACE_STEPS_MOST = 32 };
size_t namespace_steps(const struct namespace *namespace);

/* By type, then by inode. */
void namespace_table_sort(struct namespace_table *table);

#endif
