/* SPDX-License-Identifier: Apache-2.0 */
/* An answer of statmount(2) as the line that mountinfo would have for the mount
 * (include/uapi/linux/mount.h, fs/proc_namespace.c): so there is one form of a mount table, and one
 * parser, wherever it comes from. */
#ifndef RECORDER_KERNEL_STATMOUNT_H
#define RECORDER_KERNEL_STATMOUNT_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of the mask: what is asked for, and what was answered. */
enum {
    STATMOUNT_WANTS_SUPER = 0x1,
    STATMOUNT_WANTS_MOUNT = 0x2,
    STATMOUNT_WANTS_PROPAGATE_FROM = 0x4,
    STATMOUNT_WANTS_ROOT = 0x8,
    STATMOUNT_WANTS_TARGET = 0x10,
    STATMOUNT_WANTS_FSTYPE = 0x20,
    STATMOUNT_WANTS_OPTIONS = 0x80,  /* kernel 6.11 */
    STATMOUNT_WANTS_SUBTYPE = 0x100, /* 6.13 */
    STATMOUNT_WANTS_SOURCE = 0x200,  /* 6.13 */
    STATMOUNT_WANTS_LINE = 0x3bf,
};

/* struct statmount; behind it stand the texts, each ended by a NUL. A text's field is where it
 * begins among those. */
struct statmount_answer {
    uint32_t size; /* of all, with the texts */
    uint32_t options;
    uint64_t mask;
    uint32_t device_major, device_minor;
    uint64_t magic;
    uint32_t super_flags;
    uint32_t fstype;
    uint64_t unique_id, parent_unique_id;
    uint32_t id, parent_id;
    uint64_t attributes;
    uint64_t propagation;
    uint64_t peer_group, master, propagate_from;
    uint32_t root;
    uint32_t target;
    uint64_t namespace_id;
    uint32_t subtype;
    uint32_t source;
    uint64_t rest[48];
};

/* Appends the line, with its newline. False, and nothing appended, for an answer of which
 * mountinfo has none: one without a target, which lies outside of the namespace's root; or one that
 * makes no sense. `length` is the answer's, with its texts. */
bool statmount_append_line(struct buffer *lines, const struct statmount_answer *answer,
                           size_t length);

#endif
