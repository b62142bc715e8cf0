/* SPDX-License-Identifier: Apache-2.0 */
/* The columns that processes and threads share. */
#include "base/error.h"
#include "base/json.h"
#include "recorder/kernel/pidfd.h"
#include "recorder/task.h"

#include <inttypes.h>

static const struct {
    unsigned column;
    enum proc_stat_field field;
} stat_columns[] = {
    {TASK_START_TICKS, STAT_START_TICKS},
    {TASK_NICE, STAT_NICE},
    {TASK_USER_TICKS, STAT_USER_TICKS},
    {TASK_SYSTEM_TICKS, STAT_SYSTEM_TICKS},
    {TASK_SCHEDULING_PRIORITY, STAT_REALTIME_PRIORITY},
};

static int set_policy(struct task_reader *reader, const struct task *task)
{
    static const char *const names[] = {
        "other", "fifo", "rr",       "batch",
        NULL,    "idle", "deadline", "ext"}; /* sched(7), include/uapi/linux/sched.h */
    if (!proc_stat_has(&task->stat, STAT_POLICY))
        return 0;
    int64_t policy = task->stat.fields[STAT_POLICY];
    if (policy >= 0 && policy < (int64_t)(sizeof(names) / sizeof(*names)) && names[policy]) {
        record_set_text(&reader->record, TASK_SCHEDULING_POLICY, names[policy]);
        return 0;
    }
    buffer_clear(&reader->json);
    buffer_append_integer(&reader->json, policy);
    return task_set_json(reader, TASK_SCHEDULING_POLICY);
}

static int fill_from_stat(struct task_reader *reader, const struct task *task)
{
    for (size_t i = 0; i < sizeof(stat_columns) / sizeof(*stat_columns); i++)
        if (proc_stat_has(&task->stat, stat_columns[i].field))
            record_set_integer(&reader->record, stat_columns[i].column,
                               task->stat.fields[stat_columns[i].field]);
    record_set_integer(&reader->record, TASK_RUN_STATE, (unsigned char)task->stat.state);
    int r = task_set_text(reader, TASK_COMM, proc_stat_steady_comm(&task->stat));
    return r < 0 ? r : set_policy(reader, task);
}

static const struct {
    unsigned column;
    enum proc_status_line line;
    unsigned index;
} status_columns[] = {
    {TASK_REAL_UID, STATUS_UID, 0},
    {TASK_EFFECTIVE_UID, STATUS_UID, 1},
    {TASK_SAVED_UID, STATUS_UID, 2},
    {TASK_FILESYSTEM_UID, STATUS_UID, 3},
    {TASK_REAL_GID, STATUS_GID, 0},
    {TASK_EFFECTIVE_GID, STATUS_GID, 1},
    {TASK_SAVED_GID, STATUS_GID, 2},
    {TASK_FILESYSTEM_GID, STATUS_GID, 3},
    {TASK_NO_NEW_PRIVS, STATUS_NO_NEW_PRIVS, 0},
    {TASK_VOLUNTARY_SWITCHES, STATUS_VOLUNTARY_SWITCHES, 0},
    {TASK_INVOLUNTARY_SWITCHES, STATUS_INVOLUNTARY_SWITCHES, 0},
};

static const struct {
    unsigned column;
    enum proc_status_line line;
} capability_columns[] = {
    {TASK_CAPABILITIES_EFFECTIVE, STATUS_CAPABILITIES_EFFECTIVE},
    {TASK_CAPABILITIES_PERMITTED, STATUS_CAPABILITIES_PERMITTED},
    {TASK_CAPABILITIES_INHERITABLE, STATUS_CAPABILITIES_INHERITABLE},
    {TASK_CAPABILITIES_BOUNDING, STATUS_CAPABILITIES_BOUNDING},
    {TASK_CAPABILITIES_AMBIENT, STATUS_CAPABILITIES_AMBIENT},
};

