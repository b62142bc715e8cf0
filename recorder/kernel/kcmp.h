/* SPDX-License-Identifier: Apache-2.0 */
/* kcmp(2), kernel 3.5: what two tasks share. */
#ifndef RECORDER_KERNEL_KCMP_H
#define RECORDER_KERNEL_KCMP_H

#include <sys/types.h>

/* 1 if the two tasks have one table of descriptors, 0 if each has its own (clone(2), CLONE_FILES),
 * or a negative errno, without a message. */
int kcmp_same_descriptors(pid_t one, pid_t other);

#endif
