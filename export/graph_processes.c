/* SPDX-License-Identifier: Apache-2.0 */
/* The process tree: alike siblings folded, kernel threads one node, clusters for what lives in
 * namespaces of its own. */
#include "base/arena.h"
#include "base/error.h"
#include "export/fold.h"
#include "export/graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PIDS_SHOWN = 4, NAMES_SHOWN = 4, CHANGES_SHOWN = 4 };

struct process_tree {
    struct graph_items processes, namespaces;
    struct graph_usual usual;
    struct fold fold; /* a node for each process */
    const char **own; /* ids of a process's unusual namespaces, joined: "" for none; in the arena */
    bool *alone;      /* nobody else has the same ones */
    size_t *by_own;   /* the leaders, by `own`, then by number */
    size_t leaders;   /* how many */
    struct arena *arena;
};

static void process_tree_free(struct process_tree *tree)
{
    graph_items_free(&tree->processes);
    graph_items_free(&tree->namespaces);
    fold_free(&tree->fold);
    free(tree->own);
    free(tree->alone);
    free(tree->by_own);
    arena_free(tree->arena);
}

static bool is_kernel_thread(const struct graph_item *item)
{
    return record_integer(item->record, PROCESS_KERNEL_THREAD, 0) != 0;
}

/* The task's namespace of this type when it is not the usual one, else -1. */
static int64_t unusual_namespace(const struct process_tree *tree, const struct record *process,
                                 unsigned type)
{
    int64_t inode = record_integer(process, graph_namespace_types[type].column, -1);
    return inode == tree->usual.inodes[type] ? -1 : inode;
}

static size_t find_unusual(const struct process_tree *tree, const struct graph_item *process,
                           unsigned type)
{
    int64_t inode = unusual_namespace(tree, process->record, type);
    return inode < 0 ? GRAPH_NONE
                     : graph_find_namespace(&tree->namespaces, process,
                                            graph_namespace_types[type].name, inode);
}

static int find_own(struct process_tree *tree, size_t process)
{
    const struct graph_item *item = &tree->processes.items[process];
    _cleanup_buffer_ struct buffer own = {0};
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++) {
        int64_t inode = unusual_namespace(tree, item->record, type);
        if (inode < 0)
            continue;
        buffer_append_text(&own, own.length ? "_" : "");
        size_t found = find_unusual(tree, item, type);
        if (found != GRAPH_NONE)
            graph_append_id(&own, &tree->namespaces.items[found]);
        else
            buffer_append_format(&own, "%s_%" PRId64, graph_namespace_types[type].name, inode);
    }
    tree->own[process] = arena_copy(tree->arena, buffer_text(&own), own.length);
    return tree->own[process] && !own.failed ? 0 : error_memory();
}

static void append_user(struct buffer *line, const struct record *process)
{
    if (!record_has(process, PROCESS_REAL_UID) || !record_has(process, PROCESS_EFFECTIVE_UID)) {
        buffer_append_text(line, "user not known");
        return;
    }
    int64_t real = record_integer(process, PROCESS_REAL_UID, 0);
    int64_t effective = record_integer(process, PROCESS_EFFECTIVE_UID, 0);
    if (real || effective)
        buffer_append_format(line, "user %" PRId64, real);
    if (effective != real)
        buffer_append_format(line, ", effective %" PRId64, effective);
}

/* What the label says of a process beside its name and number; alike processes have it in common.
 */
static void label_traits(struct buffer *label, const struct graph_item *item)
{
    const struct record *process = item->record;
    _cleanup_buffer_ struct buffer user = {0};
    append_user(&user, process);
    if (user.length)
        dot_label_note(label, buffer_text(&user));
    label->failed |= user.failed;
    const char *condition = record_text(process, PROCESS_CONDITION);
    if (condition && strcmp(condition, "alive") != 0)
        dot_label_note(label, condition);
    graph_label_changes(label, item, CHANGES_SHOWN);
}

/* "own mnt, uts", for a process that has no cluster around it to say so. Of a folded class each has
 * its own. */
static void label_own(struct buffer *label, const struct process_tree *tree,
                      const struct record *process)
{
    _cleanup_buffer_ struct buffer list = {0};
    size_t index = 0;
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++)
        if (unusual_namespace(tree, process, type) >= 0) {
            buffer_append_text(&list, index ? "" : "own ");
            graph_append_listed(&list, index++, GRAPH_NAMESPACE_TYPES,
                                graph_namespace_types[type].name);
        }
    if (index)
        dot_label_note(label, buffer_text(&list));
    label->failed |= list.failed;
}

static int set_look(struct process_tree *tree, size_t process)
{
    const struct graph_item *item = &tree->processes.items[process];
    _cleanup_buffer_ struct buffer look = {0};
    buffer_append_format(&look, "%d %s ", item->mark,
                         tree->alone[process] ? "" : tree->own[process]);
    if (tree->alone[process])
        label_own(&look, tree, item->record);
    if (is_kernel_thread(item)) {
        buffer_append_text(&look, "kernel");
    } else {
        const char *comm = record_text(item->record, PROCESS_COMM);
        const char *container = record_text(item->record, PROCESS_CONTAINER);
        label_traits(&look, item);
        buffer_append_format(&look, "%s\n%s", comm ? comm : "", container ? container : "");
    }
    return fold_set_look(&tree->fold, process, &look);
}

