/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/text.h"

#include <ctype.h>
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

void json_make_harmless(struct buffer *buffer, size_t from)
{
    _cleanup_buffer_ struct buffer tail = {0};
    size_t at = from;
    while (at < buffer->length && (unsigned char)buffer->bytes[at] < 0x7f)
        at++;
    if (at == buffer->length)
        return;
    buffer_append(&tail, buffer->bytes + at, buffer->length - at);
    if (tail.failed)
        buffer->failed = true;
    buffer->length = at;
    json_append_harmless(buffer, buffer_text(&tail), tail.length);
}

/* ---- validity ---- */

enum { DEEPEST = 1000 };

static bool is_value(const char **at, int depth);

static void skip_space(const char **at)
{
    *at += strspn(*at, " \t\n\r");
}

static bool skip(const char **at, char wanted)
{
    bool is_there = **at == wanted;
    *at += is_there;
    return is_there;
}

static bool skip_digits(const char **at)
{
    size_t length = strspn(*at, "0123456789");
    *at += length;
    return length;
}

static bool is_number(const char **at)
{
    skip(at, '-');
    if (!skip(at, '0') && !skip_digits(at))
        return false;
    if (skip(at, '.') && !skip_digits(at))
        return false;
    if (!skip(at, 'e') && !skip(at, 'E'))
        return true;
    if (!skip(at, '+'))
        skip(at, '-');
    return skip_digits(at);
}

/* Behind the backslash. */
static bool is_escape(const char **at)
{
    char letter = **at;
    if (!letter || !strchr("\"\\/bfnrtu", letter))
        return false;
    ++*at;
    size_t digits = letter == 'u' ? 4 : 0;
    for (; digits && isxdigit((unsigned char)**at); digits--)
        ++*at;
    return !digits;
}

static bool is_string(const char **at)
{
    if (!skip(at, '"'))
        return false;
    while ((unsigned char)**at >= ' ' && **at != '"') {
        if (skip(at, '\\')) {
            if (!is_escape(at))
                return false;
        } else {
            ++*at;
        }
    }
    return skip(at, '"');
}

static bool is_member(const char **at, int depth)
{
    skip_space(at);
    if (!is_string(at))
        return false;
    skip_space(at);
    return skip(at, ':') && is_value(at, depth);
}

/* Behind the opening bracket of an array or object. */
static bool is_list(const char **at, char end, int depth)
{
    skip_space(at);
    if (skip(at, end))
        return true;
    do
        if (!(end == '}' ? is_member(at, depth) : is_value(at, depth)))
            return false;
    while (skip(at, ','));
    return skip(at, end);
}

static bool is_word(const char **at)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        size_t length = strlen(words[i]);
        if (strncmp(*at, words[i], length) == 0) {
            *at += length;
            return true;
        }
    }
    return false;
}

/* With the space around it. */
static bool is_value(const char **at, int depth)
{
    bool is = false;
    skip_space(at);
    if (**at == '"')
        is = is_string(at);
    else if (skip(at, '['))
        is = depth && is_list(at, ']', depth - 1);
    else if (skip(at, '{'))
        is = depth && is_list(at, '}', depth - 1);
    else
        is = is_word(at) || is_number(at);
    skip_space(at);
    return is;
}

bool json_is_valid(const char *text)
{
    return is_value(&text, DEEPEST) && !*text;
}
