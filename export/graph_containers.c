/* SPDX-License-Identifier: Apache-2.0 */
/* Containers as people group them: a cluster for each engine, in it one for each pod or project, in
 * it the containers; those in containers within a cluster of the outer one. Lines lead to the
 * host's namespaces that they share, and to those that several of them share. */
#include "base/arena.h"
#include "base/error.h"
#include "export/graph.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

DEFINE_CLEANUP(cJSON *, cJSON_Delete)

enum { CHANGES_SHOWN = 4, BINDS_SHOWN = 4 };

/* Whose namespace it is. */
enum sharing { NOT_KNOWN, ITS_OWN, OF_HOST, OF_SEVERAL };

/* What is drawn of one container. */
struct drawn {
    const struct graph_item *item;
    const char *id;          /* of its node */
    const char *frame;       /* its engine, which of them, and the container that this one is in */
    const char *frame_label; /* "docker in web" */
    const char *group;       /* "pod web"; "" for none */
    int64_t inodes[GRAPH_NAMESPACE_TYPES]; /* of its first process; -1 where not known */
    enum sharing sharing[GRAPH_NAMESPACE_TYPES];
    bool first[GRAPH_NAMESPACE_TYPES]; /* of several that share it */
};

struct container_graph {
    struct graph_items containers, processes, namespaces;
    struct graph_usual usual;
    struct drawn *drawn; /* by frame, group, then key */
    size_t count;
    struct arena *arena;
};

static void container_graph_free(struct container_graph *graph)
{
    graph_items_free(&graph->containers);
    graph_items_free(&graph->processes);
    graph_items_free(&graph->namespaces);
    free(graph->drawn);
    arena_free(graph->arena);
}

/* ---- what is drawn ---- */

/* Any text as part of an id, different ones by different ids. */
static void append_id_text(struct buffer *id, const char *text)
{
    for (; *text; text++)
        if ((*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z'))
            buffer_append_char(id, *text);
        else
            buffer_append_format(id, "_%02x", (unsigned char)*text);
}

static const char *keep(struct container_graph *graph, struct buffer *text)
{
    const char *kept =
        text->failed ? NULL : arena_copy(graph->arena, buffer_text(text), text->length);
    buffer_clear(text);
    return kept;
}

static const char *text_or(const struct record *record, unsigned column, const char *otherwise)
{
    const char *text = record_text(record, column);
    return text ? text : otherwise;
}

/* The name that its groups have for this type; NULL if it is in none. */
static const char *group_name(const cJSON *groups, const char *type)
{
    const cJSON *group;
    cJSON_ArrayForEach (group, groups) {
        const char *its_type =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(group, "type"));
        if (its_type && strcmp(its_type, type) == 0)
            return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(group, "name"));
    }
    return NULL;
}

/* The closest group, by whatever has the best name for it. */
static void append_group(struct buffer *text, const struct record *record)
{
    static const struct {
        const char *type, *words;
    } known[] = {{"kubernetes-pod-name", "pod"}, {"kubernetes-pod", "pod"},
                 {"podman-pod-name", "pod"},     {"podman-pod", "pod"},
                 {"compose-project", "project"}, {"dev-container", "dev container"},
                 {"docker-plugin", "plugin"}};
    const char *json = record_text(record, CONTAINER_GROUPS);
    _cleanup_(cJSON_Delete_pointer) cJSON *groups = json ? cJSON_Parse(json) : NULL;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        const char *name = group_name(groups, known[i].type);
        const char *space = i ? NULL : group_name(groups, "kubernetes-namespace");
        if (!name)
            continue;
        buffer_append_format(text, "%s %s%s", known[i].words, space ? space : "", space ? "/" : "");
        buffer_append_text(text, name);
        return;
    }
}

static void find_namespaces(const struct container_graph *graph, struct drawn *drawn)
{
    const struct record *record = drawn->item->record;
    int64_t pid = record_integer(record, CONTAINER_PID, -1);
    size_t process = pid < 0 ? GRAPH_NONE : graph_find_process(&graph->processes, drawn->item, pid);
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++)
        drawn->inodes[type] = process == GRAPH_NONE
                                  ? -1
                                  : record_integer(graph->processes.items[process].record,
                                                   graph_namespace_types[type].column, -1);
}

/* What the container is called that has this key, "engine:id". */
static const char *name_of(const struct container_graph *graph, const char *key)
{
    const char *id = strchr(key, ':');
    for (size_t i = 0; id && i < graph->containers.count; i++) {
        const struct record *record = graph->containers.items[i].record;
        const char *engine = text_or(record, CONTAINER_ENGINE, "");
        if (strlen(engine) == (size_t)(id - key) && memcmp(engine, key, strlen(engine)) == 0 &&
            strcmp(text_or(record, CONTAINER_ID, ""), id + 1) == 0)
            return text_or(record, CONTAINER_NAME, key);
    }
    return key;
}

