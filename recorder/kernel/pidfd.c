/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/pidfd.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

int pidfd_open_task(pid_t pid, bool thread)
{
    const unsigned flag_thread = O_EXCL; /* PIDFD_THREAD, include/uapi/linux/pidfd.h */
    long fd = syscall(SYS_pidfd_open, pid, thread ? flag_thread : 0u);
    return fd < 0 ? -errno : (int)fd;
}

bool pidfd_is_there(int pidfd)
{
    return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0u) == 0 || errno != ESRCH;
}

bool pidfd_is_process(pid_t pid)
{
    return syscall(SYS_tgkill, pid, pid, 0) == 0 || errno == EPERM;
}

int pidfd_copy_descriptor(int pidfd, int number)
{
    long fd = syscall(SYS_pidfd_getfd, pidfd, number, 0u);
    return fd < 0 ? -errno : (int)fd;
}

bool pidfd_is_pidfs(int fd)
{
    enum { PIDFS_MAGIC = 0x50494446 };
    struct statfs file_system;
    return fstatfs(fd, &file_system) == 0 && file_system.f_type == PIDFS_MAGIC;
}

int pidfd_inode_of(int fd, uint64_t *ret_inode)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return -errno;
    *ret_inode = status.st_ino;
    return 0;
}

int pidfd_inode(pid_t pid, bool thread, uint64_t *ret_inode)
{
    _cleanup_close_ int fd = pidfd_open_task(pid, thread);
    return fd < 0 ? fd : pidfd_inode_of(fd, ret_inode);
}
