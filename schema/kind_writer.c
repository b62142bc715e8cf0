/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/kind_writer.h"

#include "base/arena.h"
#include "base/error.h"
#include "schema/statement.h"

#include <string.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* How many earlier states of a key are asked whether they are of the same thing. */
enum { STATES_ASKED = 16 };

/* A state that holds: as the predecessor left it, or written now. */
struct open_state {
    UT_hash_handle hh;
    struct digest digest;
    int64_t state;    /* row */
    int64_t identity; /* row of the thing */
    bool seen;        /* in this snapshot */
};

/* A thing of which this snapshot has a record. */
struct seen_thing {
    UT_hash_handle hh;
    int64_t identity;
};

struct kind_writer {
    struct write_context *context;
    enum kind kind;
    struct arena *arena;
    struct open_state *by_digest;
    struct seen_thing *seen;
    struct sample_table samples;
    sqlite3_stmt *find_thing, *insert_thing, *end_state, *insert_state;
};

static const struct kind_info *info_of(const struct kind_writer *writer)
{
    return &kinds[writer->kind];
}

void kind_writer_free(struct kind_writer *writer)
{
    if (!writer)
        return;
    HASH_CLEAR(hh, writer->by_digest);
    HASH_CLEAR(hh, writer->seen);
    arena_free(writer->arena);
    sample_table_free(&writer->samples);
    sqlite3_finalize(writer->find_thing);
    sqlite3_finalize(writer->insert_thing);
    sqlite3_finalize(writer->end_state);
    sqlite3_finalize(writer->insert_state);
    free(writer);
}

/* Statements are prepared when the first record needs them: on a host that stands still none does,
 * and to prepare them all takes longer than to compare a thousand records. */
static int prepare(struct kind_writer *writer, struct buffer *sql, sqlite3_stmt **ret_statement)
{
    int result = buffer_error(sql);
    return result ? result
                  : sql_prepare(writer->context->database, buffer_text(sql), ret_statement);
}

/* The things of this boot (or host) with the record's key, newest state first, with the columns
 * that tell whether it is the same thing. The plus keeps SQLite from the index of a host's states
 * by time, which is a walk over all of them: it takes that of the key. */
static int prepare_find_thing(struct kind_writer *writer)
{
    if (writer->find_thing)
        return 0;
    _cleanup_buffer_ struct buffer sql = {0};
    const struct kind_info *kind = info_of(writer);
    buffer_append_format(&sql, "SELECT %s_id", kind->name);
    for (unsigned column = 0; column < kind->column_count; column++)
        if (kind->columns[column].flags & (STRONG | WEAK))
            buffer_append_format(&sql, ", %s", kind->columns[column].name);
    buffer_append_format(&sql, " FROM %s_history WHERE %s = ?1", kind->name,
                         kind->bound_to_boot ? "boot" : "+host_id");
    int parameter = 2;
    for (unsigned column = 0; column < kind->column_count; column++)
        if (kind->columns[column].flags & KEY)
            buffer_append_format(&sql, " AND %s IS ?%d", kind->columns[column].name, parameter++);
    buffer_append_format(&sql, " ORDER BY first_snapshot DESC LIMIT %d", STATES_ASKED);
    return prepare(writer, &sql, &writer->find_thing);
}

static int prepare_insert_thing(struct kind_writer *writer)
{
    if (writer->insert_thing)
        return 0;
    _cleanup_buffer_ struct buffer sql = {0}, values = {0};
    const struct kind_info *kind = info_of(writer);
    int parameter = 2;
    buffer_append_format(&sql, "INSERT INTO %s (%s", kind->name,
                         kind->bound_to_boot ? "boot" : "host_id");
    for (unsigned column = 0; column < kind->column_count; column++)
        if (kind->columns[column].flags & KEY) {
            buffer_append_format(&sql, ", %s", kind->columns[column].name);
            buffer_append_format(&values, ", ?%d", parameter++);
        }
    buffer_append_format(&sql, ") VALUES (?1%s)", buffer_text(&values));
    return prepare(writer, &sql, &writer->insert_thing);
}

