/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/record.h"

#include "base/buffer.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

void record_begin(struct record *record, enum kind kind)
{
    memset(record, 0, offsetof(struct record, values));
    memset(record->values, 0, kinds[kind].column_count * sizeof(*record->values));
    record->kind = kind;
}

void record_set_text(struct record *record, unsigned column, const char *text)
{
    if (text)
        record->values[column] =
            (struct value){.type = VALUE_TEXT, .length = (uint32_t)strlen(text), .text = text};
    else
        record->values[column] = (struct value){.type = VALUE_NULL};
}

bool value_equal(const struct value *a, const struct value *b)
{
    return value_compare(a, b) == 0;
}

int value_compare(const struct value *a, const struct value *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->type == VALUE_INTEGER)
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    if (a->type == VALUE_NULL)
        return 0;
    uint32_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->text, b->text, shorter);
    return order ? order : a->length < b->length ? -1 : a->length > b->length;
}

/* Compares the columns that have one of `flags`. */
static int compare_columns(const struct record *a, const struct record *b, unsigned flags)
{
    const struct kind_info *kind = &kinds[a->kind];
    for (unsigned column = 0; column < kind->column_count; column++) {
        if (!(kind->columns[column].flags & flags))
            continue;
        int order = value_compare(&a->values[column], &b->values[column]);
        if (order)
            return order;
    }
    return 0;
}

int record_compare_numbers(const struct record *a, const struct record *b)
{
    return compare_columns(a, b, KEY);
}

int record_compare_keys(const struct record *a, const struct record *b)
{
    int order = record_compare_numbers(a, b);
    return order ? order : compare_columns(a, b, STRONG);
}

static void store_little_endian(char *bytes, uint64_t integer, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(integer >> 8 * i & 0xff);
}

static void append_text_value(struct buffer *buffer, const char *text, size_t length)
{
    char size[4];
    store_little_endian(size, length, sizeof(size));
    buffer_append(buffer, size, sizeof(size));
    buffer_append(buffer, text, length);
}

int record_digest(const struct record *record, const char *boot_id, struct buffer *scratch,
                  struct digest *ret_digest)
{
    const struct kind_info *kind = &kinds[record->kind];
    if (!kind->bound_to_boot || !boot_id)
        boot_id = "";
    buffer_clear(scratch);
    append_text_value(scratch, kind->name, strlen(kind->name));
    append_text_value(scratch, boot_id, strlen(boot_id));
    for (unsigned column = 0; column < kind->column_count; column++) {
        const struct value *value = &record->values[column];
        if (value->type == VALUE_NULL || kind->columns[column].class > STATE)
            continue;
        bool integer = value->type == VALUE_INTEGER;
        char head[2 + 1 + 8];
        store_little_endian(head, column, 2);
        head[2] = integer ? 'i' : 't';
        store_little_endian(head + 3, integer ? (uint64_t)value->integer : value->length,
                            integer ? 8 : 4);
        buffer_append(scratch, head, integer ? 3 + 8 : 3 + 4);
        if (!integer)
            buffer_append(scratch, value->text, value->length);
    }
    if (scratch->failed)
        return buffer_error(scratch);
    digest_of(scratch->bytes, scratch->length, ret_digest);
    return 0;
}

struct record *record_copy(const struct record *record)
{
    unsigned count = kinds[record->kind].column_count;
    size_t size = sizeof(*record);
    for (unsigned column = 0; column < count; column++)
        if (record->values[column].type == VALUE_TEXT)
            size += record->values[column].length + 1;
    struct record *copy = malloc(size);
    if (!copy)
        return NULL;
    memcpy(copy, record, offsetof(struct record, values) + count * sizeof(*record->values));
    char *text = (char *)(copy + 1);
    for (unsigned column = 0; column < count; column++) {
        struct value *value = &copy->values[column];
        if (value->type != VALUE_TEXT)
            continue;
        memcpy(text, value->text, value->length);
        text[value->length] = '\0';
        value->text = text;
        text += value->length + 1;
    }
    return copy;
}

