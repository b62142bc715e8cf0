/* SPDX-License-Identifier: Apache-2.0 */
/* A mount namespace begins as a copy of another one. Of a namespace that came (or went) with all
 * its mounts, those that other namespaces have as well say nothing; this tells which they are. */
#ifndef CLI_MOUNT_COPIES_H
#define CLI_MOUNT_COPIES_H

#include "diff/diff.h"

struct mount_copies;

/* Looks for mount namespaces that the difference says were added or removed. */
int mount_copies_find(struct database *database, const struct difference *difference,
                      struct mount_copies **ret_copies);
void mount_copies_free(struct mount_copies *copies);
DEFINE_CLEANUP(struct mount_copies *, mount_copies_free)
#define _cleanup_mount_copies_ _cleanup_(mount_copies_free_pointer)

/* Whether the change is of a mount of such a namespace, and another namespace of the same snapshot,
 * one that stayed, has the same file system at the same place. */
bool mount_copies_has(struct mount_copies *copies, const struct change *change);

#endif
