/* SPDX-License-Identifier: Apache-2.0 */
/* The records of one mount namespace's mounts, with what hides them. */
#ifndef RECORDER_MOUNTS_H
#define RECORDER_MOUNTS_H

#include "recorder/kernel/mountinfo.h"
#include "recorder/mount_table.h"
#include "recorder/visibility.h"

/* Told of each mount. `target` is a path from the root of the namespace, as the kernel has it. 0,
 * or an error that ends the recording. */
struct mounts_visitor {
    int (*each)(void *userdata, const struct mountinfo_mount *mount, const char *target,
                enum visibility visibility);
    void *userdata;
};

/* Records the table's mounts in the sink, which is the capture's or a worker's, unless the capture
 * leaves them out; `inode` is the namespace's. Lines
 * that make no sense, and mounts that the table lacks, become a gap. 0, -ENOMEM, or an error of the
 * sink or the visitor. */
int mounts_record(const struct capture *capture, const struct sink *sink, uint32_t inode,
                  const struct mount_table *table, const struct mounts_visitor *visitor);

/* A gap that may hide mounts of this namespace. `code` as in collector_gap(). */
int mounts_report(const struct sink *sink, uint32_t inode, int code, const char *detail);

#endif