/* The parent's node. Kernel threads are put side by side, so that they fold into one. */
static size_t find_parent(const struct process_tree *tree, const struct graph_item *item)
{
    int64_t ppid = record_integer(item->record, PROCESS_PPID, 0);
    return ppid == 0 || is_kernel_thread(item) ? FOLD_NONE
                                               : graph_find_process(&tree->processes, item, ppid);
}

static int compare_own(const void *left, const void *right, void *userdata)
{
    const struct process_tree *tree = userdata;
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    int order = strcmp(tree->own[a], tree->own[b]);
    return order ? order : (a > b) - (a < b);
}

/* Fills `own` and `alone`. */
static int find_all_own(struct process_tree *tree)
{
    const size_t count = tree->processes.count;
    tree->arena = arena_new();
    tree->own = calloc(count + 1, sizeof *tree->own);
    tree->alone = calloc(count + 1, sizeof *tree->alone);
    tree->by_own = calloc(count + 1, sizeof *tree->by_own);
    if (!tree->arena || !tree->own || !tree->alone || !tree->by_own)
        return error_memory();
    for (size_t i = 0; i < count; i++) {
        int r = find_own(tree, i);
        if (r < 0)
            return r;
        tree->by_own[i] = i;
    }
    qsort_r(tree->by_own, count, sizeof *tree->by_own, compare_own, tree);
    for (size_t i = 0; i < count; i++) {
        const char *own = tree->own[tree->by_own[i]];
        const bool like_before = i && strcmp(tree->own[tree->by_own[i - 1]], own) == 0;
        const bool like_after = i + 1 < count && strcmp(tree->own[tree->by_own[i + 1]], own) == 0;
        tree->alone[tree->by_own[i]] = *own && !like_before && !like_after;
    }
    return 0;
}

static int grow_tree(struct process_tree *tree, bool only_marked)
{
    const size_t count = tree->processes.count;
    int r = find_all_own(tree);
    if (r >= 0)
        r = fold_new(count, &tree->fold);
    for (size_t i = 0; i < count && r >= 0; i++) {
        const struct graph_item *item = &tree->processes.items[i];
        r = set_look(tree, i);
        tree->fold.parents[i] = find_parent(tree, item);
        tree->fold.wanted[i] = !only_marked || item->mark;
    }
    if (r >= 0)
        r = fold_run(&tree->fold);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        if (tree->fold.leaders[i] == i)
            tree->by_own[tree->leaders++] = i;
    qsort_r(tree->by_own, tree->leaders, sizeof *tree->by_own, compare_own, tree);
    return 0;
}

static void label_pids(struct buffer *label, const struct process_tree *tree, size_t leader)
{
    _cleanup_buffer_ struct buffer list = {0};
    buffer_append_text(&list, tree->fold.sizes[leader] == 1 ? "pid " : "pids ");
    size_t index = 0;
    for (size_t i = leader; i != FOLD_NONE; i = tree->fold.next[i]) {
        char pid[24];
        snprintf(pid, sizeof pid, "%" PRId64,
                 record_integer(tree->processes.items[i].record, PROCESS_PID, -1));
        graph_append_listed(&list, index++, PIDS_SHOWN, pid);
    }
    dot_label_note(label, buffer_text(&list));
    label->failed |= list.failed;
}

/* Names of the first of a class of kernel threads: told only where something became of them. */
static void label_names(struct buffer *label, const struct process_tree *tree, size_t leader)
{
    _cleanup_buffer_ struct buffer list = {0};
    size_t index = 0;
    for (size_t i = leader; i != FOLD_NONE; i = tree->fold.next[i]) {
        const char *comm = record_text(tree->processes.items[i].record, PROCESS_COMM);
        graph_append_listed(&list, index++, NAMES_SHOWN, comm ? comm : "?");
    }
    dot_label_note(label, buffer_text(&list));
    label->failed |= list.failed;
}

static void draw_process(struct dot *dot, const struct process_tree *tree, size_t leader,
                         bool in_cluster)
{
    const struct graph_item *item = &tree->processes.items[leader];
    const size_t size = tree->fold.sizes[leader];
    const char *comm = record_text(item->record, PROCESS_COMM);
    _cleanup_buffer_ struct buffer id = {0}, label = {0}, name = {0};
    if (is_kernel_thread(item) && size > 1)
        buffer_append_text(&name, "kernel threads");
    else
        dot_append_name(&name, comm ? comm : "?", DOT_NAME_LENGTH);
    dot_label_heading(&label, item->mark, buffer_text(&name), size);
    label_pids(&label, tree, leader);
    if (!is_kernel_thread(item))
        label_traits(&label, item);
    else if (size == 1)
        dot_label_note(&label, "kernel thread");
    else if (item->mark)
        label_names(&label, tree, leader);
    if (!in_cluster)
        label_own(&label, tree, item->record);
    graph_append_id(&id, item);
    dot->text.failed |= id.failed | name.failed;
    dot_add_node(dot, buffer_text(&id), &label, DOT_ROUNDED, item->mark);
}

