/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts: a cluster for each mount namespace, in it the tree of what is mounted on what.
 * Namespaces whose trees are the same are one cluster, alike siblings of one file system type one
 * node. */
#include "base/error.h"
#include "export/fold.h"
#include "export/graph.h"
#include "export/mount_peers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TARGETS_SHOWN = 4, MARKED_TARGETS_SHOWN = 10, NAMESPACES_SHOWN = 4, CHANGES_SHOWN = 4 };

/* A mount namespace; `item` is GRAPH_NONE when mounts tell of it, but no record of its own. */
struct room {
    int64_t inode;
    size_t item;
};

/* The nodes of `fold` are the rooms, and behind them the mounts. */
struct mount_forest {
    struct graph_items mounts, namespaces, processes;
    struct room *rooms;
    size_t room_count;
    size_t *room_of; /* by mount */
    struct fold fold;
};

static void mount_forest_free(struct mount_forest *forest)
{
    graph_items_free(&forest->mounts);
    graph_items_free(&forest->namespaces);
    graph_items_free(&forest->processes);
    free(forest->rooms);
    free(forest->room_of);
    fold_free(&forest->fold);
}

static size_t node_of_mount(const struct mount_forest *forest, size_t mount)
{
    return forest->room_count + mount;
}

static const struct graph_item *mount_of_node(const struct mount_forest *forest, size_t node)
{
    return &forest->mounts.items[node - forest->room_count];
}

static bool is_room(const struct mount_forest *forest, size_t node)
{
    return node < forest->room_count;
}

static enum mark room_mark(const struct mount_forest *forest, size_t room)
{
    size_t item = forest->rooms[room].item;
    return item == GRAPH_NONE ? MARK_NONE : forest->namespaces.items[item].mark;
}

/* The room for a namespace without a record. Mounts come ordered by namespace, so that only the
 * last such room can be the one. */
static size_t room_without_record(struct mount_forest *forest, size_t recorded, int64_t inode)
{
    const size_t last = forest->room_count - 1;
    if (forest->room_count > recorded && forest->rooms[last].inode == inode)
        return last;
    forest->rooms[forest->room_count] = (struct room){.inode = inode, .item = GRAPH_NONE};
    return forest->room_count++;
}

static int find_rooms(struct mount_forest *forest)
{
    const struct graph_items *namespaces = &forest->namespaces, *mounts = &forest->mounts;
    forest->rooms = calloc(namespaces->count + mounts->count + 1, sizeof *forest->rooms);
    forest->room_of = calloc(mounts->count + 1, sizeof *forest->room_of);
    _cleanup_free_ size_t *room_of_item = calloc(namespaces->count + 1, sizeof *room_of_item);
    if (!forest->rooms || !forest->room_of || !room_of_item)
        return error_memory();
    for (size_t i = 0; i < namespaces->count; i++) {
        const char *type = record_text(namespaces->items[i].record, NAMESPACE_TYPE);
        if (!type || strcmp(type, "mnt") != 0)
            continue;
        room_of_item[i] = forest->room_count;
        forest->rooms[forest->room_count++] = (struct room){
            .inode = record_integer(namespaces->items[i].record, NAMESPACE_INODE, -1), .item = i};
    }
    const size_t recorded = forest->room_count;
    for (size_t i = 0; i < mounts->count; i++) {
        const struct graph_item *mount = &mounts->items[i];
        int64_t inode = record_integer(mount->record, MOUNT_NAMESPACE, -1);
        size_t item = graph_find_namespace(namespaces, mount, "mnt", inode);
        forest->room_of[i] =
            item != GRAPH_NONE ? room_of_item[item] : room_without_record(forest, recorded, inode);
    }
    return 0;
}

/* The node that the mount hangs on: the mount below it, or its namespace. */
static size_t find_parent(const struct mount_forest *forest, size_t mount)
{
    const struct graph_item *item = &forest->mounts.items[mount];
    int64_t namespace = record_integer(item->record, MOUNT_NAMESPACE, -1);
    int64_t parent = record_integer(item->record, MOUNT_PARENT, -1);
    size_t found = graph_find_mount(&forest->mounts, item, namespace, parent);
    return found == GRAPH_NONE || found == mount ? forest->room_of[mount]
                                                 : node_of_mount(forest, found);
}

