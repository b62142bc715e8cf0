/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-views: what one view of the kernel shows and another one doesn't. What hides something from
 * one of them seldom thinks of all. Inside of crossviews*.c.
 *
 * A view that lacks something is first a suspicion: processes come and go between two looks. It
 * becomes a record when the very same process (or mount) was there before and after further looks,
 * and the view lacked it in each. */
#ifndef RECORDER_CROSSVIEWS_H
#define RECORDER_CROSSVIEWS_H

#include "recorder/capture.h"
#include "recorder/number_set.h"

enum view {
    VIEW_READDIR,         /* the list of /proc */
    VIEW_DETACHED_PROCFS, /* the list of a procfs that is mounted nowhere */
    VIEW_LOOKUP,          /* /proc/PID, opened by its number; of the procfs that is mounted */
    VIEW_GETSID,          /* getsid(2) of the number */
    VIEW_CGROUP,          /* cgroup.procs of all cgroups of one hierarchy */
    VIEW_LOADAVG,         /* the number of threads in /proc/loadavg */
    VIEW_MOUNTINFO,
    VIEW_LISTMOUNT,
    VIEW_COUNT
};

/* One record, to be. Text is borrowed. */
struct discrepancy {
    const char *subject; /* as record_append_key() writes it */
    enum view missing_from;
    unsigned shown_by; /* bits 1 << enum view */
    bool has_id;
    uint64_t id;         /* inode of the pidfd, unique mount id */
    int64_t start_ticks; /* -1 where it isn't known */
    const char *name, *detail;
};

int discrepancy_emit(const struct sink *sink, const struct discrepancy *discrepancy);

/* Compares what mountinfo and listmount(2) show of each mount namespace that has a task at its
 * root; behind the namespaces, whose ids it needs. 0 or an error. */
int crossviews_compare_mounts(const struct capture *capture);

/* A process that a view seems to lack, and what to know it by. */
struct suspect {
    pid_t pid;
    int pidfd;     /* -1 where the kernel has none */
    int directory; /* of procfs: stays with this very process; -1 where it can't be opened */
    int64_t start_ticks;
    unsigned missing, shown; /* bits 1 << enum view */
};

/* from, from + 1, ... end - 1 */
struct number_range {
    pid_t from, end;
};

/* The process ids that each view has shown. */
struct crossviews {
    struct capture *capture;
    int other_proc;           /* a second procfs beside host->proc; -1 for none */
    enum view first, second;  /* which view the list of host->proc is, and which the second one */
    struct number_set before; /* the list by which the processes were read */
    struct number_set found;  /* ... those that were read then */
    struct number_set again;  /* the list some time later */
    struct number_set other;  /* the second list */
    struct number_set answering; /* to getsid */
    struct number_set grouped;   /* in a cgroup */
    struct number_set threads;   /* known ones beside first ones: no processes */
    struct number_set covered;   /* over whose folder in /proc something is mounted */
    struct buffer mounts;        /* the recorder's mountinfo, which has those mounts */
    struct number_list listing;  /* the newest list */
    bool whole_cgroups;          /* all cgroups of the hierarchy could be read */
    bool asked_all; /* getsid is asked about every number; else about those of listed processes and
                     * those where others are most likely: each takes 0.1 to 0.2 microseconds, and
                     * there may be four million */
    struct number_range asked[2]; /* beside the listed ones; no number twice */
    struct suspect *suspects;
    size_t count, capacity;
    struct buffer scratch, text;
};

/* The members of all cgroups of one hierarchy (each process is in one cgroup of each). Not complete
 * where there is no whole hierarchy, or not all of it can be read. 0 or -ENOMEM. */
int crossviews_read_cgroups(const struct capture *capture, struct number_set *members,
                            bool *ret_complete);

/* Whether a cgroup lists the process whose directory of procfs is given, in the hierarchy of
 * crossviews_read_cgroups(): 1, 0, or -EAGAIN where that can't be told. */
int crossviews_in_cgroup(struct crossviews *views, int directory, pid_t pid);

/* Finds the processes over whose folder in the recorder's /proc something is mounted. 0 or -ENOMEM.
 */
int crossviews_find_covered(struct crossviews *views);

/* Appends what covers the process's folder, as text; nothing where nothing does. 0 or -ENOMEM. */
int crossviews_describe_cover(struct crossviews *views, pid_t pid, struct buffer *text);

/* Compares the views of the process list; `suspects` are then those that at least one view lacks,
 * for certain. 0 or an error. */
int crossviews_find_suspects(struct crossviews *views);
void crossviews_drop_suspects(struct crossviews *views);

/* How many threads /proc/loadavg counts more than the processes have. */
struct thread_difference {
    bool known;    /* loadavg counts for the whole host, and all processes can be looked at */
    bool restless; /* threads came and went whenever they were counted */
    int64_t more;
};

/* The number that a process or thread was given last; 0 where it isn't known. */
pid_t crossviews_newest(struct crossviews *views);

/* 0 or -ENOMEM. */
int crossviews_count_threads(struct crossviews *views, struct thread_difference *ret_difference);

#endif
