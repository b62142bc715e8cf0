/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/file_status.h"

#include <errno.h>
#include <fcntl.h>

int file_status_read(int directory, const char *name, struct statx *ret_status)
{
    int flags = AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);
    return statx(directory, name, flags, STATX_TYPE | STATX_INO, ret_status) < 0 ? -errno : 0;
}

bool file_status_same_device(const struct statx *one, const struct statx *other)
{
    return one->stx_dev_major == other->stx_dev_major && one->stx_dev_minor == other->stx_dev_minor;
}