static const char *text_or(const struct record *record, unsigned column, const char *otherwise)
{
    const char *text = record_text(record, column);
    return text ? text : otherwise;
}

static bool is_read_only(const struct record *mount)
{
    const char *options = text_or(mount, MOUNT_OPTIONS, "");
    return strncmp(options, "ro", 2) == 0 && (options[2] == ',' || options[2] == '\0');
}

static bool is_hidden(const struct record *mount)
{
    return strcmp(text_or(mount, MOUNT_VISIBILITY, "visible"), "visible") != 0;
}

/* "shadowed by /mnt". What sits on an overmounted one hangs on it, and needs no words. */
static void append_visibility(struct buffer *line, size_t index, const struct mount_forest *forest,
                              const struct graph_item *item)
{
    const struct record *mount = item->record;
    if (!is_hidden(mount))
        return;
    const char *visibility = text_or(mount, MOUNT_VISIBILITY, "");
    size_t cover =
        graph_find_mount(&forest->mounts, item, record_integer(mount, MOUNT_NAMESPACE, -1),
                         record_integer(mount, MOUNT_COVERED_BY, -1));
    _cleanup_buffer_ struct buffer words = {0};
    buffer_append_text(&words, visibility);
    if (cover != GRAPH_NONE && strcmp(visibility, "shadowed") == 0) {
        buffer_append_text(&words, " by ");
        dot_append_name(&words, text_or(forest->mounts.items[cover].record, MOUNT_TARGET, "?"),
                        DOT_NAME_LENGTH);
    }
    graph_append_listed(line, index, SIZE_MAX, buffer_text(&words));
    line->failed |= words.failed;
}

/* "shared, slave, read-only, shadowed by /mnt": what alike siblings have in common. */
static void append_traits(struct buffer *line, const struct mount_forest *forest,
                          const struct graph_item *item)
{
    const struct record *mount = item->record;
    size_t index = 0;
    if (record_has(mount, MOUNT_SHARED_GROUP))
        graph_append_listed(line, index++, SIZE_MAX, "shared");
    if (record_has(mount, MOUNT_MASTER))
        graph_append_listed(line, index++, SIZE_MAX, "slave");
    if (record_integer(mount, MOUNT_UNBINDABLE, 0))
        graph_append_listed(line, index++, SIZE_MAX, "unbindable");
    if (is_read_only(mount))
        graph_append_listed(line, index++, SIZE_MAX, "read-only");
    append_visibility(line, index, forest, item);
}

/* Two looks: `exact` finds namespaces whose trees are the same, the other one siblings that need no
 * node for each. */
static int set_look(struct mount_forest *forest, struct fold *fold, size_t mount, bool exact)
{
    const struct graph_item *item = &forest->mounts.items[mount];
    const struct record *record = item->record;
    _cleanup_buffer_ struct buffer look = {0};
    buffer_append_format(&look, "%d\n%s\n", item->mark, text_or(record, MOUNT_FSTYPE, ""));
    append_traits(&look, forest, item);
    graph_label_changes(&look, item, CHANGES_SHOWN);
    if (exact)
        buffer_append_format(&look, "\n%s\n%s\n%s\n%s", text_or(record, MOUNT_TARGET, ""),
                             text_or(record, MOUNT_ROOT, ""), text_or(record, MOUNT_SOURCE, ""),
                             text_or(record, MOUNT_DEVICE, ""));
    return fold_set_look(fold, node_of_mount(forest, mount), &look);
}

static int set_room_look(const struct mount_forest *forest, struct fold *fold, size_t room,
                         const struct digest *tree)
{
    _cleanup_buffer_ struct buffer look = {0};
    buffer_append_format(&look, "namespace %d", room_mark(forest, room));
    if (tree)
        buffer_append(&look, tree->bytes, sizeof tree->bytes);
    return fold_set_look(fold, room, &look);
}

