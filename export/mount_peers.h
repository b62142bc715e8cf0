/* SPDX-License-Identifier: Apache-2.0 */
/* Edges between mounts that propagate to each other (mount_namespaces(7)): peers of a group across
 * mount namespaces, and from a group to its slaves. Where two namespaces have much in common, one
 * edge between their clusters stands for all of it. */
#ifndef EXPORT_MOUNT_PEERS_H
#define EXPORT_MOUNT_PEERS_H

#include "base/arena.h"
#include "export/dot.h"
#include "schema/record.h"

/* A mount's part in one peer group. */
struct mount_peer {
    int64_t group;
    bool slave;
    const char *node;    /* where it is drawn */
    const char *cluster; /* and inside of what */
    size_t sequence;     /* as it was added */
};

/* Zero-initialise it. */
struct mount_peers {
    struct arena *arena;
    struct mount_peer *peers;
    size_t count, capacity;
};

void mount_peers_free(struct mount_peers *peers);
#define _cleanup_mount_peers_ _cleanup_(mount_peers_free)

/* The mount takes part with the node and the cluster of these ids, which are copied. Several mounts
 * may share a node. 0 or -ENOMEM with its message. */
int mount_peers_add(struct mount_peers *peers, const struct record *mount,
                    const struct buffer *node, const struct buffer *cluster);

/* Draws the edges. 0 or -ENOMEM with its message. Reorders the peers. */
int mount_peers_draw(struct mount_peers *peers, struct dot *dot);

#endif
