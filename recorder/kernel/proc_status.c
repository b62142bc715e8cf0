/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/proc_status.h"

#include "base/error.h"

static const struct span line_names[STATUS_LINE_COUNT] = {
#define STATUS_NAME(enumerator, name) {name, sizeof(name) - 1},
    PROC_STATUS_LINES(STATUS_NAME)
#undef STATUS_NAME
};

/* STATUS_LINE_COUNT if it is none of ours. */
static unsigned line_by_name(struct span name)
{
    unsigned line = 0;
    while (line < STATUS_LINE_COUNT &&
           (line_names[line].bytes[0] != name.bytes[0] || !span_equal(line_names[line], name)))
        line++;
    return line;
}

int proc_status_parse(const char *bytes, size_t length, struct proc_status *ret_status)
{
    struct proc_status status = {.whole = length && bytes[length - 1] == '\n'};
    const char *end = length ? memrchr(bytes, '\n', length) : NULL;
    struct span rest = {bytes, end ? (size_t)(end - bytes) : 0}, line, name;
    bool any = false;
    while (span_take(&rest, '\n', &line)) {
        struct span value = line;
        if (!span_take(&value, ':', &name) || !name.length || name.length == line.length)
            continue;
        any = true;
        unsigned found = line_by_name(name);
        if (found < STATUS_LINE_COUNT && !status.lines[found].bytes)
            status.lines[found] = span_trim(value);
    }
    if (!any)
        return error_set(ERROR_SYNTAX, "cannot make sense of a status file: it has no lines");
    *ret_status = status;
    return 0;
}

bool proc_status_number(const struct proc_status *status, enum proc_status_line line,
                        unsigned index, unsigned base, uint64_t *ret_number)
{
    struct span rest = status->lines[line], word;
    if (!rest.bytes)
        return false;
    do
        if (!span_take_word(&rest, &word))
            return false;
    while (index--);
    return span_unsigned(word, base, ret_number);
}