static void append_value(struct buffer *buffer, const struct value *value)
{
    if (value->type == VALUE_INTEGER)
        buffer_append_integer(buffer, value->integer);
    else if (value->type == VALUE_TEXT)
        buffer_append(buffer, value->text, value->length);
}

/* PREFIX first SEPARATOR second; no second for -1. */
static void append_parts(struct buffer *buffer, const struct record *record, const char *prefix,
                         unsigned first, const char *separator, int second)
{
    buffer_append_text(buffer, prefix);
    append_value(buffer, &record->values[first]);
    buffer_append_text(buffer, separator);
    if (second >= 0)
        append_value(buffer, &record->values[second]);
}

void record_append_key(struct buffer *buffer, const struct record *record)
{
    switch (record->kind) {
    case KIND_NAMESPACE:
        append_parts(buffer, record, "", NAMESPACE_TYPE, ":", NAMESPACE_INODE);
        break;
    case KIND_PROCESS:
        append_parts(buffer, record, "pid:", PROCESS_PID, "", -1);
        break;
    case KIND_THREAD:
        append_parts(buffer, record, "tid:", THREAD_TID, "", -1);
        break;
    case KIND_MOUNT:
        append_parts(buffer, record, "mount:", MOUNT_TARGET, "@mnt:", MOUNT_NAMESPACE);
        break;
    case KIND_CONTAINER:
        append_parts(buffer, record, "container:", CONTAINER_ENGINE, ":", CONTAINER_ID);
        break;
    case KIND_CGROUP:
        append_parts(buffer, record, "cgroup:", CGROUP_HIERARCHY, ":", CGROUP_PATH);
        break;
    case KIND_DISCREPANCY:
        append_parts(buffer, record, "discrepancy:", DISCREPANCY_MISSING_FROM, ":",
                     DISCREPANCY_SUBJECT);
        break;
    case KIND_GAP:
        append_parts(buffer, record, "gap:", GAP_SOURCE, ":", GAP_SUBJECT);
        break;
    case KIND_COUNT:
        break;
    }
}

void record_append_name(struct buffer *buffer, const struct record *record)
{
    static const unsigned names[KIND_COUNT] = {
        [KIND_NAMESPACE] = NAMESPACE_TYPE,
        [KIND_PROCESS] = PROCESS_COMM,
        [KIND_THREAD] = THREAD_COMM,
        [KIND_MOUNT] = MOUNT_TARGET,
        [KIND_CONTAINER] = CONTAINER_NAME,
        [KIND_CGROUP] = CGROUP_PATH,
        [KIND_DISCREPANCY] = DISCREPANCY_SUBJECT,
        [KIND_GAP] = GAP_SUBJECT,
    };
    append_value(buffer, &record->values[names[record->kind]]);
}

/* Messages of the system mostly do. */
static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), of_end = strlen(end);
    return length >= of_end && strcmp(text + length - of_end, end) == 0;
}

int sink_gap(const struct sink *sink, const struct gap *gap)
{
    struct record record;
    char words[512];
    record_begin(&record, KIND_GAP);
    record_set_text(&record, GAP_SOURCE, gap->source);
    record_set_text(&record, GAP_SUBJECT, gap->subject);
    record_set_integer(&record, GAP_ERRNO, gap->code);
    const char *reason = gap->code ? error_name(-gap->code) : "not read";
    if (gap->detail && gap->code && !ends_with(gap->detail, reason))
        snprintf(words, sizeof(words), "%s: %s", gap->detail, reason);
    else
        snprintf(words, sizeof(words), "%s", gap->detail ? gap->detail : reason);
    record_set_text(&record, GAP_ERROR, words);
    record_set_text(&record, GAP_HIDES, gap->hides < KIND_COUNT ? kinds[gap->hides].name : NULL);
    record_set_text(&record, GAP_HIDES_SCOPE, gap->hides_scope);
    return sink_record(sink, &record);
}
