/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/writer.h"

#include "base/error.h"
#include "schema/blob.h"
#include "schema/kind_writer.h"
#include "schema/reader.h"
#include "schema/seal.h"
#include "schema/statement.h"

#include <pthread.h>
#include <string.h>

struct writer {
    struct database *database;
    pthread_mutex_t mutex; /* SQLite and everything below is one thread's at a time */
    struct sink sink;
    bool in_transaction;
    struct snapshot snapshot; /* as it will stand; its texts are the caller's */
    struct write_context context;
    struct kind_writer *kinds[KIND_COUNT];
};

void writer_free(struct writer *writer)
{
    if (!writer)
        return;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        kind_writer_free(writer->kinds[kind]);
    text_table_free(writer->context.texts);
    buffer_free(&writer->context.scratch);
    if (writer->in_transaction)
        sqlite3_exec(writer->database->sqlite, "ROLLBACK", NULL, NULL, NULL);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}

/* The row that `select` finds, else the one that `insert` makes; both have the same parameters
 * bound. */
static int find_or_insert(struct database *database, sqlite3_stmt *select, sqlite3_stmt *insert,
                          int64_t *ret_row)
{
    int result = sql_step(database, select);
    if (result > 0)
        *ret_row = sqlite3_column_int64(select, 0);
    if (result)
        return result > 0 ? 0 : result;
    result = sql_run(database, insert);
    if (!result)
        *ret_row = sqlite3_last_insert_rowid(database->sqlite);
    return result;
}

/* A host is its machine-id; one without is its name. */
static int find_host(struct writer *writer, const struct snapshot_facts *facts)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL, *insert = NULL, *rename = NULL;
    struct database *database = writer->database;
    int result = sql_prepare(database,
                             "SELECT id FROM host WHERE machine_id IS ?1"
                             " AND (?1 IS NOT NULL OR name = ?2)",
                             &select);
    if (!result)
        result =
            sql_prepare(database, "INSERT INTO host (machine_id, name) VALUES (?1, ?2)", &insert);
    if (!result)
        result = sql_prepare(database, "UPDATE host SET name = ?2 WHERE id = ?1 AND name <> ?2",
                             &rename);
    if (result)
        return result;
    sqlite3_stmt *both[] = {select, insert};
    for (int i = 0; i < 2; i++) {
        sql_bind_text(both[i], 1, facts->machine_id);
        sql_bind_text(both[i], 2, facts->host);
    }
    result = find_or_insert(database, select, insert, &writer->context.host_id);
    if (result)
        return result;
    sqlite3_bind_int64(rename, 1, writer->context.host_id);
    sql_bind_text(rename, 2, facts->host);
    return sql_run(database, rename);
}

static int find_boot(struct writer *writer, const struct snapshot_facts *facts)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL, *insert = NULL, *moment = NULL;
    struct database *database = writer->database;
    int result = sql_prepare(database,
                             "SELECT id FROM boot WHERE host_id = ?1 AND boot_id IS ?2"
                             " AND kernel IS ?3 AND architecture IS ?4 AND clock_ticks = ?5",
                             &select);
    if (!result)
        result =
            sql_prepare(database,
                        "INSERT INTO boot (host_id, boot_id, kernel, architecture, clock_ticks,"
                        " booted_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        &insert);
    if (!result)
        result = sql_prepare(database, "SELECT booted_at FROM boot WHERE id = ?1", &moment);
    if (result)
        return result;
    sqlite3_stmt *both[] = {select, insert};
    for (int i = 0; i < 2; i++) {
        sqlite3_bind_int64(both[i], 1, writer->context.host_id);
        sql_bind_text(both[i], 2, facts->boot_id);
        sql_bind_text(both[i], 3, facts->kernel);
        sql_bind_text(both[i], 4, facts->architecture);
        sqlite3_bind_int64(both[i], 5, facts->clock_ticks);
    }
    sql_bind_known(insert, 6, facts->booted_at, -1);
    result = find_or_insert(database, select, insert, &writer->context.boot);
    if (result)
        return result;
    /* The clock may have been set since: the boot's moment is what its first snapshot said. */
    sqlite3_bind_int64(moment, 1, writer->context.boot);
    result = sql_step(database, moment);
    if (result > 0)
        writer->snapshot.facts.booted_at = sql_known(moment, 0, -1);
    return result < 0 ? result : 0;
}

static int find_predecessor(struct writer *writer)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    struct snapshot *snapshot = &writer->snapshot;
    int64_t last = 0;
    int result = sql_integer(writer->database,
                             "SELECT seq FROM sqlite_sequence WHERE name = 'snapshot'", 0, &last);
    if (!result)
        result = sql_prepare(writer->database,
                             "SELECT id, digest FROM snapshot WHERE host_id = ?1"
                             " ORDER BY id DESC LIMIT 1",
                             &select);
    if (result)
        return result;
    snapshot->id = last + 1;
    snapshot->host_id = writer->context.host_id;
    sqlite3_bind_int64(select, 1, snapshot->host_id);
    result = sql_step(writer->database, select);
    if (result > 0) {
        snapshot->predecessor = sqlite3_column_int64(select, 0);
        sql_digest(select, 1, &snapshot->predecessor_digest);
    }
    return result < 0 ? result : 0;
}

