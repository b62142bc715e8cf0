/* SPDX-License-Identifier: Apache-2.0 */
/* A procfs of the recorder's own, that is mounted nowhere: fsopen(2), fsmount(2), kernel 5.2. What
 * someone mounted over parts of /proc hides nothing of it. */
#ifndef RECORDER_KERNEL_DETACHED_PROCFS_H
#define RECORDER_KERNEL_DETACHED_PROCFS_H

/* A descriptor of its root directory, for openat(2); closing it ends it. Shows the processes of the
 * recorder's pid namespace. Wants CAP_SYS_ADMIN. A negative errno, without a message. */
int detached_procfs_open(void);

#endif
