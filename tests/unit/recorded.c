/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/recorded.h"

#include "base/error.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int keep(void *userdata, const struct record *record)
{
    struct recorded *recorded = userdata;
    if (recorded->count == recorded->capacity) {
        recorded->capacity = 2 * recorded->capacity + 64;
        recorded->records =
            reallocarray(recorded->records, recorded->capacity, sizeof(*recorded->records));
        assert_non_null(recorded->records);
    }
    recorded->records[recorded->count] = record_copy(record);
    assert_non_null(recorded->records[recorded->count++]);
    return 0;
}

struct sink recorded_sink(struct recorded *recorded)
{
    return (struct sink){keep, recorded};
}

static void check(int r)
{
    if (r < 0)
        fail_msg("%s (%s)", error_message(), error_name(r));
}

void recorded_begin(struct recorded *recorded, const struct recorder_options *options)
{
    *recorded = (struct recorded){0};
    const struct sink sink = recorded_sink(recorded);
    check(recorder_open(options, &recorded->recorder));
    check(recorder_run(recorded->recorder, &sink));
}

void recorded_end(struct recorded *recorded)
{
    while (recorded->count)
        free(recorded->records[--recorded->count]);
    free(recorded->records);
    recorder_free(recorded->recorder);
    *recorded = (struct recorded){0};
}

const char *fixture_path(const char *name)
{
    static char path[1024];
    const char *source = getenv("NSLAPSE_SOURCE");
    snprintf(path, sizeof(path), "%s/tests/fixtures/%s", source ? source : ".", name);
    return path;
}

void recorded_fixture(struct recorded *recorded, const char *name)
{
    const struct recorder_options options = {.root = fixture_path(name)};
    recorded_begin(recorded, &options);
}

size_t recorded_count(const struct recorded *recorded, enum kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < recorded->count; i++)
        count += recorded->records[i]->kind == kind;
    return count;
}

const struct record *recorded_find(const struct recorded *recorded, enum kind kind, unsigned column,
                                   int64_t number)
{
    const struct record *found = NULL;
    for (size_t i = 0; i < recorded->count; i++) {
        const struct record *record = recorded->records[i];
        if (record->kind != kind || !record_has(record, column) ||
            record_integer(record, column, 0) != number)
            continue;
        if (found)
            fail_msg("two %s have %lld", kinds[kind].plural, (long long)number);
        found = record;
    }
    return found;
}

static bool has_text(const struct record *record, unsigned column, const char *text)
{
    const char *has = record_text(record, column);
    return has && strcmp(has, text) == 0;
}

const struct record *recorded_find_text(const struct recorded *recorded, enum kind kind,
                                        unsigned column, const char *text, unsigned other_column,
                                        const char *other_text)
{
    for (size_t i = 0; i < recorded->count; i++) {
        const struct record *record = recorded->records[i];
        if (record->kind == kind && has_text(record, column, text) &&
            has_text(record, other_column, other_text))
            return record;
    }
    return NULL;
}

const struct record *recorded_gap(const struct recorded *recorded, const char *source,
                                  const char *subject)
{
    return recorded_find_text(recorded, KIND_GAP, GAP_SOURCE, source, GAP_SUBJECT, subject);
}

void check_null(const struct record *record, unsigned column)
{
    assert_non_null(record);
    if (record_has(record, column))
        fail_msg("%s is not null", kinds[record->kind].columns[column].name);
}

void check_number(const struct record *record, unsigned column, int64_t number)
{
    assert_non_null(record);
    if (record->values[column].type != VALUE_INTEGER)
        fail_msg("%s is no number", kinds[record->kind].columns[column].name);
    if (record->values[column].integer != number)
        fail_msg("%s is %lld, not %lld", kinds[record->kind].columns[column].name,
                 (long long)record->values[column].integer, (long long)number);
}

void check_text(const struct record *record, unsigned column, const char *text)
{
    assert_non_null(record);
    const char *has = record_text(record, column);
    if (!has)
        fail_msg("%s is null", kinds[record->kind].columns[column].name);
    else if (strcmp(has, text))
        fail_msg("%s is '%s', not '%s'", kinds[record->kind].columns[column].name, has, text);
}
