/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is, by what the kernel has of it in memory: statx(2) with AT_STATX_DONT_SYNC. No file
 * system is asked, whose server could let us wait for ever. */
#ifndef RECORDER_KERNEL_FILE_STATUS_H
#define RECORDER_KERNEL_FILE_STATUS_H

#include <stdbool.h>
#include <sys/stat.h>

/* The file that `name` below `directory` leads to, also through a link of procfs; with "" the file
 * that is open there, O_PATH or not. 0 or a negative errno, without a message. */
int file_status_read(int directory, const char *name, struct statx *ret_status);

/* Whether both are of one file system. */
bool file_status_same_device(const struct statx *one, const struct statx *other);

#endif
