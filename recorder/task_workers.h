/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that are read by several threads: workers (workers.h) of which each has a reader. */
#ifndef RECORDER_TASK_WORKERS_H
#define RECORDER_TASK_WORKERS_H

#include "recorder/task.h"

struct task_work {
    const char *what; /* is read, for the progress */
    size_t count;     /* of the tasks, which are known by their numbers from 0 */
    /* Reads one of them. 0, or an error with its message, which ends it all. */
    int (*read)(void *userdata, struct task_reader *reader, size_t number);
    void *userdata;
};

/* Returns when all are read, and stand in the capture's census: 0, or the first error. */
int task_workers_run(struct capture *capture, const struct task_work *work);

#endif
