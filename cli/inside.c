/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inside.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

void inside_free(struct inside *inside)
{
    free(inside->inodes);
    *inside = (struct inside){0};
}

/* The task's column NAME_namespace; mounts are in mount namespaces alone. */
static int find_column(enum kind kind, const char *type, size_t length)
{
    char name[32];
    if (kind == KIND_MOUNT)
        return length == 3 && strncmp(type, "mnt", length) == 0 ? MOUNT_NAMESPACE : -1;
    if (kind != KIND_PROCESS && kind != KIND_THREAD)
        return -1;
    snprintf(name, sizeof(name), "%.*s_namespace", (int)length, type);
    return column_by_name(kind, name);
}

int inside_parse(const char *text, enum kind kind, struct inside *ret_inside)
{
    struct inside inside = {.text = text};
    if (!text)
        return 0;
    int r = entity_parse(text, &inside.entity);
    if (r < 0)
        return r;
    if (inside.entity.seen_from || !(inside.entity.kinds >> KIND_NAMESPACE & 1))
        return error_set(ERROR_USAGE, "option --in: '%s' is no namespace; write net:4026531840",
                         text);
    int column = find_column(kind, text, strcspn(text, ":"));
    if (column < 0)
        return error_set(ERROR_USAGE,
                         "option --in: no %s are in %s; processes and threads are in namespaces of "
                         "every type, mounts in mnt:INODE",
                         kinds[kind].plural, text);
    inside.entity.kinds = 1u << KIND_NAMESPACE;
    inside.column = (unsigned)column;
    *ret_inside = inside;
    return 0;
}

static ptrdiff_t parent_of(const struct records *spaces, const struct record *space)
{
    struct record probe;
    if (!record_has(space, NAMESPACE_PARENT))
        return RECORDS_NONE;
    record_begin(&probe, KIND_NAMESPACE);
    probe.values[NAMESPACE_TYPE] = space->values[NAMESPACE_TYPE];
    probe.values[NAMESPACE_INODE] = space->values[NAMESPACE_PARENT];
    return records_find(spaces, &probe);
}

/* Whether it is the namespace that was given, or a pid namespace below it. */
static bool is_within(const struct inside *inside, const struct records *spaces, size_t number,
                      struct buffer *scratch)
{
    ptrdiff_t above = (ptrdiff_t)number;
    /* A chain longer than all there are goes in a circle. */
    for (size_t steps = 0; above >= 0 && steps <= spaces->count; steps++) {
        if (entity_matches(&inside->entity, spaces->items[above], scratch))
            return true;
        above = inside_is_pid(inside) ? parent_of(spaces, spaces->items[above]) : RECORDS_NONE;
    }
    return false;
}

int inside_load(struct inside *inside, struct database *database, const struct snapshot *snapshot)
{
    _cleanup_records_ struct records spaces = {0};
    _cleanup_buffer_ struct buffer scratch = {0};
    if (!inside->text)
        return 0;
    int r = records_read(database, snapshot, KIND_NAMESPACE, &spaces);
    if (r < 0)
        return r;
    inside->inodes = calloc(spaces.count + 1, sizeof(*inside->inodes));
    if (!inside->inodes)
        return error_memory();
    for (size_t i = 0; i < spaces.count; i++) {
        if (is_within(inside, &spaces, i, &scratch))
            inside->inodes[inside->count++] = record_integer(spaces.items[i], NAMESPACE_INODE, -1);
    }
    return inside->count ? 0
                         : error_set(ERROR_USAGE,
                                     "option --in: %s is not in snapshot %lld; 'nslapse list "
                                     "namespaces' shows what there is",
                                     inside->text, (long long)snapshot->id);
}

static int compare_inodes(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

bool inside_has(const struct inside *inside, const struct record *record)
{
    const int64_t inode = record_integer(record, inside->column, -1);
    return !inside->text || (inode >= 0 && bsearch(&inode, inside->inodes, inside->count,
                                                   sizeof(inode), compare_inodes));
}

bool inside_is_pid(const struct inside *inside)
{
    return inside->text && strncmp(inside->text, "pid:", strlen("pid:")) == 0;
}
