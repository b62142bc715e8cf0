/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/cgroup: cgroups(7). */
#ifndef RECORDER_KERNEL_PROC_CGROUP_H
#define RECORDER_KERNEL_PROC_CGROUP_H

#include "recorder/kernel/span.h"

/* Kernels know about 14 controllers; a hierarchy has at least one of them, or a name of its own. */
enum { PROC_CGROUP_MOST = 64 };

struct proc_cgroup_entry {
    struct span hierarchy; /* "cpu,cpuacct", "name=systemd", or "unified" for version 2 */
    struct span path;      /* as the reader's cgroup namespace shows it */
};

struct proc_cgroup {
    struct proc_cgroup_entry entries[PROC_CGROUP_MOST]; /* ordered by hierarchy */
    size_t count;
};

/* 0, or -ERROR_SYNTAX if a line isn't "id:controllers:path", ends early, names a hierarchy twice,
 * or there are too many. An empty file is none: 0 entries. `ret_cgroup` borrows. */
int proc_cgroup_parse(const char *bytes, size_t length, struct proc_cgroup *ret_cgroup);

/* The path in a hierarchy; bytes NULL if there is none. */
struct span proc_cgroup_path(const struct proc_cgroup *cgroup, struct span hierarchy);

#endif