static void find_frame(struct container_graph *graph, struct drawn *drawn)
{
    const struct record *record = drawn->item->record;
    const char *outer = record_text(record, CONTAINER_OUTER);
    _cleanup_buffer_ struct buffer text = {0};
    buffer_append_text(&text, text_or(record, CONTAINER_ENGINE, ""));
    if (outer)
        buffer_append_format(&text, " in %s", outer);
    buffer_append_format(&text, "\n%s", text_or(record, CONTAINER_INSTANCE, ""));
    drawn->frame = keep(graph, &text);
    buffer_append_text(&text, text_or(record, CONTAINER_ENGINE, ""));
    if (outer)
        buffer_append_format(&text, " in %s", name_of(graph, outer));
    drawn->frame_label = keep(graph, &text);
}

static int make_drawn(struct container_graph *graph, const struct graph_item *item)
{
    const struct record *record = item->record;
    struct drawn *drawn = &graph->drawn[graph->count++];
    _cleanup_buffer_ struct buffer text = {0};
    drawn->item = item;
    buffer_append_text(&text, "container_");
    append_id_text(&text, text_or(record, CONTAINER_ENGINE, ""));
    buffer_append_text(&text, "_");
    append_id_text(&text, text_or(record, CONTAINER_ID, ""));
    if (item->twin)
        buffer_append_format(&text, "_twin%u", item->twin);
    drawn->id = keep(graph, &text);
    find_frame(graph, drawn);
    append_group(&text, record);
    drawn->group = keep(graph, &text);
    find_namespaces(graph, drawn);
    return drawn->id && drawn->frame && drawn->frame_label && drawn->group ? 0 : error_memory();
}

static int compare_drawn(const void *a, const void *b)
{
    const struct drawn *one = a, *other = b;
    int order = strcmp(one->frame, other->frame);
    if (!order)
        order = strcmp(one->group, other->group);
    return order ? order : record_compare_keys(one->item->record, other->item->record);
}

/* Of a difference those that changed. */
static int choose(struct container_graph *graph, bool difference)
{
    graph->drawn = calloc(graph->containers.count + 1, sizeof(*graph->drawn));
    int r = graph->drawn ? 0 : error_memory();
    for (size_t i = 0; i < graph->containers.count && r >= 0; i++)
        if (!difference || graph->containers.items[i].mark != MARK_NONE)
            r = make_drawn(graph, &graph->containers.items[i]);
    if (r >= 0 && graph->count)
        qsort(graph->drawn, graph->count, sizeof(*graph->drawn), compare_drawn);
    return r;
}

/* ---- who shares what ---- */

/* One container's namespace of the type that is looked at. */
struct membership {
    int64_t inode;
    struct drawn *drawn;
};

static int compare_memberships(const void *a, const void *b)
{
    const struct membership *one = a, *other = b;
    if (one->inode != other->inode)
        return one->inode < other->inode ? -1 : 1;
    return one->drawn < other->drawn ? -1 : one->drawn > other->drawn;
}

static void share(struct container_graph *graph, unsigned type, struct membership *memberships)
{
    for (size_t i = 0; i < graph->count; i++)
        memberships[i] = (struct membership){graph->drawn[i].inodes[type], &graph->drawn[i]};
    qsort(memberships, graph->count, sizeof(*memberships), compare_memberships);
    for (size_t i = 0; i < graph->count; i++) {
        int64_t inode = memberships[i].inode;
        bool before = i && memberships[i - 1].inode == inode;
        bool after = i + 1 < graph->count && memberships[i + 1].inode == inode;
        memberships[i].drawn->first[type] = !before;
        memberships[i].drawn->sharing[type] = inode < 0                            ? NOT_KNOWN
                                              : inode == graph->usual.inodes[type] ? OF_HOST
                                              : before || after                    ? OF_SEVERAL
                                                                                   : ITS_OWN;
    }
}

static int find_sharing(struct container_graph *graph)
{
    _cleanup_free_ struct membership *memberships = calloc(graph->count + 1, sizeof(*memberships));
    if (!memberships)
        return error_memory();
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++)
        share(graph, type, memberships);
    return 0;
}

/* Namespaces that engines rarely make are nearly always the host's: no line tells of those. */
static bool is_usually_its_own(unsigned type)
{
    const char *name = graph_namespace_types[type].name;
    return strcmp(name, "cgroup") != 0 && strcmp(name, "time") != 0 && strcmp(name, "user") != 0;
}

