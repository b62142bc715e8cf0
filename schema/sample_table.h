/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of struct sample_table, for sample*.c alone. */
#ifndef SCHEMA_SAMPLE_TABLE_H
#define SCHEMA_SAMPLE_TABLE_H

#include "base/array.h"
#include "schema/sample.h"

static inline size_t sample_width(const struct sample_table *table)
{
    return 1 + (size_t)table->column_count;
}

/* Its identity, then its columns. */
static inline int64_t *sample_row(const struct sample_table *table, size_t row)
{
    return table->cells + row * sample_width(table);
}

static inline int sample_reserve(struct sample_table *table, size_t rows)
{
    return array_reserve(&table->cells, &table->capacity, rows,
                         sample_width(table) * sizeof(*table->cells));
}

/* 0 is "not known", others are the integer folded around zero (0 -> 1, -1 -> 2, 1 -> 3, ...). */
static inline uint64_t sample_fold(int64_t integer)
{
    return integer == INT64_MIN ? 0 : ((uint64_t)integer << 1 ^ (uint64_t)(integer >> 63)) + 1;
}

static inline int64_t sample_unfold(uint64_t folded)
{
    if (!folded)
        return INT64_MIN;
    folded--;
    return (int64_t)(folded >> 1 ^ (0 - (folded & 1)));
}

/* -ERROR_NOT_A_DATABASE with its message; the table is empty then. */
int sample_not_a_block(struct sample_table *table);

#endif
