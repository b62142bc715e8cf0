/* SPDX-License-Identifier: Apache-2.0 */
/* Checks what no seal covers. Whoever knows the rules can alter the file so that each of these
 * holds; the seals are for them. */
#include "schema/verify.h"

#include "base/buffer.h"
#include "base/error.h"
#include "schema/kinds.h"
#include "schema/migrations.h"
#include "schema/reader.h"
#include "schema/statement.h"

#include <string.h>

/* Gives the tables and views, and how they are made, as one text. */
static const char listing[] =
    "SELECT group_concat(type || name || coalesce(sql, ''), ';') FROM"
    " (SELECT * FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name)";

static int compare_listings(struct verification *verification, struct database *fresh)
{
    _cleanup_statement_ sqlite3_stmt *theirs = NULL, *ours = NULL;
    int result = 0;
    for (int version = 0; !result && schema_migrations[version]; version++)
        result = sql_execute(fresh, schema_migrations[version]);
    if (!result)
        result = sql_prepare(fresh, listing, &ours);
    if (!result)
        result = sql_prepare(verification->database, listing, &theirs);
    if (!result)
        result = sql_step(fresh, ours);
    if (result > 0)
        result = sql_step(verification->database, theirs);
    if (result <= 0)
        return result;
    const char *a = (const char *)sqlite3_column_text(ours, 0);
    const char *b = (const char *)sqlite3_column_text(theirs, 0);
    if (!a || !b || strcmp(a, b) != 0)
        verification_report(verification, "the tables or views are not those that nslapse makes");
    return 0;
}

/* An altered view would lie. */
static int check_listing(struct verification *verification)
{
    struct database fresh = {.path = ":memory:"};
    int result = sqlite3_open(":memory:", &fresh.sqlite) == SQLITE_OK
                     ? compare_listings(verification, &fresh)
                     : error_memory();
    sqlite3_close(fresh.sqlite);
    return result;
}

/* Reports each row that `sql` gives: its first column in the words of `format`. */
static int report_rows(struct verification *verification, const char *sql, const char *words)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int result = sql_prepare(verification->database, sql, &select);
    while (!result && (result = sql_step(verification->database, select)) > 0) {
        const char *text = (const char *)sqlite3_column_text(select, 0);
        verification_report(verification, "%s: %s", words, text ? text : "");
        result = 0;
    }
    return result;
}

struct rule {
    const char *sql; /* gives a row for each offence */
    const char *words;
};

static const struct rule rules[] = {
    {"SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
     "the file is damaged"},
    {"SELECT 'table ' || \"table\" || ', row ' || ifnull(rowid, '?') || ', in table ' || parent"
     " FROM pragma_foreign_key_check",
     "something is missing that is referred to"},
    {"SELECT snapshot.id FROM snapshot JOIN boot ON boot.id = snapshot.boot"
     " WHERE boot.host_id <> snapshot.host_id",
     "a snapshot is of another host's boot"},
    {"SELECT name FROM host WHERE name IS NOT (SELECT value FROM snapshot JOIN text"
     " ON text.id = hostname_id WHERE snapshot.host_id = host.id ORDER BY snapshot.id DESC LIMIT "
     "1)",
     "a host has not the name of its newest snapshot"},
    {"SELECT seq FROM (SELECT max(seq) AS seq FROM sqlite_sequence WHERE name = 'snapshot')"
     " WHERE seq IS NOT (SELECT max(id) FROM snapshot)",
     "there was a newer snapshot than the newest one"},
};

/* Of every kind; %1$s is its name. */
static const struct rule rules_of_kinds[] = {
    {"SELECT state.id FROM %1$s_state AS state WHERE NOT EXISTS (SELECT 1 FROM snapshot"
     " WHERE snapshot.id = state.first_snapshot AND snapshot.host_id = state.host_id)",
     "a state begins in none of its host's snapshots"},
    {"SELECT state.id FROM %1$s_state AS state WHERE last_snapshot IS NOT NULL"
     " AND NOT EXISTS (SELECT 1 FROM snapshot"
     " WHERE snapshot.id = state.last_snapshot AND snapshot.host_id = state.host_id)",
     "a state ends in none of its host's snapshots"},
    {"SELECT id FROM (SELECT id, first_snapshot,"
     " lag(ifnull(last_snapshot, 9223372036854775807)) OVER"
     " (PARTITION BY %1$s_id ORDER BY first_snapshot) AS before FROM %1$s_state)"
     " WHERE before >= first_snapshot",
     "a state begins before the one before it ended"},
};

/* Of every kind that is bound to a boot. */
static const struct rule rule_of_boots = {
    "SELECT state.id FROM %1$s_state AS state JOIN %1$s AS thing ON thing.id = %1$s_id"
    " JOIN boot ON boot.id = thing.boot WHERE boot.host_id <> state.host_id",
    "a state is of another host's boot"};

