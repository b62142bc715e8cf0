/* SPDX-License-Identifier: Apache-2.0 */
/* The containers of the host, and which of them a process is in.
 *
 * What engines tell are claims. They are taken in the order in which their engines are believed
 * (engines/search.h); one is held against the kernel before it counts:
 *
 * - Its first process must be there, with the start that the engine has of it, if it has that; it
 *   must be in a cgroup with the container's id, or, of an engine that was asked, in namespaces of
 *   its own. For an engine in a container it must be in that container.
 * - What another engine has claimed already, under that id or with that first process, is that
 * one's: Docker's containers are containerd's, too.
 *
 * A process is in the container whose cgroup is the innermost around its own, in any hierarchy; but
 * not who has made the first process, and stands above it outside of its namespaces: systemd-nspawn
 * may be in the cgroup of its container, bubblewrap always is.
 * What is further inside and has a name that engines give (cgroup_names.h) is a container that no
 * engine tells of. One in no such cgroup is in the container of whose first process it shares the
 * pid and the mount namespace, if only one has that pair. */
#ifndef RECORDER_CONTAINER_TABLE_H
#define RECORDER_CONTAINER_TABLE_H

#include "base/arena.h"
#include "recorder/engines/search.h"
#include "recorder/host.h"
#include "recorder/kernel/proc_cgroup.h"

#include <pthread.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum { CONTAINER_MAKERS_MOST = 4 };

struct container {
    UT_hash_handle hh, hh_pid, hh_random_id;
    const char *key;       /* "engine:id" */
    const char *outer;     /* key of the container that it is in, NULL for none */
    struct record *record; /* what its engine tells; NULL for one that has a cgroup alone */
    pid_t pid;             /* its first process: confirmed, or the first one seen in it; or 0 */
    int64_t start_ticks;
    bool frozen; /* ... and whether it is, by its cgroups */
    bool confirmed;
    bool state_is_seen;    /* its engine doesn't know whether it runs (engines/engine.h) */
    const char *random_id; /* within its outer container, of one that an engine tells of; or NULL */
    uint32_t pid_namespace, mnt_namespace; /* of a confirmed first process; or 0 */
    pid_t makers[CONTAINER_MAKERS_MOST];   /* in its cgroup, but not in it; 0 behind the last */
};

struct container_table {
    struct container *containers; /* hash by key */
    struct container *by_pid;     /* those whose first process is confirmed */
    struct container *by_random_id;
    struct inner_pids *inner_pids; /* of all processes, once they are asked for */
    struct cgroup_of_container *cgroups;
    struct pair_of_namespaces *pairs;
    struct arena *arena;
    pthread_mutex_t lock; /* of all, while processes are read */
    bool open;
};

/* What comes of a claim. */
enum claim_outcome {
    CLAIM_TAKEN,
    CLAIM_KNOWN,   /* another engine tells the same thing, more of it */
    CLAIM_REFUSED, /* another engine, which is believed more, has a container of that name */
};

int container_table_open(struct container_table *table);
void container_table_free(struct container_table *table);

/* Takes the record over, also when it isn't taken. With `pid_is_ours` its pid is one of the host's
 * proc. 0 or -ENOMEM. */
int container_table_claim(struct container_table *table, const struct host *host,
                          const struct number_list *processes, const struct engine_found *found,
                          struct record *record, bool pid_is_ours, enum claim_outcome *ret_outcome);

/* The container that the cgroups name; NULL for none. One that no engine tells of is added.
 * Borrowed, as long as the table. Any thread. 0 or -ENOMEM. */
int container_table_find(struct container_table *table, const struct proc_cgroup *cgroup,
                         struct container **ret_container);

/* Whether the process has made the container, in whose cgroup it is. Any thread. */
bool container_is_made_by(const struct container *container, pid_t pid, int64_t start_ticks);

/* The container whose first process has both namespaces; NULL for none. Any thread. */
struct container *container_table_find_pair(struct container_table *table, uint32_t pid_namespace,
                                            uint32_t mnt_namespace);

/* Notes that the process is in the container, and whether it is frozen. Any thread. */
void container_table_note(struct container_table *table, struct container *container, pid_t pid,
                          int64_t start_ticks, bool frozen);

/* By key, so that each run has the same order. */
void container_table_sort(struct container_table *table);

#endif
