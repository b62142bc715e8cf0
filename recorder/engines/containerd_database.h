/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's own database, ROOT/io.containerd.metadata.v1.bolt/meta.db (engines/bolt.h), in which
 * all containers are, whether they have a task or not (its metadata/buckets.go):
 *
 *   v1/NAMESPACE/containers/ID/  image, createdat, updatedat, spec, labels/KEY, runtime/name,
 *                                extensions/NAME
 *   v1/NAMESPACE/images/NAME/target/digest */
#ifndef RECORDER_ENGINES_CONTAINERD_DATABASE_H
#define RECORDER_ENGINES_CONTAINERD_DATABASE_H

#include "base/arena.h"

#include <recorder/engines/proto/containerd.pb-c.h>

struct containerd_stored {
    struct containerd_stored *next;
    const char *namespace;
    Containerd__Container container;
    const char *image_digest;             /* NULL where it has no such image any more */
    const Containerd__Any *cri_extension; /* JSON of its CRI plugin; NULL for none */
};

/* The containers in the database, from a file that is open for reading. They live as long as the
 * arena. Negative errno without a message: -EAGAIN while it is written too often, what bolt_open()
 * and bolt_each() say, -EPROTO, -ENOMEM. */
int containerd_read_database(int fd, struct arena *arena, struct containerd_stored **ret_first);

#endif
