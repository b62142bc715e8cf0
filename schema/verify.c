/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the seals of a whole database. */
#include "schema/verify.h"

#include "base/array.h"
#include "base/buffer.h"
#include "base/error.h"
#include "schema/reader.h"
#include "schema/sample.h"
#include "schema/seal.h"
#include "schema/statement.h"

#include <stdarg.h>
#include <string.h>

void verification_report(struct verification *verification, const char *format, ...)
{
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    verification->broken_count++;
    if (verification->broken)
        verification->broken(verification->userdata, sentence);
}

/* A state, while it holds. */
struct held_state {
    int64_t last; /* snapshot; INT64_MAX while it still holds */
    struct digest digest;
};

/* One host, snapshot by snapshot: what holds in each, from cursors that move along. */
struct host_check {
    struct verification *verification;
    struct cursor *cursors[KIND_COUNT];
    const struct record *next[KIND_COUNT]; /* the cursor's record, not yet begun; NULL at its end */
    struct held_state *held;
    size_t count, capacity;
    int64_t boot; /* row whose boot_id is known */
    struct buffer boot_id;
    struct digest predecessor;
    struct buffer scratch;
};

static void host_check_end(struct host_check *check)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        cursor_free(check->cursors[kind]);
    free(check->held);
    buffer_free(&check->boot_id);
    buffer_free(&check->scratch);
}

/* The boot's id, borrowed from `check`; "" where it is not known. */
static int find_boot_id(struct host_check *check, int64_t boot, const char **ret_boot_id)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    struct database *database = check->verification->database;
    if (boot != check->boot) {
        int result = sql_prepare(database, "SELECT boot_id FROM boot WHERE id = ?1", &select);
        if (result)
            return result;
        sqlite3_bind_int64(select, 1, boot);
        result = sql_step(database, select);
        if (result < 0)
            return result;
        const char *text = result ? (const char *)sqlite3_column_text(select, 0) : NULL;
        buffer_clear(&check->boot_id);
        buffer_append_text(&check->boot_id, text ? text : "");
        check->boot = boot;
    }
    *ret_boot_id = buffer_text(&check->boot_id);
    return buffer_error(&check->boot_id);
}

static int check_state(struct host_check *check, const struct record *record)
{
    _cleanup_buffer_ struct buffer key = {0};
    struct digest digest;
    const char *boot_id;
    int result = find_boot_id(check, record->boot, &boot_id);
    if (!result)
        result = record_digest(record, boot_id, &check->scratch, &digest);
    if (result || digest_compare(&digest, &record->digest) == 0)
        return result;
    record_append_key(&key, record);
    verification_report(check->verification,
                        "the state of %s from snapshot %lld on is not what was sealed",
                        buffer_text(&key), (long long)record->first_snapshot);
    return buffer_error(&key);
}

static int hold(struct host_check *check, const struct record *record)
{
    struct held_state state = {.last = record->last_snapshot ? record->last_snapshot : INT64_MAX,
                               .digest = record->digest};
    int result = array_reserve(&check->held, &check->capacity, check->count + 1, sizeof(state));
    if (!result)
        check->held[check->count++] = state;
    return result;
}

static int advance(struct host_check *check, enum kind kind)
{
    int result = cursor_next(check->cursors[kind], &check->next[kind]);
    if (!result)
        check->next[kind] = NULL;
    return result < 0 ? result : 0;
}

/* Takes up the states that begin at or before `snapshot`, drops those that ended before it. */
static int move_to(struct host_check *check, int64_t snapshot)
{
    size_t kept = 0;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        while (check->next[kind] && check->next[kind]->first_snapshot <= snapshot) {
            int result = check_state(check, check->next[kind]);
            if (!result)
                result = hold(check, check->next[kind]);
            if (!result)
                result = advance(check, kind);
            if (result)
                return result;
        }
    for (size_t i = 0; i < check->count; i++)
        if (check->held[i].last >= snapshot)
            check->held[kept++] = check->held[i];
    check->count = kept;
    return 0;
}

