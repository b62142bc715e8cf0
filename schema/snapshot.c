/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/snapshot.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "schema/record.h"
#include "schema/statement.h"

#include <string.h>

/* What snapshot_free() gets is the first member of this. */
struct snapshot_owner {
    struct snapshot snapshot;
    struct arena *arena;
};

#define SELECT_SNAPSHOT                                                                            \
    "SELECT snapshot.id, snapshot.host_id, snapshot.predecessor_id, uuid, snapshot.digest,"        \
    " hostname.value, host.machine_id, boot.boot_id, boot.kernel, boot.architecture,"              \
    " recorder.value, label, note, without.value, privileges.value, taken_at, boottime,"           \
    " boot.booted_at, boot.clock_ticks, clock_synchronized, load_average, forks, duration_ns,"     \
    " processes_ended, namespace_count, process_count, thread_count, mount_count,"                 \
    " container_count, cgroup_count, discrepancy_count, gap_count,"                                \
    " (SELECT digest FROM snapshot AS before WHERE before.id = snapshot.predecessor_id),"          \
    " (SELECT max(id) FROM snapshot)"                                                              \
    " FROM snapshot JOIN host ON host.id = snapshot.host_id"                                       \
    " JOIN boot ON boot.id = snapshot.boot"                                                        \
    " LEFT JOIN text AS hostname ON hostname.id = hostname_id"                                     \
    " LEFT JOIN text AS recorder ON recorder.id = recorder_id"                                     \
    " LEFT JOIN text AS without ON without.id = without_id"                                        \
    " LEFT JOIN text AS privileges ON privileges.id = privileges_id "

enum {
    OF_ID,
    OF_HOST_ID,
    OF_PREDECESSOR,
    OF_UUID,
    OF_DIGEST,
    OF_HOST,
    OF_MACHINE_ID,
    OF_BOOT_ID,
    OF_KERNEL,
    OF_ARCHITECTURE,
    OF_RECORDER,
    OF_LABEL,
    OF_NOTE,
    OF_WITHOUT,
    OF_PRIVILEGES,
    OF_TAKEN_AT,
    OF_BOOTTIME,
    OF_BOOTED_AT,
    OF_CLOCK_TICKS,
    OF_CLOCK_SYNCHRONIZED,
    OF_LOAD_AVERAGE,
    OF_FORKS,
    OF_DURATION,
    OF_PROCESSES_ENDED,
    OF_COUNTS,
    OF_PREDECESSOR_DIGEST = OF_COUNTS + KIND_COUNT,
    OF_NEWEST,
};

void snapshot_free(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    struct snapshot_owner *owner = (struct snapshot_owner *)snapshot;
    arena_free(owner->arena);
    free(owner);
}

static const char *copy_text(struct arena *arena, sqlite3_stmt *row, int column, bool *failed)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    if (!text)
        return NULL;
    char *copy = arena_copy(arena, text, strlen(text));
    *failed |= !copy;
    return copy;
}

static void load_facts(struct snapshot_facts *facts, struct arena *arena, sqlite3_stmt *row,
                       bool *failed)
{
    *facts = (struct snapshot_facts){
        .host = copy_text(arena, row, OF_HOST, failed),
        .machine_id = copy_text(arena, row, OF_MACHINE_ID, failed),
        .boot_id = copy_text(arena, row, OF_BOOT_ID, failed),
        .kernel = copy_text(arena, row, OF_KERNEL, failed),
        .architecture = copy_text(arena, row, OF_ARCHITECTURE, failed),
        .recorder = copy_text(arena, row, OF_RECORDER, failed),
        .label = copy_text(arena, row, OF_LABEL, failed),
        .note = copy_text(arena, row, OF_NOTE, failed),
        .without = copy_text(arena, row, OF_WITHOUT, failed),
        .privileges = copy_text(arena, row, OF_PRIVILEGES, failed),
        .load_average = copy_text(arena, row, OF_LOAD_AVERAGE, failed),
        .taken_at = sqlite3_column_int64(row, OF_TAKEN_AT),
        .boottime = sql_known(row, OF_BOOTTIME, -1),
        .booted_at = sql_known(row, OF_BOOTED_AT, -1),
        .clock_ticks = sqlite3_column_int64(row, OF_CLOCK_TICKS),
        .clock_synchronized = (int)sql_known(row, OF_CLOCK_SYNCHRONIZED, -1),
        .forks = sql_known(row, OF_FORKS, -1),
        .duration_ns = sql_known(row, OF_DURATION, -1),
        .processes_ended = sql_known(row, OF_PROCESSES_ENDED, -1),
    };
    if (!facts->host)
        facts->host = "";
}

