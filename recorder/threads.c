/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of one process; read along with it, while its directory is open. */
#include "base/error.h"
#include "recorder/processes.h"

static int read_thread(struct task_reader *reader, int directory, struct task *thread)
{
    char name[16];
    snprintf(name, sizeof(name), "%d", (int)thread->tid);
    int r = task_open(reader, directory, name, thread);
    if (r == TASK_READ)
        r = task_fill(reader, thread, KIND_THREAD);
    if (r != TASK_READ)
        return r;
    record_set_integer(&reader->record, THREAD_TID, thread->tid);
    return task_confirm(reader, thread);
}

/* Threads come and go: one that ended is as if it hadn't been listed. */
static int record_thread(struct task_reader *reader, int directory, pid_t pid, pid_t tid)
{
    int r = TASK_CHANGED;
    for (unsigned tries = 0; r == TASK_CHANGED && tries <= TASK_TRIES; tries++) {
        _cleanup_task_ struct task thread = {.pid = pid,
                                             .tid = tid,
                                             .directory = -1,
                                             .stat_file = -1,
                                             .outline = tries == TASK_TRIES};
        task_wait(reader, tries);
        r = read_thread(reader, directory, &thread);
        if (r == TASK_READ)
            return task_emit(reader, &thread);
    }
    return r < 0 ? r : 0;
}

int threads_read(struct task_reader *reader, const struct task *process)
{
    _cleanup_close_ int directory = procfs_open_folder(process->directory, "task");
    int r = directory < 0 ? directory : procfs_list_folder(directory, &reader->threads);
    if (r == -ENOMEM)
        return error_memory();
    if (r < 0) {
        task_trouble(reader, "task", r);
        return task_gap(reader, process->pid, SOURCE_THREADS, KIND_THREAD);
    }
    for (size_t i = 0; i < reader->threads.count; i++) {
        pid_t tid = reader->threads.numbers[i];
        if (tid == process->pid)
            continue;
        r = record_thread(reader, directory, process->pid, tid);
        if (r < 0)
            return r;
    }
    return task_gap(reader, process->pid, SOURCE_THREADS, KIND_THREAD);
}