/* Sixteen digits whatever the kernel writes, so that hosts compare. */
static int set_capabilities(struct task_reader *reader, const struct task *task)
{
    int r = 0;
    for (size_t i = 0; i < sizeof(capability_columns) / sizeof(*capability_columns) && r >= 0;
         i++) {
        uint64_t mask;
        if (!proc_status_number(&task->status, capability_columns[i].line, 0, 16, &mask))
            continue;
        buffer_clear(&reader->json);
        buffer_append_format(&reader->json, "%016" PRIx64, mask);
        r = task_set_json(reader, capability_columns[i].column);
    }
    return r;
}

static void set_seccomp(struct task_reader *reader, const struct task *task)
{
    static const char *const modes[] = {"disabled", "strict", "filter"};
    uint64_t mode;
    if (proc_status_number(&task->status, STATUS_SECCOMP, 0, 10, &mode) && mode < 3)
        record_set_text(&reader->record, TASK_SECCOMP, modes[mode]);
}

static int fill_from_status(struct task_reader *reader, const struct task *task)
{
    for (size_t i = 0; i < sizeof(status_columns) / sizeof(*status_columns); i++)
        task_set_status(reader, task, status_columns[i].column, status_columns[i].line,
                        status_columns[i].index);
    set_seccomp(reader, task);
    int r = set_capabilities(reader, task);
    if (r >= 0)
        r = task_set_status_list(reader, task, TASK_GROUPS, STATUS_GROUPS);
    struct span cpus = task->status.lines[STATUS_CPUS_ALLOWED];
    return r < 0 || !cpus.bytes ? r : task_set_text(reader, TASK_CPU_AFFINITY, cpus);
}

/* One link below `folder`, which is the task's ns. */
static int read_namespace(struct task_reader *reader, int folder,
                          const struct namespace_link_info *info, uint32_t *ret_inode)
{
    int r = procfs_read_link(folder, info->path + strlen("ns/"), &reader->file);
    return r < 0 ? r
                 : nsfs_parse_link(reader->file.bytes, reader->file.length, info->type, ret_inode);
}

/* An absent link is normal: a kernel without this type, a zombie, a pid namespace without its first
 * child. If one link may not be read, none may. */
static void fill_namespaces(struct task_reader *reader, struct task *task)
{
    bool for_children = capture_wants(reader->capture, SOURCE_FOR_CHILDREN);
    _cleanup_close_ int folder = procfs_open_directory(task->directory, "ns");
    /* In a copy that is missing which could not be read when it was made. */
    if (folder == -ENOENT && !reader->capture->host->live && !proc_stat_is_ending(&task->stat))
        folder = -EACCES;
    for (unsigned link = 0; link < LINK_COUNT; link++) {
        const struct namespace_link_info *info = &namespace_links[link];
        task->namespaces[link] = 0;
        if (info->for_children && !for_children)
            continue;
        int r = folder < 0 ? folder : read_namespace(reader, folder, info, &task->namespaces[link]);
        if (r >= 0) {
            record_set_integer(&reader->record, info->column, task->namespaces[link]);
            continue;
        }
        task->unreadable = r == -EACCES || r == -EPERM;
        task_trouble(reader, task->unreadable || folder < 0 ? "ns" : info->path, r);
        if (task->unreadable)
            break;
    }
}

static void set_condition(struct task_reader *reader, const struct task *task)
{
    bool zombie = task->stat.state == 'Z' || task->stat.state == 'X';
    record_set_text(&reader->record, TASK_CONDITION,
                    task->unreadable ? "unreadable"
                    : zombie         ? "zombie"
                                     : "alive");
}

/* {"cpu,cpuacct":"/","name=systemd":"/"} */
static void append_cgroup_json(struct buffer *json, const struct proc_cgroup *cgroup)
{
    buffer_clear(json);
    buffer_append_char(json, '{');
    for (size_t i = 0; i < cgroup->count; i++) {
        const struct proc_cgroup_entry *entry = &cgroup->entries[i];
        if (i)
            buffer_append_char(json, ',');
        json_append_captured(json, entry->hierarchy.bytes, entry->hierarchy.length);
        buffer_append_char(json, ':');
        json_append_captured(json, entry->path.bytes, entry->path.length);
    }
    buffer_append_char(json, '}');
}

