/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/sample_table.h"
#include "base/error.h"
#include "base/varint.h"

void sample_table_begin(struct sample_table *table, enum kind kind)
{
    *table = (struct sample_table){.kind = kind};
    for (unsigned column = 0; column < kinds[kind].column_count; column++)
        if (kinds[kind].columns[column].class == SAMPLE)
            table->columns[table->column_count++] = column;
}

void sample_table_free(struct sample_table *table)
{
    free(table->cells);
    *table = (struct sample_table){0};
}

int sample_table_add(struct sample_table *table, int64_t identity, const struct record *record)
{
    if (!table->column_count)
        return 0;
    int result = sample_reserve(table, table->count + 1);
    if (result)
        return result;
    int64_t *row = sample_row(table, table->count++);
    row[0] = identity;
    for (unsigned i = 0; i < table->column_count; i++)
        row[1 + i] = record_integer(record, table->columns[i], INT64_MIN);
    return 0;
}

static int compare_identities(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static bool is_sorted(const struct sample_table *table)
{
    for (size_t row = 1; row < table->count; row++)
        if (sample_row(table, row)[0] < sample_row(table, row - 1)[0])
            return false;
    return true;
}

/* What is read from a block mostly is in order; qsort(3) takes as much memory again. */
void sample_table_sort(struct sample_table *table)
{
    if (!is_sorted(table))
        qsort(table->cells, table->count, sample_width(table) * sizeof(*table->cells),
              compare_identities);
}

void sample_table_fill(const struct sample_table *table, struct record *record)
{
    if (!table->count)
        return;
    const int64_t *row = bsearch(&record->identity, table->cells, table->count,
                                 sample_width(table) * sizeof(*table->cells), compare_identities);
    if (!row)
        return;
    for (unsigned i = 0; i < table->column_count; i++)
        if (row[1 + i] != INT64_MIN)
            record_set_integer(record, table->columns[i], row[1 + i]);
}

/* Rows, columns, the column numbers, the identities (each less the one before), then column by
 * column. */
void sample_table_encode(const struct sample_table *table, struct buffer *ret_bytes)
{
    int64_t before = 0;
    buffer_clear(ret_bytes);
    varint_append(ret_bytes, table->count);
    varint_append(ret_bytes, table->column_count);
    for (unsigned i = 0; i < table->column_count; i++)
        varint_append(ret_bytes, table->columns[i]);
    for (size_t row = 0; row < table->count; row++) {
        varint_append(ret_bytes, (uint64_t)sample_row(table, row)[0] - (uint64_t)before);
        before = sample_row(table, row)[0];
    }
    for (unsigned i = 0; i < table->column_count; i++)
        for (size_t row = 0; row < table->count; row++)
            varint_append(ret_bytes, sample_fold(sample_row(table, row)[1 + i]));
}

static bool decode_columns(const unsigned char **at, const unsigned char *end, uint64_t columns,
                           struct sample_table *table)
{
    if (columns > COLUMNS_MOST)
        return false;
    table->column_count = (unsigned)columns;
    for (unsigned i = 0; i < table->column_count; i++) {
        uint64_t column;
        if (!varint_take(at, end, &column) || column >= kinds[table->kind].column_count ||
            kinds[table->kind].columns[column].class != SAMPLE)
            return false;
        table->columns[i] = (unsigned)column;
    }
    return true;
}

static bool decode_cells(const unsigned char **at, const unsigned char *end,
                         struct sample_table *table)
{
    uint64_t identity = 0, integer;
    for (size_t row = 0; row < table->count; row++) {
        if (!varint_take(at, end, &integer))
            return false;
        identity += integer;
        sample_row(table, row)[0] = (int64_t)identity;
    }
    for (unsigned i = 0; i < table->column_count; i++)
        for (size_t row = 0; row < table->count; row++) {
            if (!varint_take(at, end, &integer))
                return false;
            sample_row(table, row)[1 + i] = sample_unfold(integer);
        }
    return *at == end;
}

int sample_not_a_block(struct sample_table *table)
{
    sample_table_free(table);
    return error_set(ERROR_NOT_A_DATABASE, "a block of samples in the database is damaged");
}

int sample_table_decode(const void *bytes, size_t length, struct sample_table *table)
{
    const unsigned char *at = bytes, *end = at + length;
    uint64_t rows, columns;
    /* Each cell has at least one byte, so a short block cannot ask for much memory. */
    if (!varint_take(&at, end, &rows) || !varint_take(&at, end, &columns) ||
        !decode_columns(&at, end, columns, table) || rows > length / (1 + columns))
        return sample_not_a_block(table);
    int result = sample_reserve(table, rows);
    if (result)
        return result;
    table->count = rows;
    if (!decode_cells(&at, end, table))
        return sample_not_a_block(table);
    sample_table_sort(table);
    return 0;
}
