/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup hierarchies that are mounted where the recorder is, of both versions: cgroups(7). And
 * which cgroups are frozen, each asked once per snapshot. */
#ifndef RECORDER_HIERARCHIES_H
#define RECORDER_HIERARCHIES_H

#include "base/arena.h"
#include "recorder/host.h"
#include "recorder/kernel/proc_cgroup.h"
#include "schema/record.h"

#include <pthread.h>

/* Whether something is frozen. */
enum frozen {
    FROZEN_UNKNOWN = -1,
    FROZEN_NO,
    FROZEN_YES,
    FROZEN_NEVER, /* this hierarchy freezes nothing */
};

struct hierarchy {
    const char *key;        /* as in /proc/PID/cgroup: "cpu,cpuacct", "name=systemd"; "unified" */
    unsigned version;       /* 1 or 2 */
    int directory;          /* where it is mounted; -1 if it isn't */
    const char *mount_root; /* path of the cgroup that is mounted there: "/" */
    const char *mount_target;
};

struct hierarchies {
    struct hierarchy list[PROC_CGROUP_MOST]; /* ordered by key */
    size_t count;
    struct frozen_answer *answers; /* hash by hierarchy and path */
    pthread_mutex_t lock;          /* of answers, and of arena behind hierarchies_open() */
    struct arena *arena;
};

/* Finds them by the recorder's own mountinfo and cgroup file (in a copy, by those of who made it,
 * or of process 1). What is amiss becomes a gap in `sink`. 0, -ENOMEM, or the sink's error. */
int hierarchies_open(const struct host *host, const struct sink *sink,
                     struct hierarchies *ret_hierarchies);
void hierarchies_free(struct hierarchies *hierarchies);

/* Of a cgroup whose directory is open. `is_root`: it is the hierarchy's root. `scratch` is
 * overwritten. */
enum frozen hierarchy_frozen(const struct hierarchy *hierarchy, int directory, bool is_root,
                             struct buffer *scratch);

/* False if the cgroup, whose directory is open, has none below it: then it needs no listing. */
bool hierarchy_may_go_on(const struct host *host, int directory);

/* Whether a task of these cgroups is frozen: by any hierarchy. FROZEN_NEVER where none freezes. Any
 * thread. `scratch` is overwritten. */
enum frozen hierarchies_frozen(struct hierarchies *hierarchies, const struct proc_cgroup *cgroup,
                               struct buffer *scratch);

#endif
