/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/census.h"

#include "base/array.h"
#include "recorder/kernel/procfs.h"
#include "schema/kinds.h"

#include <string.h>

const struct namespace_link_info namespace_links[LINK_COUNT] = {
    [LINK_CGROUP] = {"ns/cgroup", NSFS_CGROUP, false, TASK_CGROUP_NAMESPACE},
    [LINK_IPC] = {"ns/ipc", NSFS_IPC, false, TASK_IPC_NAMESPACE},
    [LINK_MNT] = {"ns/mnt", NSFS_MNT, false, TASK_MNT_NAMESPACE},
    [LINK_NET] = {"ns/net", NSFS_NET, false, TASK_NET_NAMESPACE},
    [LINK_PID] = {"ns/pid", NSFS_PID, false, TASK_PID_NAMESPACE},
    [LINK_PID_FOR_CHILDREN] = {"ns/pid_for_children", NSFS_PID, true,
                               TASK_PID_FOR_CHILDREN_NAMESPACE},
    [LINK_TIME] = {"ns/time", NSFS_TIME, false, TASK_TIME_NAMESPACE},
    [LINK_TIME_FOR_CHILDREN] = {"ns/time_for_children", NSFS_TIME, true,
                                TASK_TIME_FOR_CHILDREN_NAMESPACE},
    [LINK_USER] = {"ns/user", NSFS_USER, false, TASK_USER_NAMESPACE},
    [LINK_UTS] = {"ns/uts", NSFS_UTS, false, TASK_UTS_NAMESPACE},
};

void census_free(struct census *census)
{
    free(census->tasks);
    *census = (struct census){0};
}

static int make_room(struct census *census, size_t more)
{
    return array_reserve(&census->tasks, &census->capacity, census->count + more,
                         sizeof(*census->tasks));
}

int census_add(struct census *census, const struct census_task *task)
{
    int r = make_room(census, 1);
    if (r < 0)
        return r;
    census->tasks[census->count++] = *task;
    return 0;
}

struct census_task *census_newest(struct census *census)
{
    return &census->tasks[census->count - 1];
}

int census_merge(struct census *census, struct census *from)
{
    int r = make_room(census, from->count);
    if (r < 0)
        return r;
    if (from->count)
        memcpy(census->tasks + census->count, from->tasks, from->count * sizeof(*from->tasks));
    census->count += from->count;
    census_free(from);
    return 0;
}

static int compare_tasks(const void *a, const void *b)
{
    const struct census_task *one = a, *other = b;
    if (!one->tid != !other->tid)
        return one->tid ? 1 : -1;
    if (one->start_ticks != other->start_ticks)
        return one->start_ticks < other->start_ticks ? -1 : 1;
    if (one->pid != other->pid)
        return one->pid < other->pid ? -1 : 1;
    return (one->tid > other->tid) - (one->tid < other->tid);
}

void census_sort(struct census *census)
{
    if (census->count)
        qsort(census->tasks, census->count, sizeof(*census->tasks), compare_tasks);
}

void census_append_path(struct buffer *buffer, const struct census_task *task)
{
    buffer_append_integer(buffer, task->pid);
    if (task->tid) {
        buffer_append_text(buffer, "/task/");
        buffer_append_integer(buffer, task->tid);
    }
}

int census_open(int proc, const struct census_task *task)
{
    _cleanup_buffer_ struct buffer path = {0};
    census_append_path(&path, task);
    return path.failed ? -ENOMEM : procfs_open_beneath(proc, buffer_text(&path));
}
