/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as they stand in memory, texts with their length before and a NUL behind. */
#include "recorder/engines/message.h"

#include <errno.h>
#include <string.h>

enum { NO_TEXT = UINT32_MAX };

static void append_number(struct buffer *buffer, uint32_t number)
{
    buffer_append(buffer, &number, sizeof(number));
}

static void append_text(struct buffer *buffer, const char *text, uint32_t length)
{
    append_number(buffer, text ? length : NO_TEXT);
    if (text) {
        buffer_append(buffer, text, length);
        buffer_append_char(buffer, '\0');
    }
}

static void append_container(struct buffer *buffer, const struct engine_message *message)
{
    for (unsigned column = 0; column < CONTAINER_COLUMN_COUNT; column++) {
        const struct value *value = &message->record.values[column];
        append_number(buffer, value->type);
        if (value->type == VALUE_INTEGER)
            buffer_append(buffer, &value->integer, sizeof(value->integer));
        else if (value->type == VALUE_TEXT)
            append_text(buffer, value->text, value->length);
    }
    append_number(buffer, message->pid_is_ours);
    append_text(buffer, message->evidence, message->evidence_length);
}

static void append_gap(struct buffer *buffer, const struct engine_message *message)
{
    append_number(buffer, (uint32_t)message->code);
    append_text(buffer, message->id, message->id ? (uint32_t)strlen(message->id) : 0);
    append_text(buffer, message->detail, (uint32_t)strlen(message->detail));
}

void engine_message_append(struct buffer *buffer, const struct engine_message *message)
{
    size_t begin = buffer->length;
    append_number(buffer, 0);
    append_number(buffer, message->type);
    append_number(buffer, message->place);
    if (message->type == MESSAGE_CONTAINER)
        append_container(buffer, message);
    else if (message->type == MESSAGE_GAP)
        append_gap(buffer, message);
    uint32_t length = (uint32_t)(buffer->length - begin);
    if (!buffer->failed)
        memcpy(buffer->bytes + begin, &length, sizeof(length));
}

/* ---- the other way ---- */

struct bytes {
    const char *at;
    size_t left;
    bool damaged;
};

static void take(struct bytes *bytes, void *into, size_t size)
{
    memset(into, 0, size);
    if (bytes->damaged || bytes->left < size) {
        bytes->damaged = true;
        return;
    }
    memcpy(into, bytes->at, size);
    bytes->at += size;
    bytes->left -= size;
}

static uint32_t take_number(struct bytes *bytes)
{
    uint32_t number;
    take(bytes, &number, sizeof(number));
    return number;
}

static const char *take_bytes(struct bytes *bytes, uint32_t *ret_length)
{
    uint32_t length = take_number(bytes);
    *ret_length = 0;
    if (bytes->damaged || length == NO_TEXT)
        return NULL;
    if (bytes->left <= length || bytes->at[length]) {
        bytes->damaged = true;
        return NULL;
    }
    const char *text = bytes->at;
    bytes->at += (size_t)length + 1;
    bytes->left -= (size_t)length + 1;
    *ret_length = length;
    return text;
}

static const char *take_text(struct bytes *bytes, uint32_t *ret_length)
{
    const char *text = take_bytes(bytes, ret_length);
    bytes->damaged |= text && strlen(text) != *ret_length;
    return text;
}

static void take_value(struct bytes *bytes, unsigned column, struct value *ret_value)
{
    enum column_type type = kinds[KIND_CONTAINER].columns[column].type;
    bool text = type == TYPE_TEXT || type == TYPE_JSON;
    ret_value->type = take_number(bytes);
    if (ret_value->type == VALUE_INTEGER && !text)
        take(bytes, &ret_value->integer, sizeof(ret_value->integer));
    else if (ret_value->type == VALUE_TEXT && text)
        ret_value->text = take_text(bytes, &ret_value->length);
    else
        bytes->damaged |= ret_value->type != VALUE_NULL;
    if (ret_value->type == VALUE_TEXT && !ret_value->text)
        bytes->damaged = true;
}

static void take_container(struct bytes *bytes, struct engine_message *message)
{
    record_begin(&message->record, KIND_CONTAINER);
    for (unsigned column = 0; column < CONTAINER_COLUMN_COUNT && !bytes->damaged; column++)
        take_value(bytes, column, &message->record.values[column]);
    message->pid_is_ours = take_number(bytes);
    message->evidence = take_bytes(bytes, &message->evidence_length);
    bytes->damaged |= !record_has(&message->record, CONTAINER_ENGINE) ||
                      !record_has(&message->record, CONTAINER_ID);
}

static void take_gap(struct bytes *bytes, struct engine_message *message)
{
    uint32_t length;
    message->code = (int32_t)take_number(bytes);
    message->id = take_text(bytes, &length);
    message->detail = take_text(bytes, &length);
    bytes->damaged |= !message->detail || message->code < 0;
}

int64_t engine_message_parse(const char *bytes, size_t length, struct engine_message *ret_message)
{
    struct bytes rest = {bytes, length, false};
    uint32_t size;
    if (length < sizeof(size))
        return 0;
    size = take_number(&rest);
    if (size > MESSAGE_MOST || size < 3 * sizeof(size))
        return -EBADMSG;
    if (size > length)
        return 0;
    rest.left = size - sizeof(size);
    ret_message->type = take_number(&rest);
    ret_message->place = take_number(&rest);
    if (ret_message->type == MESSAGE_CONTAINER)
        take_container(&rest, ret_message);
    else if (ret_message->type == MESSAGE_GAP)
        take_gap(&rest, ret_message);
    else
        rest.damaged |= ret_message->type != MESSAGE_DONE;
    return rest.damaged || rest.left ? -EBADMSG : (int64_t)size;
}