static int open_kinds(struct writer *writer)
{
    struct write_context *context = &writer->context;
    context->database = writer->database;
    context->snapshot = writer->snapshot.id;
    context->predecessor = writer->snapshot.predecessor;
    context->boot_id = writer->snapshot.facts.boot_id;
    int result = text_table_open(writer->database, &context->texts);
    for (enum kind kind = 0; !result && kind < KIND_COUNT; kind++)
        result = kind_writer_open(context, kind, &writer->kinds[kind]);
    return result;
}

/* Binds the row of a text, null for none. */
static int bind_shared(struct writer *writer, sqlite3_stmt *insert, int parameter, const char *text)
{
    int64_t row;
    if (!text) {
        sqlite3_bind_null(insert, parameter);
        return 0;
    }
    int result = text_table_row(writer->context.texts, text, strlen(text), &row);
    if (!result)
        sqlite3_bind_int64(insert, parameter, row);
    return result;
}

/* The snapshot stands before its records do: were it the other way, SQLite would look through every
 * state ever recorded for those that waited for it (foreign keys). What is known only at the end is
 * filled in by complete_snapshot(). */
static int insert_snapshot(struct writer *writer)
{
    _cleanup_statement_ sqlite3_stmt *insert = NULL;
    const struct snapshot *snapshot = &writer->snapshot;
    const struct snapshot_facts *facts = &snapshot->facts;
    int result = sql_prepare(
        writer->database,
        "INSERT INTO snapshot (id, host_id, boot, predecessor_id, uuid, taken_at, boottime,"
        " duration_ns, clock_synchronized, load_average, forks, processes_ended, label, note,"
        " hostname_id, recorder_id, privileges_id, without_id, digest, namespace_count,"
        " process_count, thread_count, mount_count, container_count, cgroup_count,"
        " discrepancy_count, gap_count)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?)",
        &insert);
    if (result)
        return result;
    int at = 1;
    sqlite3_bind_int64(insert, at++, snapshot->id);
    sqlite3_bind_int64(insert, at++, snapshot->host_id);
    sqlite3_bind_int64(insert, at++, writer->context.boot);
    sql_bind_known(insert, at++, snapshot->predecessor, 0);
    sql_bind_text(insert, at++, snapshot->uuid);
    sqlite3_bind_int64(insert, at++, facts->taken_at);
    sql_bind_known(insert, at++, facts->boottime, -1);
    sql_bind_known(insert, at++, facts->duration_ns, -1);
    sql_bind_known(insert, at++, facts->clock_synchronized, -1);
    sql_bind_text(insert, at++, facts->load_average);
    sql_bind_known(insert, at++, facts->forks, -1);
    sql_bind_known(insert, at++, facts->processes_ended, -1);
    sql_bind_text(insert, at++, facts->label);
    sql_bind_text(insert, at++, facts->note);
    const char *const shared[] = {facts->host, facts->recorder, facts->privileges, facts->without};
    for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++) {
        result = bind_shared(writer, insert, at++, shared[i]);
        if (result)
            return result;
    }
    sqlite3_bind_blob(insert, at++, snapshot->digest.bytes, DIGEST_SIZE, SQLITE_STATIC);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        sqlite3_bind_int64(insert, at++, snapshot->counts[kind]);
    return sql_run(writer->database, insert);
}

static int complete_snapshot(struct writer *writer)
{
    _cleanup_statement_ sqlite3_stmt *update = NULL;
    const struct snapshot *snapshot = &writer->snapshot;
    const struct snapshot_facts *facts = &snapshot->facts;
    int result = sql_prepare(
        writer->database,
        "UPDATE snapshot SET taken_at = ?, boottime = ?, duration_ns = ?, processes_ended = ?,"
        " digest = ?, namespace_count = ?, process_count = ?, thread_count = ?, mount_count = ?,"
        " container_count = ?, cgroup_count = ?, discrepancy_count = ?, gap_count = ?"
        " WHERE id = ?",
        &update);
    if (result)
        return result;
    int at = 1;
    sqlite3_bind_int64(update, at++, facts->taken_at);
    sql_bind_known(update, at++, facts->boottime, -1);
    sql_bind_known(update, at++, facts->duration_ns, -1);
    sql_bind_known(update, at++, facts->processes_ended, -1);
    sqlite3_bind_blob(update, at++, snapshot->digest.bytes, DIGEST_SIZE, SQLITE_STATIC);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        sqlite3_bind_int64(update, at++, snapshot->counts[kind]);
    sqlite3_bind_int64(update, at, snapshot->id);
    return sql_run(writer->database, update);
}

