/* SPDX-License-Identifier: Apache-2.0 */
/* Samples: the columns that differ in every snapshot, kept as one compressed block of columns per
 * snapshot and kind. docs/schema.md describes the block. */
#ifndef SCHEMA_SAMPLE_H
#define SCHEMA_SAMPLE_H

#include "base/buffer.h"
#include "schema/record.h"
#include "schema/snapshot.h"

/* The sample columns of one kind, for the things of one snapshot: rows of integers, each the
 * thing's identity and then its columns, INT64_MIN where a column is not known. */
struct sample_table {
    enum kind kind;
    unsigned columns[COLUMNS_MOST]; /* column numbers, in order */
    unsigned column_count;
    size_t count, capacity; /* rows */
    int64_t *cells;         /* count rows of 1 + column_count cells */
};

void sample_table_begin(struct sample_table *table, enum kind kind);
void sample_table_free(struct sample_table *table);
#define _cleanup_sample_table_ _cleanup_(sample_table_free)

/* Takes the sample columns of the record. Does nothing where its kind has none. */
int sample_table_add(struct sample_table *table, int64_t identity, const struct record *record);

/* Orders the rows by identity. */
void sample_table_sort(struct sample_table *table);

/* Fills the record's sample columns from the row of its identity, if there is one. Sorted tables.
 */
void sample_table_fill(const struct sample_table *table, struct record *record);

/* The table as the bytes of a block before compression, and back. Foreign bytes may be given:
 * -ERROR_NOT_A_DATABASE for what is not a block. */
void sample_table_encode(const struct sample_table *table, struct buffer *ret_bytes);
int sample_table_decode(const void *bytes, size_t length, struct sample_table *table);

/* Writes the table as the snapshot's block; every so often without a base, so that reading one
 * needs at most one other. `ret_digest` is over the encoded bytes, for the seal. */
int sample_write(struct database *database, int64_t snapshot, int64_t predecessor,
                 const struct sample_table *table, struct digest *ret_digest);

/* Reads the snapshot's block; an empty table where there is none. `ret_digest` may be NULL. */
int sample_read(struct database *database, int64_t snapshot, enum kind kind,
                struct sample_table *table, struct digest *ret_digest);

#endif
