/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/mounts.h"

#include "base/error.h"
#include "base/text.h"
#include "recorder/visibility.h"

/* How many columns of a mount hold captured text. */
enum { MOUNT_TEXTS = 6 };

/* One table, being recorded. */
struct recording {
    const struct capture *capture;
    const struct sink *sink;
    uint32_t inode; /* of the namespace */
    const struct mount_table *table;
    const struct mounts_visitor *visitor;
    size_t identified;               /* mounts recorded with their unique id */
    bool has_root;                   /* the namespace's root mount is in the table */
    struct visibility_mount *places; /* of the table's lines, in their order */
    size_t place_count, place_at;    /* ... and the first that isn't recorded yet */
    struct buffer target;            /* of the mount, as the kernel has it */
    struct buffer device;
    struct buffer text[MOUNT_TEXTS]; /* of the record's columns */
};

/* ---- visibility ---- */

/* A chrooted task doesn't see what may be mounted over its root, or above. Of a table that is of no
 * one moment nothing is said. */
static int find_visibility(struct recording *recording)
{
    struct span rest = {buffer_text(&recording->table->lines), recording->table->lines.length};
    struct mountinfo_place place;
    const struct visibility_mount *root = NULL;
    recording->places = calloc(recording->table->count + 1, sizeof(*recording->places));
    if (!recording->places)
        return error_memory();
    if (recording->table->restless)
        return 0;
    while (mountinfo_take_place(&rest, &place))
        recording->places[recording->place_count++] = (struct visibility_mount){
            .id = place.id, .parent = place.parent, .target = place.target};
    int r = mount_table_is_whole(recording->table)
                ? visibility_root(recording->places, recording->place_count, &root)
                : 0;
    recording->has_root = root;
    return r < 0 ? r : visibility_find(recording->places, recording->place_count, root);
}

/* The line's place; NULL where nothing is known of it. Lines come in the order of the places, of
 * which some may have no line that makes sense. */
static const struct visibility_mount *take_place(struct recording *recording, int64_t id)
{
    const struct visibility_mount *place = recording->places + recording->place_at;
    const struct visibility_mount *end = recording->places + recording->place_count;
    while (place < end && place->id != id)
        place++;
    recording->place_at = (size_t)(place - recording->places) + (place < end);
    return place < end ? place : NULL;
}

static void set_visibility(struct record *record, const struct visibility_mount *place)
{
    record_set_text(record, MOUNT_VISIBILITY, visibility_names[place->visibility]);
    if (place->covered_by)
        record_set_integer(record, MOUNT_COVERED_BY, place->covered_by->id);
}

/* ---- records ---- */

static void set_group(struct record *record, unsigned column, int64_t group)
{
    if (group)
        record_set_integer(record, column, group);
}

static void set_unique_id(struct recording *recording, struct record *record, int64_t id)
{
    const struct mount_ids *ids = mount_table_ids(recording->table, id);
    if (!ids)
        return;
    record_set_integer(record, MOUNT_UNIQUE_ID, (int64_t)ids->unique_id);
    recording->identified++;
}

static void set_device(struct recording *recording, struct record *record,
                       const struct mountinfo_mount *mount)
{
    struct buffer *device = &recording->device;
    buffer_clear(device);
    buffer_append_unsigned(device, mount->device_major);
    buffer_append_char(device, ':');
    buffer_append_unsigned(device, mount->device_minor);
    record_set_text(record, MOUNT_DEVICE, buffer_text(device));
}

static int set_texts(struct recording *recording, struct record *record,
                     const struct mountinfo_mount *mount)
{
    const struct {
        unsigned column;
        const char *captured;
    } columns[MOUNT_TEXTS] = {
        {MOUNT_ROOT, mount->root},       {MOUNT_TARGET, buffer_text(&recording->target)},
        {MOUNT_SOURCE, mount->source},   {MOUNT_FSTYPE, mount->fstype},
        {MOUNT_OPTIONS, mount->options}, {MOUNT_SUPER_OPTIONS, mount->super_options}};
    for (size_t i = 0; i < MOUNT_TEXTS; i++) {
        const char *captured = columns[i].captured;
        struct buffer *text = &recording->text[i];
        if (!captured)
            continue;
        buffer_clear(text);
        text_append_captured(text, captured, strlen(captured));
        if (text->failed)
            return error_memory();
        record_set_text(record, columns[i].column, buffer_text(text));
    }
    return 0;
}

