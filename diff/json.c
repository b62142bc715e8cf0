/* SPDX-License-Identifier: Apache-2.0 */
/* Changes as the JSON contract has them. */
#include "base/buffer.h"
#include "diff/diff.h"

#include <cJSON.h>

/* The text that `append` makes of the record. */
static cJSON *text_json(void (*append)(struct buffer *, const struct record *),
                        const struct record *record)
{
    _cleanup_buffer_ struct buffer text = {0};
    append(&text, record);
    return text.failed ? NULL : cJSON_CreateString(buffer_text(&text));
}

static cJSON *side_json(const struct record *record)
{
    return record ? record_state_json(record) : cJSON_CreateNull();
}

/* The JSON paths of the columns that differ. */
static cJSON *fields_json(const struct change *change)
{
    const struct kind_info *kind = &kinds[change->kind];
    cJSON *fields = cJSON_CreateArray();
    for (unsigned column = 0; fields && column < kind->column_count; column++)
        if (change_has_field(change, column) &&
            !cJSON_AddItemToArray(fields, cJSON_CreateString(kind->columns[column].json))) {
            cJSON_Delete(fields);
            return NULL;
        }
    return fields;
}

cJSON *change_json(const struct change *change)
{
    const struct record *either = change->after ? change->after : change->before;
    const struct {
        const char *name;
        cJSON *item;
    } members[] = {
        {"kind", cJSON_CreateString(kinds[change->kind].name)},
        {"op", cJSON_CreateString(change_op_names[change->op])},
        {"key", text_json(record_append_key, either)},
        {"name", text_json(record_append_name, either)},
        {"before", side_json(change->before)},
        {"after", side_json(change->after)},
        {"fields", fields_json(change)},
    };
    cJSON *object = cJSON_CreateObject();
    bool good = object;
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        bool added = object && cJSON_AddItemToObject(object, members[i].name, members[i].item);
        if (!added)
            cJSON_Delete(members[i].item);
        good = good && added;
    }
    if (good)
        return object;
    cJSON_Delete(object);
    return NULL;
}

cJSON *difference_summary_json(const struct difference *difference)
{
    cJSON *summary = cJSON_CreateObject();
    for (enum kind kind = 0; summary && kind < KIND_COUNT; kind++) {
        cJSON *numbers = cJSON_AddObjectToObject(summary, kinds[kind].plural);
        bool good = numbers;
        for (enum change_op op = 0; good && op < CHANGE_OP_COUNT; op++)
            good = cJSON_AddNumberToObject(numbers, change_op_names[op],
                                           (double)difference->summary[kind][op]);
        if (!good) {
            cJSON_Delete(summary);
            return NULL;
        }
    }
    return summary;
}