static int load(sqlite3_stmt *row, struct snapshot **ret_snapshot)
{
    bool failed = false;
    struct snapshot_owner *owner = calloc(1, sizeof(*owner));
    _cleanup_snapshot_ struct snapshot *snapshot = owner ? &owner->snapshot : NULL;
    if (!owner || !(owner->arena = arena_new()))
        return error_memory();
    snapshot->id = sqlite3_column_int64(row, OF_ID);
    snapshot->host_id = sqlite3_column_int64(row, OF_HOST_ID);
    snapshot->predecessor = sql_known(row, OF_PREDECESSOR, 0);
    snapshot->newest = sqlite3_column_int64(row, OF_NEWEST);
    const char *uuid = (const char *)sqlite3_column_text(row, OF_UUID);
    snprintf(snapshot->uuid, sizeof(snapshot->uuid), "%s", uuid ? uuid : "");
    sql_digest(row, OF_DIGEST, &snapshot->digest);
    sql_digest(row, OF_PREDECESSOR_DIGEST, &snapshot->predecessor_digest);
    load_facts(&snapshot->facts, owner->arena, row, &failed);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        snapshot->counts[kind] = sqlite3_column_int64(row, OF_COUNTS + (int)kind);
    if (failed)
        return error_memory();
    *ret_snapshot = steal_pointer(snapshot);
    return 0;
}

/* The first snapshot that `statement` gives; 1, 0 for none, or an error. */
static int first_of(struct database *database, sqlite3_stmt *statement,
                    struct snapshot **ret_snapshot)
{
    int result = sql_step(database, statement);
    if (result <= 0)
        return result;
    result = load(statement, ret_snapshot);
    return result ? result : 1;
}

/* Which snapshots each host has, and from when to when: what an unknown revision is answered with.
 * Of `host_id` alone, unless that is 0. */
static void append_overview(struct database *database, int64_t host_id, struct buffer *text)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    char first[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];
    size_t nothing = text->length;
    if (sql_prepare(database,
                    "SELECT count(*), host.name, min(snapshot.id), max(snapshot.id), min(taken_at),"
                    " max(taken_at) FROM snapshot JOIN host ON host.id = host_id"
                    " WHERE ?1 = 0 OR host_id = ?1 GROUP BY host_id ORDER BY host_id",
                    &select) == 0)
        sqlite3_bind_int64(select, 1, host_id);
    while (select && sql_step(database, select) > 0)
        buffer_append_format(text, "%s %lld of host '%s' (numbers %lld to %lld, %s to %s)",
                             text->length == nothing ? "it holds" : ",",
                             sqlite3_column_int64(select, 0),
                             (const char *)sqlite3_column_text(select, 1),
                             sqlite3_column_int64(select, 2), sqlite3_column_int64(select, 3),
                             clock_format_local(sqlite3_column_int64(select, 4), first),
                             clock_format_local(sqlite3_column_int64(select, 5), last));
    buffer_append_text(text, text->length == nothing
                                 ? "it holds none yet; `nslapse record` makes one"
                                 : "; see `nslapse log`");
}

static int no_snapshot(struct database *database, int64_t host_id, const char *wanted)
{
    _cleanup_buffer_ struct buffer overview = {0};
    append_overview(database, host_id, &overview);
    return error_set(ERROR_NO_SNAPSHOT, "%s has no snapshot %s: %s", database->path, wanted,
                     buffer_text(&overview));
}

/* The host of this name or machine-id; NULL: the one of the newest snapshot. 0 in a new database.
 */
static int find_host(struct database *database, const char *host, int64_t *ret_host)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int result = sql_prepare(database,
                             host ? "SELECT id FROM host WHERE name = ?1 OR machine_id = ?1"
                                    " ORDER BY id DESC"
                                  : "SELECT host_id FROM snapshot ORDER BY id DESC LIMIT 1",
                             &select);
    if (result)
        return result;
    if (host)
        sql_bind_text(select, 1, host);
    result = sql_step(database, select);
    if (result < 0)
        return result;
    if (!result && host) {
        char wanted[512];
        snprintf(wanted, sizeof(wanted), "of a host '%s'", host);
        return no_snapshot(database, 0, wanted);
    }
    *ret_host = result ? sqlite3_column_int64(select, 0) : 0;
    return 0;
}

int snapshot_find(struct database *database, int64_t id, struct snapshot **ret_snapshot)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int result = sql_prepare(database, SELECT_SNAPSHOT "WHERE snapshot.id = ?1", &select);
    if (result)
        return result;
    sqlite3_bind_int64(select, 1, id);
    result = first_of(database, select, ret_snapshot);
    if (result)
        return result > 0 ? 0 : result;
    char wanted[32];
    snprintf(wanted, sizeof(wanted), "%lld", (long long)id);
    return no_snapshot(database, 0, wanted);
}

