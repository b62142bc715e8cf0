/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/text.h"

#include <string.h>

static void append_escape(struct buffer *buffer, char c)
{
    static const char named[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    const char *found = c ? strchr(named, c) : NULL;
    if (found) {
        buffer_append_char(buffer, '\\');
        buffer_append_char(buffer, letters[found - named]);
    } else {
        buffer_append_format(buffer, "\\u%04x", (unsigned char)c);
    }
}

/* `text` with what JSON does not allow inside a string escaped. */
static void append_inside(struct buffer *buffer, const char *text, size_t length)
{
    size_t start = 0;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] >= 0x20 && text[i] != '"' && text[i] != '\\' && text[i] != 0x7f)
            continue;
        buffer_append(buffer, text + start, i - start);
        append_escape(buffer, text[i]);
        start = i + 1;
    }
    buffer_append(buffer, text + start, length - start);
}

void json_append_string(struct buffer *buffer, const char *text, size_t length)
{
    buffer_append_char(buffer, '"');
    append_inside(buffer, text, length);
    buffer_append_char(buffer, '"');
}

void json_append_captured(struct buffer *buffer, const void *bytes, size_t length)
{
    _cleanup_buffer_ struct buffer text = {0};
    text_append_captured(&text, bytes, length);
    if (text.failed)
        buffer->failed = true;
    json_append_string(buffer, buffer_text(&text), text.length);
}

void json_append_harmless(struct buffer *buffer, const char *json, size_t length)
{
    while (length) {
        size_t run = 0;
        while (run < length && (unsigned char)json[run] < 0x7f)
            run++;
        buffer_append(buffer, json, run);
        json += run;
        length -= run;
        if (!length)
            break;
        uint32_t character = 0;
        size_t size = text_utf8_sequence(json, length, &character);
        if (!size)
            buffer_append_text(buffer, "\\ufffd"); /* nothing of ours, but of an altered database */
        else if (character <= 0xffff && text_is_control(character))
            buffer_append_format(buffer, "\\u%04x", (unsigned)character);
        else
            buffer_append(buffer, json, size);
        json += size ? size : 1;
        length -= size ? size : 1;
    }
}
