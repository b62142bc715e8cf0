/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/task.h"

#include "base/error.h"
#include "base/text.h"

#include <time.h>

int task_reader_begin(struct task_reader *reader, struct capture *capture, const struct sink *sink)
{
    *reader = (struct task_reader){.capture = capture, .sink = sink, .arena = arena_new()};
    return reader->arena ? 0 : error_memory();
}

void task_reader_free(struct task_reader *reader)
{
    struct buffer *buffers[] = {&reader->stat,   &reader->status,      &reader->file,
                                &reader->again,  &reader->text,        &reader->json,
                                &reader->cgroup, &reader->cgroup_json, &reader->trouble.parts};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        buffer_free(buffers[i]);
    number_list_free(&reader->threads);
    census_free(&reader->census);
    arena_free(reader->arena);
}

void task_close(struct task *task)
{
    task->directory = fd_close(task->directory);
    task->stat_file = fd_close(task->stat_file);
}

static bool names_part(const struct trouble *trouble, const char *part)
{
    struct span rest = {buffer_text(&trouble->parts), trouble->parts.length}, named;
    while (span_take(&rest, ',', &named))
        if (span_is(span_trim(named), part))
            return true;
    return false;
}

void task_trouble(struct task_reader *reader, const char *part, int code)
{
    struct trouble *trouble = &reader->trouble;
    if (code == -ENOENT || code == -ESRCH || names_part(trouble, part))
        return;
    if (!trouble->code)
        trouble->code = -code;
    if (trouble->parts.length)
        buffer_append_text(&trouble->parts, ", ");
    buffer_append_text(&trouble->parts, part);
}

int task_set_text(struct task_reader *reader, unsigned column, struct span bytes)
{
    buffer_clear(&reader->text);
    text_append_captured(&reader->text, bytes.bytes, bytes.length);
    const char *copy = reader->text.failed ? NULL
                                           : arena_copy(reader->arena, buffer_text(&reader->text),
                                                        reader->text.length);
    record_set_text(&reader->record, column, copy);
    return copy ? 0 : error_memory();
}

int task_set_json(struct task_reader *reader, unsigned column)
{
    const char *copy = reader->json.failed ? NULL
                                           : arena_copy(reader->arena, buffer_text(&reader->json),
                                                        reader->json.length);
    record_set_text(&reader->record, column, copy);
    return copy ? 0 : error_memory();
}

void task_set_status(struct task_reader *reader, const struct task *task, unsigned column,
                     enum proc_status_line line, unsigned index)
{
    uint64_t number;
    if (proc_status_number(&task->status, line, index, 10, &number) && number <= INT64_MAX)
        record_set_integer(&reader->record, column, (int64_t)number);
}

int task_set_status_list(struct task_reader *reader, const struct task *task, unsigned column,
                         enum proc_status_line line)
{
    struct span rest = task->status.lines[line], word;
    uint64_t number;
    if (!rest.bytes)
        return 0;
    buffer_clear(&reader->json);
    while (span_take_word(&rest, &word)) {
        if (!span_unsigned(word, 10, &number)) {
            task_trouble(reader, "status", -EBADMSG);
            return 0;
        }
        buffer_append_char(&reader->json, reader->json.length ? ',' : '[');
        buffer_append_unsigned(&reader->json, number);
    }
    buffer_append_text(&reader->json, reader->json.length ? "]" : "[]");
    return task_set_json(reader, column);
}

/* ---- opening, and making sure ---- */

/* What a failure to open or read the first of a task's files means. */
static int outcome_of(struct task_reader *reader, const char *part, int code)
{
    if (code == -ENOENT || code == -ESRCH)
        return TASK_ENDED;
    if (code == -ENOMEM)
        return error_memory();
    task_trouble(reader, part, code);
    return TASK_HIDDEN;
}

static int read_stat(struct task_reader *reader, struct task *task)
{
    int r = task->stat_file = procfs_open_file(task->directory, "stat");
    if (r >= 0)
        r = procfs_read_descriptor(task->stat_file, PROCFS_TEXT_MOST, &reader->stat);
    if (r < 0)
        return outcome_of(reader, "stat", r);
    if (proc_stat_parse(buffer_text(&reader->stat), reader->stat.length, &task->stat) < 0)
        return outcome_of(reader, "stat", -EBADMSG);
    /* Where the folder of another one is mounted over this one's. */
    if (task->stat.fields[STAT_PID] != (task->tid ? task->tid : task->pid))
        return outcome_of(reader, "stat of another process", -ESTALE);
    if (reader->stat.bytes[reader->stat.length - 1] != '\n')
        task_trouble(reader, "stat", -EBADMSG); /* it ends early */
    return TASK_READ;
}

