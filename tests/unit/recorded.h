/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the recorder: what a host gave, kept in memory. */
#ifndef TESTS_UNIT_RECORDED_H
#define TESTS_UNIT_RECORDED_H

#include "recorder/recorder.h"

struct recorded {
    struct recorder *recorder;
    struct record **records; /* one allocation each, in the order in which they came */
    size_t count, capacity;
};

/* A sink that keeps copies. */
struct sink recorded_sink(struct recorded *recorded);

/* Records the host that the options say; asserts that it works. */
void recorded_begin(struct recorded *recorded, const struct recorder_options *options);
void recorded_end(struct recorded *recorded);

/* Of the copied tree tests/fixtures/NAME. */
void recorded_fixture(struct recorded *recorded, const char *name);

/* Path of tests/fixtures/NAME; valid until the next call. */
const char *fixture_path(const char *name);

size_t recorded_count(const struct recorded *recorded, enum kind kind);

/* The only record of the kind with this number in this column; NULL if there is none. */
const struct record *recorded_find(const struct recorded *recorded, enum kind kind, unsigned column,
                                   int64_t number);

/* The record of a kind with these texts in two columns; NULL if there is none. */
const struct record *recorded_find_text(const struct recorded *recorded, enum kind kind,
                                        unsigned column, const char *text, unsigned other_column,
                                        const char *other_text);

/* The gap of this source and subject; NULL if there is none. */
const struct record *recorded_gap(const struct recorded *recorded, const char *source,
                                  const char *subject);

/* The record's column is null, this number, this text. */
void check_null(const struct record *record, unsigned column);
void check_number(const struct record *record, unsigned column, int64_t number);
void check_text(const struct record *record, unsigned column, const char *text);

#endif
