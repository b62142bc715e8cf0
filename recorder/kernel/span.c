/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/span.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

int span_compare(struct span a, struct span b)
{
    size_t shared = a.length < b.length ? a.length : b.length;
    int order = shared ? memcmp(a.bytes, b.bytes, shared) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

bool span_take(struct span *rest, char delimiter, struct span *ret_part)
{
    if (!rest->length)
        return false;
    const char *end = memchr(rest->bytes, delimiter, rest->length);
    size_t length = end ? (size_t)(end - rest->bytes) : rest->length;
    *ret_part = (struct span){rest->bytes, length};
    size_t taken = end ? length + 1 : length;
    *rest = (struct span){rest->bytes + taken, rest->length - taken};
    return true;
}

bool span_take_word(struct span *rest, struct span *ret_word)
{
    size_t start = 0;
    while (start < rest->length && is_space(rest->bytes[start]))
        start++;
    size_t end = start;
    while (end < rest->length && !is_space(rest->bytes[end]))
        end++;
    if (start == end)
        return false;
    *ret_word = (struct span){rest->bytes + start, end - start};
    *rest = (struct span){rest->bytes + end, rest->length - end};
    return true;
}

struct span span_trim(struct span span)
{
    while (span.length && is_space(span.bytes[0])) {
        span.bytes++;
        span.length--;
    }
    while (span.length && is_space(span.bytes[span.length - 1]))
        span.length--;
    return span;
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a' + 10);
    return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10) : 16;
}

bool span_unsigned(struct span span, unsigned base, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (!span.length)
        return false;
    for (size_t i = 0; i < span.length; i++) {
        unsigned digit = digit_of(span.bytes[i]);
        if (digit >= base || __builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return false;
    }
    *ret_number = number;
    return true;
}

bool span_integer(struct span span, int64_t *ret_number)
{
    bool negative = span.length && span.bytes[0] == '-';
    if (negative)
        span = (struct span){span.bytes + 1, span.length - 1};
    uint64_t number;
    if (!span_unsigned(span, 10, &number) || number > INT64_MAX)
        return false;
    *ret_number = negative ? -(int64_t)number : (int64_t)number;
    return true;
}