static int read_status(struct task_reader *reader, struct task *task)
{
    task->status = (struct proc_status){0};
    int r = procfs_read(task->directory, "status", PROCFS_TEXT_MOST, &reader->status);
    if (r == -ENOMEM)
        return error_memory();
    if (r >= 0 && (proc_status_parse(buffer_text(&reader->status), reader->status.length,
                                     &task->status) < 0 ||
                   !task->status.whole))
        r = -EBADMSG;
    if (r < 0)
        task_trouble(reader, "status", r);
    return TASK_READ;
}

int task_open(struct task_reader *reader, int parent, const char *name, struct task *task)
{
    task->directory = procfs_open_directory(parent, name);
    if (task->directory < 0)
        return outcome_of(reader, "directory", task->directory);
    int r = read_stat(reader, task);
    if (task->outline)
        task_trouble(reader, "changed while it was read", -EAGAIN);
    return r != TASK_READ || task->outline ? r : read_status(reader, task);
}

void task_wait(const struct task_reader *reader, unsigned tries)
{
    const struct timespec pause = {.tv_nsec = 100000L << tries};
    if (tries && reader->capture->host->live)
        nanosleep(&pause, NULL);
}

/* The stat file as it is now; of a task that sleeps it is the very same. */
static int parse_again(const struct task_reader *reader, const struct task *task,
                       struct proc_stat *ret_stat)
{
    const struct span first = {reader->stat.bytes, reader->stat.length};
    const struct span again = {reader->again.bytes, reader->again.length};
    if (!span_equal(first, again))
        return proc_stat_parse(again.bytes, again.length, ret_stat);
    *ret_stat = task->stat;
    return 0;
}

int task_confirm(struct task_reader *reader, const struct task *task)
{
    struct proc_stat stat;
    int r = procfs_read_descriptor(task->stat_file, PROCFS_TEXT_MOST, &reader->again);
    if (r == -ENOMEM)
        return error_memory();
    if (r < 0 || !reader->again.length)
        return TASK_ENDED;
    if (parse_again(reader, task, &stat) < 0)
        return TASK_CHANGED;
    if (task->outline)
        return stat.fields[STAT_START_TICKS] == task->stat.fields[STAT_START_TICKS] ? TASK_READ
                                                                                    : TASK_ENDED;
    return proc_stat_same_program(&task->stat, &stat) && !proc_stat_is_in_exec(&stat)
               ? TASK_READ
               : TASK_CHANGED;
}

/* ---- handing it on ---- */

int task_count(struct task_reader *reader, const struct task *task)
{
    struct census_task entry = {.start_ticks = task->stat.fields[STAT_START_TICKS],
                                .pid = task->pid,
                                .tid = task->tid,
                                .kernel_thread =
                                    proc_stat_has_flag(&task->stat, TASK_KERNEL_THREAD),
                                .ending = proc_stat_is_ending(&task->stat)};
    memcpy(entry.namespaces, task->namespaces, sizeof(entry.namespaces));
    return census_add(&reader->census, &entry);
}

int task_emit(struct task_reader *reader, const struct task *task)
{
    int r = task_count(reader, task);
    return r < 0 ? r : sink_record(reader->sink, &reader->record);
}

int task_gap(struct task_reader *reader, pid_t pid, enum source source, enum kind hides)
{
    char subject[32], scope[16];
    if (!reader->trouble.code)
        return 0;
    snprintf(subject, sizeof(subject), "pid:%d", (int)pid);
    snprintf(scope, sizeof(scope), "%d", (int)pid);
    int r = buffer_error(&reader->trouble.parts);
    if (r >= 0)
        r = collector_gap(reader->sink, source, subject, reader->trouble.code,
                          buffer_text(&reader->trouble.parts), hides, scope);
    reader->trouble.code = 0;
    buffer_clear(&reader->trouble.parts);
    return r;
}
