/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/record.h"

#include "base/buffer.h"
#include "base/error.h"

#include <endian.h>
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

/* The encoding of docs/schema.md; there is room for all of it. Each returns where it ends. */
static char *put(char *at, const void *bytes, size_t length)
{
    if (length)
        memcpy(at, bytes, length);
    return at + length;
}

static char *put_text(char *at, const char *text, size_t length)
{
    uint32_t size = htole32((uint32_t)length);
    at = put(at, &size, sizeof(size));
    return put(at, text, length);
}

static char *put_column(char *at, unsigned column, const struct value *value)
{
    uint16_t number = htole16((uint16_t)column);
    at = put(at, &number, sizeof(number));
    if (value->type == VALUE_TEXT) {
        *at++ = 't';
        return put_text(at, value->text, value->length);
    }
    uint64_t integer = htole64((uint64_t)value->integer);
    *at++ = 'i';
    return put(at, &integer, sizeof(integer));
}

static bool is_digested(const struct record *record, unsigned column)
{
    return record->values[column].type != VALUE_NULL &&
           kinds[record->kind].columns[column].class <= STATE;
}

/* Of what is put, at most. */
static size_t encoded_size(const struct record *record, const char *boot_id)
{
    enum { HEAD_MOST = 2 + 1 + 8, SIZE = 4 };
    const struct kind_info *kind = &kinds[record->kind];
    size_t size = SIZE + strlen(kind->name) + SIZE + strlen(boot_id);
    for (unsigned column = 0; column < kind->column_count; column++)
        if (is_digested(record, column))
            size += HEAD_MOST +
                    (record->values[column].type == VALUE_TEXT ? record->values[column].length : 0);
    return size;
}

int record_digest(const struct record *record, const char *boot_id, struct buffer *scratch,
                  struct digest *ret_digest)
{
    const struct kind_info *kind = &kinds[record->kind];
    if (!kind->bound_to_boot || !boot_id)
        boot_id = "";
    buffer_clear(scratch);
    char *begin = buffer_reserve(scratch, encoded_size(record, boot_id));
    if (!begin)
        return buffer_error(scratch);
    char *end = put_text(begin, kind->name, strlen(kind->name));
    end = put_text(end, boot_id, strlen(boot_id));
    for (unsigned column = 0; column < kind->column_count; column++)
        if (is_digested(record, column))
            end = put_column(end, column, &record->values[column]);
    digest_of(begin, (size_t)(end - begin), ret_digest);
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
