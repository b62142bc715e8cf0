/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/text_table.h"

#include "base/arena.h"
#include "base/error.h"
#include "schema/statement.h"

#include <string.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* A text that was asked for before. */
struct known_text {
    UT_hash_handle hh;
    int64_t row;
    size_t length;
    char *text;
};

struct text_table {
    struct database *database;
    struct arena *arena;
    struct known_text *known;
    sqlite3_stmt *select, *insert;
};

void text_table_free(struct text_table *table)
{
    if (!table)
        return;
    HASH_CLEAR(hh, table->known);
    arena_free(table->arena);
    sqlite3_finalize(table->select);
    sqlite3_finalize(table->insert);
    free(table);
}

int text_table_open(struct database *database, struct text_table **ret_table)
{
    _cleanup_(text_table_free_pointer) struct text_table *table = calloc(1, sizeof(*table));
    if (!table || !(table->arena = arena_new()))
        return error_memory();
    table->database = database;
    int result =
        sql_prepare(database, "SELECT id, value FROM text WHERE hash = ?1", &table->select);
    if (!result)
        result =
            sql_prepare(database, "INSERT INTO text (hash, value) VALUES (?1, ?2)", &table->insert);
    if (result)
        return result;
    *ret_table = steal_pointer(table);
    return 0;
}

static int64_t hash_of(const char *text, size_t length)
{
    struct digest digest;
    int64_t hash = 0;
    digest_of(text, length, &digest);
    for (unsigned i = 0; i < sizeof(hash); i++)
        hash |= (int64_t)((uint64_t)digest.bytes[i] << 8 * i);
    return hash;
}

/* 1 and the row, 0 when the text is not there, or an error. */
static int find(struct text_table *table, int64_t hash, const char *text, size_t length,
                int64_t *ret_row)
{
    int result;
    sqlite3_bind_int64(table->select, 1, hash);
    while ((result = sql_step(table->database, table->select)) > 0) {
        const void *value = sqlite3_column_text(table->select, 1);
        if (value && (size_t)sqlite3_column_bytes(table->select, 1) == length &&
            memcmp(value, text, length) == 0) {
            *ret_row = sqlite3_column_int64(table->select, 0);
            break;
        }
    }
    sqlite3_reset(table->select);
    return result;
}

static int insert(struct text_table *table, int64_t hash, const char *text, size_t length,
                  int64_t *ret_row)
{
    sqlite3_bind_int64(table->insert, 1, hash);
    sqlite3_bind_text64(table->insert, 2, text, length, SQLITE_STATIC, SQLITE_UTF8);
    int result = sql_run(table->database, table->insert);
    if (!result)
        *ret_row = sqlite3_last_insert_rowid(table->database->sqlite);
    return result;
}

static int remember(struct text_table *table, const char *text, size_t length, int64_t row)
{
    struct known_text *known = arena_take(table->arena, sizeof(*known));
    if (!known || !(known->text = arena_copy(table->arena, text, length)))
        return error_memory();
    known->length = length;
    known->row = row;
    HASH_ADD_KEYPTR(hh, table->known, known->text, known->length, known);
    return known->hh.tbl ? 0 : error_memory();
}

int text_table_row(struct text_table *table, const char *text, size_t length, int64_t *ret_row)
{
    struct known_text *known;
    HASH_FIND(hh, table->known, text, length, known);
    if (known) {
        *ret_row = known->row;
        return 0;
    }
    int64_t hash = hash_of(text, length), row = 0;
    int result = find(table, hash, text, length, &row);
    if (!result)
        result = insert(table, hash, text, length, &row);
    if (result < 0)
        return result;
    result = remember(table, text, length, row);
    if (!result)
        *ret_row = row;
    return result;
}
