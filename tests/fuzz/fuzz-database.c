/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as a database. A good one of two snapshots is made once; the input says how it gets
 * damaged: four bytes of length (all ones: as it is), then edits of four bytes of place and one
 * byte to put there. All that is read of it is read, and each snapshot compared with the next. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "schema/reader.h"
#include "schema/writer.h"
#include "tests/fuzz/fuzz.h"

#include <cjson/cJSON.h>
#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { PROCESSES = 20, EDIT_SIZE = 5, PATH_SIZE = 64 };

static char folder[] = "/tmp/nslapse-fuzz-XXXXXX";
static char path[PATH_SIZE];
static uint8_t *good;
static size_t good_length;

static void remove_files(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        char name[PATH_SIZE + 16];
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
}

static void remove_folder(void)
{
    remove_files();
    rmdir(folder);
    free(good);
}

static void add_process(struct writer *writer, int64_t pid, const char *comm)
{
    struct record record;
    record_begin(&record, KIND_PROCESS);
    record_set_integer(&record, PROCESS_PID, pid);
    record_set_integer(&record, PROCESS_START_TICKS, 1000 + pid);
    record_set_text(&record, PROCESS_COMM, comm);
    record_set_text(&record, PROCESS_CMDLINE, "[\"sleep\",\"1000\"]");
    record_set_integer(&record, PROCESS_PPID, 1);
    record_set_integer(&record, PROCESS_NET_NAMESPACE, 4026531840);
    record_set_integer(&record, PROCESS_USER_TICKS, pid * 3);
    fuzz_check(sink_record(writer_sink(writer), &record) == 0);
}

static void add_others(struct writer *writer)
{
    struct record record;
    record_begin(&record, KIND_NAMESPACE);
    record_set_text(&record, NAMESPACE_TYPE, "net");
    record_set_integer(&record, NAMESPACE_INODE, 4026531840);
    record_set_text(&record, NAMESPACE_SOURCES, "[\"process\"]");
    fuzz_check(sink_record(writer_sink(writer), &record) == 0);
    record_begin(&record, KIND_MOUNT);
    record_set_integer(&record, MOUNT_NAMESPACE, 4026531841);
    record_set_integer(&record, MOUNT_ID, 21);
    record_set_text(&record, MOUNT_TARGET, "/");
    fuzz_check(sink_record(writer_sink(writer), &record) == 0);
    const struct gap gap = {"processes", "1", EACCES, NULL, KIND_PROCESS, "1"};
    fuzz_check(sink_gap(writer_sink(writer), &gap) == 0);
}

static void add_snapshot(struct database *database, int64_t number)
{
    const struct snapshot_facts facts = {
        .host = "fuzz",
        .machine_id = "00112233445566778899aabbccddeeff",
        .boot_id = "0f0e0d0c-0b0a-4908-8706-050403020100",
        .kernel = "6.18.0",
        .architecture = "x86_64",
        .recorder = "nslapse",
        .label = number == 1 ? "first" : NULL,
        .without = "[]",
        .privileges = "{}",
        .taken_at = number * 60 * NSEC_PER_SEC,
        .boottime = 1,
        .booted_at = 0,
        .clock_ticks = 100,
        .clock_synchronized = -1,
        .load_average = "0.00 0.00 0.00 1/100 4242",
        .forks = 4242,
        .duration_ns = 1,
        .processes_ended = 0,
    };
    _cleanup_writer_ struct writer *writer = NULL;
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    fuzz_check(writer_begin(database, &facts, &writer) == 0);
    for (int64_t pid = number; pid < number + PROCESSES; pid++)
        add_process(writer, pid, number % 2 ? "sleep" : "sleeper");
    add_others(writer);
    fuzz_check(writer_commit(writer, &facts, &snapshot) == 0);
}

static void read_good(void)
{
    struct stat status;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    fuzz_check(fd >= 0 && fstat(fd, &status) == 0);
    good_length = (size_t)status.st_size;
    good = malloc(good_length);
    fuzz_check(good && read(fd, good, good_length) == (ssize_t)good_length);
}

static void make_good(void)
{
    if (!mkdtemp(folder))
        err(1, "%s", folder);
    snprintf(path, sizeof(path), "%s/db", folder);
    atexit(remove_folder);
    struct database *database = NULL;
    fuzz_check(database_open(path, DATABASE_WRITE, 0, &database) == 0);
    add_snapshot(database, 1);
    add_snapshot(database, 2);
    database_free(database);
    read_good();
}

static uint32_t number_at(const uint8_t *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof(number));
    return number;
}

static void write_damaged(const uint8_t *bytes, size_t length)
{
    uint8_t *damaged = malloc(good_length);
    fuzz_check(damaged);
    memcpy(damaged, good, good_length);
    size_t size = good_length;
    if (length >= 4 && number_at(bytes) != UINT32_MAX)
        size = number_at(bytes) % (good_length + 1);
    for (size_t i = 4; i + EDIT_SIZE <= length; i += EDIT_SIZE)
        damaged[number_at(bytes + i) % good_length] = bytes[i + 4];
    remove_files();
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_check(fd >= 0 && write(fd, damaged, size) == (ssize_t)size);
    free(damaged);
}

struct reading {
    struct database *database;
    struct snapshot newer; /* its numbers alone; id 0 before the first */
};

static void read_records(struct cursor *cursor)
{
    const struct record *record;
    while (cursor_next(cursor, &record) > 0)
        cJSON_Delete(record_json(record));
}

static void read_kind(struct database *database, const struct snapshot *snapshot, enum kind kind)
{
    _cleanup_cursor_ struct cursor *cursor = NULL;
    if (cursor_open(database, snapshot, kind, &cursor) >= 0)
        read_records(cursor);
}

static void read_difference(struct database *database, const struct snapshot *older,
                            const struct snapshot *newer, enum kind kind)
{
    _cleanup_cursor_ struct cursor *cursor = NULL;
    if (cursor_open_unlike(database, older, newer, kind, &cursor) >= 0 && cursor)
        read_records(cursor);
}

static int read_snapshot(void *userdata, const struct snapshot *snapshot)
{
    struct reading *reading = userdata;
    cJSON_Delete(snapshot_json(snapshot));
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        read_kind(reading->database, snapshot, kind);
        if (reading->newer.id)
            read_difference(reading->database, snapshot, &reading->newer, kind);
    }
    reading->newer = (struct snapshot){
        .id = snapshot->id, .host_id = snapshot->host_id, .newest = snapshot->newest};
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (!good)
        make_good();
    write_damaged(bytes, length);
    _cleanup_database_ struct database *database = NULL;
    if (database_open(path, DATABASE_READ, 0, &database) < 0)
        return 0;
    int64_t broken, checked;
    struct reading reading = {.database = database};
    snapshot_each(database, NULL, 0, read_snapshot, &reading);
    snapshot_verify(database, NULL, NULL, &broken, &checked);
    return 0;
}
