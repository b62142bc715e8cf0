/* SPDX-License-Identifier: Apache-2.0 */
/* Process file descriptors: pidfd_open(2) (kernel 5.3). Since 6.9 they live in pidfs, where each
 * process and each thread has an inode number that isn't used again before the next boot. */
#ifndef RECORDER_KERNEL_PIDFD_H
#define RECORDER_KERNEL_PIDFD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Each: 0 (or a descriptor), or a negative errno, without a message. */

/* A descriptor of the process whose id is `pid`, or with `thread` of that thread (kernel 6.9). */
int pidfd_open_task(pid_t pid, bool thread);

/* Whether the process is still there, if only as a zombie that nobody has waited for: signal 0, by
 * pidfd_send_signal(2), kernel 5.1, which does nothing to it. */
bool pidfd_is_there(int pidfd);

/* Whether the number is that of a process now, not of a thread beside the first one: by signal 0
 * too, tgkill(2), for kernels without pidfd_open(2). */
bool pidfd_is_process(pid_t pid);

/* A copy of the descriptor `number` of the task that `pidfd` is of: pidfd_getfd(2), kernel 5.6. To
 * close it has every effect of a close if the task has closed its own meanwhile. */
int pidfd_copy_descriptor(int pidfd, int number);

/* Whether the descriptor is of pidfs: only there its inode number means anything. */
bool pidfd_is_pidfs(int fd);

/* The inode number of the process or thread that a descriptor is of. */
int pidfd_inode_of(int fd, uint64_t *ret_inode);

/* The inode number of the process or thread that has this id now. The caller makes sure that it is
 * the one that it means. */
int pidfd_inode(pid_t pid, bool thread, uint64_t *ret_inode);

#endif
