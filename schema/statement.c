/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/statement.h"

#include "base/error.h"

#include <string.h>

static int error_code(const struct database *database)
{
    int system_error = sqlite3_system_errno(database->sqlite);
    if (sqlite3_extended_errcode(database->sqlite) == SQLITE_IOERR_NOMEM)
        return ENOMEM;
    switch (sqlite3_errcode(database->sqlite) & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERROR_LOCKED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR: /* our statements are right, so the tables are not ours */
        return ERROR_NOT_A_DATABASE;
    case SQLITE_FULL:
        return ENOSPC;
    case SQLITE_NOMEM:
        return ENOMEM;
    case SQLITE_READONLY:
        return EROFS;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return system_error ? system_error : EACCES;
    default:
        return system_error ? system_error : EIO;
    }
}

static const char *advice(int code)
{
    switch (code) {
    case ERROR_LOCKED:
        return "; another nslapse is writing it: try again, or wait longer with --wait";
    case ERROR_NOT_A_DATABASE:
        return "; the file is damaged or not an nslapse database: keep it as it is and restore a "
               "copy, or see what `sqlite3 FILE .recover` brings back";
    case ENOSPC:
        return "; make room on its file system: nothing of this snapshot was kept, what was there "
               "before is whole";
    case EROFS:
    case EACCES:
        return "; check the permissions of the file and of its folder";
    default:
        return "";
    }
}

int sql_error(const struct database *database, const char *doing)
{
    int code = error_code(database);
    const char *reason = sqlite3_errmsg(database->sqlite);
    if (code == ERROR_LOCKED)
        reason = "it is locked";
    else if (code == ENOMEM) /* SQLite calls it an I/O error where a mapping found no room */
        reason = "there is no memory left";
    return error_set(code, "cannot %s %s: %s%s", doing, database->path, reason, advice(code));
}

int sql_prepare(struct database *database, const char *sql, sqlite3_stmt **ret_statement)
{
    if (sqlite3_prepare_v3(database->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement,
                           NULL) != SQLITE_OK)
        return sql_error(database, "read");
    return 0;
}

int sql_step(struct database *database, sqlite3_stmt *statement)
{
    switch (sqlite3_step(statement)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return sql_error(database, sqlite3_stmt_readonly(statement) ? "read" : "write");
    }
}

int sql_run(struct database *database, sqlite3_stmt *statement)
{
    int result = sql_step(database, statement);
    sqlite3_reset(statement);
    return result > 0 ? 0 : result;
}

int sql_execute(struct database *database, const char *sql)
{
    if (sqlite3_exec(database->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sql_error(database, "write");
    return 0;
}

int sql_integer(struct database *database, const char *sql, int64_t otherwise, int64_t *ret_integer)
{
    _cleanup_statement_ sqlite3_stmt *statement = NULL;
    int result = sql_prepare(database, sql, &statement);
    if (!result)
        result = sql_step(database, statement);
    if (result < 0)
        return result;
    *ret_integer = result ? sql_known(statement, 0, otherwise) : otherwise;
    return 0;
}

void sql_bind_text(sqlite3_stmt *statement, int parameter, const char *text)
{
    sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC);
}

void sql_bind_value(sqlite3_stmt *statement, int parameter, const struct value *value)
{
    if (value->type == VALUE_INTEGER)
        sqlite3_bind_int64(statement, parameter, value->integer);
    else if (value->type == VALUE_TEXT)
        sqlite3_bind_text64(statement, parameter, value->text, value->length, SQLITE_STATIC,
                            SQLITE_UTF8);
    else
        sqlite3_bind_null(statement, parameter);
}

struct value sql_value(sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return (struct value){.type = VALUE_INTEGER,
                              .integer = sqlite3_column_int64(statement, column)};
    case SQLITE_TEXT:
        return (struct value){.type = VALUE_TEXT,
                              .text = (const char *)sqlite3_column_text(statement, column),
                              .length = (uint32_t)sqlite3_column_bytes(statement, column)};
    default:
        return (struct value){.type = VALUE_NULL};
    }
}

void sql_bind_known(sqlite3_stmt *statement, int parameter, int64_t integer, int64_t unknown)
{
    if (integer == unknown)
        sqlite3_bind_null(statement, parameter);
    else
        sqlite3_bind_int64(statement, parameter, integer);
}

int64_t sql_known(sqlite3_stmt *statement, int column, int64_t unknown)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL
               ? unknown
               : sqlite3_column_int64(statement, column);
}

void sql_digest(sqlite3_stmt *statement, int column, struct digest *ret_digest)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    if (bytes && sqlite3_column_bytes(statement, column) == DIGEST_SIZE)
        memcpy(ret_digest->bytes, bytes, DIGEST_SIZE);
    else
        memset(ret_digest->bytes, 0, DIGEST_SIZE);
}
