/* SPDX-License-Identifier: Apache-2.0 */
/* The namespaces: who owns them, who is in them, and the hierarchies of user and pid namespaces.
 * What stands together is grouped by export/namespace_units.h; a user namespace is a cluster around
 * what it owns. */
#include "base/error.h"
#include "export/graph.h"
#include "export/namespace_units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAMES_SHOWN = 9,
    NAMES_IN_A_LINE = 3,
    INODES_SHOWN = 3,
    LEADERS_SHOWN = 3,
    CHANGES_SHOWN = 3
};

static const struct graph_item *namespace_item(const struct namespace_units *units,
                                               size_t namespace)
{
    return &units->namespaces.items[namespace];
}

static const char *type_of(const struct graph_item *namespace)
{
    const char *type = record_text(namespace->record, NAMESPACE_TYPE);
    return type ? type : "?";
}

static void append_inode(struct buffer *line, const struct graph_item *namespace)
{
    if (record_has(namespace->record, NAMESPACE_INODE))
        buffer_append_integer(line, record_integer(namespace->record, NAMESPACE_INODE, 0));
    else
        buffer_append_text(line, "?");
}

static void append_unit_id(struct buffer *id, const struct namespace_units *units, size_t unit)
{
    graph_append_id(id, namespace_item(units, units->firsts[unit]));
}

static void append_crew_id(struct buffer *id, const struct namespace_units *units,
                           const struct crew *crew)
{
    buffer_append_text(id, "in_");
    graph_append_id(id, units->occupants[crew->first].item);
}

/* The mark that all namespaces of the unit have in common; MARK_CHANGED where they differ. */
static enum mark mark_of_unit(const struct namespace_units *units, size_t unit)
{
    if (unit_is_usual(units, unit))
        return MARK_NONE;
    enum mark common = namespace_item(units, units->firsts[unit])->mark;
    for (size_t i = units->firsts[unit]; i != GRAPH_NONE; i = units->next[i])
        if (namespace_item(units, i)->mark != common)
            return MARK_CHANGED;
    return common;
}

/* One name of a crew, and how many tasks with the same mark have it. */
struct crew_name {
    const char *comm;
    enum mark mark;
    size_t first, count;
};

static int compare_names(const void *left, const void *right)
{
    const struct crew_name *a = left, *b = right;
    if (a->mark != b->mark)
        return (a->mark > b->mark) - (a->mark < b->mark);
    int order = strcmp(a->comm, b->comm);
    return order ? order : (a->first > b->first) - (a->first < b->first);
}

static int compare_firsts(const void *left, const void *right)
{
    const struct crew_name *a = left, *b = right;
    if (a->mark != b->mark)
        return (a->mark > b->mark) - (a->mark < b->mark);
    return (a->first > b->first) - (a->first < b->first);
}

static const char *comm_of(const struct record *task)
{
    const char *comm = record_text(task, TASK_COMM);
    if (task->kind == KIND_PROCESS && record_integer(task, PROCESS_KERNEL_THREAD, 0))
        return "kernel threads";
    return comm ? comm : "?";
}

/* The distinct names of a crew, unmarked ones first, in the order of their first tasks. NULL
 * without memory; to be released with free(). */
static struct crew_name *names_of_crew(const struct namespace_units *units, const struct crew *crew,
                                       size_t *ret_count)
{
    struct crew_name *names = calloc(crew->count, sizeof *names);
    if (!names)
        return NULL;
    for (size_t i = 0; i < crew->count; i++) {
        const struct occupant *occupant = &units->occupants[crew->first + i];
        names[i] = (struct crew_name){comm_of(occupant->item->record), occupant->mark, i, 1};
    }
    qsort(names, crew->count, sizeof *names, compare_names);
    size_t count = 0;
    for (size_t i = 0; i < crew->count; i++) {
        struct crew_name *last = count ? &names[count - 1] : NULL;
        if (last && last->mark == names[i].mark && strcmp(last->comm, names[i].comm) == 0)
            last->count++;
        else
            names[count++] = names[i];
    }
    qsort(names, count, sizeof *names, compare_firsts);
    *ret_count = count;
    return names;
}

