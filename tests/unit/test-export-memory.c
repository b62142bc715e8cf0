/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON document is streamed: of a larger snapshot no more is held at a time, but for the cells
 * of its samples and the list of a namespace's processes, which is one line of the document. */
#include "schema/statement.h"
#include "tests/unit/export-host.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
    FEW = 4000, /* more than SQLite sorts without putting some of it aside */
    MANY = 16000,
    /* Nine cells of samples, and what there is of it twice; a PID and a comma, twice, in a buffer
     * that is doubled as it grows. */
    BYTES_OF_A_PROCESS = 9 * 8 + 2 * 2 * 6,
};

/* The sanitizers have an allocator of their own. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* What was allocated at most while the document was written. */
struct peak {
    size_t most;
    size_t written;
};

static ssize_t watch(void *cookie, const char *bytes, size_t length)
{
    struct peak *peak = cookie;
    size_t now = allocated();
    (void)bytes;
    peak->most = now > peak->most ? now : peak->most;
    peak->written += length;
    return (ssize_t)length;
}

static void record_host(struct database *database, int64_t processes)
{
    struct world world;
    world_begin(&world, 1);
    host_add_initial(&world);
    for (int64_t i = 0; i < processes; i++) {
        struct record *process = host_add_process(
            &world, &(struct host_process){.pid = 10000 + i, .ppid = 1, .comm = "nginx"});
        record_set_integer(process, PROCESS_USER_TICKS, i);
    }
    snapshot_free(world_record(&world, database));
    world_end(&world);
}

static struct peak export_host(int64_t processes)
{
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    _cleanup_database_ struct database *database = NULL;
    struct peak peak = {0};
    char *path = scratch_database();
    must(database_open(path, DATABASE_WRITE, 1, &database));
    record_host(database, processes);
    must(snapshot_find_latest(database, NULL, 0, &snapshot));
    /* What SQLite holds of the file at most, and sorts at most without putting it aside. */
    must(sql_execute(database, "PRAGMA cache_size = 50"));
    FILE *out = fopencookie(&peak, "w", (cookie_io_functions_t){.write = watch});
    assert_non_null(out);
    const struct export_request request = {.database = database, .snapshot = snapshot, .out = out};
    size_t before = allocated();
    must(export_write(export_format_by_name("json"), &request));
    assert_int_equal(fclose(out), 0);
    peak.most -= before;
    scratch_remove(path);
    return peak;
}

static void memory_does_not_follow_the_snapshot(void **state)
{
    (void)state;
    struct peak few = export_host(FEW), many = export_host(MANY);
    assert_true(many.written > 3 * few.written);
    print_message("%zu and %zu bytes allocated at most, of documents of %zu and %zu\n", few.most,
                  many.most, few.written, many.written);
    assert_in_range(many.most, 0, few.most + (size_t)(MANY - FEW) * BYTES_OF_A_PROCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_does_not_follow_the_snapshot)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
