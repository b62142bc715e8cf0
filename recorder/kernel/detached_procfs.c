/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/detached_procfs.h"

#include "base/cleanup.h"

#include <sys/syscall.h>

#ifndef SYS_fsopen
#define SYS_fsopen 430
#endif
#ifndef SYS_fsconfig
#define SYS_fsconfig 431
#endif
#ifndef SYS_fsmount
#define SYS_fsmount 432
#endif

/* From include/uapi/linux/mount.h, whose older versions don't have them. */
enum {
    OPEN_CLOSE_ON_EXEC = 1,  /* FSOPEN_CLOEXEC */
    MOUNT_CLOSE_ON_EXEC = 1, /* FSMOUNT_CLOEXEC */
    CONFIG_CREATE = 6,       /* FSCONFIG_CMD_CREATE */
    READ_ONLY = 0x1,         /* MOUNT_ATTR_RDONLY, and NOSUID, NODEV, NOEXEC */
    NO_SUID = 0x2,
    NO_DEVICES = 0x4,
    NO_PROGRAMS = 0x8,
};

int detached_procfs_open(void)
{
    _cleanup_close_ int context = (int)syscall(SYS_fsopen, "proc", OPEN_CLOSE_ON_EXEC);
    if (context < 0 || syscall(SYS_fsconfig, context, CONFIG_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    int fd = (int)syscall(SYS_fsmount, context, MOUNT_CLOSE_ON_EXEC,
                          READ_ONLY | NO_SUID | NO_DEVICES | NO_PROGRAMS);
    return fd < 0 ? -errno : fd;
}