static void append_crew_name(struct buffer *line, const struct crew_name *name)
{
    dot_append_name(line, name->comm, DOT_NAME_LENGTH);
    if (name->count > 1)
        buffer_append_format(line, " ×%zu", name->count);
}

/* Lines for the names of each mark, a few in each: "nginx ×12, sh"; `before` begins the first. */
static void label_names(struct buffer *label, const struct namespace_units *units,
                        const struct crew *crew, const char *before)
{
    size_t count;
    _cleanup_free_ struct crew_name *names = names_of_crew(units, crew, &count);
    if (!names) {
        label->failed = true;
        return;
    }
    _cleanup_buffer_ struct buffer line = {0};
    buffer_append_text(&line, before);
    size_t of_mark = 0;
    for (size_t i = 0; i < count; i++, of_mark++) {
        const bool ends = i + 1 == count || names[i + 1].mark != names[i].mark;
        if (i && names[i - 1].mark != names[i].mark)
            of_mark = 0;
        if (of_mark == NAMES_SHOWN && !ends)
            buffer_append_text(&line, "…");
        else if (of_mark <= NAMES_SHOWN)
            append_crew_name(&line, &names[i]);
        if (of_mark < NAMES_SHOWN && !ends)
            buffer_append_text(&line, ", ");
        if (!line.length || (!ends && (of_mark + 1) % NAMES_IN_A_LINE != 0))
            continue;
        dot_label_line(label, names[i].mark, buffer_text(&line));
        label->failed |= line.failed;
        buffer_clear(&line);
    }
}

static const struct crew *crew_at_home(const struct namespace_units *units, size_t unit)
{
    const size_t crew = units->home_crews[unit];
    return crew == GRAPH_NONE ? NULL : &units->crews[crew];
}

/* The crew of the first unit of a class, and who leads in each of them. */
static void label_crew(struct buffer *label, const struct namespace_units *units,
                       const struct crew *crew, size_t unit)
{
    _cleanup_buffer_ struct buffer line = {0};
    buffer_append_text(&line, "led by ");
    size_t index = 0;
    for (size_t i = unit; i != FOLD_NONE; i = units->fold.next[i]) {
        const struct crew *each = i == unit ? crew : crew_at_home(units, i);
        if (!each)
            continue;
        _cleanup_buffer_ struct buffer leader = {0};
        graph_append_process(&leader, units->occupants[each->first].item->record);
        graph_append_listed(&line, index++, LEADERS_SHOWN, buffer_text(&leader));
    }
    dot_label_note(label, buffer_text(&line));
    label->failed |= line.failed;
    if (crew->count > 1 || units->occupants[crew->first].mark)
        label_names(label, units, crew, units->fold.sizes[unit] > 1 ? "in each: " : "");
}

/* "mnt 4026532201", of folded units "mnt 4026532201, 4026532207, …". `place` counts within the
 * unit. */
static void label_namespace(struct buffer *label, const struct namespace_units *units, size_t unit,
                            size_t place)
{
    _cleanup_buffer_ struct buffer line = {0};
    size_t first = units->firsts[unit], index = 0;
    for (size_t i = 0; i < place; i++)
        first = units->next[first];
    for (size_t other = unit; other != FOLD_NONE; other = units->fold.next[other]) {
        size_t namespace = units->firsts[other];
        for (size_t i = 0; i < place; i++)
        namespace = units->next[namespace];
        _cleanup_buffer_ struct buffer inode = {0};
        append_inode(&inode, namespace_item(units, namespace));
        graph_append_listed(&line, index++, INODES_SHOWN, buffer_text(&inode));
    }
    _cleanup_buffer_ struct buffer text = {0};
    const struct graph_item *item = namespace_item(units, first);
    buffer_append_format(&text, "%s %s", type_of(item), buffer_text(&line));
    dot_label_line(label, item->mark, buffer_text(&text));
    label->failed |= line.failed | text.failed;
    graph_label_changes(label, item, CHANGES_SHOWN);
}

static void label_details(struct buffer *label, const struct namespace_units *units, size_t unit)
{
    const size_t first = units->firsts[unit];
    const struct graph_item *item = namespace_item(units, first);
    if (unit_is_user(units, unit) && record_has(item->record, NAMESPACE_OWNER_UID)) {
        char line[48];
        snprintf(line, sizeof line, "made by user %" PRId64,
                 record_integer(item->record, NAMESPACE_OWNER_UID, -1));
        dot_label_note(label, line);
    }
    if (units->empty[first] && !unit_is_usual(units, unit))
        graph_label_holder(label, item);
}

