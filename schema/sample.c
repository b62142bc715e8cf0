/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of samples in the database. */
#include "schema/sample.h"

#include "base/error.h"
#include "schema/blob.h"
#include "schema/sample_changes.h"
#include "schema/statement.h"

/* Every 64th block stands alone, every 16th leans on the one 16 before it, each other one on its
 * predecessor: so most tell little, and none is more than 3 + 15 steps from one that stands alone.
 */
enum { ALONE_EVERY = 64, LONG_STEP = 16, DEEPEST = 18, BLOCK_MOST = 64 * 1024 * 1024 };

/* Blocks of one kind, and one statement that finds them. */
struct blocks {
    struct database *database;
    enum kind kind;
    sqlite3_stmt *select;
};

static void blocks_end(struct blocks *blocks)
{
    sqlite3_finalize(blocks->select);
}

static int blocks_begin(struct database *database, enum kind kind, struct blocks *blocks)
{
    *blocks = (struct blocks){.database = database, .kind = kind};
    return sql_prepare(database,
                       "SELECT block, ordinal, base_snapshot FROM sample"
                       " WHERE snapshot_id = ?1 AND kind = ?2",
                       &blocks->select);
}

/* A row of table `sample`. */
struct block {
    int64_t ordinal;
    int64_t base;        /* snapshot, 0 for none */
    struct buffer bytes; /* unpacked */
};

static void block_end(struct block *block)
{
    buffer_free(&block->bytes);
}

/* 1, 0 where the snapshot has no block of the kind, or an error. `bytes` are unpacked if wanted. */
static int block_find(const struct blocks *blocks, int64_t snapshot, bool unpack,
                      struct block *ret_block)
{
    sqlite3_stmt *select = blocks->select;
    sqlite3_bind_int64(select, 1, snapshot);
    sql_bind_text(select, 2, kinds[blocks->kind].name);
    int result = sql_step(blocks->database, select);
    if (result > 0) {
        ret_block->ordinal = sqlite3_column_int64(select, 1);
        ret_block->base = sql_known(select, 2, 0);
    }
    if (result > 0 && unpack) {
        int unpacked =
            blob_unpack(sqlite3_column_blob(select, 0), (size_t)sqlite3_column_bytes(select, 0),
                        BLOCK_MOST, &ret_block->bytes);
        result = unpacked < 0 ? unpacked : 1;
    }
    sqlite3_reset(select);
    return result;
}

/* The snapshots whose blocks make a table together: its own first, the one that stands alone last.
 */
struct chain {
    int64_t snapshots[DEEPEST + 1];
    int length;
};

/* 1, 0 where the snapshot has no block, or an error. */
static int find_chain(const struct blocks *blocks, int64_t snapshot, struct chain *ret_chain)
{
    struct chain chain = {0};
    int64_t at = snapshot;
    do {
        struct block block = {0};
        int result = chain.length <= DEEPEST ? block_find(blocks, at, false, &block) : 0;
        if (!result && chain.length)
            return error_set(ERROR_NOT_A_DATABASE,
                             "the samples of snapshot %lld lean on some that are missing",
                             (long long)snapshot);
        if (result <= 0)
            return result;
        chain.snapshots[chain.length++] = at;
        at = block.base;
    } while (at);
    *ret_chain = chain;
    return 1;
}

/* The snapshot's table. 1, 0 where there is none, or an error. */
static int read_table(const struct blocks *blocks, int64_t snapshot, struct sample_table *table)
{
    _cleanup_(block_end) struct block block = {0};
    struct chain chain;
    int result = find_chain(blocks, snapshot, &chain);
    while (result > 0 && chain.length) {
        result = block_find(blocks, chain.snapshots[--chain.length], true, &block);
        if (result <= 0)
            return result;
        int decoded = block.base
                          ? sample_changes_decode(block.bytes.bytes, block.bytes.length, table)
                          : sample_table_decode(block.bytes.bytes, block.bytes.length, table);
        if (decoded)
            return decoded;
    }
    return result;
}

/* Where the next block after the predecessor's stands: its ordinal, and the snapshot that it leans
 * on, 0 for none. */
