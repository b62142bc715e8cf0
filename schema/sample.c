/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/sample.h"

#include "base/array.h"
#include "base/error.h"
#include "schema/blob.h"
#include "schema/statement.h"

#include <string.h>

/* Every 64th block stands alone. The one with the ordinal n leans on the one with the lowest set
 * bit of n cleared: so most lean on a close neighbour, and none is more than six steps from one
 * that stands alone. */
enum { ALONE_EVERY = 64, DEEPEST = 6, BLOCK_MOST = 64 * 1024 * 1024 };

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

static size_t width_of(const struct sample_table *table)
{
    return 1 + (size_t)table->column_count;
}

static int64_t *row_of(const struct sample_table *table, size_t row)
{
    return table->cells + row * width_of(table);
}

static int reserve(struct sample_table *table, size_t rows)
{
    return array_reserve(&table->cells, &table->capacity, rows,
                         width_of(table) * sizeof(*table->cells));
}

int sample_table_add(struct sample_table *table, int64_t identity, const struct record *record)
{
    if (!table->column_count)
        return 0;
    int result = reserve(table, table->count + 1);
    if (result)
        return result;
    int64_t *row = row_of(table, table->count++);
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

void sample_table_sort(struct sample_table *table)
{
    if (table->count)
        qsort(table->cells, table->count, width_of(table) * sizeof(*table->cells),
              compare_identities);
}

void sample_table_fill(const struct sample_table *table, struct record *record)
{
    if (!table->count)
        return;
    const int64_t *row = bsearch(&record->identity, table->cells, table->count,
                                 width_of(table) * sizeof(*table->cells), compare_identities);
    if (!row)
        return;
    for (unsigned i = 0; i < table->column_count; i++)
        if (row[1 + i] != INT64_MIN)
            record_set_integer(record, table->columns[i], row[1 + i]);
}

/* Little-endian base 128, as in Protocol Buffers and DWARF. */
static void append_varint(struct buffer *buffer, uint64_t integer)
{
    char bytes[10];
    size_t length = 0;
    do {
        bytes[length++] = (char)((integer & 0x7f) | (integer > 0x7f ? 0x80 : 0));
    } while (integer >>= 7);
    buffer_append(buffer, bytes, length);
}

static bool take_varint(const unsigned char **at, const unsigned char *end, uint64_t *ret_integer)
{
    uint64_t integer = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        unsigned char byte = *(*at)++;
        integer |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret_integer = integer;
            return true;
        }
    }
    return false;
}

/* 0 is "not known", others are the integer folded around zero (0 -> 1, -1 -> 2, 1 -> 3, ...). */
static uint64_t fold(int64_t integer)
{
    return integer == INT64_MIN ? 0 : ((uint64_t)integer << 1 ^ (uint64_t)(integer >> 63)) + 1;
}

static int64_t unfold(uint64_t folded)
{
    if (!folded)
        return INT64_MIN;
    folded--;
    return (int64_t)(folded >> 1 ^ (0 - (folded & 1)));
}

/* Rows, columns, the column numbers, the identities (each less the one before), then column by
 * column. */
void sample_table_encode(const struct sample_table *table, struct buffer *ret_bytes)
{
    int64_t before = 0;
    buffer_clear(ret_bytes);
    append_varint(ret_bytes, table->count);
    append_varint(ret_bytes, table->column_count);
    for (unsigned i = 0; i < table->column_count; i++)
        append_varint(ret_bytes, table->columns[i]);
    for (size_t row = 0; row < table->count; row++) {
        append_varint(ret_bytes, (uint64_t)row_of(table, row)[0] - (uint64_t)before);
        before = row_of(table, row)[0];
    }
    for (unsigned i = 0; i < table->column_count; i++)
        for (size_t row = 0; row < table->count; row++)
            append_varint(ret_bytes, fold(row_of(table, row)[1 + i]));
}

static bool decode_columns(const unsigned char **at, const unsigned char *end, uint64_t columns,
                           struct sample_table *table)
{
    if (columns > COLUMNS_MOST)
        return false;
    table->column_count = (unsigned)columns;
    for (unsigned i = 0; i < table->column_count; i++) {
        uint64_t column;
        if (!take_varint(at, end, &column) || column >= kinds[table->kind].column_count ||
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
        if (!take_varint(at, end, &integer))
            return false;
        identity += integer;
        row_of(table, row)[0] = (int64_t)identity;
    }
    for (unsigned i = 0; i < table->column_count; i++)
        for (size_t row = 0; row < table->count; row++) {
            if (!take_varint(at, end, &integer))
                return false;
            row_of(table, row)[1 + i] = unfold(integer);
        }
    return *at == end;
}

static int not_a_block(struct sample_table *table)
{
    sample_table_free(table);
    return error_set(ERROR_NOT_A_DATABASE, "a block of samples in the database is damaged");
}

int sample_table_decode(const void *bytes, size_t length, struct sample_table *table)
{
    const unsigned char *at = bytes, *end = at + length;
    uint64_t rows, columns;
    /* Each cell has at least one byte, so a short block cannot ask for much memory. */
    if (!take_varint(&at, end, &rows) || !take_varint(&at, end, &columns) ||
        !decode_columns(&at, end, columns, table) || rows > length / (1 + columns))
        return not_a_block(table);
    int result = reserve(table, rows);
    if (result)
        return result;
    table->count = rows;
    if (!decode_cells(&at, end, table))
        return not_a_block(table);
    sample_table_sort(table);
    return 0;
}

/* A row of table `sample`. */
struct block {
    int64_t snapshot;
    int64_t ordinal;
    int64_t base; /* snapshot, 0 for none */
    sqlite3_stmt *row;
};

static void block_end(struct block *block)
{
    sqlite3_finalize(block->row);
    block->row = NULL;
}

/* 1, 0 where the snapshot has no block of the kind, or an error. */
static int block_find(struct database *database, int64_t snapshot, enum kind kind,
                      struct block *ret_block)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int result = sql_prepare(database,
                             "SELECT block, ordinal, base_snapshot FROM sample"
                             " WHERE snapshot_id = ?1 AND kind = ?2",
                             &select);
    if (result)
        return result;
    sqlite3_bind_int64(select, 1, snapshot);
    sql_bind_text(select, 2, kinds[kind].name);
    result = sql_step(database, select);
    if (result <= 0)
        return result;
    *ret_block = (struct block){.snapshot = snapshot,
                                .ordinal = sqlite3_column_int64(select, 1),
                                .base = sql_known(select, 2, 0),
                                .row = steal_pointer(select)};
    return 1;
}

