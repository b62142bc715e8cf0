/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/printable.h"

#include "base/text.h"
#include "cli/terminal.h"

/* `text` has been made printable before, so that it is valid UTF-8. */
static void append_ascii(struct buffer *buffer, const char *text, size_t length)
{
    while (length) {
        uint32_t character = 0;
        size_t size = text_utf8_sequence(text, length, &character);
        if (size > 1)
            buffer_append_format(buffer, "\\u{%X}", (unsigned)character);
        else
            buffer_append_char(buffer, *text);
        text += size ? size : 1;
        length -= size ? size : 1;
    }
}

void printable_append(struct buffer *buffer, const char *text, size_t length)
{
    if (!terminal_is_ascii()) {
        text_append_printable(buffer, text, length);
        return;
    }
    _cleanup_buffer_ struct buffer printable = {0};
    text_append_printable(&printable, text, length);
    append_ascii(buffer, buffer_text(&printable), printable.length);
    buffer->failed |= printable.failed;
}
