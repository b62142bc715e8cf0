/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cell.h"

#include "base/clock.h"
#include "cli/printable.h"
#include "schema/record.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <string.h>

static void append_printable(struct buffer *buffer, const char *text)
{
    printable_append(buffer, text, strlen(text));
}

static bool needs_quotes(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_^";
    return !*word || word[strspn(word, plain)];
}

/* One word as a shell would want it. */
static void append_quoted(struct buffer *buffer, const char *word)
{
    if (!needs_quotes(word)) {
        buffer_append_text(buffer, word);
        return;
    }
    buffer_append_char(buffer, '\'');
    for (;;) {
        size_t run = strcspn(word, "'");
        printable_append(buffer, word, run);
        word += run;
        if (!*word)
            break;
        buffer_append_text(buffer, "'\\''");
        word++;
    }
    buffer_append_char(buffer, '\'');
}

static void append_members(struct buffer *buffer, const cJSON *parent)
{
    const cJSON *member;
    cJSON_ArrayForEach (member, parent) {
        if (member != parent->child)
            buffer_append_char(buffer, ',');
        if (member->string) {
            append_printable(buffer, member->string);
            buffer_append_char(buffer, '=');
        }
        cell_append_json(buffer, member);
    }
}

void cell_append_json(struct buffer *buffer, const cJSON *json)
{
    if (cJSON_IsString(json))
        append_printable(buffer, json->valuestring);
    else if (cJSON_IsNumber(json))
        buffer_append_format(buffer, "%.17g", json->valuedouble);
    else if (cJSON_IsBool(json))
        buffer_append_text(buffer, cJSON_IsTrue(json) ? "yes" : "no");
    else if (cJSON_IsNull(json))
        buffer_append_char(buffer, '-');
    else if (!json->child)
        buffer_append_text(buffer, cJSON_IsArray(json) ? "[]" : "{}");
    else
        append_members(buffer, json);
}

static void append_words(struct buffer *buffer, const cJSON *words)
{
    const cJSON *word;
    cJSON_ArrayForEach (word, words) {
        if (word != words->child)
            buffer_append_char(buffer, ' ');
        if (cJSON_IsString(word))
            append_quoted(buffer, word->valuestring);
        else
            cell_append_json(buffer, word);
    }
}

static void append_json_text(struct buffer *buffer, const char *text, bool words)
{
    cJSON *json = cJSON_Parse(text);
    if (!json) /* no JSON after all: what stands there is still better than nothing */
        append_printable(buffer, text);
    else if (words && cJSON_IsArray(json) && json->child)
        append_words(buffer, json);
    else
        cell_append_json(buffer, json);
    cJSON_Delete(json);
}

static void append_integer(struct buffer *buffer, const struct record *record, unsigned column)
{
    int64_t integer = record->values[column].integer;
    bool task = record->kind == KIND_PROCESS || record->kind == KIND_THREAD;
    char moment[CLOCK_TEXT_SIZE];
    switch (kinds[record->kind].columns[column].type) {
    case TYPE_ID:
        buffer_append_unsigned(buffer, (uint64_t)integer);
        break;
    case TYPE_BOOLEAN:
        buffer_append_text(buffer, integer ? "yes" : "no");
        break;
    case TYPE_TIME:
        buffer_append_text(buffer, clock_format_local(integer, moment));
        break;
    default:
        if (task && column == TASK_RUN_STATE && integer > ' ' && integer < 0x7f)
            buffer_append_char(buffer, (char)integer);
        else
            buffer_append_integer(buffer, integer);
    }
}

static bool is_command(enum kind kind, unsigned column)
{
    return kind == KIND_PROCESS ? column == PROCESS_CMDLINE
                                : kind == KIND_CONTAINER && column == CONTAINER_COMMAND;
}

void cell_append(struct buffer *buffer, const struct record *record, unsigned column)
{
    const struct value *value = &record->values[column];
    size_t before = buffer->length;
    if (value->type == VALUE_INTEGER)
        append_integer(buffer, record, column);
    else if (value->type == VALUE_TEXT && kinds[record->kind].columns[column].type == TYPE_JSON)
        append_json_text(buffer, value->text, is_command(record->kind, column));
    else if (value->type == VALUE_TEXT)
        printable_append(buffer, value->text, value->length);
    if (buffer->length == before)
        buffer_append_text(buffer, value->type == VALUE_NULL ? "-" : "''");
}