/* Its heading says all of it. */
static bool is_one_namespace(const struct namespace_units *units, size_t unit)
{
    return units->fold.sizes[unit] == 1 && units->next[units->firsts[unit]] == GRAPH_NONE;
}

/* Whether all of its namespaces are the host's first ones; seen from inside a container some
 * aren't. */
static bool is_initial(const struct namespace_units *units, size_t unit)
{
    for (size_t i = units->firsts[unit]; i != GRAPH_NONE; i = units->next[i])
        if (!record_integer(namespace_item(units, i)->record, NAMESPACE_INITIAL, 0))
            return false;
    return true;
}

static void append_heading(struct buffer *heading, const struct namespace_units *units, size_t unit)
{
    const size_t first = units->firsts[unit];
    if (unit_is_usual(units, unit)) {
        buffer_append_text(heading, is_initial(units, unit) ? "initial namespaces"
                                                            : "namespaces of the first process");
        return;
    }
    if (is_one_namespace(units, unit)) {
        buffer_append_format(heading, "%s ", type_of(namespace_item(units, first)));
        append_inode(heading, namespace_item(units, first));
        return;
    }
    size_t index = 0;
    for (size_t i = first; i != GRAPH_NONE; i = units->next[i])
        graph_append_listed(heading, index++, GRAPH_NAMESPACE_TYPES,
                            type_of(namespace_item(units, i)));
}

static void draw_unit(struct dot *dot, const struct namespace_units *units, size_t unit)
{
    const enum mark mark = mark_of_unit(units, unit);
    const struct crew *crew = crew_at_home(units, unit);
    _cleanup_buffer_ struct buffer id = {0}, label = {0}, heading = {0};
    append_heading(&heading, units, unit);
    dot_label_heading(&label, mark, buffer_text(&heading), units->fold.sizes[unit]);
    size_t place = 0;
    if (is_one_namespace(units, unit))
        graph_label_changes(&label, namespace_item(units, units->firsts[unit]), CHANGES_SHOWN);
    else
        for (size_t i = units->firsts[unit]; i != GRAPH_NONE; i = units->next[i])
            label_namespace(&label, units, unit, place++);
    label_details(&label, units, unit);
    if (crew)
        label_crew(&label, units, crew, unit);
    append_unit_id(&id, units, unit);
    dot->text.failed |= id.failed | heading.failed;
    dot_add_node(dot, buffer_text(&id), &label, DOT_BOX, mark);
}

/* In a difference a crew without a unit of its own is drawn when something became of it, or of a
 * namespace that it joins. */
static bool is_drawn(const struct namespace_units *units, const struct crew *crew, bool only_marked)
{
    if (crew->home != GRAPH_NONE)
        return false;
    bool drawn = !only_marked || crew->marked;
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES && !drawn; type++) {
        const size_t unit = crew_joins(units, crew, type);
        drawn = unit != GRAPH_NONE && units->fold.leaders[unit] == unit &&
                mark_of_unit(units, unit) != MARK_NONE;
    }
    return drawn;
}

static enum mark mark_of_crew(const struct namespace_units *units, const struct crew *crew)
{
    const struct occupant *occupants = &units->occupants[crew->first];
    for (size_t i = 1; i < crew->count; i++)
        if (occupants[i].mark != occupants[0].mark)
            return MARK_CHANGED;
    return occupants[0].mark;
}

static void draw_crew(struct dot *dot, const struct namespace_units *units, const struct crew *crew)
{
    _cleanup_buffer_ struct buffer id = {0}, label = {0}, leader = {0};
    graph_append_process(&leader, units->occupants[crew->first].item->record);
    dot_label_heading(&label, mark_of_crew(units, crew), buffer_text(&leader), 1);
    if (crew->count > 1)
        label_names(&label, units, crew, "");
    append_crew_id(&id, units, crew);
    dot->text.failed |= id.failed | leader.failed;
    dot_add_node(dot, buffer_text(&id), &label, DOT_ROUNDED, mark_of_crew(units, crew));
}

