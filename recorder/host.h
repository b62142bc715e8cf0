/* SPDX-License-Identifier: Apache-2.0 */
/* The host that is looked at: the live one, or a copied tree. Every read begins at one of its
 * descriptors. */
#ifndef RECORDER_HOST_H
#define RECORDER_HOST_H

#include "base/arena.h"
#include "recorder/kernel/features.h"
#include "schema/snapshot.h"

struct host {
    bool live;             /* else a copied tree: no system call may ask the kernel about it */
    int proc, sys, etc;    /* directories, -1 where there are none: a copied disk has no proc */
    int root;              /* what they stand in: "/", or the copied tree */
    bool detached;         /* `proc` is a procfs of our own, as something covers parts of /proc */
    pid_t self;            /* the recorder in `proc`; in a copy who made it; 0 for nobody */
    bool has_capabilities; /* whether `capabilities` are known */
    uint64_t capabilities; /* effective ones of the recorder */
    struct features features; /* all unavailable unless live */
    bool has_security_labels; /* processes may have attr/current */
    bool has_login_uids;      /* ... and loginuid */
    struct snapshot_facts facts;
    struct arena *arena; /* of the facts' text */
};

/* Opens the live host, or with `root` a copied tree, and reads the facts known at the beginning. A
 * copied tree may have no processes; what it has then is for the caller to find out. */
int host_open(const char *root, struct host **ret_host);
void host_free(struct host *host);

DEFINE_CLEANUP(struct host *, host_free)
#define _cleanup_host_ _cleanup_(host_free_pointer)

static inline bool host_has(const struct host *host, enum feature feature)
{
    return features_have(&host->features, feature);
}

/* Whether there are processes to be seen: not on a disk that was copied. */
static inline bool host_has_processes(const struct host *host)
{
    return host->proc >= 0;
}

/* Whether the process is the recorder itself, at work. */
static inline bool host_is_self(const struct host *host, pid_t pid)
{
    return host->live && pid == host->self;
}

/* The inode of the pid namespace whose processes a live `proc` shows; 0 where it isn't known. */
uint32_t host_pid_namespace(const struct host *host);

/* Whether the recorder has a capability of <linux/capability.h>. */
bool host_may(const struct host *host, unsigned capability);

/* Fills the facts; host.c calls it. */
int host_read_facts(struct host *host);

/* Reads the clocks of a live host anew: taken_at and boottime. */
void host_read_moment(struct host *host);

#endif