/* Folds everything by one kind of look; `exact` is NULL, or the result of the exact one, whose
 * classes of namespaces stay together. */
static int fold_forest(struct mount_forest *forest, bool only_marked, const struct fold *exact,
                       struct fold *ret_fold)
{
    _cleanup_fold_ struct fold fold = {0};
    int r = fold_new(forest->room_count + forest->mounts.count, &fold);
    for (size_t i = 0; i < forest->room_count && r >= 0; i++) {
        r = set_room_look(forest, &fold, i, exact ? &exact->looks[i] : NULL);
        fold.wanted[i] = !only_marked || room_mark(forest, i);
    }
    for (size_t i = 0; i < forest->mounts.count && r >= 0; i++) {
        const size_t node = node_of_mount(forest, i);
        r = set_look(forest, &fold, i, !exact);
        fold.parents[node] = find_parent(forest, i);
        fold.wanted[node] = !only_marked || forest->mounts.items[i].mark;
    }
    if (r >= 0)
        r = fold_run(&fold);
    if (r < 0)
        return r;
    *ret_fold = fold;
    fold = (struct fold){0};
    return 0;
}

static int grow_forest(struct mount_forest *forest, bool only_marked)
{
    _cleanup_fold_ struct fold exact = {0};
    int r = find_rooms(forest);
    if (r >= 0)
        r = fold_forest(forest, only_marked, NULL, &exact);
    if (r >= 0)
        r = fold_forest(forest, only_marked, &exact, &forest->fold);
    return r;
}

/* The leader of the class of namespaces that a node belongs to. */
static size_t room_class(const struct mount_forest *forest, size_t node)
{
    size_t room = is_room(forest, node) ? node : forest->room_of[node - forest->room_count];
    return forest->fold.leaders[room];
}

/* How many of a class there are in each of its namespaces. */
static size_t size_in_room(const struct mount_forest *forest, size_t leader)
{
    return forest->fold.sizes[leader] / forest->fold.sizes[room_class(forest, leader)];
}

static void label_single(struct buffer *label, const struct graph_item *item)
{
    const struct record *mount = item->record;
    _cleanup_buffer_ struct buffer line = {0};
    dot_append_name(&line, text_or(mount, MOUNT_TARGET, "?"), DOT_NAME_LENGTH);
    dot_label_heading(label, item->mark, buffer_text(&line), 1);
    label->failed |= line.failed;

    const char *root = text_or(mount, MOUNT_ROOT, "/");
    buffer_clear(&line);
    dot_append_name(&line, text_or(mount, MOUNT_FSTYPE, "?"), DOT_NAME_LENGTH);
    buffer_append_char(&line, ' ');
    dot_append_name(&line, text_or(mount, MOUNT_SOURCE, "?"), DOT_NAME_LENGTH);
    if (strcmp(root, "/") != 0) {
        buffer_append_text(&line, ", shows ");
        dot_append_name(&line, root, DOT_NAME_LENGTH);
    }
    dot_label_note(label, buffer_text(&line));
    label->failed |= line.failed;
}

static void label_several(struct buffer *label, const struct mount_forest *forest, size_t leader,
                          size_t size)
{
    const struct graph_item *item = mount_of_node(forest, leader);
    const size_t most = item->mark ? MARKED_TARGETS_SHOWN : TARGETS_SHOWN;
    _cleanup_buffer_ struct buffer line = {0};
    dot_append_name(&line, text_or(item->record, MOUNT_FSTYPE, "?"), DOT_NAME_LENGTH);
    dot_label_heading(label, item->mark, buffer_text(&line), size);
    label->failed |= line.failed;

    const size_t room = forest->room_of[leader - forest->room_count];
    size_t shown = 0;
    for (size_t i = leader; i != FOLD_NONE && shown < most; i = forest->fold.next[i]) {
        if (forest->room_of[i - forest->room_count] != room)
            continue;
        const struct record *mount = mount_of_node(forest, i)->record;
        buffer_clear(&line);
        dot_append_name(&line, text_or(mount, MOUNT_TARGET, "?"), DOT_NAME_LENGTH);
        dot_label_note(label, buffer_text(&line));
        label->failed |= line.failed;
        shown++;
    }
    if (size > shown) {
        char more[48];
        snprintf(more, sizeof more, "and %zu more", size - shown);
        dot_label_note(label, more);
    }
}

