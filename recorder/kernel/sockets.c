/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/sockets.h"

#include "base/cleanup.h"
#include "recorder/kernel/file_status.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C
#endif

/* Not in older headers of the kernel. */
#define TUN_GET_DEVICE_NAMESPACE _IO('T', 227)

int socket_status(struct statx *ret_status)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : file_status_read(fd, "", ret_status);
}

bool socket_parse_link(struct span link, uint64_t *ret_inode)
{
    static const char beginning[] = "socket:[";
    enum { BEGINNING = sizeof(beginning) - 1 };
    if (!span_starts(link, beginning) || link.bytes[link.length - 1] != ']')
        return false;
    struct span digits = {link.bytes + BEGINNING, link.length - BEGINNING - 1};
    return span_unsigned(digits, 10, ret_inode);
}

bool socket_has_inode(int fd, uint64_t inode)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_ino == inode;
}

int socket_open_namespace(int fd)
{
    int namespace = ioctl(fd, SIOCGSKNS);
    return namespace < 0 ? -errno : namespace;
}

bool tun_is_node(const struct statx *status)
{
    enum { MISC_MAJOR = 10, TUN_MINOR = 200 };
    return S_ISCHR(status->stx_mode) && status->stx_rdev_major == MISC_MAJOR &&
           status->stx_rdev_minor == TUN_MINOR;
}

bool tun_is_fdinfo(struct span fdinfo)
{
    struct span line;
    while (span_take(&fdinfo, '\n', &line))
        if (span_starts(line, "iff:\t"))
            return true;
    return false;
}

int tun_open_device_namespace(int fd)
{
    int namespace = ioctl(fd, TUN_GET_DEVICE_NAMESPACE);
    return namespace < 0 ? -errno : namespace;
}
