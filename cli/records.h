/* SPDX-License-Identifier: Apache-2.0 */
/* Records of one kind kept in memory, for what cannot be done in one pass: trees, and looking
 * things up. */
#ifndef CLI_RECORDS_H
#define CLI_RECORDS_H

#include "base/cleanup.h"
#include "schema/reader.h"

#include <stddef.h>

struct records {
    struct record **items; /* in the order of their keys */
    size_t count;
};

void records_free(struct records *records);
#define _cleanup_records_ _cleanup_(records_free)

/* Adds a copy. 0 or a negative error. */
int records_add(struct records *records, const struct record *record);

/* All records of a kind in a snapshot; `ret_records` is zero-initialised by the caller. */
int records_read(struct database *database, const struct snapshot *snapshot, enum kind kind,
                 struct records *ret_records);

enum { RECORDS_NONE = -1 };

/* The number of the first record that has what `probe` says; RECORDS_NONE if there is none. Nulls
 * of the probe say nothing; the first key columns must be among what it has, and the records sorted
 * by them. */
ptrdiff_t records_find(const struct records *records, const struct record *probe);

/* Calls `each` for every record of a kind in a snapshot, in the order of their keys. `each` returns
 * 0 to go on; anything else ends it and is returned. */
int records_each(struct database *database, const struct snapshot *snapshot, enum kind kind,
                 int (*each)(void *userdata, const struct record *record), void *userdata);

#endif