static void draw_mount(struct dot *dot, const struct mount_forest *forest, size_t leader)
{
    const struct graph_item *item = mount_of_node(forest, leader);
    const size_t size = size_in_room(forest, leader);
    _cleanup_buffer_ struct buffer id = {0}, label = {0}, traits = {0};
    if (size > 1)
        label_several(&label, forest, leader, size);
    else
        label_single(&label, item);
    append_traits(&traits, forest, item);
    if (traits.length)
        dot_label_note(&label, buffer_text(&traits));
    graph_label_changes(&label, item, CHANGES_SHOWN);
    graph_append_id(&id, item);
    dot->text.failed |= id.failed | traits.failed;
    dot_add_node(dot, buffer_text(&id), &label, is_hidden(item->record) ? DOT_FADED : DOT_BOX,
                 item->mark);
}

static void draw_branch(struct dot *dot, const struct mount_forest *forest, size_t leader)
{
    const size_t parent = fold_parent_class(&forest->fold, leader);
    if (parent == FOLD_NONE || is_room(forest, parent))
        return;
    const struct graph_item *child = mount_of_node(forest, leader);
    _cleanup_buffer_ struct buffer from = {0}, to = {0};
    graph_append_id(&from, mount_of_node(forest, parent));
    graph_append_id(&to, child);
    dot->text.failed |= from.failed | to.failed;
    dot_add_edge(dot, &(struct dot_edge){
                          .from = buffer_text(&from),
                          .to = buffer_text(&to),
                          .line = DOT_CHILD,
                          .mark = child->mark == MARK_CHANGED ? MARK_NONE : child->mark,
                      });
}

static void append_room_id(struct buffer *id, const struct mount_forest *forest, size_t room)
{
    size_t item = forest->rooms[room].item;
    if (item != GRAPH_NONE)
        graph_append_id(id, &forest->namespaces.items[item]);
    else
        buffer_append_format(id, "mnt_%" PRId64, forest->rooms[room].inode);
}

/* Who leads the namespace, or what keeps it without anybody. */
static void label_room_leader(struct buffer *label, const struct mount_forest *forest, size_t room)
{
    if (forest->rooms[room].item == GRAPH_NONE)
        return;
    const struct graph_item *item = &forest->namespaces.items[forest->rooms[room].item];
    int64_t leader = record_integer(item->record, NAMESPACE_LEADER, -1);
    size_t found = graph_find_process(&forest->processes, item, leader);
    if (found == GRAPH_NONE) {
        graph_label_holder(label, item);
        return;
    }
    _cleanup_buffer_ struct buffer line = {0};
    buffer_append_text(&line, "led by ");
    graph_append_process(&line, forest->processes.items[found].record);
    dot_label_note(label, buffer_text(&line));
    label->failed |= line.failed;
}

static void label_room(struct buffer *label, const struct mount_forest *forest, size_t leader)
{
    const size_t size = forest->fold.sizes[leader], item = forest->rooms[leader].item;
    _cleanup_buffer_ struct buffer name = {0};
    buffer_append_format(&name, "mnt %" PRId64, forest->rooms[leader].inode);
    if (item != GRAPH_NONE &&
        record_integer(forest->namespaces.items[item].record, NAMESPACE_INITIAL, 0))
        buffer_append_text(&name, ", initial");
    if (size > 1)
        buffer_append_format(&name, " and %zu with the same mounts", size - 1);
    dot_label_heading(label, room_mark(forest, leader), buffer_text(&name), 1);
    label->failed |= name.failed;
    size_t shown = 0;
    for (size_t i = leader; i != FOLD_NONE && shown < NAMESPACES_SHOWN; i = forest->fold.next[i]) {
        label_room_leader(label, forest, i);
        shown++;
    }
    if (shown < size)
        dot_label_note(label, "…");
}

