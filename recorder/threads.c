/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of one process; read along with it, while its directory is open. */
#include "base/error.h"
#include "recorder/processes.h"
#include "recorder/task_workers.h"

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

/* ---- along with their process ---- */

/* With more threads than this, a process isn't left to one worker. */
enum { CROWD = 64 };

static int read_all(struct task_reader *reader, const struct task *process)
{
    _cleanup_close_ int directory = procfs_open_folder(process->directory, "task");
    int r = directory < 0 ? directory : procfs_list_folder(directory, &reader->threads);
    if (r == -ENOMEM)
        return error_memory();
    if (r < 0)
        task_trouble(reader, "task", r);
    for (size_t i = 0; r >= 0 && i < reader->threads.count; i++) {
        pid_t tid = reader->threads.numbers[i];
        if (tid != process->pid && (r = record_thread(reader, directory, process->pid, tid)) < 0)
            return r;
    }
    return task_gap(reader, process->pid, SOURCE_THREADS, KIND_THREAD);
}

int threads_read(struct task_reader *reader, const struct task *process)
{
    int64_t count = process->stat.fields[STAT_THREAD_COUNT];
    if (count <= 1 || !capture_wants(reader->capture, SOURCE_THREADS))
        return 0;
    if (count <= CROWD)
        return read_all(reader, process);
    census_newest(&reader->census)->crowded = true;
    return 0;
}

/* ---- by all workers ---- */

struct crowd {
    pid_t pid;
    int directory; /* "task" of the process */
    struct number_list threads;
};

/* What could not be read of several of them in the same way is one and the same gap. */
static int read_one(void *userdata, struct task_reader *reader, size_t number)
{
    const struct crowd *crowd = userdata;
    pid_t tid = crowd->threads.numbers[number];
    int r = tid == crowd->pid ? 0 : record_thread(reader, crowd->directory, crowd->pid, tid);
    return r < 0 ? r : task_gap(reader, crowd->pid, SOURCE_THREADS, KIND_THREAD);
}

/* 0, or a negative errno without a message: -ESRCH if the number is another process's by now. */
static int open_crowd(const struct host *host, const struct census_task *process,
                      struct crowd *crowd)
{
    _cleanup_buffer_ struct buffer file = {0};
    struct proc_stat stat;
    _cleanup_close_ int directory = census_open(host->proc, process);
    int r = directory < 0 ? directory : procfs_read(directory, "stat", PROCFS_TEXT_MOST, &file);
    if (r < 0)
        return r;
    if (proc_stat_parse(buffer_text(&file), file.length, &stat) < 0 ||
        stat.fields[STAT_START_TICKS] != process->start_ticks)
        return -ESRCH;
    crowd->directory = procfs_open_folder(directory, "task");
    return crowd->directory < 0 ? crowd->directory
                                : procfs_list_folder(crowd->directory, &crowd->threads);
}

static int report_crowd(const struct capture *capture, pid_t pid, int code)
{
    char subject[32], scope[16];
    if (code == -ENOENT || code == -ESRCH)
        return 0;
    snprintf(subject, sizeof(subject), "pid:%d", (int)pid);
    snprintf(scope, sizeof(scope), "%d", (int)pid);
    return collector_gap(capture->sink, SOURCE_THREADS, subject, -code, "task", KIND_THREAD, scope);
}

static int read_crowd(struct capture *capture, const struct census_task *process)
{
    struct crowd crowd = {.pid = process->pid, .directory = -1};
    int r = open_crowd(capture->host, process, &crowd);
    const struct task_work work = {
        .what = "threads", .count = crowd.threads.count, .read = read_one, .userdata = &crowd};
    if (r == -ENOMEM)
        r = error_memory();
    else
        r = r < 0 ? report_crowd(capture, crowd.pid, r) : task_workers_run(capture, &work);
    fd_close(crowd.directory);
    number_list_free(&crowd.threads);
    return r;
}

/* The census grows meanwhile, and its order stays: processes come first. */
int threads_read_crowds(struct capture *capture)
{
    int r = 0;
    for (size_t i = 0; i < capture->census.count && r >= 0; i++) {
        const struct census_task process = capture->census.tasks[i];
        if (!process.crowded)
            continue;
        capture->census.tasks[i].crowded = false;
        r = read_crowd(capture, &process);
    }
    return r;
}