/* The digests of the snapshot's samples; what cannot be read is reported, and its digest unlike. */
static int read_sample_digests(struct verification *verification, int64_t snapshot,
                               struct seal *seal)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        _cleanup_sample_table_ struct sample_table samples;
        int result =
            sample_read(verification->database, snapshot, kind, &samples, &seal->samples[kind]);
        if (result == -ERROR_NOT_A_DATABASE)
            verification_report(verification, "samples (%s) of snapshot %lld: %s", kinds[kind].name,
                                (long long)snapshot, error_message());
        else if (result)
            return result;
    }
    return 0;
}

/* The seal over what holds in the snapshot. */
static int compute_seal(struct host_check *check, const struct snapshot *snapshot,
                        struct digest *ret_digest)
{
    struct seal seal = {0};
    int result = read_sample_digests(check->verification, snapshot->id, &seal);
    if (result)
        return result;
    _cleanup_free_ struct digest *states = calloc(check->count + 1, sizeof(*states));
    if (!states)
        return error_memory();
    for (; seal.state_count < check->count; seal.state_count++)
        states[seal.state_count] = check->held[seal.state_count].digest;
    seal.states = states;
    return seal_compute(snapshot, &seal, ret_digest);
}

static int check_snapshot(struct host_check *check, int64_t id)
{
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    struct digest digest;
    int result = move_to(check, id);
    if (!result)
        result = snapshot_find(check->verification->database, id, &snapshot);
    if (result == -ERROR_NO_SNAPSHOT) {
        verification_report(check->verification, "snapshot %lld has no host or no boot",
                            (long long)id);
        return 0;
    }
    if (!result)
        result = compute_seal(check, snapshot, &digest);
    if (result)
        return result;
    if (digest_compare(&digest, &snapshot->digest) != 0)
        verification_report(check->verification, "snapshot %lld is not what was sealed",
                            (long long)id);
    if (digest_compare(&snapshot->predecessor_digest, &check->predecessor) != 0)
        verification_report(check->verification,
                            "snapshot %lld does not follow the one before it: one is missing",
                            (long long)id);
    check->predecessor = snapshot->digest;
    return 0;
}

static int check_host(struct verification *verification, int64_t host_id, int64_t *checked)
{
    _cleanup_(host_check_end) struct host_check check = {.verification = verification};
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int result = sql_prepare(verification->database,
                             "SELECT id FROM snapshot WHERE host_id = ?1 ORDER BY id", &select);
    for (enum kind kind = 0; !result && kind < KIND_COUNT; kind++) {
        result = cursor_open_all(verification->database, host_id, kind, &check.cursors[kind]);
        if (!result)
            result = advance(&check, kind);
    }
    if (result)
        return result;
    sqlite3_bind_int64(select, 1, host_id);
    while ((result = sql_step(verification->database, select)) > 0) {
        result = check_snapshot(&check, sqlite3_column_int64(select, 0));
        if (result)
            return result;
        ++*checked;
    }
    return result;
}

int snapshot_verify(struct database *database, void (*broken)(void *userdata, const char *sentence),
                    void *userdata, int64_t *ret_broken, int64_t *ret_checked)
{
    struct verification verification = {
        .database = database, .broken = broken, .userdata = userdata};
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int64_t checked = 0;
    int result = verify_tables(&verification);
    if (!result)
        result = sql_prepare(database, "SELECT DISTINCT host_id FROM snapshot ORDER BY host_id",
                             &select);
    if (result)
        return result;
    while ((result = sql_step(database, select)) > 0) {
        result = check_host(&verification, sqlite3_column_int64(select, 0), &checked);
        if (result)
            return result;
    }
    if (result)
        return result;
    *ret_broken = verification.broken_count;
    *ret_checked = checked;
    return 0;
}
