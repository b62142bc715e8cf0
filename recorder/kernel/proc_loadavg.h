/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/loadavg: proc_loadavg(5). */
#ifndef RECORDER_KERNEL_PROC_LOADAVG_H
#define RECORDER_KERNEL_PROC_LOADAVG_H

#include "recorder/kernel/span.h"

struct proc_loadavg {
    uint64_t threads; /* of the whole host, whichever pid namespace it is read in */
    uint64_t newest;  /* number that a process or thread was given last, in the reader's */
};

/* 0, or -EBADMSG, without a message, if it isn't such a file. */
int proc_loadavg_parse(const char *bytes, size_t length, struct proc_loadavg *ret_loadavg);

#endif
