/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces: each way to find them is gone (namespace_search.h), then they are recorded. */
#include "base/error.h"
#include "base/json.h"
#include "recorder/namespace_search.h"

/* ---- records ---- */

/* The host's first namespaces have known numbers. Those of mnt and net do only since kernel 6.18;
 * before, the kernel's own threads, which never leave them, show which they are. */
static void set_initial(const struct namespace_search *search, const struct namespace *namespace,
                        struct record *record)
{
    const struct census *census = &search->capture->census;
    enum nsfs_type type = namespace->key.type;
    if (namespace->key.inode == nsfs_initial_inode(type)) {
        record_set_integer(record, NAMESPACE_INITIAL, true);
        return;
    }
    if (type != NSFS_MNT && type != NSFS_NET) {
        record_set_integer(record, NAMESPACE_INITIAL, false);
        return;
    }
    enum namespace_link link = type == NSFS_MNT ? LINK_MNT : LINK_NET;
    for (size_t i = 0; i < census->count; i++) {
        const struct census_task *task = &census->tasks[i];
        if (!task->kernel_thread || !task->namespaces[link] || task->pid != 2)
            continue;
        record_set_integer(record, NAMESPACE_INITIAL,
                           task->namespaces[link] == namespace->key.inode);
        return;
    }
    if (host_has(search->capture->host, FEATURE_NS_GET_ID))
        record_set_integer(record, NAMESPACE_INITIAL, false);
}

static void append_sources(struct buffer *json, const struct namespace *namespace)
{
    buffer_clear(json);
    for (unsigned i = 0; i < SIGHTING_COUNT; i++)
        if (namespace->sightings >> i & 1)
            buffer_append_format(json, "%s\"%s\"", json->length ? "," : "[", sighting_names[i]);
    buffer_append_char(json, ']');
}

/* Through the recorder itself it is the same path each time. */
static void append_task_path(const struct namespace_search *search, struct buffer *json,
                             const struct namespace *namespace)
{
    buffer_append_text(json, "\"/proc/");
    if (host_is_self(search->capture->host, namespace->task->pid))
        buffer_append_text(json, "self");
    else
        census_append_path(json, namespace->task);
    if (namespace->by_descriptor)
        buffer_append_format(json, "/fd/%d\"", namespace->descriptor);
    else
        buffer_append_format(json, "/%s\"", namespace_links[namespace->link].path);
}

/* A path of the recorder's own mount namespace needs no step into that. */
static void append_reference(const struct namespace_search *search, struct buffer *json,
                             const struct namespace *namespace)
{
    const struct namespace *steps[NAMESPACE_STEPS_MOST];
    size_t count = namespace_steps(namespace);
    for (size_t i = count; i > 0; i--, namespace = namespace->within)
        steps[i - 1] = namespace;
    bool own = count > 1 && steps[0]->key.inode == search->own_mounts;
    buffer_clear(json);
    for (size_t i = own; i < count; i++) {
        buffer_append_char(json, json->length ? ',' : '[');
        if (steps[i]->path)
            json_append_captured(json, steps[i]->path, strlen(steps[i]->path));
        else
            append_task_path(search, json, steps[i]);
    }
    buffer_append_char(json, ']');
}

static int emit(const struct namespace_search *search, const struct namespace *namespace,
                struct buffer *sources_json, struct buffer *reference_json)
{
    struct record record;
    record_begin(&record, KIND_NAMESPACE);
    record_set_text(&record, NAMESPACE_TYPE, nsfs_type_names[namespace->key.type]);
    record_set_integer(&record, NAMESPACE_INODE, namespace->key.inode);
    if (namespace->has_id)
        record_set_integer(&record, NAMESPACE_ID, (int64_t) namespace->id);
    if (namespace->parent)
        record_set_integer(&record, NAMESPACE_PARENT, namespace->parent);
    if (namespace->owner)
        record_set_integer(&record, NAMESPACE_OWNER, namespace->owner);
    if (namespace->has_owner_uid)
        record_set_integer(&record, NAMESPACE_OWNER_UID, namespace->owner_uid);
    set_initial(search, namespace, &record);
    append_sources(sources_json, namespace);
    record_set_text(&record, NAMESPACE_SOURCES, buffer_text(sources_json));
    if (namespace_steps(namespace)) {
        append_reference(search, reference_json, namespace);
        record_set_text(&record, NAMESPACE_REFERENCE, buffer_text(reference_json));
    }
    if (sources_json->failed || reference_json->failed)
        return error_memory();
    return sink_record(search->sink, &record);
}

/* ---- all of it ---- */

static void begin(struct namespace_search *search, struct capture *capture)
{
    _cleanup_close_ int own =
        capture->host->live ? nsfs_open(capture->host->proc, "self/ns/mnt") : -1;
    *search = (struct namespace_search){.capture = capture,
                                        .sink = capture->sink,
                                        .lock = PTHREAD_MUTEX_INITIALIZER,
                                        .table = &capture->namespaces};
    if (own >= 0 && nsfs_inode(own, &search->own_mounts) < 0)
        search->own_mounts = 0;
}

static int look_everywhere(struct namespace_search *search)
{
    static int (*const ways[])(struct namespace_search * search) = {
        namespaces_see_tasks,  namespaces_see_descriptors, namespace_search_resolve_all,
        namespaces_see_kernel, namespaces_see_mounts,
    };
    int r = 0;
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways) && r >= 0; i++)
        r = ways[i](search);
    return r;
}

int namespaces_collect(struct capture *capture)
{
    _cleanup_buffer_ struct buffer sources_json = {0}, reference_json = {0};
    struct namespace_search search;
    struct namespace *namespace;
    begin(&search, capture);
    int r = look_everywhere(&search);
    if (r >= 0)
        namespace_table_sort(&capture->namespaces);
    for (namespace = capture->namespaces.namespaces; namespace && r >= 0;
         namespace = namespace->hh.next)
        r = emit(&search, namespace, &sources_json, &reference_json);
    return r;
}