/* The mark that all of the process's unusual namespaces have in common. */
static enum mark mark_of_own(const struct process_tree *tree, const struct graph_item *process)
{
    enum mark common = MARK_COUNT;
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++) {
        size_t found = find_unusual(tree, process, type);
        if (found == GRAPH_NONE)
            continue;
        enum mark mark = tree->namespaces.items[found].mark;
        if (common != MARK_COUNT && common != mark)
            return MARK_NONE;
        common = mark;
    }
    return common == MARK_COUNT ? MARK_NONE : common;
}

static void begin_cluster(struct dot *dot, const struct process_tree *tree, size_t leader)
{
    enum { IN_A_LINE = 3 };
    const struct graph_item *item = &tree->processes.items[leader];
    const char *container = record_text(item->record, PROCESS_CONTAINER);
    const enum mark mark = mark_of_own(tree, item);
    _cleanup_buffer_ struct buffer id = {0}, label = {0}, line = {0}, name = {0};
    dot_append_name(&name, container ? container : "namespaces of their own", DOT_NAME_LENGTH);
    dot_label_heading(&label, mark, buffer_text(&name), 1);
    unsigned listed = 0;
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++) {
        int64_t inode = unusual_namespace(tree, item->record, type);
        if (inode < 0)
            continue;
        if (listed && listed % IN_A_LINE == 0) {
            dot_label_note(&label, buffer_text(&line));
            buffer_clear(&line);
        }
        listed++;
        buffer_append_format(&line, "%s%s %" PRId64, line.length ? ", " : "",
                             graph_namespace_types[type].name, inode);
    }
    dot_label_note(&label, buffer_text(&line));
    buffer_append_format(&id, "cluster_%s", tree->own[leader]);
    dot->text.failed |= id.failed | line.failed | name.failed;
    dot_begin_cluster(dot, buffer_text(&id), &label, mark);
}

static void draw_nodes(struct dot *dot, const struct process_tree *tree)
{
    for (size_t begin = 0, end; begin < tree->leaders; begin = end) {
        const char *own = tree->own[tree->by_own[begin]];
        for (end = begin; end < tree->leaders && strcmp(tree->own[tree->by_own[end]], own) == 0;)
            end++;
        const bool is_cluster = *own && end - begin > 1;
        if (is_cluster)
            begin_cluster(dot, tree, tree->by_own[begin]);
        for (size_t i = begin; i < end; i++)
            draw_process(dot, tree, tree->by_own[i], is_cluster);
        if (is_cluster)
            dot_end(dot);
    }
}

/* Names of the namespaces that parent and child are known to have, and do not share. That a child
 * has unusual ones where its parent has the usual ones is said by its cluster or its own label. */
static void append_unshared(struct buffer *label, const struct process_tree *tree,
                            const struct record *parent, const struct record *child)
{
    size_t index = 0;
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++) {
        const unsigned column = graph_namespace_types[type].column;
        if (record_has(parent, column) && record_has(child, column) &&
            !value_equal(&parent->values[column], &child->values[column]) &&
            unusual_namespace(tree, parent, type) >= 0)
            graph_append_listed(label, index++, GRAPH_NAMESPACE_TYPES,
                                graph_namespace_types[type].name);
    }
}

static void draw_edge(struct dot *dot, const struct process_tree *tree, size_t leader)
{
    const size_t parent = fold_parent_class(&tree->fold, leader);
    if (parent == FOLD_NONE)
        return;
    const struct graph_item *from = &tree->processes.items[parent];
    const struct graph_item *to = &tree->processes.items[leader];
    _cleanup_buffer_ struct buffer from_id = {0}, to_id = {0}, label = {0};
    graph_append_id(&from_id, from);
    graph_append_id(&to_id, to);
    append_unshared(&label, tree, from->record, to->record);
    dot->text.failed |= from_id.failed | to_id.failed | label.failed;
    dot_add_edge(dot, &(struct dot_edge){
                          .from = buffer_text(&from_id),
                          .to = buffer_text(&to_id),
                          .label = label.length ? buffer_text(&label) : NULL,
                          .line = DOT_CHILD,
                          .mark = to->mark == MARK_CHANGED ? MARK_NONE : to->mark,
                      });
}

int graph_processes(const struct export_request *request, struct dot *dot)
{
    _cleanup_(process_tree_free) struct process_tree tree = {0};
    int r = graph_items_load(request, KIND_PROCESS, &tree.processes);
    if (r >= 0)
        r = graph_items_load(request, KIND_NAMESPACE, &tree.namespaces);
    if (r < 0)
        return r;
    graph_usual_of(&tree.namespaces, &tree.processes, &tree.usual);
    r = grow_tree(&tree, request->difference != NULL);
    if (r < 0)
        return r;
    draw_nodes(dot, &tree);
    for (size_t i = 0; i < tree.processes.count; i++)
        if (tree.fold.leaders[i] == i)
            draw_edge(dot, &tree, i);
    return 0;
}
