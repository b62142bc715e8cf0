/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/evidence.h"
#include "cli/output.h"
#include "cli/show.h"

#include <cjson/cJSON.h>

DEFINE_CLEANUP(cJSON *, cJSON_Delete)
#define _cleanup_json_ _cleanup_(cJSON_Delete_pointer)

/* Each function here returns false, or NULL, without memory. */

static bool add(cJSON *object, const char *name, cJSON *value)
{
    if (value && cJSON_AddItemToObject(object, name, value))
        return true;
    cJSON_Delete(value);
    return false;
}

static bool append(cJSON *array, cJSON *value)
{
    if (value && cJSON_AddItemToArray(array, value))
        return true;
    cJSON_Delete(value);
    return false;
}

static bool add_snapshot(cJSON *object, const char *name, const struct snapshot *snapshot)
{
    char moment[CLOCK_TEXT_SIZE];
    if (!snapshot)
        return add(object, name, cJSON_CreateNull());
    cJSON *reference = cJSON_AddObjectToObject(object, name);
    return reference && add(reference, "id", cJSON_CreateNumber((double)snapshot->id)) &&
           add(reference, "taken_at",
               cJSON_CreateString(clock_format_utc(snapshot->facts.taken_at, moment)));
}

static bool add_range(cJSON *object, const char *name, const struct history_range *range)
{
    cJSON *member = cJSON_AddObjectToObject(object, name);
    return member && add_snapshot(member, "first", range->first) &&
           add_snapshot(member, "last", range->last);
}

static bool add_key(cJSON *object, const struct record *record)
{
    _cleanup_buffer_ struct buffer key = {0}, name = {0};
    record_append_key(&key, record);
    record_append_name(&name, record);
    return !key.failed && !name.failed &&
           add(object, "kind", cJSON_CreateString(kinds[record->kind].name)) &&
           add(object, "key", cJSON_CreateString(buffer_text(&key))) &&
           add(object, "name", cJSON_CreateString(buffer_text(&name)));
}

static bool add_related(cJSON *object, const struct related *related)
{
    cJSON *groups = cJSON_AddObjectToObject(object, "related");
    for (size_t i = 0; groups && i < related->count; i++) {
        cJSON *group = cJSON_AddArrayToObject(groups, related->groups[i].name);
        const struct records *records = &related->groups[i].records;
        for (size_t j = 0; j < records->count; j++) {
            if (!group || !append(group, record_json(records->items[j])))
                return false;
        }
    }
    return groups;
}

static bool add_fields(cJSON *object, const struct history_event *event)
{
    cJSON *fields = cJSON_AddObjectToObject(object, "fields");
    for (unsigned i = 0; fields && event->after && i < kinds[event->after->kind].column_count;
         i++) {
        if (!history_has_field(event, i))
            continue;
        cJSON *field = cJSON_AddObjectToObject(fields, kinds[event->after->kind].columns[i].name);
        if (!field || !add(field, "before", record_value_json(event->before, i)) ||
            !add(field, "after", record_value_json(event->after, i)))
            return false;
    }
    return fields;
}

static int append_event(void *userdata, const struct history_event *event)
{
    cJSON *history = userdata;
    _cleanup_json_ cJSON *object = cJSON_CreateObject();
    if (!object || !add(object, "event", cJSON_CreateString(history_op_names[event->op])) ||
        !add_snapshot(object, "snapshot", event->snapshot) || !add_fields(object, event) ||
        !append(history, steal_pointer(object)))
        return error_memory();
    return 0;
}

int show_json(const struct shown *shown)
{
    _cleanup_json_ cJSON *object = cJSON_CreateObject();
    if (!object || !add_key(object, shown->record) ||
        !add(object, "record", record_json(shown->record)) ||
        !add_range(object, "seen", &shown->thing) ||
        !add_range(object, "in_this_state", &shown->state) || !add_related(object, &shown->related))
        return error_memory();
    cJSON *history = cJSON_AddArrayToObject(object, "history");
    if (!history)
        return error_memory();
    int r = history_each(shown->database, shown->record, append_event, history);
    return r < 0 ? r : output_json(stdout, object);
}

int show_evidence_json(struct database *database, const struct record *record)
{
    cJSON *evidence = NULL;
    _cleanup_json_ cJSON *object = cJSON_CreateObject();
    int r = evidence_json(database, record, &evidence);
    if (r < 0)
        return r;
    bool whole = add_key(object, record);
    if (!add(object, "evidence", evidence) || !whole)
        return error_memory();
    return output_json(stdout, object);
}