static void draw_join(struct dot *dot, const struct namespace_units *units, const struct crew *crew,
                      unsigned type)
{
    const size_t unit = crew_joins(units, crew, type);
    if (unit == GRAPH_NONE || units->fold.leaders[unit] != unit)
        return;
    _cleanup_buffer_ struct buffer from = {0}, to = {0};
    if (crew->home != GRAPH_NONE)
        append_unit_id(&from, units, units->fold.leaders[crew->home]);
    else
        append_crew_id(&from, units, crew);
    append_unit_id(&to, units, unit);
    dot->text.failed |= from.failed | to.failed;
    dot_add_edge(dot, &(struct dot_edge){
                          .from = buffer_text(&from), .to = buffer_text(&to), .line = DOT_JOINS});
}

static void draw_parent(struct dot *dot, const struct namespace_units *units, size_t parent,
                        size_t unit, enum dot_line line, const char *label)
{
    _cleanup_buffer_ struct buffer from = {0}, to = {0};
    append_unit_id(&from, units, parent);
    append_unit_id(&to, units, unit);
    dot->text.failed |= from.failed | to.failed;
    enum mark mark = mark_of_unit(units, unit);
    dot_add_edge(dot, &(struct dot_edge){.from = buffer_text(&from),
                                         .to = buffer_text(&to),
                                         .label = label,
                                         .line = line,
                                         .mark = mark == MARK_CHANGED ? MARK_NONE : mark});
}

/* Owner, and parent of its pid namespace: one edge where they are the same. */
static void draw_parents(struct dot *dot, const struct namespace_units *units, size_t unit)
{
    const size_t owner = fold_parent_class(&units->fold, unit);
    size_t pid_parent = unit_pid_parent(units, unit);
    if (pid_parent != GRAPH_NONE)
        pid_parent = units->fold.leaders[pid_parent];
    if (owner != FOLD_NONE && unit_is_user(units, unit))
        draw_parent(dot, units, owner, unit, DOT_CHILD, "user");
    else if (owner != FOLD_NONE && owner == pid_parent)
        draw_parent(dot, units, owner, unit, DOT_CHILD, "owns, pid");
    else if (owner != FOLD_NONE)
        draw_parent(dot, units, owner, unit, DOT_OWNS, NULL);
    if (pid_parent != GRAPH_NONE && pid_parent != owner)
        draw_parent(dot, units, pid_parent, unit, DOT_CHILD, "pid");
}

/* The unit of the user namespace that the crew is in. */
static size_t cluster_of_crew(const struct namespace_units *units, const struct crew *crew)
{
    const size_t *namespaces = units->occupants[crew->first].namespaces;
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++)
        if (strcmp(graph_namespace_types[type].name, "user") == 0 && namespaces[type] != GRAPH_NONE)
            return units->fold.leaders[units->unit_of[namespaces[type]]];
    return FOLD_NONE;
}

static void begin_cluster(struct dot *dot, const struct namespace_units *units, size_t unit)
{
    _cleanup_buffer_ struct buffer id = {0}, label = {0}, line = {0};
    /* Of the usual namespaces the user namespace is the owner. */
    size_t user = units->firsts[unit];
    for (size_t i = user; i != GRAPH_NONE; i = units->next[i])
        if (strcmp(type_of(namespace_item(units, i)), "user") == 0)
            user = i;
    buffer_append_text(&id, "cluster_");
    graph_append_id(&id, namespace_item(units, user));
    buffer_append_text(&line, "of user ");
    append_inode(&line, namespace_item(units, user));
    if (units->fold.sizes[unit] > 1)
        buffer_append_format(&line, " and %zu alike", units->fold.sizes[unit] - 1);
    dot_label_note(&label, buffer_text(&line));
    dot->text.failed |= id.failed | line.failed;
    dot_begin_cluster(dot, buffer_text(&id), &label, MARK_NONE);
}

/* A unit, or a crew without one, and the unit of the user namespace in whose cluster it is drawn.
 */
struct drawing {
    size_t cluster; /* FOLD_NONE for none */
    size_t unit;    /* GRAPH_NONE for a crew */
    size_t crew;
};

