/* SPDX-License-Identifier: Apache-2.0 */
/* Captured bytes as text. Everything captured is hostile: names hold newlines, terminal escapes and
 * bytes that are no UTF-8. They are turned into text once, where they are captured:
 *
 *   a byte that is not part of valid UTF-8 (and NUL) -> \xHH     a backslash -> \\
 *
 * so that every name can be told from every other and turned back. Database, JSON and digests all
 * hold this form. Control characters are valid UTF-8 and stay; text_append_printable() shows them.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buffer.h"

#include <stdbool.h>

/* Appends `length` captured bytes as text. */
void text_append_captured(struct buffer *buffer, const void *bytes, size_t length);

/* Turns text back into the captured bytes and appends them. An escape that text_append_captured()
 * would not have made is copied as it stands. */
void text_append_original(struct buffer *buffer, const char *text);

/* Appends text for a terminal, a table or a graph: control characters (C0, DEL, C1, the Unicode
 * line separators, bidirectional overrides) come out as \n, \t, or \u{HH}; the rest unchanged. */
void text_append_printable(struct buffer *buffer, const char *text, size_t length);

/* Whether a character does something to a terminal instead of showing itself: those that
 * text_append_printable() replaces. */
bool text_is_control(uint32_t character);

/* Length in bytes of the valid UTF-8 sequence at `bytes`, 0 if there is none (overlong, surrogate,
 * above U+10FFFF, cut off). RFC 3629. `ret_character` may be NULL. */
size_t text_utf8_sequence(const void *bytes, size_t length, uint32_t *ret_character);

/* How many single-character edits (insert, delete, replace, swap neighbours) part two words. */
size_t text_distance(const char *a, const char *b);

#endif
