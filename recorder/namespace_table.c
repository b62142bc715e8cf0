/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/namespace_table.h"

#include "base/error.h"

const char *const sighting_names[SIGHTING_COUNT] = {
    [SIGHTING_PROCESS] = "process",
    [SIGHTING_THREAD] = "thread",
    [SIGHTING_FD] = "fd",
    [SIGHTING_SOCKET] = "socket",
    [SIGHTING_BIND_MOUNT] = "bind-mount",
    [SIGHTING_FOR_CHILDREN] = "for-children",
    [SIGHTING_PARENT] = "parent",
    [SIGHTING_OWNER] = "owner",
    [SIGHTING_KERNEL] = "kernel",
};

void namespace_table_free(struct namespace_table *table)
{
    for (struct namespace *namespace = table->namespaces; namespace; namespace = namespace->hh.next)
        fd_close(namespace->fd);
    HASH_CLEAR(hh, table->namespaces);
    arena_free(table->arena);
    *table = (struct namespace_table){0};
}

struct namespace *namespace_table_find(const struct namespace_table *table, enum nsfs_type type,
                                       uint32_t inode)
{
    struct namespace_key key = {.type = type, .inode = inode};
    struct namespace *found = NULL;
    HASH_FIND(hh, table->namespaces, &key, sizeof(key), found);
    return found;
}

static struct namespace *add(struct namespace_table *table, enum nsfs_type type, uint32_t inode)
{
    if (!table->arena)
        table->arena = arena_new();
    struct namespace *namespace =
        table->arena ? arena_take(table->arena, sizeof(*namespace)) : NULL;
    if (!namespace)
        return NULL;
    namespace->key = (struct namespace_key){.type = type, .inode = inode};
    namespace->fd = -1;
    HASH_ADD(hh, table->namespaces, key, sizeof(namespace->key), namespace);
    return namespace->hh.tbl ? namespace : NULL;
}

int namespace_table_add(struct namespace_table *table, enum nsfs_type type, uint32_t inode,
                        enum sighting sighting, struct namespace **ret_namespace)
{
    struct namespace *namespace = namespace_table_find(table, type, inode);
    if (!namespace)
    namespace = add(table, type, inode);
    if (!namespace)
        return error_memory();
    namespace->sightings |= 1u << sighting;
    *ret_namespace = namespace;
    return 0;
}

size_t namespace_steps(const struct namespace *namespace)
{
    size_t steps = 1;
    for (; !namespace->task; namespace = namespace->within)
        if (!namespace->path || steps++ == NAMESPACE_STEPS_MOST)
            return 0;
    return steps;
}

static int compare(const struct namespace *a, const struct namespace *b)
{
    if (a->key.type != b->key.type)
        return a->key.type < b->key.type ? -1 : 1;
    return (a->key.inode > b->key.inode) - (a->key.inode < b->key.inode);
}

void namespace_table_sort(struct namespace_table *table)
{
    HASH_SORT(table->namespaces, compare);
}