static int compare_drawings(const void *left, const void *right)
{
    const struct drawing *a = left, *b = right;
    int order = compare_numbers(a->cluster, b->cluster);
    if (!order)
        order = compare_numbers(a->unit, b->unit);
    return order ? order : compare_numbers(a->crew, b->crew);
}

static size_t find_drawings(const struct namespace_units *units, bool only_marked,
                            struct drawing *drawings)
{
    size_t count = 0;
    for (size_t i = 0; i < units->crew_count; i++)
        if (is_drawn(units, &units->crews[i], only_marked))
            drawings[count++] = (struct drawing){
                .cluster = cluster_of_crew(units, &units->crews[i]), .unit = GRAPH_NONE, .crew = i};
    for (size_t unit = 0; unit < units->count; unit++)
        if (units->fold.leaders[unit] == unit)
            drawings[count++] =
                (struct drawing){.cluster = fold_parent_class(&units->fold, unit), .unit = unit};
    return count;
}

/* A user namespace that owns something is drawn inside of its own cluster. */
static int order_drawings(const struct namespace_units *units, struct drawing *drawings,
                          size_t count)
{
    _cleanup_free_ bool *has_cluster = calloc(units->count + 1, sizeof *has_cluster);
    if (!has_cluster)
        return error_memory();
    for (size_t i = 0; i < count; i++)
        if (drawings[i].cluster != FOLD_NONE)
            has_cluster[drawings[i].cluster] = true;
    for (size_t i = 0; i < count; i++)
        if (drawings[i].unit != GRAPH_NONE && has_cluster[drawings[i].unit])
            drawings[i].cluster = drawings[i].unit;
    qsort(drawings, count, sizeof *drawings, compare_drawings);
    return 0;
}

static int draw_clusters(struct dot *dot, const struct namespace_units *units, bool only_marked)
{
    const size_t most = units->count + units->crew_count + 1;
    _cleanup_free_ struct drawing *drawings = calloc(most, sizeof *drawings);
    if (!drawings)
        return error_memory();
    const size_t count = find_drawings(units, only_marked, drawings);
    int r = order_drawings(units, drawings, count);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        const struct drawing *drawing = &drawings[i];
        const bool inside = drawing->cluster != FOLD_NONE;
        if (inside && (i == 0 || drawing[-1].cluster != drawing->cluster))
            begin_cluster(dot, units, drawing->cluster);
        if (drawing->unit != GRAPH_NONE)
            draw_unit(dot, units, drawing->unit);
        else
            draw_crew(dot, units, &units->crews[drawing->crew]);
        if (inside && (i + 1 == count || drawing[1].cluster != drawing->cluster))
            dot_end(dot);
    }
    return 0;
}

static void draw_unreadable(struct dot *dot, size_t count)
{
    if (!count)
        return;
    _cleanup_buffer_ struct buffer label = {0}, line = {0};
    buffer_append_format(&line,
                         "%zu process%s whose namespaces could not be read, or that %s ended",
                         count, count == 1 ? "" : "es", count == 1 ? "has" : "have");
    dot_label_note(&label, buffer_text(&line));
    dot->text.failed |= line.failed;
    dot_add_node(dot, "unreadable", &label, DOT_PLAIN, MARK_NONE);
}

int graph_namespaces(const struct export_request *request, struct dot *dot)
{
    const bool only_marked = request->difference != NULL;
    _cleanup_namespace_units_ struct namespace_units units = {0};
    int r = namespace_units_load(request, &units);
    if (r >= 0)
        r = draw_clusters(dot, &units, only_marked);
    if (r < 0)
        return r;
    for (size_t unit = 0; unit < units.count; unit++)
        if (units.fold.leaders[unit] == unit)
            draw_parents(dot, &units, unit);
    for (size_t i = 0; i < units.crew_count; i++) {
        const struct crew *crew = &units.crews[i];
        const bool drawn = crew->home != GRAPH_NONE ? units.fold.leaders[crew->home] == crew->home
                                                    : is_drawn(&units, crew, only_marked);
        for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES && drawn; type++)
            draw_join(dot, &units, crew, type);
    }
    draw_unreadable(dot, units.unreadable);
    return 0;
}
