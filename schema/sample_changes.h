/* SPDX-License-Identifier: Apache-2.0 */
/* A table of samples as what differs from an earlier one: of a quiet host, a few hundred bytes. In
 * a minute most things have not run at all, and those that have differ in small numbers.
 * docs/schema.md has the encoding. */
#ifndef SCHEMA_SAMPLE_CHANGES_H
#define SCHEMA_SAMPLE_CHANGES_H

#include "schema/sample.h"

/* Both tables are sorted and have the same columns. 0 or -ENOMEM. */
int sample_changes_encode(const struct sample_table *table, const struct sample_table *base,
                          struct buffer *ret_bytes);

/* `table` is the base, and becomes the table that the changes make of it; both are sorted. Foreign
 * bytes may be given: -ERROR_NOT_A_DATABASE for what are no changes of it. */
int sample_changes_decode(const void *bytes, size_t length, struct sample_table *table);

/* Whether changes can be told: the tables have the same columns. */
bool sample_same_columns(const struct sample_table *table, const struct sample_table *base);

#endif
