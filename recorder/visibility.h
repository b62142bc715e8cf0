/* SPDX-License-Identifier: Apache-2.0 */
/* Which mounts of a mount namespace a path leads to, and what hides the others. Computed from the
 * mount table alone, by the kernel's rules of path lookup (fs/namei.c, path_resolution(7)):
 *
 * - a lookup begins on the root mount's root, and doesn't step onto what is mounted over that;
 * - below, each component that something is mounted on leads onto the root of that mount, and on,
 * as long as something is mounted on that root in turn.
 *
 * So a mount is visible if the lookup of its target, which by its names follows no symbolic link,
 * ends on it. That hangs on what sits where and not on what came when: parents and paths tell it
 * all, also of mounts that were put beneath others (MOVE_MOUNT_BENEATH, propagation), which have
 * the older mount as their child. On one place of one parent sits one mount alone (since
 * kernel 4.11).
 *
 * Paths stand for directories here. They do as long as the table is of one moment: who removes a
 * mount point takes the mounts off it, and who renames one renames the target. (A deleted directory
 * may be a mount's root, "//deleted" in mountinfo, and is reached as any other.) Where a table
 * contradicts itself, having been read while it changed, the answer is unknown. */
#ifndef RECORDER_VISIBILITY_H
#define RECORDER_VISIBILITY_H

#include "recorder/kernel/span.h"

enum visibility {
    VISIBILITY_UNKNOWN,     /* it hangs on what the table doesn't show */
    VISIBILITY_VISIBLE,     /* the lookup of its target ends on it */
    VISIBILITY_OVERMOUNTED, /* another mount sits on its root */
    VISIBILITY_SHADOWED,    /* a mount on the way to it leads elsewhere */
    VISIBILITY_UNREACHABLE, /* it isn't below the root: mounted over that, or of another tree */
    VISIBILITY_COUNT,
};

/* "visible", ...; NULL for VISIBILITY_UNKNOWN. */
extern const char *const visibility_names[VISIBILITY_COUNT];

/* The first three are given; those of one table may be in any order. Ids are those of mountinfo or
 * the unique ones. Targets are seen from the same directory all; as captured, or as mountinfo
 * escapes them; borrowed; {NULL, 0} where there is none. */
struct visibility_mount {
    int64_t id, parent;
    struct span target;
    enum visibility visibility;
    const struct visibility_mount *covered_by; /* the nearest mount that hides an overmounted or
                                                  shadowed one, of the same table; else NULL */
};

/* The mount on whose root all targets begin: the only one at "/" that sits on nothing in the table.
 * NULL if there is none, or it cannot be told: those of a task whose root is a plain directory have
 * none. A chrooted task's is not the namespace's; whoever read the table knows. Borrowed. 0, or
 * -ENOMEM with its message. */
int visibility_root(const struct visibility_mount *mounts, size_t count,
                    const struct visibility_mount **ret_root);

/* Fills in the last two fields of all. `root` is the namespace's root, one of `mounts`; with a
 * mount over "/" it is the lower one, where everyone is who was there before. With NULL, nothing is
 * called visible or unreachable, but what is hidden from every root is told. Time is that of
 * sorting, for any table whatever. 0, or -ENOMEM with its message, the fields as they were. */
int visibility_find(struct visibility_mount *mounts, size_t count,
                    const struct visibility_mount *root);

#endif