/* Takes what was read into reader->file in as the newest cgroup file. */
static int take_cgroup(struct task_reader *reader)
{
    struct proc_cgroup cgroup;
    int r = proc_cgroup_parse(buffer_text(&reader->file), reader->file.length, &cgroup);
    buffer_clear(&reader->cgroup);
    if (r < 0)
        return -EBADMSG;
    append_cgroup_json(&reader->cgroup_json, &cgroup);
    reader->frozen = hierarchies_frozen(&reader->capture->hierarchies, &cgroup, &reader->text);
    reader->container = NULL;
    if (reader->capture->containers.open &&
        container_table_find(&reader->capture->containers, &cgroup, &reader->container) < 0)
        return -ENOMEM;
    buffer_append(&reader->cgroup, reader->file.bytes, reader->file.length);
    return reader->cgroup_json.failed || reader->cgroup.failed ? -ENOMEM : 0;
}

static int fill_cgroup(struct task_reader *reader, struct task *task)
{
    int r = procfs_read(task->directory, "cgroup", PROCFS_TEXT_MOST, &reader->file);
    const struct span now = {reader->file.bytes, reader->file.length};
    const struct span before = {reader->cgroup.bytes, reader->cgroup.length};
    if (r >= 0 && !now.length)
        return 0; /* a kernel without cgroups */
    if (r >= 0 && !span_equal(now, before))
        r = take_cgroup(reader);
    if (r == -ENOMEM)
        return error_memory();
    if (r < 0) {
        task_trouble(reader, "cgroup", r);
        return 0;
    }
    const char *copy =
        arena_copy(reader->arena, reader->cgroup_json.bytes, reader->cgroup_json.length);
    record_set_text(&reader->record, TASK_CGROUP, copy);
    task->container = reader->container;
    if (reader->frozen == FROZEN_YES || reader->frozen == FROZEN_NO)
        record_set_integer(&reader->record, TASK_FROZEN, reader->frozen == FROZEN_YES);
    return copy ? 0 : error_memory();
}

static int fill_label(struct task_reader *reader, const struct task *task)
{
    if (!reader->capture->host->has_security_labels)
        return 0;
    int r = procfs_read(task->directory, "attr/current", PROCFS_TEXT_MOST, &reader->file);
    struct span label = {buffer_text(&reader->file), reader->file.length};
    if (r == -ENOMEM)
        return error_memory();
    if (r < 0 && r != -EINVAL) /* EINVAL: no security module has labels */
        task_trouble(reader, "attr/current", r);
    while (label.length &&
           (label.bytes[label.length - 1] == '\n' || label.bytes[label.length - 1] == '\0'))
        label.length--;
    return r < 0 || !label.length ? 0 : task_set_text(reader, TASK_SECURITY_LABEL, label);
}

static void fill_identity(struct task_reader *reader, const struct task *task)
{
    uint64_t inode;
    bool thread = task->tid != 0;
    if (!host_has(reader->capture->host, thread ? FEATURE_PIDFD_THREAD : FEATURE_PIDFS))
        return;
    int r = pidfd_inode(thread ? task->tid : task->pid, thread, &inode);
    if (r >= 0)
        record_set_integer(&reader->record, TASK_PIDFS_INODE, (int64_t)inode);
    else
        task_trouble(reader, "pidfd", r);
}

int task_fill(struct task_reader *reader, struct task *task, enum kind kind)
{
    arena_reset(reader->arena);
    record_begin(&reader->record, kind);
    record_set_integer(&reader->record, TASK_PID, task->pid);
    fill_identity(reader, task);
    fill_namespaces(reader, task);
    set_condition(reader, task);
    int r = fill_from_stat(reader, task);
    if (r < 0 || task->outline)
        return r;
    r = fill_from_status(reader, task);
    if (r >= 0)
        r = fill_cgroup(reader, task);
    return r < 0 ? r : fill_label(reader, task);
}
