/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a database: what is refused, with which code, and that it is left as it is. */
#include "base/buffer.h"
#include "base/error.h"
#include "schema/migrations.h"
#include "schema/statement.h"
#include "tests/unit/world.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { NOBODY = 65534 };

static char folder[4096], path[4200];

/* A new folder, and a path of a database in it. */
static int make_folder(void **state)
{
    (void)state;
    const char *above = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%.4000s/nslapse-test-XXXXXX", above ? above : "/tmp");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(path, sizeof(path), "%s/a.db", folder);
    return 0;
}

static int remove_one(const char *name, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(name);
}

static int remove_folder(void **state)
{
    (void)state;
    chmod(folder, 0755);
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void read_whole(const char *name, struct buffer *ret_bytes)
{
    _cleanup_close_ int fd = open(name, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    buffer_clear(ret_bytes);
    for (ssize_t got = 1; got > 0;) {
        char *room = buffer_reserve(ret_bytes, 1 << 16);
        assert_non_null(room);
        got = read(fd, room, 1 << 16);
        assert_true(got >= 0);
        buffer_commit(ret_bytes, (size_t)got);
    }
}

static void write_whole(const char *name, const void *bytes, size_t length)
{
    _cleanup_close_ int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
}

static int count_entries(void)
{
    _cleanup_closedir_ DIR *entries = opendir(folder);
    int count = 0;
    assert_non_null(entries);
    while (readdir(entries))
        count++;
    return count;
}

/* A database with `count` snapshots, closed. */
static void make_database(int count)
{
    _cleanup_database_ struct database *database = NULL;
    struct world world;
    world_begin(&world, 1);
    must(database_open(path, DATABASE_WRITE, 1, &database));
    for (int i = 0; i < count; i++) {
        for (enum kind kind = 0; kind < KIND_COUNT; kind++)
            world_add_random(&world, kind);
        snapshot_free(world_record(&world, database));
    }
    world_end(&world);
}

static int64_t count_snapshots(struct database *database)
{
    int64_t count = -1;
    must(sql_integer(database, "SELECT count(*) FROM snapshot", 0, &count));
    return count;
}

static void must_execute(const char *sql)
{
    sqlite3 *sqlite = NULL;
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    if (sqlite3_exec(sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
}

/* Neither reading nor writing opens the file; nothing in the folder changes. */
static void assert_refused(int code, const char *reason)
{
    _cleanup_buffer_ struct buffer before = {0}, after = {0};
    int entries = count_entries();
    read_whole(path, &before);
    for (enum database_mode mode = DATABASE_READ; mode <= DATABASE_WRITE; mode++) {
        struct database *database = NULL;
        error_set(1, "%s", "");
        int result = database_open(path, mode, 0, &database);
        if (result != -code || !strstr(error_message(), reason) || !strstr(error_message(), path))
            fail_msg("mode %d: %d (%s) instead of %d, %s", mode, result, error_message(), -code,
                     reason);
        assert_null(database);
    }
    read_whole(path, &after);
    assert_int_equal(after.length, before.length);
    assert_memory_equal(buffer_text(&after), buffer_text(&before), before.length);
    assert_int_equal(count_entries(), entries);
}

static void a_file_of_another_format_is_refused(void **state)
{
    (void)state;
    write_whole(path, "just a few words\n", 17);
    assert_refused(ERROR_NOT_A_DATABASE, "does not begin as one");
    char zeros[8192] = {0};
    write_whole(path, zeros, sizeof(zeros));
    assert_refused(ERROR_NOT_A_DATABASE, "does not begin as one");
    /* A header alone, with nonsense in it. */
    memset(zeros, 0xff, sizeof(zeros));
    memcpy(zeros, "SQLite format 3", 16);
    write_whole(path, zeros, sizeof(zeros));
    assert_refused(ERROR_NOT_A_DATABASE, "");
}

static void another_programs_database_is_refused(void **state)
{
    (void)state;
    must_execute("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
    assert_refused(ERROR_NOT_A_DATABASE, "of another program");
    must_execute("PRAGMA application_id = 1234");
    assert_refused(ERROR_NOT_A_DATABASE, "of another program");
    must_execute("PRAGMA user_version = 1");
    assert_refused(ERROR_NOT_A_DATABASE, "of another program");
    must_execute("DROP TABLE theirs");
    assert_refused(ERROR_NOT_A_DATABASE, "of another program");
}

static void a_newer_schema_is_refused(void **state)
{
    (void)state;
    char older[64];
    make_database(1);
    must_execute("PRAGMA journal_mode = DELETE; PRAGMA user_version = 999");
    assert_refused(ERROR_NOT_A_DATABASE, "written by a newer nslapse (schema version 999");
    snprintf(older, sizeof(older), "PRAGMA user_version = %d", database_newest_version() + 1);
    must_execute(older);
    assert_refused(ERROR_NOT_A_DATABASE, "written by a newer nslapse");
    must_execute("PRAGMA user_version = 0");
    assert_refused(ERROR_NOT_A_DATABASE, "version is unknown");
    must_execute("PRAGMA user_version = -1");
    assert_refused(ERROR_NOT_A_DATABASE, "version is unknown");
}

/* However much of its end is missing. */
static void a_truncated_database_is_refused(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer whole = {0};
    make_database(3);
    read_whole(path, &whole);
    assert_true(whole.length > 100 * 1024);
    for (size_t length = 1; length < whole.length; length += length < 128 ? 9 : 7919) {
        write_whole(path, whole.bytes, length);
        assert_refused(ERROR_NOT_A_DATABASE, "");
    }
    write_whole(path, whole.bytes, whole.length - 1);
    assert_refused(ERROR_NOT_A_DATABASE, "shorter than its header says");
    write_whole(path, whole.bytes, whole.length);
    _cleanup_database_ struct database *database = NULL;
    must(database_open(path, DATABASE_READ, 0, &database));
    assert_int_equal(count_snapshots(database), 3);
}

static void missing_files_and_folders_are_told(void **state)
{
    (void)state;
    struct database *database = NULL;
    char below[4300];
    assert_int_equal(database_open(path, DATABASE_READ, 0, &database), -ERROR_NO_DATABASE);
    assert_non_null(strstr(error_message(), "nslapse record"));
    snprintf(below, sizeof(below), "%s/no/such/a.db", folder);
    assert_int_equal(database_open(below, DATABASE_READ, 0, &database), -ERROR_NO_DATABASE);
    assert_int_equal(count_entries(), 2);
    assert_int_equal(database_open(folder, DATABASE_READ, 0, &database), -ERROR_NOT_A_DATABASE);
    assert_int_equal(database_open(folder, DATABASE_WRITE, 0, &database), -EISDIR);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(database_open(path, DATABASE_READ, 0, &database), -ERROR_NOT_A_DATABASE);
    assert_int_equal(database_open(path, DATABASE_WRITE, 0, &database), -ERROR_NOT_A_DATABASE);
    assert_int_equal(database_open("", DATABASE_READ, 0, &database), -ERROR_NO_DATABASE);
    assert_int_equal(database_open("", DATABASE_WRITE, 0, &database), -ENOENT);
    assert_int_equal(database_open("/dev/null/a.db", DATABASE_WRITE, 0, &database), -ENOTDIR);
    assert_null(database);
}

static void an_empty_file_is_no_database_until_it_is_written(void **state)
{
    (void)state;
    struct database *none = NULL;
    write_whole(path, "", 0);
    assert_int_equal(database_open(path, DATABASE_READ, 0, &none), -ERROR_NOT_A_DATABASE);
    assert_non_null(strstr(error_message(), "empty"));
    make_database(1);
    _cleanup_database_ struct database *database = NULL;
    must(database_open(path, DATABASE_READ, 0, &database));
    assert_int_equal(count_snapshots(database), 1);
}

static mode_t mode_of(const char *name)
{
    struct stat status;
    assert_int_equal(stat(name, &status), 0);
    return status.st_mode & 07777;
}

static void what_is_made_is_the_owners_alone(void **state)
{
    (void)state;
    char below[4300], inner[4300], name[4400];
    mode_t mask = umask(0);
    snprintf(below, sizeof(below), "%s/one", folder);
    snprintf(inner, sizeof(inner), "%s/one/two", folder);
    snprintf(path, sizeof(path), "%s/one/two/a.db", folder);
    _cleanup_database_ struct database *database = NULL;
    must(database_open(path, DATABASE_WRITE, 0, &database));
    must(sql_execute(database, "CREATE TABLE more (a)"));
    umask(mask);
    assert_int_equal(mode_of(below), 0700);
    assert_int_equal(mode_of(inner), 0700);
    assert_int_equal(mode_of(path), 0600);
    snprintf(name, sizeof(name), "%s-wal", path);
    assert_int_equal(mode_of(name), 0600);
    snprintf(name, sizeof(name), "%s-shm", path);
    assert_int_equal(mode_of(name), 0600);
    assert_int_equal(mode_of(folder), 0755); /* was there before */
}

/* Whatever means something in a URI, or to SQLite, is only a name. */
static void odd_names_are_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "a b?mode=memory", "100%25#frag",       "new\nline", "\xff\xfe",
        ":memory:",        "file:x.db?mode=ro", "üß.db"};
    char here[4096];
    assert_non_null(getcwd(here, sizeof(here)));
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        for (int form = 0; form < 4; form++) {
            char whole[4300];
            struct stat status;
            snprintf(whole, sizeof(whole), "%s/%s", folder, names[i]);
            if (form < 2)
                snprintf(path, sizeof(path), "%s%s", form ? "./" : "", names[i]);
            else
                snprintf(path, sizeof(path), form == 2 ? "%s/%s" : "/%s//%s", folder, names[i]);
            assert_int_equal(chdir(folder), 0);
            make_database(1);
            _cleanup_database_ struct database *database = NULL;
            must(database_open(path, DATABASE_READ, 0, &database));
            assert_int_equal(count_snapshots(database), 1);
            assert_string_equal(database_path(database), path);
            assert_int_equal(stat(whole, &status), 0);
            assert_true(status.st_size > 0);
            assert_int_equal(chdir(here), 0);
            assert_int_equal(unlink(whole), 0);
        }
    }
}

static void a_new_database_has_the_newest_schema(void **state)
{
    (void)state;
    _cleanup_database_ struct database *database = NULL;
    int64_t number = -1;
    must(database_open(path, DATABASE_WRITE, 0, &database));
    assert_int_equal(database_version(database), database_newest_version());
    must(sql_integer(database, "PRAGMA user_version", 0, &number));
    assert_int_equal(number, database_newest_version());
    must(sql_integer(database, "PRAGMA application_id", 0, &number));
    assert_int_equal(number, 0x6e736c70);
    must(sql_integer(database,
                     "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'", 0,
                     &number));
    assert_int_equal(number, 1);
    must(sql_integer(database, "PRAGMA foreign_keys", 0, &number));
    assert_int_equal(number, 1);
}

/* From every version there was: the tables are those of a new database. */
static void older_schemas_are_brought_up_to_date(void **state)
{
    (void)state;
    for (int version = 0; version < database_newest_version(); version++) {
        char sql[96];
        unlink(path);
        snprintf(sql, sizeof(sql), "PRAGMA application_id = 0x6e736c70; PRAGMA user_version = %d",
                 version);
        must_execute(sql);
        for (int step = 0; step < version; step++)
            must_execute(schema_migrations[step]);
        struct database *none = NULL;
        assert_int_equal(database_open(path, DATABASE_READ, 0, &none), -ERROR_NOT_A_DATABASE);
        make_database(2);
        _cleanup_database_ struct database *database = NULL;
        int64_t broken = -1, checked = -1;
        must(database_open(path, DATABASE_READ, 0, &database));
        assert_int_equal(database_version(database), database_newest_version());
        must(snapshot_verify(database, NULL, NULL, &broken, &checked));
        assert_int_equal(broken, 0);
        assert_int_equal(checked, 2);
    }
}

/* Runs `act` in a child without privileges, if we have any. Its failures are its exit code. */
static int as_nobody(int (*act)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
                               setresuid(NOBODY, NOBODY, NOBODY)))
            _exit(100);
        _exit(act());
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

static int code_of(enum database_mode mode)
{
    _cleanup_database_ struct database *database = NULL;
    int result = database_open(path, mode, 0, &database);
    return result ? (result == -EACCES ? 1 : result == -EROFS ? 2 : 3) : 0;
}

static int code_of_reading(void)
{
    return code_of(DATABASE_READ);
}

static int code_of_writing(void)
{
    return code_of(DATABASE_WRITE);
}

/* How many snapshots can be read, 99 for an error. */
static int snapshots_to_read(void)
{
    _cleanup_database_ struct database *database = NULL;
    int64_t count = -1;
    if (database_open(path, DATABASE_READ, 0, &database) ||
        sql_integer(database, "SELECT count(*) FROM snapshot", 0, &count))
        return 99;
    return (int)count;
}

static void permissions_are_kept_to(void **state)
{
    (void)state;
    make_database(1);
    assert_int_equal(as_nobody(geteuid() ? code_of_writing : code_of_reading), geteuid() ? 0 : 1);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(as_nobody(code_of_reading), 1);
    assert_int_equal(as_nobody(code_of_writing), 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(as_nobody(code_of_writing), 1);
    assert_int_equal(count_entries(), 2);
}

/* A copy on a medium that cannot be written: the file alone is the whole database. */
static void a_folder_that_cannot_be_written_can_be_read(void **state)
{
    (void)state;
    make_database(2);
    assert_int_equal(count_entries(), 3); /* nothing is left beside the file */
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(as_nobody(snapshots_to_read), 2);
    assert_int_equal(as_nobody(code_of_writing), 1);
    assert_int_equal(count_entries(), 3);
}

/* Writes a snapshot and ends without a chance to tidy up. */
static void write_and_die(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        make_database(1);
        struct database *database = NULL;
        struct world world;
        world_begin(&world, 2);
        world_add_random(&world, KIND_PROCESS);
        if (database_open(path, DATABASE_WRITE, 0, &database) == 0)
            snapshot_free(world_record(&world, database));
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

/* A file that comes back from a stranger: nothing in it decides what is recorded. */
static void triggers_of_the_file_do_not_run(void **state)
{
    (void)state;
    int64_t states = 0;
    make_database(1);
    must_execute("CREATE TRIGGER hide AFTER INSERT ON process_state"
                 " BEGIN DELETE FROM process_state; END");
    make_database(1);
    _cleanup_database_ struct database *database = NULL;
    must(database_open(path, DATABASE_READ, 1, &database));
    must(sql_integer(database, "SELECT count(*) FROM process_state", 0, &states));
    assert_true(states > 0);
}

/* What stands only in the write-ahead log is read too, or it is said that it can't be. */
static void a_log_that_was_left_is_read(void **state)
{
    (void)state;
    char log[4300], shared[4300];
    write_and_die();
    snprintf(log, sizeof(log), "%s-wal", path);
    snprintf(shared, sizeof(shared), "%s-shm", path);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(log, 0444), 0);
    assert_int_equal(chmod(shared, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(as_nobody(snapshots_to_read), 2);
    assert_int_equal(unlink(shared), 0);
    assert_int_equal(as_nobody(snapshots_to_read), 99);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(snapshots_to_read(), 2);
}

/* A child that makes the database as soon as the pipe's other end is closed. */
static pid_t start_maker(const int start[2])
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct database *database = NULL;
        char byte;
        close(start[1]);
        if (read(start[0], &byte, 1) != 0)
            _exit(2);
        int result = database_open(path, DATABASE_WRITE, 60, &database);
        if (result)
            fprintf(stderr, "%s\n", error_message());
        _exit(result != 0);
    }
    return child;
}

/* Whatever the moment: of those who make the database at once, each finds it made. */
static void many_make_it_at_once(void **state)
{
    (void)state;
    enum { MAKERS = 8, ROUNDS = 12 };
    for (int round = 0; round < ROUNDS; round++) {
        pid_t children[MAKERS];
        int start[2];
        snprintf(path, sizeof(path), "%s/round-%d/a.db", folder, round);
        assert_int_equal(pipe(start), 0);
        for (int i = 0; i < MAKERS; i++)
            children[i] = start_maker(start);
        close(start[0]);
        close(start[1]);
        for (int i = 0; i < MAKERS; i++) {
            int status = -1;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
        make_database(1);
    }
}

int main(void)
{
#define in_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        in_folder(a_file_of_another_format_is_refused),
        in_folder(another_programs_database_is_refused),
        in_folder(a_newer_schema_is_refused),
        in_folder(a_truncated_database_is_refused),
        in_folder(missing_files_and_folders_are_told),
        in_folder(an_empty_file_is_no_database_until_it_is_written),
        in_folder(what_is_made_is_the_owners_alone),
        in_folder(odd_names_are_names),
        in_folder(a_new_database_has_the_newest_schema),
        in_folder(older_schemas_are_brought_up_to_date),
        in_folder(permissions_are_kept_to),
        in_folder(a_folder_that_cannot_be_written_can_be_read),
        in_folder(triggers_of_the_file_do_not_run),
        in_folder(a_log_that_was_left_is_read),
        in_folder(many_make_it_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
