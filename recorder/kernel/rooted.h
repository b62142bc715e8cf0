/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a path as a process would see it that has `root` for its root: links are followed, but
 * never out of it, also not by way of "..", and the links of a procfs are mere text. So the files
 * of an engine in a container can be read without the container steering us to those of the host.
 * (The same as openat2(2) with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS, on every kernel.)
 *
 * A file system on the way may let us wait for ever: this belongs into a process that can be ended.
 * Errors are negative errnos without a message. */
#ifndef RECORDER_KERNEL_ROOTED_H
#define RECORDER_KERNEL_ROOTED_H

/* A descriptor with O_PATH of whatever is at the path. -ELOOP after too many links, -ENAMETOOLONG
 * for a path that is too deep. */
int rooted_open_path(int root, const char *path);

/* A regular file, for reading; -EINVAL for others, whose opening might do something. */
int rooted_open_file(int root, const char *path);

/* A directory, for reading its entries. */
int rooted_open_directory(int root, const char *path);

#endif
