/* SPDX-License-Identifier: Apache-2.0 */
/* What the collectors behind the processes need to know of each task: which namespaces it is in,
 * and how to reach it. */
#ifndef RECORDER_CENSUS_H
#define RECORDER_CENSUS_H

#include "base/buffer.h"
#include "recorder/kernel/nsfs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The links of /proc/PID/ns; two types have two. */
enum namespace_link {
    LINK_CGROUP,
    LINK_IPC,
    LINK_MNT,
    LINK_NET,
    LINK_PID,
    LINK_PID_FOR_CHILDREN,
    LINK_TIME,
    LINK_TIME_FOR_CHILDREN,
    LINK_USER,
    LINK_UTS,
    LINK_COUNT,
};

struct namespace_link_info {
    const char *path; /* below the task's directory: "ns/net" */
    enum nsfs_type type;
    bool for_children;
    unsigned column; /* of enum task_column */
};

extern const struct namespace_link_info namespace_links[LINK_COUNT];

struct census_task {
    int64_t start_ticks;
    pid_t pid;
    pid_t tid; /* 0 for the process itself */
    bool kernel_thread;
    bool ending;  /* a zombie, or about to be one: it has no descriptors any more */
    bool crowded; /* its threads, which are many, haven't been read yet */
    uint32_t namespaces[LINK_COUNT]; /* inode, 0 where it isn't known */
};

/* Zero-initialise it. */
struct census {
    struct census_task *tasks;
    size_t count;
    size_t capacity;
};

void census_free(struct census *census);

/* 0 or -ENOMEM. */
int census_add(struct census *census, const struct census_task *task);

/* The one that was added last. Borrowed, valid until the next change. */
struct census_task *census_newest(struct census *census);

/* Moves the tasks of `from` over. */
int census_merge(struct census *census, struct census *from);

/* Processes before threads, both by start, then by number: the same order on each run. */
void census_sort(struct census *census);

/* The task's directory below proc: "812", or "812/task/815". */
void census_append_path(struct buffer *buffer, const struct census_task *task);

/* Opens that directory: a descriptor, or a negative errno without a message. */
int census_open(int proc, const struct census_task *task);

#endif
