/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/status and /proc/PID/task/TID/status: proc_pid_status(5). */
#ifndef RECORDER_KERNEL_PROC_STATUS_H
#define RECORDER_KERNEL_PROC_STATUS_H

#include "recorder/kernel/span.h"

/* S(enumerator, name of the line) */
#define PROC_STATUS_LINES(S)                                                                       \
    S(STATUS_TRACER_PID, "TracerPid")                                                              \
    S(STATUS_UID, "Uid")                                                                           \
    S(STATUS_GID, "Gid")                                                                           \
    S(STATUS_GROUPS, "Groups")                                                                     \
    S(STATUS_NS_PIDS, "NSpid")                                                                     \
    S(STATUS_RESIDENT, "VmRSS")                                                                    \
    S(STATUS_CAPABILITIES_INHERITABLE, "CapInh")                                                   \
    S(STATUS_CAPABILITIES_PERMITTED, "CapPrm")                                                     \
    S(STATUS_CAPABILITIES_EFFECTIVE, "CapEff")                                                     \
    S(STATUS_CAPABILITIES_BOUNDING, "CapBnd")                                                      \
    S(STATUS_CAPABILITIES_AMBIENT, "CapAmb")                                                       \
    S(STATUS_NO_NEW_PRIVS, "NoNewPrivs")                                                           \
    S(STATUS_SECCOMP, "Seccomp")                                                                   \
    S(STATUS_CPUS_ALLOWED, "Cpus_allowed_list")                                                    \
    S(STATUS_VOLUNTARY_SWITCHES, "voluntary_ctxt_switches")                                        \
    S(STATUS_INVOLUNTARY_SWITCHES, "nonvoluntary_ctxt_switches")

enum proc_status_line {
#define STATUS_ENUMERATOR(enumerator, name) enumerator,
    PROC_STATUS_LINES(STATUS_ENUMERATOR)
#undef STATUS_ENUMERATOR
        STATUS_LINE_COUNT
};

struct proc_status {
    struct span
        lines[STATUS_LINE_COUNT]; /* what stands behind "Name:"; bytes NULL without the line */
    bool whole;                   /* the file ends where a line ends */
};

/* 0, or -ERROR_SYNTAX if there isn't one "Name:" line. Lines that this kernel doesn't have stay
 * absent; a last line that the end of the file cuts off does too; of a repeated line the first
 * counts. `ret_status` borrows. */
int proc_status_parse(const char *bytes, size_t length, struct proc_status *ret_status);

/* Number `index` (from 0) of a line, in base 10 or 16. False without the line or the number. */
bool proc_status_number(const struct proc_status *status, enum proc_status_line line,
                        unsigned index, unsigned base, uint64_t *ret_number);

#endif
