/* SPDX-License-Identifier: Apache-2.0 */
/* A process of ours that enters a mount namespace, opens there what it is asked for, and ends:
 * setns(2) works only for a process that shares its root with no other, and a path may lead over a
 * file system whose server never answers. It is given a bounded time in all; then it is ended, and
 * whatever is asked of it is -ETIMEDOUT.
 *
 * It looks and touches nothing: paths are opened step by step with O_PATH, which opens no device,
 * triggers no automount and follows no symbolic link. */
#ifndef RECORDER_KERNEL_VISITOR_H
#define RECORDER_KERNEL_VISITOR_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <sys/types.h>

struct visitor;

/* How long a visitor may take in all, in milliseconds. */
enum { VISITOR_MILLISECONDS = 3000 };

/* Starts one in the mount namespace of the descriptor `mount_namespace`, whose root becomes its
 * own; with -1 in the recorder's, with the recorder's root. The recorder must have no other thread
 * meanwhile. 0 or a negative errno, without a message: -EPERM where it may not enter. */
int visitor_start(int mount_namespace, struct visitor **ret_visitor);

/* Its number in the recorder's pid namespace, by which its mountinfo can be read from outside. */
pid_t visitor_pid(const struct visitor *visitor);

/* Opens the file at the path, which begins at the visitor's root: a descriptor with O_PATH,
 * whatever kind of file that is. -ENAMETOOLONG for what is longer than PATH_MAX, -EXDEV for a path
 * that leads upwards; -ETIMEDOUT, now and for everything that follows, when its time is over. */
int visitor_open(struct visitor *visitor, const char *path);

/* Whether its time was over before it was done. */
bool visitor_is_overdue(const struct visitor *visitor);

void visitor_end(struct visitor *visitor);
DEFINE_CLEANUP(struct visitor *, visitor_end)
#define _cleanup_visitor_ _cleanup_(visitor_end_pointer)

#endif
