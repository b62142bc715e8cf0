/* SPDX-License-Identifier: Apache-2.0 */
/* Table `text`: long or frequent texts, stored once. */
#ifndef SCHEMA_TEXT_TABLE_H
#define SCHEMA_TEXT_TABLE_H

#include "base/cleanup.h"
#include "schema/database.h"

struct text_table;

int text_table_open(struct database *database, struct text_table **ret_table);
void text_table_free(struct text_table *table);
DEFINE_CLEANUP(struct text_table *, text_table_free)

/* The row of this text, made when it is not there yet. Within a transaction of the caller's. */
int text_table_row(struct text_table *table, const char *text, size_t length, int64_t *ret_row);

#endif