/* The encoded bytes of a snapshot's block; `depth` bounds the blocks that it may lean on. 1, 0
 * where there is none, or an error. */
static int read_bytes(struct database *database, int64_t snapshot, enum kind kind, int depth,
                      struct buffer *ret_bytes)
{
    _cleanup_(block_end) struct block block = {0};
    _cleanup_buffer_ struct buffer prefix = {0};
    int result = block_find(database, snapshot, kind, &block);
    if (result <= 0)
        return result;
    if (block.base) {
        result = depth ? read_bytes(database, block.base, kind, depth - 1, &prefix) : 0;
        if (result <= 0)
            return result ? result
                          : error_set(ERROR_NOT_A_DATABASE,
                                      "the samples of snapshot %lld lean on some that are missing",
                                      (long long)snapshot);
    }
    result =
        blob_unpack(sqlite3_column_blob(block.row, 0), (size_t)sqlite3_column_bytes(block.row, 0),
                    prefix.bytes, prefix.length, BLOCK_MOST, ret_bytes);
    return result ? result : 1;
}

/* Where the next block after the predecessor's stands: its ordinal, and the snapshot that it leans
 * on with that one's bytes (0 for none). */
static int find_place(struct database *database, int64_t predecessor, enum kind kind,
                      struct block *ret_place, struct buffer *ret_bytes)
{
    int64_t snapshot = predecessor, wanted = -1;
    for (int step = 0; step <= DEEPEST && snapshot; step++) {
        _cleanup_(block_end) struct block block = {0};
        int result = block_find(database, snapshot, kind, &block);
        if (result <= 0)
            return result;
        if (step == 0) {
            ret_place->ordinal = (block.ordinal + 1) % ALONE_EVERY;
            wanted = ret_place->ordinal & (ret_place->ordinal - 1);
            if (ret_place->ordinal == 0)
                return 0;
        }
        if (block.ordinal == wanted) {
            ret_place->base = snapshot;
            result = read_bytes(database, snapshot, kind, DEEPEST, ret_bytes);
            return result < 0 ? result : 0;
        }
        snapshot = block.base;
    }
    ret_place->ordinal = 0;
    return 0;
}

int sample_write(struct database *database, int64_t snapshot, int64_t predecessor,
                 const struct sample_table *table, struct digest *ret_digest)
{
    _cleanup_buffer_ struct buffer bytes = {0}, prefix = {0}, packed = {0};
    _cleanup_statement_ sqlite3_stmt *insert = NULL;
    struct block place = {0};
    sample_table_encode(table, &bytes);
    int result = buffer_error(&bytes);
    if (!result)
        result = find_place(database, predecessor, table->kind, &place, &prefix);
    if (!result)
        result = blob_pack(bytes.bytes, bytes.length, prefix.bytes, prefix.length, &packed);
    if (!result)
        result = sql_prepare(database,
                             "INSERT INTO sample (snapshot_id, kind, ordinal, base_snapshot, block)"
                             " VALUES (?1, ?2, ?3, ?4, ?5)",
                             &insert);
    if (result)
        return result;
    sqlite3_bind_int64(insert, 1, snapshot);
    sql_bind_text(insert, 2, kinds[table->kind].name);
    sqlite3_bind_int64(insert, 3, place.ordinal);
    sql_bind_known(insert, 4, place.base, 0);
    sqlite3_bind_blob64(insert, 5, packed.bytes, packed.length, SQLITE_STATIC);
    digest_of(bytes.bytes, bytes.length, ret_digest);
    return sql_run(database, insert);
}

int sample_read(struct database *database, int64_t snapshot, enum kind kind,
                struct sample_table *table, struct digest *ret_digest)
{
    _cleanup_buffer_ struct buffer bytes = {0};
    sample_table_begin(table, kind);
    if (!table->column_count)
        return 0;
    int result = read_bytes(database, snapshot, kind, DEEPEST, &bytes);
    if (result <= 0)
        return result;
    if (ret_digest)
        digest_of(bytes.bytes, bytes.length, ret_digest);
    return sample_table_decode(bytes.bytes, bytes.length, table);
}
