/* SPDX-License-Identifier: Apache-2.0 */
/* A growing run of bytes, kept NUL-terminated. Zero-initialise it; buffer_free() ends it. When
 * memory runs out it remembers that (`failed`), ignores what follows, and buffer_error() says so:
 * check once, at the end. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *bytes; /* NULL while empty */
    size_t length;
    size_t capacity;
    bool failed;
};

void buffer_free(struct buffer *buffer);

/* Length 0 again; keeps the memory and clears `failed`. */
void buffer_clear(struct buffer *buffer);

/* Room for `more` bytes behind the end; NULL without memory. Add what was written to `length`
 * through buffer_commit(). */
char *buffer_reserve(struct buffer *buffer, size_t more);
void buffer_commit(struct buffer *buffer, size_t written);

void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_append_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buffer_append_integer(struct buffer *buffer, int64_t integer);
void buffer_append_unsigned(struct buffer *buffer, uint64_t integer);

/* 0, or -ENOMEM with its message when an append had failed. */
int buffer_error(const struct buffer *buffer);

/* The text; "" while empty. Borrowed, valid until the next change. */
const char *buffer_text(const struct buffer *buffer);

#define _cleanup_buffer_ _cleanup_(buffer_free)

#endif
