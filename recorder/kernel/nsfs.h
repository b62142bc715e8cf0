/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces as files: the links of /proc/PID/ns (namespaces(7)) and the ioctls of nsfs
 * (ioctl_ns(2), include/uapi/linux/nsfs.h). */
#ifndef RECORDER_KERNEL_NSFS_H
#define RECORDER_KERNEL_NSFS_H

#include "recorder/kernel/span.h"

#include <linux/ioctl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct statx;

/* In the order of their names. */
enum nsfs_type {
    NSFS_CGROUP,
    NSFS_IPC,
    NSFS_MNT,
    NSFS_NET,
    NSFS_PID,
    NSFS_TIME,
    NSFS_USER,
    NSFS_UTS,
    NSFS_TYPE_COUNT,
};

/* "cgroup", "ipc", ... */
extern const char *const nsfs_type_names[NSFS_TYPE_COUNT];

/* Not in older headers of the kernel. */
#define NSFS_GET_USERNS    _IO(0xb7, 0x1)              /* 4.9 */
#define NSFS_GET_PARENT    _IO(0xb7, 0x2)              /* 4.9 */
#define NSFS_GET_TYPE      _IO(0xb7, 0x3)              /* 4.11 */
#define NSFS_GET_OWNER_UID _IO(0xb7, 0x4)              /* 4.11 */
#define NSFS_GET_MNTNS_ID  _IOR(0xb7, 5, uint64_t)     /* 6.11 */
#define NSFS_MNT_GET_NEXT  _IOR(0xb7, 11, uint64_t[2]) /* 6.12 */
#define NSFS_MNT_GET_PREV  _IOR(0xb7, 12, uint64_t[2]) /* 6.12 */
#define NSFS_GET_ID        _IOR(0xb7, 13, uint64_t)    /* 6.18 */

/* Each: 0 or a negative errno, without a message. */

/* What a link of /proc/PID/ns says: "mnt:[4026531840]". -EINVAL if it isn't of this type. */
int nsfs_parse_link(const char *bytes, size_t length, enum nsfs_type type, uint32_t *ret_inode);

/* The same of a link to a namespace of any type. */
int nsfs_parse_any_link(const char *bytes, size_t length, enum nsfs_type *ret_type,
                        uint32_t *ret_inode);

/* Opens PID/ns/net and the like, below a live procfs. */
int nsfs_open(int directory, const char *name);

/* The inode number of an open namespace: different for each one of the host, of whatever type, that
 * exists at the same time. -EINVAL if the descriptor isn't one. */
int nsfs_inode(int fd, uint32_t *ret_inode);

/* The status of one of the recorder's own namespaces, whose device is that of all of them; `proc`
 * is a live procfs. */
int nsfs_status(int proc, struct statx *ret_status);

/* Opens a namespace for its ioctls whose file is open with O_PATH, through the live procfs `proc`.
 * -EINVAL if it isn't one: nothing else is ever opened. */
int nsfs_reopen(int proc, int path_fd);

/* The type of an open namespace. */
int nsfs_type(int fd, enum nsfs_type *ret_type);

/* The owning user namespace, and the parent (user and pid only), as new descriptors. -EPERM when it
 * is above what the recorder may see, or there is none. */
int nsfs_open_owner(int fd);
int nsfs_open_parent(int fd);

/* The user, in the recorder's user namespace, that made this user namespace. */
int nsfs_owner_uid(int fd, uid_t *ret_uid);

/* The kernel's 64-bit id. The second works on mount namespaces alone, on older kernels. */
int nsfs_id(int fd, uint64_t *ret_id);
int nsfs_mount_namespace_id(int fd, uint64_t *ret_id);

/* The next mount namespace, or the one before, in the order of their ids, as a new descriptor
 * (kernel 6.12): of all that there are, whatever keeps them, but for those of detached trees.
 * -ENOENT behind the last. -EPERM without CAP_SYS_ADMIN on the host, or in another pid namespace.
 */
int nsfs_open_neighbour(int fd, bool next);

/* Opens a namespace by its id, through a file handle of nsfs (open_by_handle_at(2), kernel 6.18);
 * `any` is an open namespace. The inode may be 0 (kernel 6.19). -ESTALE if there is none, or we may
 * not: that takes the host's first user namespace. */
int nsfs_open_by_id(int any, enum nsfs_type type, uint64_t id, uint32_t inode);

/* CLONE_NEWNET and the like, by which the kernel calls the type. */
uint32_t nsfs_type_flag(enum nsfs_type type);

/* The inode of the host's first namespace of this type, where it is the same on each host
 * (include/linux/proc_ns.h); 0 where it isn't. */
uint32_t nsfs_initial_inode(enum nsfs_type type);

#endif
