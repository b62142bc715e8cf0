/* SPDX-License-Identifier: Apache-2.0 */
/* Records and snapshots as the JSON contract has them. */
#include "base/json.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "schema/reader.h"

#include <cJSON.h>
#include <ctype.h>
#include <string.h>

static void append_id(struct buffer *json, int64_t integer)
{
    buffer_append_char(json, '"');
    buffer_append_unsigned(json, (uint64_t)integer);
    buffer_append_char(json, '"');
}

static void append_text(struct buffer *json, const char *text)
{
    json_append_string(json, text, strlen(text));
}

static void append_moment(struct buffer *json, int64_t moment)
{
    char text[CLOCK_TEXT_SIZE];
    append_text(json, clock_format_utc(moment, text));
}

/* What `type` makes of an integer that the database may hold in a column of any type. */
static void append_typed(struct buffer *json, enum column_type type, int64_t integer)
{
    switch (type) {
    case TYPE_ID:
        append_id(json, integer);
        break;
    case TYPE_BOOLEAN:
        buffer_append_text(json, integer ? "true" : "false");
        break;
    case TYPE_TIME:
        append_moment(json, integer);
        break;
    default:
        buffer_append_integer(json, integer);
        break;
    }
}

/* A cell of JSON is passed on only if it is JSON: the database may have been altered. */
static void append_cell(struct buffer *json, const char *text)
{
    if (json_is_valid(text))
        buffer_append_text(json, text);
    else
        append_text(json, text);
}

static void append_value(struct buffer *json, const struct record *record, unsigned column)
{
    const struct value *value = &record->values[column];
    const struct column *info = &kinds[record->kind].columns[column];
    if (value->type == VALUE_NULL)
        buffer_append_text(json, "null");
    else if (value->type == VALUE_INTEGER)
        append_typed(json, info->type, value->integer);
    else if (info->class == RELATED)
        buffer_append(json, value->text, value->length); /* made here */
    else if (info->type == TYPE_JSON)
        append_cell(json, value->text);
    else
        append_text(json, value->text);
}

/* The object or array of those of the `wanted` columns whose path begins with `prefix`; without its
 * closing bracket, which is returned. */
static char append_group(struct buffer *json, const struct record *record, bool *wanted,
                         const char *prefix, size_t prefix_length)
{
    const struct kind_info *kind = &kinds[record->kind];
    bool array = isdigit((unsigned char)prefix[prefix_length]);
    char before = array ? '[' : '{';
    for (unsigned column = 0; column < kind->column_count; column++) {
        const char *path = kind->columns[column].json;
        if (!wanted[column] || strncmp(path, prefix, prefix_length) != 0)
            continue;
        const char *step = path + prefix_length;
        size_t length = strcspn(step, ".");
        buffer_append_char(json, before);
        before = ',';
        if (!array) {
            json_append_string(json, step, length);
            buffer_append_char(json, ':');
        }
        if (step[length])
            buffer_append_char(
                json, append_group(json, record, wanted, path, prefix_length + length + 1));
        else
            append_value(json, record, column);
        wanted[column] = false;
    }
    return array ? ']' : '}';
}

/* Whether the column is one of those that a change tells the sides of. */
static bool is_of_state(const struct column *column)
{
    return column->class == IDENTITY || column->class == STATE || column->class == DERIVED;
}

static void append_columns(struct buffer *json, const struct record *record, bool *wanted)
{
    int strong = column_by_flags(record->kind, STRONG);
    char end = append_group(json, record, wanted, "", 0);
    if (strong >= 0)
        buffer_append_format(json, ",\"identity\":\"%s\"",
                             record_has(record, (unsigned)strong) ? "strong" : "weak");
    buffer_append_char(json, end);
}

void record_append_json(struct buffer *json, const struct record *record, int without)
{
    bool wanted[COLUMNS_MOST];
    for (unsigned column = 0; column < kinds[record->kind].column_count; column++)
        wanted[column] = (int)column != without;
    append_columns(json, record, wanted);
}

/* Printed, it is the text that it was made of. */
static cJSON *raw_json(const struct buffer *json)
{
    return json->failed ? NULL : cJSON_CreateRaw(buffer_text(json));
}

cJSON *record_json(const struct record *record)
{
    _cleanup_buffer_ struct buffer json = {0};
    record_append_json(&json, record, -1);
    return raw_json(&json);
}

cJSON *record_state_json(const struct record *record)
{
    _cleanup_buffer_ struct buffer json = {0};
    bool wanted[COLUMNS_MOST];
    for (unsigned column = 0; column < kinds[record->kind].column_count; column++)
        wanted[column] = is_of_state(&kinds[record->kind].columns[column]);
    append_columns(&json, record, wanted);
    return raw_json(&json);
}

cJSON *record_value_json(const struct record *record, unsigned column)
{
    _cleanup_buffer_ struct buffer json = {0};
    append_value(&json, record, column);
    return raw_json(&json);
}

/* cJSON keeps numbers as doubles: an integer goes in as the text that it is. */
static cJSON *integer_json(int64_t integer)
{
    _cleanup_buffer_ struct buffer json = {0};
    buffer_append_integer(&json, integer);
    return raw_json(&json);
}

static cJSON *moment_json(int64_t moment)
{
    char text[CLOCK_TEXT_SIZE];
    return cJSON_CreateString(clock_format_utc(moment, text));
}

static cJSON *cell_json(const char *text)
{
    _cleanup_buffer_ struct buffer json = {0};
    append_cell(&json, text);
    return raw_json(&json);
}

static cJSON *text_json(const char *text)
{
    return text ? cJSON_CreateString(text) : cJSON_CreateNull();
}

static cJSON *known_json(int64_t integer)
{
    return integer >= 0 ? integer_json(integer) : cJSON_CreateNull();
}

/* Adds `item`, which it owns. */
static bool add(cJSON *object, const char *name, cJSON *item)
{
    bool added = item && cJSON_AddItemToObject(object, name, item);
    if (!added)
        cJSON_Delete(item);
    return added;
}

static cJSON *counts_json(const struct snapshot *snapshot)
{
    cJSON *counts = cJSON_CreateObject();
    for (enum kind kind = 0; counts && kind < KIND_COUNT; kind++)
        if (!add(counts, kinds[kind].plural, integer_json(snapshot->counts[kind]))) {
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
            good = add(object, members[i].name, members[i].item);
        else
            cJSON_Delete(members[i].item);
    }
    if (good)
        return object;
    cJSON_Delete(object);
    return NULL;
}
