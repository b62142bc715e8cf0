/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "base/error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum { SMALLEST = 256 };

void buffer_free(struct buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->bytes)
        buffer->bytes[0] = '\0';
}

char *buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->failed)
        return NULL;
    if (buffer->capacity - buffer->length > more)
        return buffer->bytes + buffer->length;
    size_t wanted = buffer->length + more + 1;
    size_t capacity = buffer->capacity ? buffer->capacity : SMALLEST;
    while (capacity < wanted && capacity <= SIZE_MAX / 4)
        capacity *= 2;
    char *bytes = wanted < more || capacity < wanted ? NULL : realloc(buffer->bytes, capacity);
    if (!bytes) {
        buffer->failed = true;
        return NULL;
    }
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return bytes + buffer->length;
}

void buffer_commit(struct buffer *buffer, size_t written)
{
    buffer->length += written;
    buffer->bytes[buffer->length] = '\0';
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    char *room = buffer_reserve(buffer, length);
    if (!room)
        return;
    if (length)
        memcpy(room, bytes, length);
    buffer_commit(buffer, length);
}

void buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_char(struct buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

void buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *room = length < 0 ? NULL : buffer_reserve(buffer, (size_t)length);
    if (room) {
        vsnprintf(room, (size_t)length + 1, format, again);
        buffer_commit(buffer, (size_t)length);
    } else {
        buffer->failed = true;
    }
    va_end(again);
    va_end(arguments);
}

void buffer_append_integer(struct buffer *buffer, int64_t integer)
{
    if (integer < 0)
        buffer_append_char(buffer, '-');
    buffer_append_unsigned(buffer, integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer);
}

void buffer_append_unsigned(struct buffer *buffer, uint64_t integer)
{
    char digits[20];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + integer % 10);
    while (integer /= 10);
    buffer_append(buffer, digits + at, sizeof(digits) - at);
}

int buffer_error(const struct buffer *buffer)
{
    return buffer->failed ? error_memory() : 0;
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->bytes ? buffer->bytes : "";
}