static int check_rule(struct verification *verification, const struct rule *rule, enum kind kind)
{
    char words[128];
    _cleanup_buffer_ struct buffer sql = {0};
    const char *name = kinds[kind].name;
    for (const char *from = rule->sql, *mark;; from = mark + strlen("%1$s")) {
        mark = strstr(from, "%1$s");
        buffer_append(&sql, from, mark ? (size_t)(mark - from) : strlen(from));
        if (!mark)
            break;
        buffer_append_text(&sql, name);
    }
    snprintf(words, sizeof(words), "%s (%s)", rule->words, name);
    int result = buffer_error(&sql);
    return result ? result : report_rows(verification, buffer_text(&sql), words);
}

/* Appends the kind's key columns, each after a comma. */
static void append_key(struct buffer *sql, enum kind kind)
{
    for (unsigned column = 0; column < kinds[kind].column_count; column++)
        if (kinds[kind].columns[column].flags & KEY)
            buffer_append_format(sql, ", %s", kinds[kind].columns[column].name);
}

/* One thing has one strong key, and of things with the same key each has another. */
static int check_strong_keys(struct verification *verification, enum kind kind)
{
    _cleanup_buffer_ struct buffer one = {0}, other = {0};
    int column = column_by_flags(kind, STRONG);
    if (column < 0)
        return 0;
    const char *name = kinds[kind].name, *strong = kinds[kind].columns[column].name;
    buffer_append_format(&one,
                         "SELECT '%1$s ' || %1$s_id FROM %1$s_state GROUP BY %1$s_id"
                         " HAVING min(%2$s) <> max(%2$s)",
                         name, strong);
    buffer_append_format(&other,
                         "SELECT '%1$s ' || group_concat(DISTINCT %1$s_id) FROM %1$s_history"
                         " WHERE %2$s IS NOT NULL GROUP BY boot, %2$s",
                         name, strong);
    append_key(&other, kind);
    buffer_append_format(&other, " HAVING min(%1$s_id) <> max(%1$s_id)", name);
    int result = buffer_error(&one);
    if (!result)
        result = buffer_error(&other);
    if (!result)
        result = report_rows(verification, buffer_text(&one), "one thing was made of several");
    if (!result)
        result = report_rows(verification, buffer_text(&other), "several were made of one thing");
    return result;
}

static int check_rules(struct verification *verification)
{
    int result = 0;
    for (size_t i = 0; !result && i < sizeof(rules) / sizeof(*rules); i++)
        result = report_rows(verification, rules[i].sql, rules[i].words);
    for (enum kind kind = 0; !result && kind < KIND_COUNT; kind++) {
        for (size_t i = 0; !result && i < sizeof(rules_of_kinds) / sizeof(*rules_of_kinds); i++)
            result = check_rule(verification, &rules_of_kinds[i], kind);
        if (!result && kinds[kind].bound_to_boot)
            result = check_rule(verification, &rule_of_boots, kind);
        if (!result)
            result = check_strong_keys(verification, kind);
    }
    return result;
}

/* Whether the content of a blob is what its digest and its size say. */
static int check_blob(struct verification *verification, sqlite3_stmt *row)
{
    _cleanup_free_ void *bytes = NULL;
    char text[DIGEST_HEX_SIZE];
    size_t length = 0;
    struct digest digest;
    sql_digest(row, 0, &digest);
    int result = blob_read(verification->database, &digest, &bytes, &length);
    if (result && result != -ERROR_NOT_A_DATABASE && result != -ENOENT)
        return result;
    if (result || (int64_t)length != sqlite3_column_int64(row, 1))
        verification_report(verification, "evidence %s is not what was kept",
                            digest_format(&digest, text));
    return 0;
}

static int check_evidence(struct verification *verification)
{
    _cleanup_statement_ sqlite3_stmt *blobs = NULL;
    int result = sql_prepare(verification->database, "SELECT digest, size FROM blob", &blobs);
    while (!result && (result = sql_step(verification->database, blobs)) > 0)
        result = check_blob(verification, blobs);
    if (result)
        return result;
    return report_rows(verification,
                       "SELECT value FROM (SELECT environment_id AS kept FROM process_state"
                       " UNION SELECT evidence_id FROM container_state)"
                       " JOIN text ON text.id = kept WHERE value NOT IN"
                       " (SELECT lower(hex(digest)) FROM blob)",
                       "evidence is missing");
}

int verify_tables(struct verification *verification)
{
    int result = check_listing(verification);
    if (!result)
        result = check_rules(verification);
    return result ? result : check_evidence(verification);
}