/* "mnt, pid, uts": those of either sort that are shared like this. */
static void append_types(const struct drawn *drawn, enum sharing sharing, bool usually_its_own,
                         struct buffer *text)
{
    size_t index = 0;
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++)
        if (drawn->sharing[type] == sharing && is_usually_its_own(type) == usually_its_own)
            graph_append_listed(text, index++, GRAPH_NAMESPACE_TYPES,
                                graph_namespace_types[type].name);
}

/* ---- nodes ---- */

static void add_note(struct buffer *label, const char *before, const struct buffer *text)
{
    _cleanup_buffer_ struct buffer line = {0};
    if (!text->length)
        return;
    buffer_append_text(&line, before);
    buffer_append(&line, text->bytes, text->length);
    dot_label_note(label, buffer_text(&line));
    label->failed |= line.failed;
}

/* Folders of the host, or of the container that it is in, that it was given. */
static void append_binds(struct buffer *text, const struct record *record)
{
    const char *json = record_text(record, CONTAINER_MOUNTS);
    _cleanup_(cJSON_Delete_pointer) cJSON *mounts = json ? cJSON_Parse(json) : NULL;
    const cJSON *mount;
    size_t index = 0;
    cJSON_ArrayForEach (mount, mounts) {
        _cleanup_buffer_ struct buffer line = {0};
        const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(mount, "type"));
        const char *source =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(mount, "source"));
        if (!type || strcmp(type, "bind") != 0 || !source)
            continue;
        dot_append_name(&line, source, DOT_NAME_LENGTH);
        if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(mount, "read_only")))
            buffer_append_text(&line, " (read-only)");
        graph_append_listed(text, index++, BINDS_SHOWN, buffer_text(&line));
        text->failed |= line.failed;
    }
}

static void label_rights(struct buffer *label, const struct record *record)
{
    _cleanup_buffer_ struct buffer capabilities = {0}, binds = {0};
    if (record_integer(record, CONTAINER_PRIVILEGED, 0))
        dot_label_note(label, "privileged");
    graph_append_strings(&capabilities, record, CONTAINER_ADDED_CAPABILITIES, ", ");
    add_note(label, "may ", &capabilities);
    append_binds(&binds, record);
    add_note(label, "binds ", &binds);
    label->failed |= capabilities.failed || binds.failed;
}

static void label_state(struct buffer *label, const struct record *record)
{
    _cleanup_buffer_ struct buffer line = {0};
    dot_append_name(&line, text_or(record, CONTAINER_IMAGE, "image not known"), DOT_NAME_LENGTH);
    buffer_append_text(&line, ", ");
    dot_append_name(&line, text_or(record, CONTAINER_CONTAINER_STATE, "state not known"),
                    DOT_NAME_LENGTH);
    if (record_has(record, CONTAINER_PID))
        buffer_append_format(&line, ", pid %" PRId64, record_integer(record, CONTAINER_PID, 0));
    dot_label_line(label, MARK_NONE, buffer_text(&line));
    label->failed |= line.failed;
}

static int draw_container(const struct drawn *drawn, struct dot *dot)
{
    const struct record *record = drawn->item->record;
    _cleanup_buffer_ struct buffer label = {0}, name = {0}, own = {0}, rare = {0};
    dot_append_name(&name, text_or(record, CONTAINER_NAME, text_or(record, CONTAINER_ID, "?")),
                    DOT_NAME_LENGTH);
    dot_label_heading(&label, drawn->item->mark, buffer_text(&name), 1);
    label_state(&label, record);
    label_rights(&label, record);
    append_types(drawn, ITS_OWN, true, &own);
    append_types(drawn, ITS_OWN, false, &rare);
    if (own.length && rare.length)
        buffer_append_text(&own, ", ");
    buffer_append(&own, rare.bytes, rare.length);
    add_note(&label, "own ", &own);
    graph_label_changes(&label, drawn->item, CHANGES_SHOWN);
    dot_add_node(dot, drawn->id, &label, DOT_ROUNDED, drawn->item->mark);
    return label.failed || name.failed || own.failed || rare.failed ? error_memory() : 0;
}

/* `note` is a second line; NULL for none. */
static int begin_frame(struct dot *dot, const char *prefix, const char *text, const char *note,
                       size_t number)
{
    _cleanup_buffer_ struct buffer id = {0}, label = {0}, name = {0};
    buffer_append_format(&id, "cluster_%s_%zu", prefix, number);
    dot_append_name(&name, text, DOT_NAME_LENGTH);
    dot_label_heading(&label, MARK_NONE, buffer_text(&name), 1);
    buffer_clear(&name);
    if (note) {
        dot_append_name(&name, note, DOT_NAME_LENGTH);
        dot_label_note(&label, buffer_text(&name));
    }
    dot_begin_cluster(dot, buffer_text(&id), &label, MARK_NONE);
    return id.failed || label.failed || name.failed ? error_memory() : 0;
}

