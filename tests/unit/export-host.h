/* SPDX-License-Identifier: Apache-2.0 */
/* A made-up host of about 400 processes for tests of the exports: services with mount namespaces of
 * their own, containers, a pod, sandboxes in user namespaces, a network namespace without a
 * process. */
#ifndef TESTS_UNIT_EXPORT_HOST_H
#define TESTS_UNIT_EXPORT_HOST_H

#include "export/export.h"
#include "tests/unit/world.h"

/* The namespaces of a task, in the order of the contract's names. */
struct host_place {
    int64_t cgroup, ipc, mnt, net, pid, time, user, uts;
};

/* Where init is. */
extern const struct host_place host_initial;

/* Adds a process; its start follows its pid. What the fields don't say is that of a process of
 * root. */
struct host_process {
    int64_t pid, ppid, uid;
    const char *comm;
    const struct host_place *place; /* NULL for the initial one */
    bool kernel_thread;
};
struct record *host_add_process(struct world *world, const struct host_process *process);

/* `owner` and `parent` are inodes, 0 for none. */
struct record *host_add_namespace(struct world *world, const char *type, int64_t inode,
                                  int64_t owner, int64_t parent);

struct host_mount {
    int64_t namespace, id, parent, shared, master; /* the last two 0 for none */
    const char *target, *fstype, *source;
};
struct record *host_add_mount(struct world *world, const struct host_mount *mount);

/* The record of the kind whose first two columns of the key are these; `second` is not asked for
 * processes. Fails if there is none. */
struct record *host_find(struct world *world, enum kind kind, const char *type, int64_t first,
                         int64_t second);

void host_remove_process(struct world *world, int64_t pid);

/* Adds the eight initial namespaces and init alone. */
void host_add_initial(struct world *world);

/* Adds the whole host. */
void host_add_all(struct world *world);

/* A container of Docker, of the image shop:1; pid 0: it has ended. */
struct record *host_add_container(struct world *world, const char *id, const char *name,
                                  int64_t pid);

/* One that has ended, of that engine, in these groups; NULL for not known. */
void host_add_container_of(struct world *world, const char *id, const char *instance,
                           const char *groups);

/* Adds another host: a pod of two that share its network (a1 web, b2 cache), one that shares the
 * host's (c3 agent), one inside a1 (a1/d4 inner), one that has ended (e5 done). */
void host_add_containers(struct world *world);

/* An intrusion: a process and a network namespace of its own, a service that ended, one that
 * changed its user, a new mount, and a process that could not be seen. */
void host_alter(struct world *world);

/* The text of an export, to be released with free(); asserts that it works. One of the two is NULL.
 */
char *host_export(struct database *database, const char *format, const char *graph,
                  const struct snapshot *snapshot, const struct difference *difference);

#endif
