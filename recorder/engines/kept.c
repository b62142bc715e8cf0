/* SPDX-License-Identifier: Apache-2.0 */
/* Within a reader: what processes that keep containers have started. */
#include "base/array.h"
#include "recorder/engines/reading.h"
#include "recorder/kernel/nsfs.h"
#include "recorder/kernel/proc_stat.h"
#include "recorder/kernel/procfs.h"
#include "recorder/kernel/rooted.h"

#include <fcntl.h>

/* A keeper may have helpers between itself and what it keeps, but not more than these. */
enum { GENERATIONS = 4 };

struct process_parent {
    pid_t parent;
    int64_t start_ticks;
    pid_t pid;
};

struct namespaces {
    uint32_t pid, mnt; /* 0 where it isn't known */
};

const struct engine_keeper *engine_keepers(const struct engine_reading *reading)
{
    return reading->found->keepers;
}

/* ---- who started whom ---- */

static int compare_parents(const void *a, const void *b)
{
    const struct process_parent *one = a, *other = b;
    if (one->parent != other->parent)
        return one->parent < other->parent ? -1 : 1;
    if (one->start_ticks != other->start_ticks)
        return one->start_ticks < other->start_ticks ? -1 : 1;
    return (one->pid > other->pid) - (one->pid < other->pid);
}

static bool read_stat(struct engine_reading *reading, pid_t pid, struct proc_stat *ret_stat)
{
    char path[32];
    snprintf(path, sizeof(path), "%d/stat", (int)pid);
    return procfs_read(reading->reader->proc, path, PROCFS_TEXT_MOST, &reading->text) >= 0 &&
           proc_stat_parse(buffer_text(&reading->text), reading->text.length, ret_stat) >= 0 &&
           !proc_stat_is_ending(ret_stat);
}

/* All processes by their parents, once for a place. Without memory, or where they cannot be listed,
 * none: what is kept then isn't known. */
static void load_parents(struct engine_reading *reading)
{
    _cleanup_number_list_ struct number_list processes = {0};
    struct proc_stat stat;
    if (reading->parents || procfs_list_numbers(reading->reader->proc, ".", &processes) < 0)
        return;
    reading->parents = calloc(processes.count + 1, sizeof(*reading->parents));
    for (size_t i = 0; i < processes.count && reading->parents; i++)
        if (read_stat(reading, processes.numbers[i], &stat))
            reading->parents[reading->parent_count++] =
                (struct process_parent){.parent = (pid_t)stat.fields[STAT_PPID],
                                        .start_ticks = stat.fields[STAT_START_TICKS],
                                        .pid = processes.numbers[i]};
    if (reading->parent_count)
        qsort(reading->parents, reading->parent_count, sizeof(*reading->parents), compare_parents);
}

/* The children of a process, the eldest first. */
static const struct process_parent *find_children(const struct engine_reading *reading,
                                                  pid_t parent, size_t *ret_count)
{
    size_t begin = 0, end = reading->parent_count;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        if (reading->parents[middle].parent < parent)
            begin = middle + 1;
        else
            end = middle;
    }
    while (end < reading->parent_count && reading->parents[end].parent == parent)
        end++;
    *ret_count = end - begin;
    return reading->parents + begin;
}

/* ---- in which namespaces ---- */

static uint32_t read_namespace(struct engine_reading *reading, pid_t pid, enum nsfs_type type)
{
    char path[32];
    uint32_t inode;
    struct buffer *text = &reading->text;
    snprintf(path, sizeof(path), "%d/ns/%s", (int)pid, type == NSFS_PID ? "pid" : "mnt");
    int r = procfs_read_link(reading->reader->proc, path, text);
    return r < 0 || nsfs_parse_link(text->bytes, text->length, type, &inode) < 0 ? 0 : inode;
}

static struct namespaces namespaces_of(struct engine_reading *reading, pid_t pid)
{
    return (struct namespaces){.pid = read_namespace(reading, pid, NSFS_PID),
                               .mnt = read_namespace(reading, pid, NSFS_MNT)};
}

static bool differ(uint32_t one, uint32_t other)
{
    return one && other && one != other;
}

/* Among the children those in a pid namespace of their own come first: a helper that only has
 * mounts of its own is not what is kept, where there is something else. Then their children. */
static const struct process_parent *find_first(struct engine_reading *reading, pid_t parent,
                                               const struct namespaces *outside,
                                               unsigned generations)
{
    size_t count;
    const struct process_parent *children = find_children(reading, parent, &count);
    const struct process_parent *first = NULL, *with_mounts = NULL;
    for (size_t i = 0; i < count; i++) {
        struct namespaces inside = namespaces_of(reading, children[i].pid);
        if (differ(inside.pid, outside->pid))
            return &children[i];
        if (!with_mounts && differ(inside.mnt, outside->mnt))
            with_mounts = &children[i];
    }
    for (size_t i = 0; i < count && !with_mounts && !first && generations > 1; i++)
        first = find_first(reading, children[i].pid, outside, generations - 1);
    return with_mounts ? with_mounts : first;
}

static const struct process_parent *find_kept(struct engine_reading *reading,
                                              const struct engine_keeper *keeper)
{
    struct proc_stat stat;
    if (!read_stat(reading, keeper->pid, &stat) ||
        stat.fields[STAT_START_TICKS] != keeper->start_ticks)
        return NULL;
    load_parents(reading);
    struct namespaces outside = namespaces_of(reading, keeper->pid);
    return find_first(reading, keeper->pid, &outside, GENERATIONS);
}

pid_t engine_kept_process(struct engine_reading *reading, const struct engine_keeper *keeper)
{
    const struct process_parent *kept = find_kept(reading, keeper);
    return kept ? kept->pid : 0;
}

bool engine_set_kept_process(struct engine_reading *reading, const struct engine_keeper *keeper)
{
    const struct process_parent *kept = find_kept(reading, keeper);
    if (!kept)
        return false;
    record_set_integer(&reading->record, CONTAINER_PID, kept->pid);
    record_set_integer(&reading->record, CONTAINER_START_TICKS, kept->start_ticks);
    reading->pid_is_ours = true;
    return true;
}

int engine_read_kept_file(struct engine_reading *reading, const struct engine_keeper *keeper,
                          const char *path, size_t limit, struct buffer *into)
{
    char root[32];
    pid_t pid = engine_kept_process(reading, keeper);
    snprintf(root, sizeof(root), "%d/root", (int)pid);
    if (!pid || !reading->reader->live)
        return -ESRCH;
    _cleanup_close_ int directory =
        openat(reading->reader->proc, root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    _cleanup_close_ int fd = directory < 0 ? -ESRCH : rooted_open_file(directory, path);
    buffer_clear(into);
    return fd < 0 ? fd : procfs_read_table_descriptor(fd, limit, into);
}
