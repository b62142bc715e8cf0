/* SPDX-License-Identifier: Apache-2.0 */
/* Processes, and their threads. */
#ifndef RECORDER_PROCESSES_H
#define RECORDER_PROCESSES_H

#include "recorder/task.h"

/* Reads these processes and their threads: records, gaps, and the census. 0, or an error of the
 * sink or of memory. */
int processes_read(struct capture *capture, const struct number_list *processes);

/* Reads the threads of a process beside its first one, unless they are left out, or so many that
 * they are for later: records, and one gap for what could not be read of them. `process` was read
 * just now, and stands in the reader's census. */
int threads_read(struct task_reader *reader, const struct task *process);

/* Reads those of the processes that have so many, by all workers. */
int threads_read_crowds(struct capture *capture);

#endif
