/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/database.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "schema/migrations.h"
#include "schema/statement.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* "nslp", https://www.sqlite.org/fileformat2.html#application_id */
#define APPLICATION_ID 0x6e736c70

enum { HEADER_SIZE = 100, MILLISECONDS = 1000 };

int database_newest_version(void)
{
    int version = 0;
    while (schema_migrations[version])
        version++;
    return version;
}

int database_version(const struct database *database)
{
    return database->version;
}

const char *database_path(const struct database *database)
{
    return database->path;
}

void database_free(struct database *database)
{
    if (!database)
        return;
    sqlite3_close(database->sqlite);
    free(database->path);
    free(database);
}

static int not_a_database(const char *path, const char *why)
{
    return error_set(ERROR_NOT_A_DATABASE,
                     "%s is not an nslapse database, or is damaged: %s; it was left as it is. "
                     "Name another file with --db, or restore this one from a copy",
                     path, why);
}

/* Makes the folders above `path`, mode 0700 (mkdir -p). */
static int make_folders(const char *path)
{
    _cleanup_free_ char *folder = strdup(path);
    if (!folder)
        return error_memory();
    char *slash = folder + strspn(folder, "/");
    while ((slash = strchr(slash, '/'))) {
        *slash = '\0';
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
            return error_set(errno,
                             "cannot make the folder %s for the database: %s; name a place that "
                             "may be written with --db FILE",
                             folder, strerror(errno));
        *slash++ = '/';
    }
    return 0;
}

static int cannot_open(const char *path, enum database_mode mode)
{
    int code = errno;
    if (code == ENOENT && mode == DATABASE_READ)
        return error_set(ERROR_NO_DATABASE,
                         "there is no database %s; `nslapse record` makes it, --db FILE names "
                         "another one",
                         path);
    return error_set(code,
                     "cannot open %s: %s; check the permissions, or name another file with --db",
                     path, strerror(code));
}

/* Bytes 16..17 and 28..31 of the header: how long the file must be. */
static int64_t promised_size(const unsigned char header[static HEADER_SIZE])
{
    int64_t page_size = header[16] << 8 | header[17];
    int64_t pages = (int64_t)header[28] << 24 | header[29] << 16 | header[30] << 8 | header[31];
    return (page_size == 1 ? 65536 : page_size) * pages;
}

static bool has_log(const char *path)
{
    struct stat status;
    _cleanup_buffer_ struct buffer log = {0};
    buffer_append_format(&log, "%s-wal", path);
    return stat(buffer_text(&log), &status) == 0 && status.st_size > 0;
}

/* Looks at the file before SQLite does: whether it may be opened, is a database at all, and as long
 * as its header says (where no write-ahead log holds the rest). Makes it in DATABASE_WRITE. */
static int inspect_file(const char *path, enum database_mode mode)
{
    unsigned char header[HEADER_SIZE];
    struct stat status;
    int flags = mode == DATABASE_WRITE ? O_RDWR | O_CREAT : O_RDONLY;
    _cleanup_close_ int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0 || fstat(fd, &status) < 0)
        return cannot_open(path, mode);
    if (!S_ISREG(status.st_mode))
        return not_a_database(path, "it is no regular file");
    if (status.st_size == 0)
        return mode == DATABASE_WRITE || has_log(path) ? 0 : not_a_database(path, "it is empty");
    if (pread(fd, header, sizeof(header), 0) != sizeof(header) ||
        memcmp(header, "SQLite format 3", 16) != 0)
        return not_a_database(path, "it does not begin as one");
    if (status.st_size < promised_size(header) && !has_log(path))
        return not_a_database(path, "it is shorter than its header says, so its end was cut off");
    return 0;
}

/* A URI, so that `immutable` can be said; everything that means something in one is escaped. What
 * stands before the path keeps it from being taken for a host (//...) or for :memory:. */
static void append_uri(struct buffer *uri, const char *path, const char *parameters)
{
    buffer_append_text(uri, *path == '/' ? "file://" : "file:./");
    for (const unsigned char *c = (const unsigned char *)path; *c; c++)
        if (strchr("%?#", *c))
            buffer_append_format(uri, "%%%02X", *c);
        else
            buffer_append_char(uri, (char)*c);
    buffer_append_text(uri, parameters);
}

