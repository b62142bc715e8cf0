/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tree.h"

#include "base/error.h"

#include <string.h>

void tree_free(struct tree *tree)
{
    free(tree->parents);
    free(tree->order);
    *tree = (struct tree){0};
}

static ptrdiff_t process_parent(const struct records *records, const struct record *record)
{
    struct record probe;
    if (!record_has(record, PROCESS_PPID))
        return TREE_ROOT;
    record_begin(&probe, KIND_PROCESS);
    probe.values[PROCESS_PID] = record->values[PROCESS_PPID];
    return records_find(records, &probe);
}

static ptrdiff_t find_namespace(const struct records *records, const char *type,
                                const struct value *inode)
{
    struct record probe;
    if (inode->type == VALUE_NULL)
        return TREE_ROOT;
    record_begin(&probe, KIND_NAMESPACE);
    record_set_text(&probe, NAMESPACE_TYPE, type);
    probe.values[NAMESPACE_INODE] = *inode;
    return records_find(records, &probe);
}

/* User namespaces below their parents, the others below the user namespace that owns them; a pid
 * namespace below its parent where both have the same owner. */
static ptrdiff_t namespace_parent(const struct records *records, const struct record *record)
{
    const char *type = record_text(record, NAMESPACE_TYPE);
    const struct value *owner = &record->values[NAMESPACE_OWNER];
    ptrdiff_t parent =
        type ? find_namespace(records, type, &record->values[NAMESPACE_PARENT]) : TREE_ROOT;
    if (type && strcmp(type, "user") == 0)
        return parent;
    if (parent >= 0 && value_equal(owner, &records->items[parent]->values[NAMESPACE_OWNER]))
        return parent;
    return find_namespace(records, "user", owner);
}

static ptrdiff_t mount_parent(const struct records *records, const struct record *record)
{
    struct record probe;
    if (!record_has(record, MOUNT_PARENT) ||
        value_equal(&record->values[MOUNT_PARENT], &record->values[MOUNT_ID]))
        return TREE_ROOT;
    record_begin(&probe, KIND_MOUNT);
    probe.values[MOUNT_NAMESPACE] = record->values[MOUNT_NAMESPACE];
    probe.values[MOUNT_ID] = record->values[MOUNT_PARENT];
    return records_find(records, &probe);
}

/* The nearest ancestor that was recorded. */
static ptrdiff_t cgroup_parent(const struct records *records, const struct record *record)
{
    struct record probe;
    record_begin(&probe, KIND_CGROUP);
    probe.values[CGROUP_HIERARCHY] = record->values[CGROUP_HIERARCHY];
    struct value *path = &probe.values[CGROUP_PATH];
    *path = record->values[CGROUP_PATH];
    if (path->type != VALUE_TEXT)
        return TREE_ROOT;
    while (path->length > 1) {
        while (path->length > 0 && path->text[path->length - 1] != '/')
            path->length--;
        if (path->length > 1)
            path->length--;
        ptrdiff_t parent = records_find(records, &probe);
        if (parent >= 0 || path->length == 0)
            return parent;
    }
    return TREE_ROOT;
}

static const struct {
    ptrdiff_t (*parent)(const struct records *records, const struct record *record);
    unsigned column;
} trees[KIND_COUNT] = {
    [KIND_PROCESS] = {process_parent, PROCESS_COMM},
    [KIND_NAMESPACE] = {namespace_parent, NAMESPACE_TYPE},
    [KIND_MOUNT] = {mount_parent, MOUNT_TARGET},
    [KIND_CGROUP] = {cgroup_parent, CGROUP_PATH},
};

bool tree_exists(enum kind kind)
{
    return trees[kind].parent != NULL;
}

unsigned tree_column(enum kind kind)
{
    return trees[kind].column;
}

/* Depths: 0 not known yet, 1 of a root. */
enum { WALKING = -1 };

/* Finds the depth of `start` and of all above it; what would close a circle becomes a root. */
static void settle_depths(ptrdiff_t *parents, ptrdiff_t *depths, size_t start)
{
    ptrdiff_t above = 0, steps = 0;
    for (size_t i = start; depths[i] == 0; i = (size_t)parents[i]) {
        depths[i] = WALKING;
        steps++;
        if (parents[i] != TREE_ROOT && depths[parents[i]] == WALKING)
            parents[i] = TREE_ROOT;
        if (parents[i] == TREE_ROOT)
            break;
        above = depths[parents[i]];
    }
    for (size_t i = start; steps > 0; i = (size_t)parents[i])
        depths[i] = above + steps--;
}

/* Numbers by depth, and within a depth as they come: a counting sort. */
static int sort_by_depth(const ptrdiff_t *depths, size_t count, size_t *order)
{
    _cleanup_free_ size_t *places = calloc(count + 2, sizeof(*places));
    if (!places)
        return error_memory();
    for (size_t i = 0; i < count; i++)
        places[depths[i] + 1]++;
    for (size_t depth = 1; depth < count + 2; depth++)
        places[depth] += places[depth - 1];
    for (size_t i = 0; i < count; i++)
        order[places[depths[i]]++] = i;
    return 0;
}

/* Each one that is too deep stands beside its parent. */
static void limit_depth(struct tree *tree, const ptrdiff_t *depths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t number = tree->order[i];
        if (depths[number] > TREE_DEPTH_MOST)
            tree->parents[number] = tree->parents[tree->parents[number]];
    }
}

int tree_make(const struct records *records, struct tree *ret_tree)
{
    size_t count = records->count;
    if (count == 0)
        return 0;
    _cleanup_tree_ struct tree tree = {
        .parents = calloc(count, sizeof(*tree.parents)),
        .order = calloc(count, sizeof(*tree.order)),
    };
    _cleanup_free_ ptrdiff_t *depths = calloc(count, sizeof(*depths));
    if (!tree.parents || !tree.order || !depths)
        return error_memory();
    for (size_t i = 0; i < count; i++)
        tree.parents[i] = trees[records->items[i]->kind].parent(records, records->items[i]);
    for (size_t i = 0; i < count; i++)
        settle_depths(tree.parents, depths, i);
    int r = sort_by_depth(depths, count, tree.order);
    if (r < 0)
        return r;
    limit_depth(&tree, depths, count);
    *ret_tree = tree;
    tree = (struct tree){0};
    return 0;
}
