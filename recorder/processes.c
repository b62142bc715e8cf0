/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/processes.h"

#include "base/error.h"
#include "base/json.h"
#include "recorder/task_workers.h"

/* ---- columns that only a process has ---- */

static const struct {
    unsigned column;
    enum proc_stat_field field;
} stat_columns[] = {
    {PROCESS_PPID, STAT_PPID},
    {PROCESS_PROCESS_GROUP, STAT_PROCESS_GROUP},
    {PROCESS_SESSION, STAT_SESSION},
    {PROCESS_MINOR_FAULTS, STAT_MINOR_FAULTS},
    {PROCESS_MAJOR_FAULTS, STAT_MAJOR_FAULTS},
};

/* The kernel's new_encode_dev(): twelve bits of the major number between the minor's lower eight
 * and upper twelve. */
static int set_terminal(struct task_reader *reader, const struct task *task)
{
    uint64_t device = (uint64_t)task->stat.fields[STAT_TERMINAL] & UINT32_MAX;
    if (!device)
        return 0;
    buffer_clear(&reader->json);
    buffer_append_unsigned(&reader->json, device >> 8 & 0xfff);
    buffer_append_char(&reader->json, ':');
    buffer_append_unsigned(&reader->json, (device & 0xff) | (device >> 12 & 0xfff00));
    return task_set_json(reader, PROCESS_TERMINAL);
}

static int fill_from_stat(struct task_reader *reader, const struct task *task)
{
    for (size_t i = 0; i < sizeof(stat_columns) / sizeof(*stat_columns); i++)
        record_set_integer(&reader->record, stat_columns[i].column,
                           task->stat.fields[stat_columns[i].field]);
    record_set_integer(&reader->record, PROCESS_KERNEL_THREAD,
                       proc_stat_has_flag(&task->stat, TASK_KERNEL_THREAD));
    return set_terminal(reader, task);
}

static int fill_from_status(struct task_reader *reader, const struct task *task)
{
    uint64_t resident;
    task_set_status(reader, task, PROCESS_TRACER_PID, STATUS_TRACER_PID, 0);
    /* "1500 kB": unlike stat's pages it doesn't depend on the machine */
    if (proc_status_number(&task->status, STATUS_RESIDENT, 0, 10, &resident) &&
        resident <= INT64_MAX / 1024)
        record_set_integer(&reader->record, PROCESS_RESIDENT_BYTES, (int64_t)(resident * 1024));
    return task_set_status_list(reader, task, PROCESS_NS_PIDS, STATUS_NS_PIDS);
}

static int fill_login(struct task_reader *reader, const struct task *task)
{
    const uint64_t nobody = UINT32_MAX;
    uint64_t uid;
    if (!reader->capture->host->has_login_uids)
        return 0;
    int r = procfs_read(task->directory, "loginuid", PROCFS_TEXT_MOST, &reader->file);
    if (r == -ENOMEM)
        return error_memory();
    struct span text = span_trim((struct span){buffer_text(&reader->file), reader->file.length});
    if (r >= 0 && !span_unsigned(text, 10, &uid))
        r = -EBADMSG;
    if (r < 0)
        task_trouble(reader, "loginuid", r);
    else if (uid < nobody)
        record_set_integer(&reader->record, PROCESS_LOGIN_UID, (int64_t)uid);
    return 0;
}

/* A process may write its title over its arguments: then one string is followed by nothing but the
 * NULs or spaces of what it wrote over. Real arguments end with one NUL each. */
static struct span without_padding(struct span arguments)
{
    struct span rest = arguments, title;
    if (!span_take(&rest, '\0', &title))
        return arguments;
    if (title.length == arguments.length) { /* no NUL at all */
        while (title.length && title.bytes[title.length - 1] == ' ')
            title.length--;
        return title;
    }
    size_t padding = 0;
    while (padding < rest.length && !rest.bytes[padding])
        padding++;
    return padding == rest.length && padding > 1 ? title : arguments;
}

static int set_arguments(struct task_reader *reader)
{
    struct span rest = without_padding((struct span){reader->file.bytes, reader->file.length});
    struct span argument;
    buffer_clear(&reader->json);
    buffer_append_char(&reader->json, '[');
    while (span_take(&rest, '\0', &argument)) {
        if (reader->json.length > 1)
            buffer_append_char(&reader->json, ',');
        json_append_captured(&reader->json, argument.bytes, argument.length);
    }
    buffer_append_char(&reader->json, ']');
    return task_set_json(reader, PROCESS_CMDLINE);
}

/* Without memory of its own (kernel threads, zombies) a process has no arguments, and the file is
 * empty; one that has emptied them comes out as []. */
static int fill_arguments(struct task_reader *reader, const struct task *task)
{
    int r = procfs_read(task->directory, "cmdline", PROCFS_ARGUMENTS_MOST, &reader->file);
    if (r == -ENOMEM)
        return error_memory();
    if (r < 0)
        task_trouble(reader, "cmdline", r);
    bool known = r >= 0 || r == -EFBIG; /* cut: the trouble says so */
    if (!known || (!reader->file.length && proc_stat_is_ending(&task->stat)))
        return 0;
    return set_arguments(reader);
}

static int fill_link(struct task_reader *reader, const struct task *task, const char *name,
                     unsigned column)
{
    int r = procfs_read_link(task->directory, name, &reader->file);
    if (r == -ENOMEM)
        return error_memory();
    if (r < 0) {
        task_trouble(reader, name, r);
        return 0;
    }
    return task_set_text(reader, column, (struct span){reader->file.bytes, reader->file.length});
}