/* Stored with the state: state, and the strong key, which may become known later than the thing. */
static bool is_in_state(const struct column *column)
{
    return column->class == STATE || (column->class == IDENTITY && !(column->flags & KEY));
}

static int prepare_insert_state(struct kind_writer *writer)
{
    if (writer->insert_state)
        return 0;
    _cleanup_buffer_ struct buffer sql = {0}, values = {0};
    const struct kind_info *kind = info_of(writer);
    int parameter = 5;
    buffer_append_format(&sql, "INSERT INTO %s_state (%s_id, host_id, first_snapshot, digest",
                         kind->name, kind->name);
    for (unsigned column = 0; column < kind->column_count; column++)
        if (is_in_state(&kind->columns[column])) {
            buffer_append_format(&sql, ", %s%s", kind->columns[column].name,
                                 kind->columns[column].flags & SHARED ? "_id" : "");
            buffer_append_format(&values, ", ?%d", parameter++);
        }
    buffer_append_format(&sql, ") VALUES (?1, ?2, ?3, ?4%s)", buffer_text(&values));
    return prepare(writer, &sql, &writer->insert_state);
}

static int prepare_end_state(struct kind_writer *writer)
{
    if (writer->end_state)
        return 0;
    _cleanup_buffer_ struct buffer sql = {0};
    buffer_append_format(&sql, "UPDATE %s_state SET last_snapshot = ?2 WHERE id = ?1",
                         info_of(writer)->name);
    return prepare(writer, &sql, &writer->end_state);
}

static int remember(struct kind_writer *writer, const struct digest *digest, int64_t state,
                    int64_t identity, struct open_state **ret_open)
{
    struct open_state *open = arena_take(writer->arena, sizeof(*open));
    if (!open)
        return error_memory();
    open->digest = *digest;
    open->state = state;
    open->identity = identity;
    HASH_ADD(hh, writer->by_digest, digest, sizeof(open->digest), open);
    if (!open->hh.tbl)
        return error_memory();
    *ret_open = open;
    return 0;
}

/* The states that the predecessor left open, from an index that holds nothing else. */
static int load_open_states(struct kind_writer *writer)
{
    _cleanup_buffer_ struct buffer sql = {0};
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    const char *name = info_of(writer)->name;
    struct database *database = writer->context->database;
    buffer_append_format(&sql,
                         "SELECT digest, id, %s_id FROM %s_state INDEXED BY %s_state_open"
                         " WHERE host_id = ?1 AND last_snapshot IS NULL",
                         name, name, name);
    int result = prepare(writer, &sql, &select);
    if (result)
        return result;
    sqlite3_bind_int64(select, 1, writer->context->host_id);
    while ((result = sql_step(database, select)) > 0) {
        struct digest digest;
        struct open_state *open;
        sql_digest(select, 0, &digest);
        result = remember(writer, &digest, sqlite3_column_int64(select, 1),
                          sqlite3_column_int64(select, 2), &open);
        if (result)
            return result;
    }
    return result;
}

int kind_writer_open(struct write_context *context, enum kind kind, struct kind_writer **ret_writer)
{
    struct kind_writer *writer = calloc(1, sizeof(*writer));
    if (!writer || !(writer->arena = arena_new())) {
        free(writer);
        return error_memory();
    }
    writer->context = context;
    writer->kind = kind;
    sample_table_begin(&writer->samples, kind);
    int result = load_open_states(writer);
    if (result) {
        kind_writer_free(writer);
        return result;
    }
    *ret_writer = writer;
    return 0;
}

