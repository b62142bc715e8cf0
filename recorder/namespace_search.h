/* SPDX-License-Identifier: Apache-2.0 */
/* The search for namespaces: what its ways share. Each way tells of sightings (namespace_table.h);
 * whatever can be opened is asked once for its id, owner and parent, which may show namespaces that
 * nothing else does. Inside of namespace*.c and mount_*.c. */
#ifndef RECORDER_NAMESPACE_SEARCH_H
#define RECORDER_NAMESPACE_SEARCH_H

#include "recorder/capture.h"

#include <pthread.h>

/* How many namespaces can wait at once: each that is asked adds its owner and its parent, whose
 * chains are at most 32 long (user_namespaces(7), pid_namespaces(7)). */
enum { PENDING_MOST = 256 };

/* A namespace that is open, and not asked yet. */
struct pending {
    struct namespace *namespace;
    int fd;
};

struct namespace_search {
    struct capture *capture;
    const struct sink *sink; /* where gaps go: the capture's, or that of the worker at it */
    pthread_mutex_t lock;    /* of all, while several workers tell of what tasks have open */
    struct namespace_table *table;
    uint32_t own_mounts; /* inode of the recorder's own mount namespace; 0 where it isn't known */
    struct pending pending[PENDING_MOST];
    size_t pending_count;
    unsigned kept;    /* namespaces whose `fd` stays open */
    unsigned overdue; /* visitors that were not done in time */
};

/* Asks the open namespace, and all that this leads to, unless that was done before. `fd` is taken
 * over. What the kernel doesn't tell becomes a gap. 0, -ENOMEM, or the sink's error. */
int namespace_search_resolve(struct namespace_search *search, struct namespace *namespace, int fd);

/* Opens it again, in whatever way there is: a descriptor, or a negative errno without a message. */
int namespace_search_open(const struct namespace_search *search, const struct namespace *namespace);

/* A gap of the source `namespaces` that may hide what there is to know of it. */
int namespace_search_report(const struct namespace_search *search,
                            const struct namespace *namespace, int code, const char *detail);

/* The ways, in the order in which they are gone: an earlier one gives the better reference. Each:
 * 0, -ENOMEM, or the sink's error. */

/* Namespaces that tasks are in, or their children would be. */
int namespaces_see_tasks(struct namespace_search *search);

/* ... that tasks keep by what they have open. */
int namespaces_see_descriptors(struct namespace_search *search);

/* ... that the kernel lists. */
int namespaces_see_kernel(struct namespace_search *search);

/* ... that mounts keep, in all mount namespaces, also those found on the way. Records the mounts.
 */
int namespaces_see_mounts(struct namespace_search *search);

/* Opens and asks those that tasks have led to. */
int namespace_search_resolve_all(struct namespace_search *search);

#endif
