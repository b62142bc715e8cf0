/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/nsfs.h"

#include "base/cleanup.h"
#include "recorder/kernel/file_status.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

const char *const nsfs_type_names[NSFS_TYPE_COUNT] = {
    "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts",
};

int nsfs_parse_link(const char *bytes, size_t length, enum nsfs_type type, uint32_t *ret_inode)
{
    struct span rest = {bytes, length}, name;
    uint64_t inode;
    if (!span_take(&rest, ':', &name) || !span_is(name, nsfs_type_names[type]) || rest.length < 3 ||
        rest.bytes[0] != '[' || rest.bytes[rest.length - 1] != ']')
        return -EINVAL;
    struct span digits = {rest.bytes + 1, rest.length - 2};
    if (!span_unsigned(digits, 10, &inode) || !inode || inode > UINT32_MAX)
        return -EINVAL;
    *ret_inode = (uint32_t)inode;
    return 0;
}

int nsfs_parse_any_link(const char *bytes, size_t length, enum nsfs_type *ret_type,
                        uint32_t *ret_inode)
{
    for (unsigned type = 0; type < NSFS_TYPE_COUNT; type++)
        if (nsfs_parse_link(bytes, length, (enum nsfs_type)type, ret_inode) >= 0) {
            *ret_type = (enum nsfs_type)type;
            return 0;
        }
    return -EINVAL;
}

int nsfs_open(int directory, const char *name)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

int nsfs_inode(int fd, uint32_t *ret_inode)
{
    enum { NSFS_MAGIC = 0x6e736673 };
    struct statfs file_system;
    struct stat status;
    if (fstatfs(fd, &file_system) < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (file_system.f_type != NSFS_MAGIC)
        return -EINVAL;
    *ret_inode = (uint32_t)status.st_ino;
    return 0;
}

int nsfs_status(int proc, struct statx *ret_status)
{
    return file_status_read(proc, "self/ns/mnt", ret_status);
}

/* What isn't of the file system that our own namespaces are of is left alone: not even fstatfs(2)
 * may be asked about it, which waits for the server of some file systems. */
int nsfs_reopen(int proc, int path_fd)
{
    char name[32];
    struct statx own, file;
    int r = nsfs_status(proc, &own);
    if (r >= 0)
        r = file_status_read(path_fd, "", &file);
    if (r < 0)
        return r;
    if (!file_status_same_device(&own, &file))
        return -EINVAL;
    snprintf(name, sizeof(name), "self/fd/%d", path_fd);
    return nsfs_open(proc, name);
}

uint32_t nsfs_type_flag(enum nsfs_type type)
{
    static const uint32_t flags[NSFS_TYPE_COUNT] = {
        [NSFS_CGROUP] = CLONE_NEWCGROUP, [NSFS_IPC] = CLONE_NEWIPC, [NSFS_MNT] = CLONE_NEWNS,
        [NSFS_NET] = CLONE_NEWNET,       [NSFS_PID] = CLONE_NEWPID, [NSFS_TIME] = 0x80,
        [NSFS_USER] = CLONE_NEWUSER,     [NSFS_UTS] = CLONE_NEWUTS,
    };
    return flags[type];
}

int nsfs_type(int fd, enum nsfs_type *ret_type)
{
    int flag = ioctl(fd, NSFS_GET_TYPE);
    if (flag < 0)
        return -errno;
    for (unsigned type = 0; type < NSFS_TYPE_COUNT; type++)
        if (nsfs_type_flag((enum nsfs_type)type) == (uint32_t)flag) {
            *ret_type = (enum nsfs_type)type;
            return 0;
        }
    return -EINVAL;
}

int nsfs_open_neighbour(int fd, bool next)
{
    uint64_t info[2] = {sizeof(info)}; /* struct mnt_ns_info: its size, the mounts, the id */
    int neighbour = next ? ioctl(fd, NSFS_MNT_GET_NEXT, info) : ioctl(fd, NSFS_MNT_GET_PREV, info);
    return neighbour < 0 ? -errno : neighbour;
}

/* struct nsfs_file_handle. */
struct nsfs_handle {
    uint64_t id;
    uint32_t type;
    uint32_t inode;
};

int nsfs_open_by_id(int any, enum nsfs_type type, uint64_t id, uint32_t inode)
{
    enum { FILE_HANDLE_NSFS = 0xf1 };
    struct nsfs_handle nsfs = {.id = id, .type = nsfs_type_flag(type), .inode = inode};
    union {
        struct file_handle handle;
        char bytes[sizeof(struct file_handle) + sizeof(nsfs)];
    } file = {.handle = {.handle_bytes = sizeof(nsfs), .handle_type = FILE_HANDLE_NSFS}};
    memcpy(file.bytes + sizeof(file.handle), &nsfs, sizeof(nsfs));
    int fd = open_by_handle_at(any, &file.handle, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int nsfs_open_owner(int fd)
{
    int owner = ioctl(fd, NSFS_GET_USERNS);
    return owner < 0 ? -errno : owner;
}

int nsfs_open_parent(int fd)
{
    int parent = ioctl(fd, NSFS_GET_PARENT);
    return parent < 0 ? -errno : parent;
}

int nsfs_owner_uid(int fd, uid_t *ret_uid)
{
    return ioctl(fd, NSFS_GET_OWNER_UID, ret_uid) < 0 ? -errno : 0;
}

int nsfs_id(int fd, uint64_t *ret_id)
{
    return ioctl(fd, NSFS_GET_ID, ret_id) < 0 ? -errno : 0;
}

int nsfs_mount_namespace_id(int fd, uint64_t *ret_id)
{
    return ioctl(fd, NSFS_GET_MNTNS_ID, ret_id) < 0 ? -errno : 0;
}

uint32_t nsfs_initial_inode(enum nsfs_type type)
{
    static const uint32_t inodes[NSFS_TYPE_COUNT] = {
        [NSFS_CGROUP] = 0xEFFFFFFB, [NSFS_IPC] = 0xEFFFFFFF, [NSFS_MNT] = 0xEFFFFFF8,
        [NSFS_NET] = 0xEFFFFFF9,    [NSFS_PID] = 0xEFFFFFFC, [NSFS_TIME] = 0xEFFFFFFA,
        [NSFS_USER] = 0xEFFFFFFD,   [NSFS_UTS] = 0xEFFFFFFE,
    };
    return inodes[type];
}
