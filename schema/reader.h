/* SPDX-License-Identifier: Apache-2.0 */
/* Reads records back, in the order of their keys. */
#ifndef SCHEMA_READER_H
#define SCHEMA_READER_H

#include "base/buffer.h"
#include "schema/database.h"
#include "schema/record.h"
#include "schema/snapshot.h"

struct cursor;

/* All records of a kind in a snapshot, ordered by record_compare_keys(), with samples and related
 * columns filled in. */
int cursor_open(struct database *database, const struct snapshot *snapshot, enum kind kind,
                struct cursor **ret_cursor);

/* The states of one thing of `identity`, oldest first; without samples and related columns. */
int cursor_open_history(struct database *database, enum kind kind, int64_t identity,
                        struct cursor **ret_cursor);

/* Every state of a kind that was ever recorded of a host, oldest first; without samples and related
 * columns. */
int cursor_open_all(struct database *database, int64_t host_id, enum kind kind,
                    struct cursor **ret_cursor);

/* Records of a kind that hold in only one of two snapshots of a host, or otherwise in each: what
 * differs, and no more. By thing, of one thing the older first. Without samples and related
 * columns. No cursor, NULL, where there are none. */
int cursor_open_unlike(struct database *database, const struct snapshot *older,
                       const struct snapshot *newer, enum kind kind, struct cursor **ret_cursor);

/* 1 with the next record, 0 at the end, or an error. The record and its text are borrowed until the
 * next call. */
int cursor_next(struct cursor *cursor, const struct record **ret_record);

void cursor_free(struct cursor *cursor);
DEFINE_CLEANUP(struct cursor *, cursor_free)
#define _cleanup_cursor_ _cleanup_(cursor_free_pointer)

/* When the thing of `identity` was first and last seen, over all of its states: snapshot ids;
 * last 0 while it still stands in the host's newest snapshot. */
int history_span(struct database *database, enum kind kind, int64_t identity, int64_t *ret_first,
                 int64_t *ret_last);

/* The bytes kept under `digest`, to be released with free(). -ENOENT if there are none. */
int blob_read(struct database *database, const struct digest *digest, void **ret_bytes,
              size_t *ret_length);

/* Appends the record as the JSON contract has it: one object, nested by the columns' JSON paths,
 * every column present (null where not known), 64-bit ids as strings. `without` is the number of a
 * column to leave out, -1 for none. */
void record_append_json(struct buffer *json, const struct record *record, int without);

struct cJSON;

/* The same to put into another document. Owned by the caller; NULL without memory. */
struct cJSON *record_json(const struct record *record);

/* The same with identity, state and what is derived from them alone: for the sides of a change. */
struct cJSON *record_state_json(const struct record *record);

/* One column's value alone, as in record_json(). */
struct cJSON *record_value_json(const struct record *record, unsigned column);

/* The snapshot's own object of the JSON contract. */
struct cJSON *snapshot_json(const struct snapshot *snapshot);

#endif