static void draw_room(struct dot *dot, const struct mount_forest *forest, size_t leader,
                      const size_t *mounts, size_t count)
{
    _cleanup_buffer_ struct buffer id = {0}, label = {0}, none = {0};
    buffer_append_text(&id, "cluster_");
    append_room_id(&id, forest, leader);
    dot->text.failed |= id.failed;
    label_room(&label, forest, leader);
    dot_begin_cluster(dot, buffer_text(&id), &label, room_mark(forest, leader));
    if (!count) {
        dot_label_note(&none, "no mounts known");
        dot_add_node(dot, buffer_text(&id) + strlen("cluster_"), &none, DOT_PLAIN, MARK_NONE);
    }
    for (size_t i = 0; i < count; i++)
        draw_mount(dot, forest, mounts[i]);
    for (size_t i = 0; i < count; i++)
        draw_branch(dot, forest, mounts[i]);
    dot_end(dot);
}

static int compare_by_room(const void *left, const void *right, void *userdata)
{
    const struct mount_forest *forest = userdata;
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    const size_t room_a = room_class(forest, a), room_b = room_class(forest, b);
    return room_a != room_b ? (room_a > room_b) - (room_a < room_b) : (a > b) - (a < b);
}

/* From the last one on: Graphviz puts what comes first at the bottom. */
static int draw_rooms(struct dot *dot, struct mount_forest *forest)
{
    _cleanup_free_ size_t *leaders = calloc(forest->mounts.count + 1, sizeof *leaders);
    if (!leaders)
        return error_memory();
    size_t count = 0;
    for (size_t node = forest->room_count; node < forest->fold.count; node++)
        if (forest->fold.leaders[node] == node)
            leaders[count++] = node;
    qsort_r(leaders, count, sizeof *leaders, compare_by_room, forest);
    size_t end = count;
    for (size_t room = forest->room_count; room-- > 0;) {
        if (forest->fold.leaders[room] != room)
            continue;
        size_t begin = end;
        while (begin && room_class(forest, leaders[begin - 1]) == room)
            begin--;
        draw_room(dot, forest, room, leaders + begin, end - begin);
        end = begin;
    }
    return 0;
}

/* Tells the peers which of the drawn mounts propagate to each other. What is gone propagates
 * nothing. */
static int draw_propagation(struct dot *dot, const struct mount_forest *forest)
{
    _cleanup_mount_peers_ struct mount_peers peers = {0};
    int r = 0;
    for (size_t i = 0; i < forest->mounts.count && r >= 0; i++) {
        const struct graph_item *item = &forest->mounts.items[i];
        const size_t leader = forest->fold.leaders[node_of_mount(forest, i)];
        if (leader == FOLD_NONE || (item->change && !item->change->after))
            continue;
        _cleanup_buffer_ struct buffer id = {0}, cluster = {0};
        graph_append_id(&id, mount_of_node(forest, leader));
        buffer_append_text(&cluster, "cluster_");
        append_room_id(&cluster, forest, room_class(forest, leader));
        r = mount_peers_add(&peers, item->record, &id, &cluster);
    }
    return r < 0 ? r : mount_peers_draw(&peers, dot);
}

int graph_mounts(const struct export_request *request, struct dot *dot)
{
    _cleanup_(mount_forest_free) struct mount_forest forest = {0};
    int r = graph_items_load(request, KIND_MOUNT, &forest.mounts);
    if (r >= 0)
        r = graph_items_load(request, KIND_NAMESPACE, &forest.namespaces);
    if (r >= 0)
        r = graph_items_load(request, KIND_PROCESS, &forest.processes);
    if (r >= 0)
        r = grow_forest(&forest, request->difference != NULL);
    if (r >= 0)
        r = draw_rooms(dot, &forest);
    return r < 0 ? r : draw_propagation(dot, &forest);
}
