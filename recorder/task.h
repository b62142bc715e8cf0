/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one task (a process, or a thread of one): the columns that processes and threads share,
 * what could not be read of it, and whether it stayed the same meanwhile. */
#ifndef RECORDER_TASK_H
#define RECORDER_TASK_H

#include "recorder/capture.h"
#include "recorder/kernel/proc_stat.h"
#include "recorder/kernel/proc_status.h"
#include "recorder/kernel/procfs.h"

/* What became of a task that was read. Errors (of memory) are negative as ever. */
enum task_outcome {
    TASK_READ = 0,
    TASK_ENDED,   /* it is gone: no record */
    TASK_CHANGED, /* it became another program, or ended, between two reads: read it again */
    TASK_HIDDEN,  /* it is there, but not even its start can be read: a gap, and no record */
};

/* The parts of a task that could not be read. */
struct trouble {
    int code;            /* of the first, positive errno; 0 for no trouble */
    struct buffer parts; /* "exe, cwd, root, ns" */
};

/* How many times a task is read that changes all the time, before its outline is taken. */
enum { TASK_TRIES = 5 };

/* What a worker reads tasks with: buffers that are used again and again. */
struct task_reader {
    struct capture *capture;
    const struct sink *sink;
    struct arena *arena;  /* text of the record, until the next one */
    struct record record; /* the one being filled */
    struct trouble trouble;
    struct census census; /* the tasks read so far */
    int64_t ended;
    struct buffer stat, status, file, again, text, json;
    struct number_list threads;
    /* Many tasks are in the same cgroups: what the last cgroup file said. */
    struct buffer cgroup, cgroup_json;
    enum frozen frozen;
    struct container *container; /* ... and which container they are of; NULL for none */
};

int task_reader_begin(struct task_reader *reader, struct capture *capture, const struct sink *sink);
void task_reader_free(struct task_reader *reader);

/* A task being read. */
struct task {
    pid_t pid, tid; /* tid 0 for a process */
    int directory;  /* of procfs: stays with this very task */
    int stat_file;
    bool unreadable; /* its namespaces may not be read */
    /* Only what one read gives, and what outlives exec: of a task that changes all the time, so
     * that nobody hides by changing, and no record mixes two programs. */
    bool outline;
    struct proc_stat stat;     /* borrows reader->stat */
    struct proc_status status; /* borrows reader->status */
    uint32_t namespaces[LINK_COUNT];
    struct container *container; /* that its cgroups name; NULL for none */
};

void task_close(struct task *task);
#define _cleanup_task_ _cleanup_(task_close)

/* Opens the directory `name` below `parent` and reads stat and status. pid and tid are set. */
int task_open(struct task_reader *reader, int parent, const char *name, struct task *task);

/* Begins a record and fills the columns that processes and threads share. */
int task_fill(struct task_reader *reader, struct task *task, enum kind kind);

/* Waits a little before the next try, more each time: exec takes longer than reading. */
void task_wait(const struct task_reader *reader, unsigned tries);

/* Reads stat again: TASK_READ if everything that was read belongs to one and the same program. */
int task_confirm(struct task_reader *reader, const struct task *task);

/* Puts the task into the reader's census. */
int task_count(struct task_reader *reader, const struct task *task);

/* The same, and its record into the sink. */
int task_emit(struct task_reader *reader, const struct task *task);

/* Keeps that a part could not be read; `code` is a negative errno. What is absent is no trouble,
 * and what ended shows at task_confirm(). */
void task_trouble(struct task_reader *reader, const char *part, int code);

/* Captured bytes as the value of a column. */
int task_set_text(struct task_reader *reader, unsigned column, struct span bytes);

/* `reader->json`, which holds JSON, as the value of a column. */
int task_set_json(struct task_reader *reader, unsigned column);

/* A column from a number of the status file, null without it. */
void task_set_status(struct task_reader *reader, const struct task *task, unsigned column,
                     enum proc_status_line line, unsigned index);

/* The same for a line with a list of numbers, as a JSON array. */
int task_set_status_list(struct task_reader *reader, const struct task *task, unsigned column,
                         enum proc_status_line line);

/* The reader's trouble, if there is any, as one gap of this process. Afterwards there is none. */
int task_gap(struct task_reader *reader, pid_t pid, enum source source, enum kind hides);

#endif