/* ?1 is the boot or host, the key columns follow. */
static void bind_key(struct kind_writer *writer, sqlite3_stmt *statement,
                     const struct record *record)
{
    const struct kind_info *kind = info_of(writer);
    int parameter = 2;
    sqlite3_bind_int64(statement, 1,
                       kind->bound_to_boot ? writer->context->boot : writer->context->host_id);
    for (unsigned column = 0; column < kind->column_count; column++)
        if (kind->columns[column].flags & KEY)
            sql_bind_value(statement, parameter++, &record->values[column]);
}

static bool column_equals(sqlite3_stmt *row, int at, const struct value *value)
{
    if (value->type == VALUE_INTEGER)
        return sqlite3_column_int64(row, at) == value->integer;
    const void *text = sqlite3_column_text(row, at);
    return text && (uint32_t)sqlite3_column_bytes(row, at) == value->length &&
           memcmp(text, value->text, value->length) == 0;
}

enum likeness { ANOTHER_THING, NOTHING_CONTRADICTS, SAME_THING };

/* Whether a stored state is of the record's thing: by the strong key where both have it, else by
 * whether anything in the weak columns contradicts. (A strong column stands before the weak ones.)
 */
static enum likeness likeness_of(struct kind_writer *writer, sqlite3_stmt *row,
                                 const struct record *record)
{
    const struct kind_info *kind = info_of(writer);
    enum likeness likeness = NOTHING_CONTRADICTS;
    int at = 0;
    for (unsigned column = 0; column < kind->column_count; column++) {
        unsigned flags = kind->columns[column].flags;
        if (!(flags & (STRONG | WEAK)))
            continue;
        const struct value *value = &record->values[column];
        at++;
        if (value->type == VALUE_NULL || sqlite3_column_type(row, at) == SQLITE_NULL)
            continue;
        bool equal = column_equals(row, at, value);
        if (flags & STRONG)
            return equal ? SAME_THING : ANOTHER_THING;
        if (!equal)
            likeness = ANOTHER_THING;
    }
    return likeness;
}

/* The record's thing among those with its key: any that the strong key names; else the one that had
 * the key last, if nothing contradicts. 0 where there is none. */
static int find_thing(struct kind_writer *writer, const struct record *record,
                      int64_t *ret_identity)
{
    struct database *database = writer->context->database;
    int64_t last = 0, identity = 0;
    int result = prepare_find_thing(writer);
    if (result)
        return result;
    bind_key(writer, writer->find_thing, record);
    while ((result = sql_step(database, writer->find_thing)) > 0) {
        int64_t candidate = sqlite3_column_int64(writer->find_thing, 0);
        enum likeness likeness = likeness_of(writer, writer->find_thing, record);
        if (likeness == SAME_THING) {
            identity = candidate;
            break;
        }
        if (!last && likeness == NOTHING_CONTRADICTS)
            identity = candidate;
        else if (candidate == identity && likeness == ANOTHER_THING)
            identity = 0;
        last = candidate;
    }
    sqlite3_reset(writer->find_thing);
    *ret_identity = identity;
    return result < 0 ? result : 0;
}

static int insert_thing(struct kind_writer *writer, const struct record *record,
                        int64_t *ret_identity)
{
    struct database *database = writer->context->database;
    int result = prepare_insert_thing(writer);
    if (result)
        return result;
    bind_key(writer, writer->insert_thing, record);
    result = sql_run(database, writer->insert_thing);
    if (!result)
        *ret_identity = sqlite3_last_insert_rowid(database->sqlite);
    return result;
}

static int bind_state_column(struct kind_writer *writer, int parameter, unsigned column,
                             const struct value *value)
{
    int64_t row;
    if (!(info_of(writer)->columns[column].flags & SHARED) || value->type != VALUE_TEXT) {
        sql_bind_value(writer->insert_state, parameter, value);
        return 0;
    }
    int result = text_table_row(writer->context->texts, value->text, value->length, &row);
    if (!result)
        sqlite3_bind_int64(writer->insert_state, parameter, row);
    return result;
}