static int take_record(void *userdata, const struct record *record)
{
    struct writer *writer = userdata;
    pthread_mutex_lock(&writer->mutex);
    int result = kind_writer_record(writer->kinds[record->kind], record);
    pthread_mutex_unlock(&writer->mutex);
    return result;
}

int writer_begin(struct database *database, const struct snapshot_facts *facts,
                 struct writer **ret_writer)
{
    _cleanup_writer_ struct writer *writer = calloc(1, sizeof(*writer));
    if (!writer)
        return error_memory();
    writer->database = database;
    writer->snapshot.facts = *facts;
    writer->sink = (struct sink){.record = take_record, .userdata = writer};
    pthread_mutex_init(&writer->mutex, NULL);
    uuid_new(writer->snapshot.uuid);
    /* Before the host is read: what the records are compared with must not change meanwhile. */
    int result = sql_execute(database, "BEGIN IMMEDIATE");
    if (result)
        return result;
    writer->in_transaction = true;
    result = find_host(writer, facts);
    if (!result)
        result = find_boot(writer, facts);
    if (!result)
        result = find_predecessor(writer);
    if (!result)
        result = open_kinds(writer);
    if (!result)
        result = insert_snapshot(writer);
    if (result)
        return result;
    *ret_writer = steal_pointer(writer);
    return 0;
}

const struct sink *writer_sink(struct writer *writer)
{
    return &writer->sink;
}

int writer_blob(struct writer *writer, const void *bytes, size_t length, struct digest *ret_digest)
{
    pthread_mutex_lock(&writer->mutex);
    int result = blob_write(writer->database, bytes, length, ret_digest);
    pthread_mutex_unlock(&writer->mutex);
    return result;
}

static int each_of(struct cursor *cursor, int (*each)(void *context, const struct record *record),
                   void *context)
{
    const struct record *record;
    int result;
    while ((result = cursor_next(cursor, &record)) > 0 && (result = each(context, record)) >= 0)
        continue;
    return result;
}

int writer_each_before(struct writer *writer, enum kind kind,
                       int (*each)(void *context, const struct record *record), void *context)
{
    _cleanup_snapshot_ struct snapshot *before = NULL;
    _cleanup_cursor_ struct cursor *cursor = NULL;
    pthread_mutex_lock(&writer->mutex);
    int result = 0;
    if (writer->snapshot.predecessor)
        result = snapshot_find(writer->database, writer->snapshot.predecessor, &before);
    if (!result && before && before->counts[kind])
        result = cursor_open(writer->database, before, kind, &cursor);
    if (!result && cursor)
        result = each_of(cursor, each, context);
    pthread_mutex_unlock(&writer->mutex);
    return result;
}

/* Ends what went, counts what holds, and seals. */
static int finish(struct writer *writer)
{
    struct seal seal = {0};
    size_t count = 0;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        int result = kind_writer_finish(writer->kinds[kind]);
        if (result)
            return result;
        size_t of_kind = kind_writer_count(writer->kinds[kind]);
        writer->snapshot.counts[kind] = (int64_t)of_kind;
        count += of_kind;
    }
    _cleanup_free_ struct digest *states = calloc(count + 1, sizeof(*states));
    if (!states)
        return error_memory();
    seal.states = states;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        kind_writer_digests(writer->kinds[kind], states + seal.state_count);
        seal.state_count += kind_writer_count(writer->kinds[kind]);
        const struct sample_table *samples = kind_writer_samples(writer->kinds[kind]);
        int result = samples->count
                         ? sample_write(writer->database, writer->snapshot.id,
                                        writer->snapshot.predecessor, samples, &seal.samples[kind])
                         : 0;
        if (result)
            return result;
    }
    return seal_compute(&writer->snapshot, &seal, &writer->snapshot.digest);
}

int writer_commit(struct writer *writer, const struct snapshot_facts *facts,
                  struct snapshot **ret_snapshot)
{
    writer->snapshot.facts.taken_at = facts->taken_at;
    writer->snapshot.facts.boottime = facts->boottime;
    writer->snapshot.facts.duration_ns = facts->duration_ns;
    writer->snapshot.facts.processes_ended = facts->processes_ended;
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    int result = finish(writer);
    if (!result)
        result = complete_snapshot(writer);
    /* What may fail comes first, so that an error means that nothing was stored. */
    if (!result)
        result = snapshot_find(writer->database, writer->snapshot.id, &snapshot);
    if (!result)
        result = sql_execute(writer->database, "COMMIT");
    if (result)
        return result;
    writer->in_transaction = false;
    *ret_snapshot = steal_pointer(snapshot);
    return 0;
}