/* The host's snapshot that `condition` finds, in which ?1 is the host and ?2 the parameter;
 * `wanted` says in words what was looked for. */
static int find_where(struct database *database, const char *host, const char *condition,
                      const struct value *parameter, const char *wanted,
                      struct snapshot **ret_snapshot)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int64_t host_id = 0;
    int result = find_host(database, host, &host_id);
    if (!result)
        result = sql_prepare(database, condition, &select);
    if (result)
        return result;
    sqlite3_bind_int64(select, 1, host_id);
    sql_bind_value(select, 2, parameter);
    result = first_of(database, select, ret_snapshot);
    return result < 0 ? result : result ? 0 : no_snapshot(database, host_id, wanted);
}

int snapshot_find_label(struct database *database, const char *host, const char *label,
                        struct snapshot **ret_snapshot)
{
    const struct value wanted = {
        .type = VALUE_TEXT, .text = label, .length = (uint32_t)strlen(label)};
    char words[512];
    snprintf(words, sizeof(words), "with the label '%s'", label);
    return find_where(database, host,
                      SELECT_SNAPSHOT "WHERE snapshot.host_id = ?1 AND label = ?2"
                                      " ORDER BY snapshot.id DESC LIMIT 1",
                      &wanted, words, ret_snapshot);
}

int snapshot_find_moment(struct database *database, const char *host, int64_t moment,
                         struct snapshot **ret_snapshot)
{
    const struct value wanted = {.type = VALUE_INTEGER, .integer = moment};
    char words[96], time[CLOCK_TEXT_SIZE];
    snprintf(words, sizeof(words), "at or before %s", clock_format_local(moment, time));
    return find_where(database, host,
                      SELECT_SNAPSHOT "WHERE snapshot.host_id = ?1 AND taken_at <= ?2"
                                      " ORDER BY taken_at DESC, snapshot.id DESC LIMIT 1",
                      &wanted, words, ret_snapshot);
}

/* The snapshot `back` steps before `from` (or at it, for 0) of the host. */
static int find_back(struct database *database, int64_t host_id, int64_t from, int64_t back,
                     struct snapshot **ret_snapshot)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int result = sql_prepare(database,
                             SELECT_SNAPSHOT "WHERE snapshot.id = (SELECT id FROM snapshot AS s"
                                             " WHERE s.host_id = ?1 AND s.id <= ?2"
                                             " ORDER BY s.id DESC LIMIT 1 OFFSET ?3)",
                             &select);
    if (result)
        return result;
    sqlite3_bind_int64(select, 1, host_id);
    sqlite3_bind_int64(select, 2, from);
    sqlite3_bind_int64(select, 3, back);
    return first_of(database, select, ret_snapshot);
}

int snapshot_find_latest(struct database *database, const char *host, int64_t back,
                         struct snapshot **ret_snapshot)
{
    int64_t host_id = 0;
    int result = find_host(database, host, &host_id);
    if (!result)
        result = find_back(database, host_id, INT64_MAX, back, ret_snapshot);
    if (result)
        return result > 0 ? 0 : result;
    char wanted[64] = "latest";
    if (back)
        snprintf(wanted, sizeof(wanted), "latest~%lld", (long long)back);
    return no_snapshot(database, host_id, wanted);
}

int snapshot_find_before(struct database *database, const struct snapshot *snapshot, int64_t back,
                         struct snapshot **ret_snapshot)
{
    int result = find_back(database, snapshot->host_id, snapshot->id, back, ret_snapshot);
    if (result)
        return result > 0 ? 0 : result;
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "%lld~%lld", (long long)snapshot->id, (long long)back);
    return no_snapshot(database, snapshot->host_id, wanted);
}

int snapshot_each(struct database *database, const char *host, int64_t limit,
                  int (*each)(void *userdata, const struct snapshot *snapshot), void *userdata)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int64_t host_id = 0;
    int result = host ? find_host(database, host, &host_id) : 0;
    if (!result)
        result = sql_prepare(database,
                             SELECT_SNAPSHOT "WHERE ?1 = 0 OR snapshot.host_id = ?1"
                                             " ORDER BY snapshot.id DESC LIMIT ?2",
                             &select);
    if (result)
        return result;
    sqlite3_bind_int64(select, 1, host_id);
    sqlite3_bind_int64(select, 2, limit ? limit : -1);
    while ((result = sql_step(database, select)) > 0) {
        struct snapshot *loaded;
        result = load(select, &loaded);
        if (result)
            return result;
        _cleanup_snapshot_ struct snapshot *snapshot = loaded;
        result = each(userdata, snapshot);
        if (result)
            return result;
    }
    return result;
}
