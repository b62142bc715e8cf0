/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <string.h>

size_t text_utf8_sequence(const void *bytes, size_t length, uint32_t *ret_character)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *b = bytes;
    if (!length)
        return 0;
    size_t size = b[0] < 0x80   ? 1
                  : b[0] < 0xc2 ? 0
                  : b[0] < 0xe0 ? 2
                  : b[0] < 0xf0 ? 3
                  : b[0] < 0xf5 ? 4
                                : 0;
    if (!size || size > length)
        return 0;
    uint32_t character = size == 1 ? b[0] : b[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (b[i] & 0x3f);
    }
    if (character < smallest[size] || character > 0x10ffff ||
        (character >= 0xd800 && character <= 0xdfff))
        return 0;
    if (ret_character)
        *ret_character = character;
    return size;
}

/* How many bytes from `bytes` on stand for themselves. */
static size_t plain_run(const unsigned char *bytes, size_t length)
{
    size_t run = 0;
    while (run < length && bytes[run] != '\\' && bytes[run] != '\0') {
        size_t size = bytes[run] < 0x80 ? 1 : text_utf8_sequence(bytes + run, length - run, NULL);
        if (!size)
            break;
        run += size;
    }
    return run;
}

void text_append_captured(struct buffer *buffer, const void *bytes, size_t length)
{
    const unsigned char *b = bytes;
    while (length) {
        size_t run = plain_run(b, length);
        buffer_append(buffer, b, run);
        b += run;
        length -= run;
        if (!length)
            break;
        if (*b == '\\')
            buffer_append(buffer, "\\\\", 2);
        else
            buffer_append_format(buffer, "\\x%02X", *b);
        b++;
        length--;
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that the escape at `text` stands for, -1 if it is none. ASCII but NUL is never escaped
 * so. */
static int escaped_byte(const char *text)
{
    int high, low;
    if (text[1] != 'x' || (high = hex_digit(text[2])) < 0 || (low = hex_digit(text[3])) < 0)
        return -1;
    int byte = high << 4 | low;
    return byte == 0 || byte >= 0x80 ? byte : -1;
}

void text_append_original(struct buffer *buffer, const char *text)
{
    while (*text) {
        size_t run = strcspn(text, "\\");
        buffer_append(buffer, text, run);
        text += run;
        if (!*text)
            break;
        int byte = escaped_byte(text);
        if (text[1] == '\\') {
            buffer_append_char(buffer, '\\');
            text += 2;
        } else if (byte >= 0) {
            buffer_append_char(buffer, (char)byte);
            text += 4;
        } else {
            buffer_append_char(buffer, *text++);
        }
    }
}

bool text_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
           (c >= 0x200e && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void append_control(struct buffer *buffer, uint32_t c)
{
    if (c == '\n')
        buffer_append_text(buffer, "\\n");
    else if (c == '\t')
        buffer_append_text(buffer, "\\t");
    else
        buffer_append_format(buffer, "\\u{%X}", c);
}

void text_append_printable(struct buffer *buffer, const char *text, size_t length)
{
    while (length) {
        uint32_t character = 0;
        size_t size = text_utf8_sequence(text, length, &character);
        if (!size)
            buffer_append_format(buffer, "\\x%02X", (unsigned char)*text);
        else if (text_is_control(character))
            append_control(buffer, character);
        else
            buffer_append(buffer, text, size);
        text += size ? size : 1;
        length -= size ? size : 1;
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t text_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t rows[3][LONGEST + 1];
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > LONGEST || b_length > LONGEST)
        return a_length + b_length;
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        above[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] =
                smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_length];
}