static int emit(struct recording *recording, const struct mountinfo_mount *mount,
                const struct visibility_mount *place)
{
    struct record record;
    record_begin(&record, KIND_MOUNT);
    record_set_integer(&record, MOUNT_NAMESPACE, recording->inode);
    record_set_integer(&record, MOUNT_ID, mount->id);
    record_set_integer(&record, MOUNT_PARENT, mount->parent);
    set_unique_id(recording, &record, mount->id);
    set_device(recording, &record, mount);
    set_group(&record, MOUNT_SHARED_GROUP, mount->shared);
    set_group(&record, MOUNT_MASTER, mount->master);
    set_group(&record, MOUNT_PROPAGATE_FROM, mount->propagate_from);
    record_set_integer(&record, MOUNT_UNBINDABLE, mount->unbindable);
    if (place)
        set_visibility(&record, place);
    int r = set_texts(recording, &record, mount);
    if (r >= 0)
        r = buffer_error(&recording->device);
    return r < 0 ? r : sink_record(recording->sink, &record);
}

/* A chrooted task sees its own root as "/". */
static int set_target(struct recording *recording, const char *target)
{
    const struct mount_table *table = recording->table;
    bool whole = mount_table_is_whole(table);
    buffer_clear(&recording->target);
    if (!whole)
        buffer_append(&recording->target, table->root.bytes, table->root.length);
    if (whole || strcmp(target, "/"))
        buffer_append_text(&recording->target, target);
    return buffer_error(&recording->target);
}

static int see_mount(void *userdata, const struct mountinfo_mount *mount)
{
    struct recording *recording = userdata;
    const struct mounts_visitor *visitor = recording->visitor;
    const struct visibility_mount *place = take_place(recording, mount->id);
    int r = set_target(recording, mount->target);
    if (r >= 0 && capture_wants(recording->capture, SOURCE_MOUNTS))
        r = emit(recording, mount, place);
    return r < 0 ? r
                 : visitor->each(visitor->userdata, mount, buffer_text(&recording->target),
                                 place ? place->visibility : VISIBILITY_UNKNOWN);
}

/* ---- gaps ---- */

int mounts_report(const struct sink *sink, uint32_t inode, int code, const char *detail)
{
    char subject[32], scope[16];
    snprintf(subject, sizeof(subject), "mnt:%u", inode);
    snprintf(scope, sizeof(scope), "%u", inode);
    return collector_gap(sink, SOURCE_MOUNTS, subject, code, detail, KIND_MOUNT, scope);
}

static int report(const struct recording *recording, int code, const char *detail)
{
    return mounts_report(recording->sink, recording->inode, code, detail);
}

/* What the kernel lists and no task sees: all of them may be chrooted. A kernel that doesn't list
 * any leaves open what is outside. */
static int report_hidden(const struct recording *recording)
{
    char detail[64];
    size_t listed = recording->table->ids.count;
    if (recording->table->restless)
        return report(recording, EAGAIN, "its mounts changed whenever they were read");
    if (recording->identified >= listed)
        return recording->has_root ? 0 : report(recording, 0, "no task in it sees its root");
    snprintf(detail, sizeof(detail), "mounts that no task in it sees: %zu",
             listed - recording->identified);
    return report(recording, 0, detail);
}

static int report_skipped(const struct recording *recording, size_t skipped)
{
    char detail[64];
    if (!skipped)
        return 0;
    snprintf(detail, sizeof(detail), "lines of mountinfo that make no sense: %zu", skipped);
    return report(recording, EBADMSG, detail);
}

/* ---- a whole table ---- */

static int record_table(struct recording *recording)
{
    const struct mount_table *table = recording->table;
    size_t skipped = 0;
    int r = find_visibility(recording);
    if (r >= 0)
        r = (table->made ? mountinfo_parse_made : mountinfo_parse)(
            table->lines.bytes, table->lines.length, see_mount, recording, &skipped);
    if (r < 0 || !capture_wants(recording->capture, SOURCE_MOUNTS))
        return r;
    r = report_skipped(recording, skipped);
    return r < 0 ? r : report_hidden(recording);
}

int mounts_record(const struct capture *capture, const struct sink *sink, uint32_t inode,
                  const struct mount_table *table, const struct mounts_visitor *visitor)
{
    struct recording recording = {
        .capture = capture, .sink = sink, .inode = inode, .table = table, .visitor = visitor};
    int r = record_table(&recording);
    free(recording.places);
    buffer_free(&recording.target);
    buffer_free(&recording.device);
    for (size_t i = 0; i < MOUNT_TEXTS; i++)
        buffer_free(&recording.text[i]);
    return r;
}
