/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the engines of a host: by its processes, by their sockets, and where they usually are. */
#ifndef RECORDER_ENGINES_SEARCH_H
#define RECORDER_ENGINES_SEARCH_H

#include "base/arena.h"
#include "recorder/engines/engine.h"
#include "recorder/engines/known.h"
#include "recorder/host.h"
#include "recorder/kernel/procfs.h"

/* A place where an engine is. */
struct engine_found {
    const struct engine *engine;
    struct engine_place place;
    const char *outer;      /* "engine:id" of the container that it runs in; NULL on the host */
    const char *instance;   /* column instance of its containers */
    pid_t pid;              /* of who led there; 0 for a usual place */
    int64_t start_ticks;    /* ... and its start */
    bool trusted;           /* it is of the host's root */
    uint32_t pid_namespace; /* in which the engine's numbers of processes are; 0 for the host's */
    uint32_t mnt_namespace; /* 0 where it isn't known */
    int root;               /* directory where its paths begin; -EACCES where we may not see it */
    bool root_is_own;       /* else it is that of the host */
    const struct engine_keeper *keepers;
    struct engine_keeper *last_keeper;
};

/* Zero-initialise it. */
struct engines_found {
    struct engine_found *list; /* those that are believed first, first */
    size_t count, capacity;
    size_t running;    /* among them, to which a process has led */
    size_t of_others;  /* among those, whose aren't the host's root's */
    uint32_t left_out; /* more than anyone has: bits of their places among engines[] */
    struct arena *arena;
};

/* Looks at the processes that run programs of engines (programs.h), where engines usually are, and
 * where those were whose containers are known: one that has been stopped leaves its files. 0 or
 * -ENOMEM: what may not be read leads nowhere. */
int engines_search(const struct host *host, const struct number_list *programs,
                   const struct known_containers *known, struct engines_found *ret_found);

/* Whether an engine's `outer` is no container that anyone has a name for, but just another pid
 * namespace than the host's. */
bool engine_search_is_namespace(const char *outer);

void engines_found_free(struct engines_found *found);

#endif