static int connect(struct database *database, int flags, const char *parameters)
{
    _cleanup_buffer_ struct buffer uri = {0};
    append_uri(&uri, database->path, parameters);
    if (uri.failed)
        return error_memory();
    sqlite3_close(database->sqlite);
    database->sqlite = NULL;
    /* Nobody asks how much memory SQLite takes. Refused, and no matter, once it is in use. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    /* A connection is one thread's at a time: schema/writer.c sees to it. */
    if (sqlite3_open_v2(buffer_text(&uri), &database->sqlite,
                        flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return database->sqlite ? sql_error(database, "open") : error_memory();
    double wait = database->wait_seconds * MILLISECONDS;
    sqlite3_busy_timeout(database->sqlite, wait < INT_MAX ? (int)wait : INT_MAX);
    sqlite3_extended_result_codes(database->sqlite, 1);
    /* The file may come from a stranger. */
    sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(database->sqlite, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL); /* we have none */
    return sql_execute(database, "PRAGMA cell_size_check = ON");
}

/* The first read decides: a write-ahead log cannot be opened on a read-only file system, but where
 * there is none left the file alone is the whole database. */
static int connect_to_read(struct database *database)
{
    int64_t version;
    int result = connect(database, SQLITE_OPEN_READONLY, "?mode=ro");
    if (!result)
        result = sql_integer(database, "PRAGMA schema_version", 0, &version);
    if (!result || has_log(database->path))
        return result;
    int primary = database->sqlite ? sqlite3_errcode(database->sqlite) & 0xff : 0;
    if (primary != SQLITE_CANTOPEN && primary != SQLITE_READONLY)
        return result;
    return connect(database, SQLITE_OPEN_READONLY, "?mode=ro&immutable=1");
}

static int connect_to_write(struct database *database)
{
    int result = connect(database, SQLITE_OPEN_READWRITE, "?mode=rw");
    if (!result)
        result = sql_execute(database, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL");
    return result;
}

struct identity {
    int64_t application, version, objects;
};

/* All of one moment: whoever makes the database meanwhile would else look like another program. */
static int read_identity(struct database *database, struct identity *ret_identity)
{
    int result = sql_execute(database, "BEGIN");
    if (result)
        return result;
    result = sql_integer(database, "SELECT count(*) FROM sqlite_schema", 0, &ret_identity->objects);
    if (!result)
        result = sql_integer(database, "PRAGMA application_id", 0, &ret_identity->application);
    if (!result)
        result = sql_integer(database, "PRAGMA user_version", 0, &ret_identity->version);
    sqlite3_exec(database->sqlite, "ROLLBACK", NULL, NULL, NULL);
    return result;
}

static int check_identity(struct database *database, enum database_mode mode, bool *ret_empty)
{
    struct identity identity = {0};
    int result = read_identity(database, &identity);
    if (result)
        return result;
    const int64_t application = identity.application, version = identity.version;
    const int64_t objects = identity.objects;
    database->version = (int)version;
    /* Ours without tables: whoever was making it did not come to its end, or is still at it. */
    *ret_empty = !objects && !version && (!application || application == APPLICATION_ID);
    if (*ret_empty && mode == DATABASE_WRITE)
        return 0;
    if (application != APPLICATION_ID)
        return not_a_database(database->path, "it is the SQLite database of another program");
    if (version > database_newest_version())
        return error_set(ERROR_NOT_A_DATABASE,
                         "%s was written by a newer nslapse (schema version %d, this program knows "
                         "up to %d): use a newer nslapse; the file was left as it is",
                         database->path, database->version, database_newest_version());
    if (version < 1)
        return not_a_database(database->path, "its schema version is unknown");
    return 0;
}

static int migrate_once(struct database *database, int version)
{
    char end[64];
    snprintf(end, sizeof(end), "PRAGMA user_version = %d; COMMIT", version + 1);
    int result = sql_execute(database, schema_migrations[version]);
    if (!result)
        result = sql_execute(database, end);
    return result;
}

/* Each migration in a transaction of its own. Another program may have been faster: ask again
 * inside. */
static int migrate(struct database *database)
{
    int64_t version;
    int result = 0;
    while (!result && database->version < database_newest_version()) {
        result = sql_execute(database, "BEGIN IMMEDIATE");
        if (!result)
            result = sql_integer(database, "PRAGMA user_version", 0, &version);
        if (result)
            break;
        database->version = (int)version;
        result = version < database_newest_version() ? migrate_once(database, (int)version)
                                                     : sql_execute(database, "COMMIT");
        if (!result && version < database_newest_version())
            database->version++;
    }
    if (result && !sqlite3_get_autocommit(database->sqlite))
        sqlite3_exec(database->sqlite, "ROLLBACK", NULL, NULL, NULL);
    return result;
}

/* SQLite does not always wait where it makes a database, as two that do so at once could stop each
 * other for good. So try again, each after a time of its own, as long as is to be waited. */
static bool may_try_again(const struct database *database, int result, int64_t begin)
{
    int64_t waited = clock_now(CLOCK_MONOTONIC) - begin;
    if (result != -ERROR_LOCKED || (double)waited >= database->wait_seconds * NSEC_PER_SEC)
        return false;
    usleep(1000 * (5 + (unsigned)getpid() % 16));
    return true;
}

static int make(struct database *database)
{
    char sql[96];
    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA journal_mode = WAL",
             APPLICATION_ID);
    return sql_execute(database, sql);
}

/* Whose it is, and, to write, made and brought up to date. */
static int prepare_database(struct database *database, enum database_mode mode)
{
    bool empty = false;
    int result = check_identity(database, mode, &empty);
    if (!result && mode == DATABASE_WRITE && empty)
        result = make(database);
    if (!result && mode == DATABASE_WRITE)
        result = migrate(database);
    return result;
}

int database_open(const char *path, enum database_mode mode, double wait_seconds,
                  struct database **ret_database)
{
    int64_t begin = clock_now(CLOCK_MONOTONIC);
    _cleanup_database_ struct database *database = calloc(1, sizeof(*database));
    if (!database || !(database->path = strdup(path)))
        return error_memory();
    database->wait_seconds = wait_seconds;
    int result = mode == DATABASE_WRITE ? make_folders(path) : 0;
    if (!result)
        result = inspect_file(path, mode);
    if (!result)
        result = mode == DATABASE_WRITE ? connect_to_write(database) : connect_to_read(database);
    if (!result)
        do
            result = prepare_database(database, mode);
        while (may_try_again(database, result, begin));
    if (!result && mode == DATABASE_READ && database->version < database_newest_version())
        result = error_set(ERROR_NOT_A_DATABASE,
                           "%s has the older schema version %d; the next `nslapse record` with it "
                           "brings it up to date",
                           path, database->version);
    if (result)
        return result;
    *ret_database = steal_pointer(database);
    return 0;
}
