/* SPDX-License-Identifier: Apache-2.0 */
/* Appends JSON (RFC 8259) to a buffer, and tells whether a cell of the database holds any.
 * Documents that aren't as long as a snapshot are put together with cJSON. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buffer.h"

/* `text`, which is valid UTF-8, as a JSON string with its quotes. */
void json_append_string(struct buffer *buffer, const char *text, size_t length);

/* Captured bytes as a JSON string: first as base/text.h says, then quoted. */
void json_append_captured(struct buffer *buffer, const void *bytes, size_t length);

/* A whole JSON text, with the characters escaped that JSON allows inside a string but that steer a
 * terminal (DEL, C1, line separators, bidirectional overrides). Its value stays the same. */
void json_append_harmless(struct buffer *buffer, const char *json, size_t length);

/* The same for what stands in the buffer from `from` on. */
void json_make_harmless(struct buffer *buffer, size_t from);

/* Whether the text is one JSON value (RFC 8259, section 2), nested not too deep for others'
 * parsers. That it is UTF-8 is not asked. */
bool json_is_valid(const char *text);

#endif
