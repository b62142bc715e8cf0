/* SPDX-License-Identifier: Apache-2.0 */
/* listmount(2) and statmount(2), kernel 6.8; with the id of another mount namespace 6.11
 * (include/uapi/linux/mount.h). */
#ifndef RECORDER_KERNEL_MOUNT_CALLS_H
#define RECORDER_KERNEL_MOUNT_CALLS_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

/* A mount's two ids: the one of mountinfo, used again after its end, and the one that never is. */
struct mount_ids {
    uint32_t id;
    uint64_t unique_id;
};

/* Ordered by unique_id. Zero-initialise it. */
struct mount_ids_list {
    struct mount_ids *mounts;
    size_t count;
};

void mount_ids_list_free(struct mount_ids_list *list);
#define _cleanup_mount_ids_list_ _cleanup_(mount_ids_list_free)

/* Each: 0 or a negative errno, without a message. `namespace_id` is the kernel's id of a mount
 * namespace (nsfs_mount_namespace_id()), 0 for the recorder's own. */

/* Whether the calls are there: of the recorder's root mount. */
int mount_calls_probe_list(void);
int mount_calls_probe_stat(void);

/* Whether mount_calls_read() finds all that a line of mountinfo says (kernel 6.13). */
int mount_calls_probe_lines(void);

/* All mounts of the namespace. Those that go away meanwhile are left out. */
int mount_calls_list(uint64_t namespace_id, struct mount_ids_list *ret_list);

/* How many mount_calls_list() and mount_calls_read() would find. */
int mount_calls_count(uint64_t namespace_id, size_t *ret_count);

/* Leaves only those mounts in `list` that are still there: if one is, its id of mountinfo was not
 * used for another one meanwhile. */
int mount_calls_confirm(uint64_t namespace_id, struct mount_ids_list *list);

/* Replaces what `table` holds by lines as mountinfo has them, in the order of the unique ids, of
 * all mounts below the root of the namespace (of its first mount, where that isn't the recorder's
 * own), and their ids in the same order. No task in it is needed. 0; 1 if mounts came or went each
 * time that it was read; or an error. A mount that only moved meanwhile isn't noticed. */
int mount_calls_read(uint64_t namespace_id, struct buffer *table, struct mount_ids_list *ret_ids);

#endif
