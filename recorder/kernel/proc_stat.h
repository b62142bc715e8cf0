/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/stat and /proc/PID/task/TID/stat: proc_pid_stat(5). */
#ifndef RECORDER_KERNEL_PROC_STAT_H
#define RECORDER_KERNEL_PROC_STAT_H

#include "recorder/kernel/span.h"

/* Numbers of the fields, as the manual page counts them. */
enum proc_stat_field {
    STAT_PID = 1,
    STAT_PPID = 4,
    STAT_PROCESS_GROUP = 5,
    STAT_SESSION = 6,
    STAT_TERMINAL = 7,
    STAT_FLAGS = 9,
    STAT_MINOR_FAULTS = 10,
    STAT_MAJOR_FAULTS = 12,
    STAT_USER_TICKS = 14,
    STAT_SYSTEM_TICKS = 15,
    STAT_NICE = 19,
    STAT_THREAD_COUNT = 20,
    STAT_START_TICKS = 22,
    STAT_START_CODE = 26,
    STAT_START_STACK = 28,
    STAT_REALTIME_PRIORITY = 40,
    STAT_POLICY = 41,
    STAT_FIELDS = 52,
};

/* Bits of field STAT_FLAGS, from the kernel's include/linux/sched.h. */
enum {
    TASK_EXITING = 0x00000004,
    TASK_WORKQUEUE_WORKER = 0x00000020,
    TASK_FORKED_WITHOUT_EXEC = 0x00000040,
    TASK_KERNEL_THREAD = 0x00200000,
};

struct proc_stat {
    struct span comm; /* between the first '(' and the last ')', raw */
    char state;       /* R, S, D, Z, ... */
    unsigned count;   /* the highest field that the file has */
    /* By field number; addresses, which have no sign, are kept bit by bit. */
    int64_t fields[STAT_FIELDS + 1];
};

/* 0, or -ERROR_SYNTAX if it isn't such a file, or ends before the start time. Borrows. */
int proc_stat_parse(const char *bytes, size_t length, struct proc_stat *ret_stat);

/* The command name alone, borrowed. 0, or an error with its message. */
int proc_stat_parse_comm(const char *bytes, size_t length, struct span *ret_comm);

static inline bool proc_stat_has(const struct proc_stat *stat, enum proc_stat_field field)
{
    return (unsigned)field <= stat->count;
}

static inline bool proc_stat_has_flag(const struct proc_stat *stat, int64_t flag)
{
    return (stat->fields[STAT_FLAGS] & flag) != 0;
}

/* It has ended, or is about to: its memory, files and namespaces may be gone. */
static inline bool proc_stat_is_ending(const struct proc_stat *stat)
{
    return stat->state == 'Z' || stat->state == 'X' || proc_stat_has_flag(stat, TASK_EXITING);
}

/* It is amid exec, without the new program's arguments yet; or a kernel's helper before its first
 * one. (Who may not see where the code is gets 1 for it.) */
static inline bool proc_stat_is_in_exec(const struct proc_stat *stat)
{
    return !proc_stat_has_flag(stat, TASK_KERNEL_THREAD) && !proc_stat_is_ending(stat) &&
           proc_stat_has(stat, STAT_START_CODE) && stat->fields[STAT_START_CODE] == 0;
}

/* Whether the second reading shows the same program in the same process: no exec, no end. */
bool proc_stat_same_program(const struct proc_stat *first, const struct proc_stat *second);

/* The command name without what a kernel worker works on at the moment ("kworker/0:1-events" comes
 * as "kworker/0:1"), which changes all the time without meaning anything. */
struct span proc_stat_steady_comm(const struct proc_stat *stat);

#endif
