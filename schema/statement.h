/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite in the manner of this project: errors with messages, statements with owners. For schema/
 * and diff/ only. */
#ifndef SCHEMA_STATEMENT_H
#define SCHEMA_STATEMENT_H

#include "base/cleanup.h"
#include "base/digest.h"
#include "schema/database.h"
#include "schema/record.h"

#include <sqlite3.h>

struct database {
    sqlite3 *sqlite;
    char *path;
    double wait_seconds;
    int version;
};

DEFINE_CLEANUP(sqlite3_stmt *, sqlite3_finalize)
#define _cleanup_statement_ _cleanup_(sqlite3_finalize_pointer)

/* The connection's last error as ours, with a message that says what was being done. */
int sql_error(const struct database *database, const char *doing);

/* Prepares one statement. */
int sql_prepare(struct database *database, const char *sql, sqlite3_stmt **ret_statement);

/* 1 with a row, 0 at the end, or an error. */
int sql_step(struct database *database, sqlite3_stmt *statement);

/* Runs a statement that gives no rows, and resets it. */
int sql_run(struct database *database, sqlite3_stmt *statement);

/* Runs SQL text, statement by statement. */
int sql_execute(struct database *database, const char *sql);

/* The first integer of the first row, `otherwise` when there is none. */
int sql_integer(struct database *database, const char *sql, int64_t otherwise,
                int64_t *ret_integer);

/* Binds text (borrowed until the next reset), NULL as null. */
void sql_bind_text(sqlite3_stmt *statement, int parameter, const char *text);

/* Binds a column's value; its text is borrowed until the next reset. */
void sql_bind_value(sqlite3_stmt *statement, int parameter, const struct value *value);

/* A column's value; its text is borrowed until the next step, and NULL without memory for it. */
struct value sql_value(sqlite3_stmt *statement, int column);

/* Binds an integer, `unknown` as null. */
void sql_bind_known(sqlite3_stmt *statement, int parameter, int64_t integer, int64_t unknown);

/* The integer, or `unknown` for null. */
int64_t sql_known(sqlite3_stmt *statement, int column, int64_t unknown);

/* A digest column; zeros where it is null or of another size. */
void sql_digest(sqlite3_stmt *statement, int column, struct digest *ret_digest);

#endif