/* Which engine it is, where several are called alike. */
static const char *instance_among(const struct container_graph *graph, const struct drawn *drawn)
{
    for (size_t i = 0; i < graph->count; i++)
        if (strcmp(graph->drawn[i].frame_label, drawn->frame_label) == 0 &&
            strcmp(graph->drawn[i].frame, drawn->frame) != 0)
            return text_or(drawn->item->record, CONTAINER_INSTANCE, "known by cgroups alone");
    return NULL;
}

/* An engine, or a container with others in it; and within it the groups. */
static int draw_frames(const struct container_graph *graph, struct dot *dot)
{
    int r = 0;
    for (size_t i = 0; i < graph->count && r >= 0; i++) {
        const struct drawn *drawn = &graph->drawn[i], *before = i ? drawn - 1 : NULL;
        const struct drawn *after = i + 1 < graph->count ? drawn + 1 : NULL;
        bool begins = !before || strcmp(before->frame, drawn->frame) != 0;
        bool ends = !after || strcmp(after->frame, drawn->frame) != 0;
        bool group_begins = begins || strcmp(before->group, drawn->group) != 0;
        bool group_ends = ends || strcmp(after->group, drawn->group) != 0;
        if (begins)
            r = begin_frame(dot, "engine", drawn->frame_label, instance_among(graph, drawn), i);
        if (r >= 0 && group_begins && drawn->group[0])
            r = begin_frame(dot, "group", drawn->group, NULL, i);
        if (r >= 0)
            r = draw_container(drawn, dot);
        if (r >= 0 && group_ends && drawn->group[0])
            dot_end(dot);
        if (r >= 0 && ends)
            dot_end(dot);
    }
    return r;
}

/* ---- lines ---- */

static int draw_host(const struct container_graph *graph, struct dot *dot)
{
    bool drawn_host = false;
    for (size_t i = 0; i < graph->count; i++) {
        const struct drawn *drawn = &graph->drawn[i];
        _cleanup_buffer_ struct buffer types = {0}, label = {0};
        append_types(drawn, OF_HOST, true, &types);
        if (types.length && !drawn_host) {
            dot_label_heading(&label, MARK_NONE, "the host's namespaces", 1);
            dot_add_node(dot, "host", &label, DOT_BOX, MARK_NONE);
            drawn_host = true;
        }
        if (types.length)
            dot_add_edge(dot, &(struct dot_edge){.from = drawn->id,
                                                 .to = "host",
                                                 .label = buffer_text(&types),
                                                 .line = DOT_JOINS,
                                                 .mark = MARK_NONE});
        if (types.failed || label.failed)
            return error_memory();
    }
    return 0;
}

static int draw_shared(const struct drawn *drawn, unsigned type, struct dot *dot)
{
    _cleanup_buffer_ struct buffer id = {0}, label = {0}, name = {0};
    const char *words = graph_namespace_types[type].name;
    buffer_append_format(&id, "%s_%" PRId64, words, drawn->inodes[type]);
    buffer_append_format(&name, "%s %" PRId64, words, drawn->inodes[type]);
    dot_label_line(&label, MARK_NONE, buffer_text(&name));
    if (drawn->first[type])
        dot_add_node(dot, buffer_text(&id), &label, DOT_BOX, MARK_NONE);
    dot_add_edge(dot,
                 &(struct dot_edge){.from = drawn->id, .to = buffer_text(&id), .line = DOT_JOINS});
    return id.failed || label.failed || name.failed ? error_memory() : 0;
}

static int draw_lines(const struct container_graph *graph, struct dot *dot)
{
    int r = draw_host(graph, dot);
    for (size_t i = 0; i < graph->count; i++)
        for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES && r >= 0; type++)
            if (graph->drawn[i].sharing[type] == OF_SEVERAL)
                r = draw_shared(&graph->drawn[i], type, dot);
    return r;
}

int graph_containers(const struct export_request *request, struct dot *dot)
{
    _cleanup_(container_graph_free) struct container_graph graph = {.arena = arena_new()};
    int r = graph.arena ? 0 : error_memory();
    if (r >= 0)
        r = graph_items_load(request, KIND_CONTAINER, &graph.containers);
    if (r >= 0)
        r = graph_items_load(request, KIND_PROCESS, &graph.processes);
    if (r >= 0)
        r = graph_items_load(request, KIND_NAMESPACE, &graph.namespaces);
    if (r < 0)
        return r;
    graph_usual_of(&graph.namespaces, &graph.processes, &graph.usual);
    r = choose(&graph, request->difference);
    if (r >= 0)
        r = find_sharing(&graph);
    if (r >= 0)
        r = draw_frames(&graph, dot);
    return r < 0 ? r : draw_lines(&graph, dot);
}