static int find_place(const struct blocks *blocks, int64_t predecessor, struct block *ret_place)
{
    int64_t snapshot = predecessor, wanted = 0;
    for (int step = 0; step <= DEEPEST && snapshot; step++) {
        struct block block = {0};
        int result = block_find(blocks, snapshot, false, &block);
        if (result <= 0)
            return result;
        if (step == 0) {
            ret_place->ordinal = (block.ordinal + 1) % ALONE_EVERY;
            wanted = ret_place->ordinal - (ret_place->ordinal % LONG_STEP ? 1 : LONG_STEP);
            if (ret_place->ordinal == 0)
                return 0;
        }
        if (block.ordinal == wanted) {
            ret_place->base = snapshot;
            return 0;
        }
        snapshot = block.base;
    }
    ret_place->ordinal = 0;
    return 0;
}

/* The bytes of the next block, `whole` being the table's own, and its place. */
static int make_block(const struct blocks *blocks, int64_t predecessor,
                      const struct sample_table *table, const struct buffer *whole,
                      struct block *place)
{
    _cleanup_sample_table_ struct sample_table base = {.kind = table->kind};
    int result = find_place(blocks, predecessor, place);
    if (!result && place->base)
        result = read_table(blocks, place->base, &base);
    if (result < 0)
        return result;
    if (place->base && sample_same_columns(table, &base))
        return sample_changes_encode(table, &base, &place->bytes);
    place->base = 0; /* of another version of the program */
    place->ordinal = 0;
    buffer_clear(&place->bytes);
    buffer_append(&place->bytes, whole->bytes, whole->length);
    return buffer_error(&place->bytes);
}

static int insert_block(struct database *database, int64_t snapshot, enum kind kind,
                        const struct block *block)
{
    _cleanup_buffer_ struct buffer packed = {0};
    _cleanup_statement_ sqlite3_stmt *insert = NULL;
    int result = blob_pack(block->bytes.bytes, block->bytes.length, &packed);
    if (!result)
        result = sql_prepare(database,
                             "INSERT INTO sample (snapshot_id, kind, ordinal, base_snapshot, block)"
                             " VALUES (?1, ?2, ?3, ?4, ?5)",
                             &insert);
    if (result)
        return result;
    sqlite3_bind_int64(insert, 1, snapshot);
    sql_bind_text(insert, 2, kinds[kind].name);
    sqlite3_bind_int64(insert, 3, block->ordinal);
    sql_bind_known(insert, 4, block->base, 0);
    sqlite3_bind_blob64(insert, 5, packed.bytes, packed.length, SQLITE_STATIC);
    return sql_run(database, insert);
}

int sample_write(struct database *database, int64_t snapshot, int64_t predecessor,
                 const struct sample_table *table, struct digest *ret_digest)
{
    _cleanup_(blocks_end) struct blocks blocks = {0};
    _cleanup_(block_end) struct block block = {0};
    _cleanup_buffer_ struct buffer whole = {0};
    sample_table_encode(table, &whole);
    int result = buffer_error(&whole);
    if (!result)
        digest_of(whole.bytes, whole.length, ret_digest);
    int begun = blocks_begin(database, table->kind, &blocks);
    if (!result)
        result = begun;
    if (!result)
        result = make_block(&blocks, predecessor, table, &whole, &block);
    return result ? result : insert_block(database, snapshot, table->kind, &block);
}

static int digest_table(const struct sample_table *table, struct digest *ret_digest)
{
    _cleanup_buffer_ struct buffer whole = {0};
    sample_table_encode(table, &whole);
    int result = buffer_error(&whole);
    if (!result)
        digest_of(whole.bytes, whole.length, ret_digest);
    return result;
}

int sample_read(struct database *database, int64_t snapshot, enum kind kind,
                struct sample_table *table, struct digest *ret_digest)
{
    _cleanup_(blocks_end) struct blocks blocks = {0};
    sample_table_begin(table, kind);
    if (!table->column_count)
        return 0;
    int result = blocks_begin(database, kind, &blocks);
    if (!result)
        result = read_table(&blocks, snapshot, table);
    return result > 0 && ret_digest ? digest_table(table, ret_digest) : result < 0 ? result : 0;
}