static int fill_environment(struct task_reader *reader, const struct task *task)
{
    const struct recorder_options *options = reader->capture->options;
    struct digest digest;
    char hex[DIGEST_HEX_SIZE];
    int r = procfs_read(task->directory, "environ", PROCFS_ARGUMENTS_MOST, &reader->file);
    if (r == -ENOMEM)
        return error_memory();
    if (r < 0)
        task_trouble(reader, "environ", r);
    if ((r < 0 && r != -EFBIG) || !reader->file.length)
        return 0;
    r = options->keep_blob(options->userdata, reader->file.bytes, reader->file.length, &digest);
    if (r < 0)
        return r;
    digest_format(&digest, hex);
    return task_set_text(reader, PROCESS_ENVIRONMENT, (struct span){hex, strlen(hex)});
}

/* What a kernel thread doesn't have. */
static int fill_program(struct task_reader *reader, const struct task *task)
{
    const struct recorder_options *options = reader->capture->options;
    int r = fill_arguments(reader, task);
    if (r >= 0)
        r = fill_link(reader, task, "exe", PROCESS_EXE);
    if (r >= 0)
        r = fill_link(reader, task, "cwd", PROCESS_CWD);
    if (r >= 0)
        r = fill_link(reader, task, "root", PROCESS_ROOT);
    if (r >= 0 && options->environment && options->keep_blob)
        r = fill_environment(reader, task);
    return r;
}

/* Kernel threads are nobody's. */
static void set_container(struct task_reader *reader, struct task *task)
{
    struct container_table *table = &reader->capture->containers;
    if (!table->open || proc_stat_has_flag(&task->stat, TASK_KERNEL_THREAD))
        return;
    if (task->container &&
        container_is_made_by(task->container, task->pid, task->stat.fields[STAT_START_TICKS]))
        task->container = NULL; /* but perhaps in the one around it, as its namespaces say */
    if (!task->container)
        task->container = container_table_find_pair(table, task->namespaces[LINK_PID],
                                                    task->namespaces[LINK_MNT]);
    if (task->container)
        record_set_text(&reader->record, PROCESS_CONTAINER, task->container->key);
}

/* ---- one process ---- */

static int read_process(struct task_reader *reader, struct task *process)
{
    char name[16];
    snprintf(name, sizeof(name), "%d", (int)process->pid);
    reader->trouble.code = 0;
    buffer_clear(&reader->trouble.parts);
    int r = task_open(reader, reader->capture->host->proc, name, process);
    if (r != TASK_READ)
        return r;
    bool program = !proc_stat_has_flag(&process->stat, TASK_KERNEL_THREAD) && !process->outline;
    r = task_fill(reader, process, KIND_PROCESS);
    if (r < 0)
        return r;
    set_container(reader, process);
    if (program)
        r = fill_program(reader, process);
    if (r >= 0)
        r = fill_from_stat(reader, process);
    if (r >= 0 && !process->outline)
        r = fill_from_status(reader, process);
    if (r >= 0 && !process->outline)
        r = fill_login(reader, process);
    return r < 0 ? r : task_confirm(reader, process);
}

/* The recorder is not part of the host: with itself in them, no two snapshots would ever be equal.
 * But through it, too, namespaces are seen. */
static int emit_process(struct task_reader *reader, const struct task *process)
{
    if (host_is_self(reader->capture->host, process->pid))
        return task_count(reader, process);
    if (process->container)
        container_table_note(&reader->capture->containers, process->container, process->pid,
                             process->stat.fields[STAT_START_TICKS],
                             record_integer(&reader->record, TASK_FROZEN, false));
    int r = task_emit(reader, process);
    if (r >= 0)
        r = task_gap(reader, process->pid, SOURCE_PROCESSES, KIND_PROCESS);
    return r < 0 ? r : threads_read(reader, process);
}

static int record_process(struct task_reader *reader, pid_t pid)
{
    int r = TASK_CHANGED;
    for (unsigned tries = 0; r == TASK_CHANGED && tries <= TASK_TRIES; tries++) {
        _cleanup_task_ struct task process = {
            .pid = pid, .directory = -1, .stat_file = -1, .outline = tries == TASK_TRIES};
        task_wait(reader, tries);
        r = read_process(reader, &process);
        if (r == TASK_READ)
            return emit_process(reader, &process);
    }
    if (r < 0)
        return r;
    if (r == TASK_ENDED) {
        reader->ended++;
        return 0;
    }
    return task_gap(reader, pid, SOURCE_PROCESSES, KIND_PROCESS);
}

/* ---- all of them ---- */

static int read_one(void *userdata, struct task_reader *reader, size_t number)
{
    const struct number_list *processes = userdata;
    return record_process(reader, processes->numbers[number]);
}

int processes_read(struct capture *capture, const struct number_list *processes)
{
    struct number_list list = *processes;
    const struct task_work work = {
        .what = "processes", .count = list.count, .read = read_one, .userdata = &list};
    int r = task_workers_run(capture, &work);
    return r < 0 ? r : threads_read_crowds(capture);
}

int processes_collect(struct capture *capture)
{
    int r = procfs_list_numbers(capture->host->proc, ".", &capture->processes);
    if (r < 0)
        return error_set(-r, "cannot list the processes: %s", strerror(-r));
    return processes_read(capture, &capture->processes);
}
