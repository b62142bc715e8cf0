/* SPDX-License-Identifier: Apache-2.0 */
/* A run of bytes inside a file that was read: what the parsers of the kernel's text files take and
 * give. Borrowed from the file's bytes; never NUL-terminated. */
#ifndef RECORDER_KERNEL_SPAN_H
#define RECORDER_KERNEL_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *bytes; /* NULL: there is none */
    size_t length;
};

static inline bool span_is(struct span span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.bytes, text, span.length) == 0;
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.length == b.length && (!a.length || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static inline bool span_starts(struct span span, const char *text)
{
    size_t length = strlen(text);
    return span.length >= length && memcmp(span.bytes, text, length) == 0;
}

/* By bytes, a beginning before what it begins. */
int span_compare(struct span a, struct span b);

/* Takes what stands before the next `delimiter` off `rest`, and the delimiter too. Without one
 * takes all that is left. False, and nothing taken, when `rest` is empty. */
bool span_take(struct span *rest, char delimiter, struct span *ret_part);

/* As span_take() for words parted by any number of spaces and tabs, which it skips. */
bool span_take_word(struct span *rest, struct span *ret_word);

/* Without the spaces, tabs and newlines around it. */
struct span span_trim(struct span span);

/* The whole span as a number without sign, in base 10 or 16. False if it is none, or too large. */
bool span_unsigned(struct span span, unsigned base, uint64_t *ret_number);

/* The whole span as a decimal number, perhaps with a minus. */
bool span_integer(struct span span, int64_t *ret_number);

#endif
