/* SPDX-License-Identifier: Apache-2.0 */
/* Records and snapshots as the JSON contract has them. */
#include "base/clock.h"
#include "schema/reader.h"

#include <cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* cJSON keeps numbers as doubles: an integer goes in as the text that it is. */
static cJSON *integer_json(int64_t integer)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, integer);
    return cJSON_CreateRaw(text);
}

static cJSON *id_json(int64_t integer)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)integer);
    return cJSON_CreateString(text);
}

static cJSON *moment_json(int64_t moment)
{
    char text[CLOCK_TEXT_SIZE];
    return cJSON_CreateString(clock_format_utc(moment, text));
}

/* What `type` makes of an integer that the database may hold in a column of any type. */
static cJSON *typed_integer_json(enum column_type type, int64_t integer)
{
    switch (type) {
    case TYPE_ID:
        return id_json(integer);
    case TYPE_BOOLEAN:
        return cJSON_CreateBool(integer != 0);
    case TYPE_TIME:
        return moment_json(integer);
    default:
        return integer_json(integer);
    }
}

/* A cell of JSON is passed on only if it is JSON: the database may have been altered. */
static cJSON *cell_json(const char *text)
{
    cJSON *parsed = cJSON_Parse(text);
    if (!parsed)
        return cJSON_CreateString(text);
    cJSON_Delete(parsed);
    return cJSON_CreateRaw(text);
}

cJSON *record_value_json(const struct record *record, unsigned column)
{
    const struct value *value = &record->values[column];
    enum column_type type = kinds[record->kind].columns[column].type;
    if (value->type == VALUE_NULL)
        return cJSON_CreateNull();
    if (value->type == VALUE_INTEGER)
        return typed_integer_json(type, value->integer);
    return type == TYPE_JSON ? cell_json(value->text) : cJSON_CreateString(value->text);
}

static bool is_number(const char *step)
{
    return *step && step[strspn(step, "0123456789")] == '\0';
}

/* The object or array of `parent` under `step`, made if it is not there; `next` tells which of
 * them. */
static cJSON *descend(cJSON *parent, const char *step, const char *next)
{
    cJSON *child = cJSON_GetObjectItemCaseSensitive(parent, step);
    if (child)
        return child;
    child = is_number(next) ? cJSON_CreateArray() : cJSON_CreateObject();
    if (child && !cJSON_AddItemToObject(parent, step, child)) {
        cJSON_Delete(child);
        return NULL;
    }
    return child;
}

/* Puts `item`, which it owns, at the path. */
static bool place(cJSON *object, const char *path, cJSON *item)
{
    char steps[64];
    char *step = steps, *dot;
    cJSON *parent = object;
    snprintf(steps, sizeof(steps), "%s", path);
    while (parent && (dot = strchr(step, '.'))) {
        *dot = '\0';
        parent = descend(parent, step, dot + 1);
        step = dot + 1;
    }
    bool placed = item && parent &&
                  (cJSON_IsArray(parent) ? cJSON_AddItemToArray(parent, item)
                                         : cJSON_AddItemToObject(parent, step, item));
    if (!placed)
        cJSON_Delete(item);
    return placed;
}

static cJSON *columns_json(const struct record *record, bool all)
{
    const struct kind_info *kind = &kinds[record->kind];
    cJSON *object = cJSON_CreateObject();
    bool good = object;
    for (unsigned column = 0; good && column < kind->column_count; column++) {
        enum column_class class = kind->columns[column].class;
        if (all || class == IDENTITY || class == STATE || class == DERIVED)
            good = place(object, kind->columns[column].json, record_value_json(record, column));
    }
    int strong = column_by_flags(record->kind, STRONG);
    if (good && strong >= 0)
        good = place(object, "identity",
                     cJSON_CreateString(record_has(record, (unsigned)strong) ? "strong" : "weak"));
    if (good)
        return object;
    cJSON_Delete(object);
    return NULL;
}

cJSON *record_json(const struct record *record)
{
    return columns_json(record, true);
}

cJSON *record_state_json(const struct record *record)
{
    return columns_json(record, false);
}

static cJSON *text_json(const char *text)
{
    return text ? cJSON_CreateString(text) : cJSON_CreateNull();
}

static cJSON *known_json(int64_t integer)
{
    return integer >= 0 ? integer_json(integer) : cJSON_CreateNull();
}

static cJSON *counts_json(const struct snapshot *snapshot)
{
    cJSON *counts = cJSON_CreateObject();
    for (enum kind kind = 0; counts && kind < KIND_COUNT; kind++)
        if (!place(counts, kinds[kind].plural, integer_json(snapshot->counts[kind]))) {
            cJSON_Delete(counts);
            return NULL;
        }
    return counts;
}

cJSON *snapshot_json(const struct snapshot *snapshot)
{
    const struct snapshot_facts *facts = &snapshot->facts;
    char digest[DIGEST_HEX_SIZE];
    const struct {
        const char *name;
        cJSON *item;
    } members[] = {
        {"id", integer_json(snapshot->id)},
        {"uuid", cJSON_CreateString(snapshot->uuid)},
        {"predecessor",
         snapshot->predecessor ? integer_json(snapshot->predecessor) : cJSON_CreateNull()},
        {"host", cJSON_CreateString(facts->host)},
        {"machine_id", text_json(facts->machine_id)},
        {"boot_id", text_json(facts->boot_id)},
        {"booted_at", facts->booted_at >= 0 ? moment_json(facts->booted_at) : cJSON_CreateNull()},
        {"taken_at", moment_json(facts->taken_at)},
        {"boottime_ns", known_json(facts->boottime)},
        {"clock_synchronized", facts->clock_synchronized >= 0
                                   ? cJSON_CreateBool(facts->clock_synchronized)
                                   : cJSON_CreateNull()},
        {"duration_ns", known_json(facts->duration_ns)},
        {"label", text_json(facts->label)},
        {"note", text_json(facts->note)},
        {"kernel", text_json(facts->kernel)},
        {"architecture", text_json(facts->architecture)},
        {"recorder", text_json(facts->recorder)},
        {"privileges", facts->privileges ? cell_json(facts->privileges) : cJSON_CreateNull()},
        {"without", facts->without ? cell_json(facts->without) : cJSON_CreateNull()},
        {"load_average", text_json(facts->load_average)},
        {"forks", known_json(facts->forks)},
        {"processes_ended", known_json(facts->processes_ended)},
        {"counts", counts_json(snapshot)},
        {"gaps", integer_json(snapshot->counts[KIND_GAP])},
        {"digest", cJSON_CreateString(digest_format(&snapshot->digest, digest))},
    };
    cJSON *object = cJSON_CreateObject();
    bool good = object;
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        if (good)
            good = place(object, members[i].name, members[i].item);
        else
            cJSON_Delete(members[i].item);
    }
    if (good)
        return object;
    cJSON_Delete(object);
    return NULL;
}