static int insert_state(struct kind_writer *writer, const struct record *record, int64_t identity,
                        const struct digest *digest)
{
    const struct kind_info *kind = info_of(writer);
    struct database *database = writer->context->database;
    struct open_state *open;
    int parameter = 5, result = prepare_insert_state(writer);
    if (result)
        return result;
    sqlite3_stmt *insert = writer->insert_state;
    sqlite3_bind_int64(insert, 1, identity);
    sqlite3_bind_int64(insert, 2, writer->context->host_id);
    sqlite3_bind_int64(insert, 3, writer->context->snapshot);
    sqlite3_bind_blob(insert, 4, digest->bytes, DIGEST_SIZE, SQLITE_STATIC);
    for (unsigned column = 0; column < kind->column_count; column++)
        if (is_in_state(&kind->columns[column])) {
            result = bind_state_column(writer, parameter++, column, &record->values[column]);
            if (result)
                return result;
        }
    result = sql_run(database, insert);
    if (!result)
        result =
            remember(writer, digest, sqlite3_last_insert_rowid(database->sqlite), identity, &open);
    if (!result)
        open->seen = true;
    return result;
}

/* Notes that this snapshot has a record of the thing; `ret_again` says whether it had one before.
 */
static int see(struct kind_writer *writer, int64_t identity, bool *ret_again)
{
    struct seen_thing *thing;
    HASH_FIND(hh, writer->seen, &identity, sizeof(identity), thing);
    *ret_again = thing;
    if (thing)
        return 0;
    thing = arena_take(writer->arena, sizeof(*thing));
    if (!thing)
        return error_memory();
    thing->identity = identity;
    HASH_ADD(hh, writer->seen, identity, sizeof(thing->identity), thing);
    return thing->hh.tbl ? 0 : error_memory();
}

/* The record's thing: that of the open state, else one that was there before, else a new one. */
static int identify(struct kind_writer *writer, const struct record *record,
                    const struct open_state *open, int64_t *ret_identity)
{
    *ret_identity = open ? open->identity : 0;
    int result = open ? 0 : find_thing(writer, record, ret_identity);
    return result || *ret_identity ? result : insert_thing(writer, record, ret_identity);
}

int kind_writer_record(struct kind_writer *writer, const struct record *record)
{
    struct open_state *open;
    struct digest digest;
    int64_t identity;
    bool again = false;
    int result =
        record_digest(record, writer->context->boot_id, &writer->context->scratch, &digest);
    if (result)
        return result;
    HASH_FIND(hh, writer->by_digest, &digest, sizeof(digest), open);
    result = identify(writer, record, open, &identity);
    if (!result)
        result = see(writer, identity, &again);
    if (result || again)
        return result;
    if (open)
        open->seen = true;
    else
        result = insert_state(writer, record, identity, &digest);
    return result ? result : sample_table_add(&writer->samples, identity, record);
}

int kind_writer_finish(struct kind_writer *writer)
{
    struct open_state *open, *next;
    HASH_ITER (hh, writer->by_digest, open, next) {
        if (open->seen)
            continue;
        int result = prepare_end_state(writer);
        if (result)
            return result;
        sqlite3_bind_int64(writer->end_state, 1, open->state);
        sqlite3_bind_int64(writer->end_state, 2, writer->context->predecessor);
        result = sql_run(writer->context->database, writer->end_state);
        if (result)
            return result;
    }
    sample_table_sort(&writer->samples);
    return 0;
}

size_t kind_writer_count(const struct kind_writer *writer)
{
    return HASH_COUNT(writer->seen);
}

void kind_writer_digests(const struct kind_writer *writer, struct digest *digests)
{
    for (const struct open_state *open = writer->by_digest; open; open = open->hh.next)
        if (open->seen)
            *digests++ = open->digest;
}

struct sample_table *kind_writer_samples(struct kind_writer *writer)
{
    return &writer->samples;
}
