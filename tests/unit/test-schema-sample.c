/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of samples, and evidence kept by content. */
#include "base/error.h"
#include "schema/blob.h"
#include "schema/sample.h"
#include "schema/sample_changes.h"
#include "schema/statement.h"
#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct world dice; /* only for its random numbers */

/* Numbers as processes have them, and the ends of the range; never INT64_MIN, which is "not known".
 */
static int64_t random_number(void)
{
    static const int64_t odd[] = {0, 1, -1, 63, 64, -64, -65, INT64_MAX, -INT64_MAX, INT64_MIN + 1};
    uint64_t choice = world_random(&dice, 20);
    if (choice < sizeof(odd) / sizeof(*odd))
        return odd[choice];
    int64_t number = (int64_t)world_random(&dice, UINT64_C(1) << (1 + world_random(&dice, 53)));
    return choice % 2 ? number : -number;
}

/* Columns are left out at random. */
static void random_sample(struct record *record, enum kind kind)
{
    record_begin(record, kind);
    for (unsigned column = 0; column < kinds[kind].column_count; column++)
        if (kinds[kind].columns[column].class == SAMPLE && world_random(&dice, 5))
            record_set_integer(record, column, random_number());
}

static void random_table(struct sample_table *table, enum kind kind)
{
    struct record record;
    int64_t identity = (int64_t)world_random(&dice, 1000);
    sample_table_begin(table, kind);
    for (uint64_t rows = world_random(&dice, 60); rows > 0; rows--) {
        random_sample(&record, kind);
        identity += 1 + (int64_t)world_random(&dice, 1 << world_random(&dice, 30));
        must(sample_table_add(table, identity, &record));
    }
}

static size_t size_of_cells(const struct sample_table *table)
{
    return table->count * (1 + table->column_count) * sizeof(*table->cells);
}

static void assert_same_table(const struct sample_table *actual, const struct sample_table *wanted)
{
    assert_int_equal(actual->kind, wanted->kind);
    assert_int_equal(actual->count, wanted->count);
    assert_int_equal(actual->column_count, wanted->column_count);
    assert_memory_equal(actual->columns, wanted->columns,
                        wanted->column_count * sizeof(*wanted->columns));
    if (wanted->count)
        assert_memory_equal(actual->cells, wanted->cells, size_of_cells(wanted));
}

static void tables_come_back_from_their_bytes(void **state)
{
    (void)state;
    for (int round = 0; round < 500; round++) {
        _cleanup_sample_table_ struct sample_table table = {0}, decoded = {0};
        _cleanup_buffer_ struct buffer bytes = {0};
        random_table(&table, round % 2 ? KIND_PROCESS : KIND_THREAD);
        sample_table_encode(&table, &bytes);
        decoded.kind = table.kind;
        must(sample_table_decode(bytes.bytes, bytes.length, &decoded));
        assert_same_table(&decoded, &table);
    }
}

/* Rows, columns, the columns' numbers, the identities, the cells: docs/schema.md. */
static void the_encoding_is_the_documented_one(void **state)
{
    (void)state;
    _cleanup_sample_table_ struct sample_table table;
    _cleanup_buffer_ struct buffer bytes = {0};
    struct record record;
    sample_table_begin(&table, KIND_THREAD);
    record_begin(&record, KIND_THREAD);
    record_set_integer(&record, THREAD_USER_TICKS, 0);
    record_set_integer(&record, THREAD_SYSTEM_TICKS, 1);
    record_set_integer(&record, THREAD_RUN_STATE, 'S');
    record_set_integer(&record, THREAD_VOLUNTARY_SWITCHES, -1);
    must(sample_table_add(&table, 300, &record));
    record_begin(&record, KIND_THREAD);
    record_set_integer(&record, THREAD_USER_TICKS, INT64_MAX);
    must(sample_table_add(&table, 301, &record));
    sample_table_encode(&table, &bytes);
    static const unsigned char wanted[] = {
        2,    5,    38,   39,   40,   41,   42, /* two rows, five columns */
        0xac, 0x02, 1,                          /* 300, 301 */
        1,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, /* 0, the largest */
        3,    0,                                                          /* 1, not known */
        0xa7, 0x01, 0,                                                    /* 83, not known */
        2,    0,                                                          /* -1, not known */
        0,    0,
    };
    assert_int_equal(bytes.length, sizeof(wanted));
    assert_memory_equal(bytes.bytes, wanted, sizeof(wanted));
}

/* Foreign bytes give a table or an error, and nothing else (the sanitizers watch). */
static void foreign_bytes_are_an_error(void **state)
{
    (void)state;
    int refused = 0;
    for (int round = 0; round < 3000; round++) {
        _cleanup_sample_table_ struct sample_table table = {0}, decoded = {0};
        _cleanup_buffer_ struct buffer bytes = {0};
        random_table(&table, KIND_PROCESS);
        sample_table_encode(&table, &bytes);
        size_t length = bytes.length;
        if (round % 3 == 0)
            length = (size_t)world_random(&dice, length + 1);
        for (uint64_t changes = round % 3 ? 1 + world_random(&dice, 4) : 0; changes > 0; changes--)
            bytes.bytes[world_random(&dice, length)] = (char)world_random(&dice, 256);
        /* In memory of its own, so that reading past its end is seen. */
        _cleanup_free_ char *copy = malloc(length + !length);
        memcpy(copy, bytes.bytes, length);
        decoded.kind = KIND_PROCESS;
        int result = sample_table_decode(copy, length, &decoded);
        assert_true(result == 0 || result == -ERROR_NOT_A_DATABASE);
        assert_true(result == 0 || !decoded.cells);
        refused += result != 0;
    }
    assert_true(refused > 1000);
}

static void assert_refused(const void *bytes, size_t length)
{
    _cleanup_sample_table_ struct sample_table table = {.kind = KIND_THREAD};
    assert_int_equal(sample_table_decode(bytes, length, &table), -ERROR_NOT_A_DATABASE);
}

static void blocks_that_lie_are_refused(void **state)
{
    (void)state;
    assert_refused("", 0);
    assert_refused("\x01", 1);
    assert_refused("\x01\x01\x26", 3); /* a row is promised */
    assert_refused("\x00\x01\x03", 3); /* a column that is no sample */
    assert_refused("\x00\x01\x7f", 3); /* a column that is none */
    assert_refused("\x00\x00\x00", 3); /* more than it says */
    assert_refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 11); /* very many rows */
    assert_refused("\x00\xff\xff\xff\xff\x0f", 6);                      /* very many columns */
    assert_refused("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00\x00", 13); /* no integer */
    char columns[203] = {0, (char)0xc8, 0x01}; /* 200 columns, each a sample's */
    memset(columns + 3, THREAD_USER_TICKS, sizeof(columns) - 3);
    assert_refused(columns, sizeof(columns));
    _cleanup_sample_table_ struct sample_table table = {.kind = KIND_THREAD};
    assert_int_equal(sample_table_decode("\x00\x00", 2, &table), 0);
    assert_int_equal(table.count, 0);
}

/* What a minute later is another table: rows gone, changed and new. */
static void change_table(const struct sample_table *base, struct sample_table *table)
{
    struct record record;
    sample_table_begin(table, base->kind);
    for (size_t row = 0; row < base->count; row++) {
        const int64_t *cells = base->cells + row * (1 + base->column_count);
        record_begin(&record, base->kind);
        record.identity = cells[0];
        if (world_random(&dice, 8) == 0)
            continue;
        sample_table_fill(base, &record);
        for (unsigned i = 0; i < table->column_count && world_random(&dice, 2); i++)
            record_set_integer(&record, table->columns[i], random_number());
        must(sample_table_add(table, cells[0], &record));
    }
    for (uint64_t rows = world_random(&dice, 5); rows > 0; rows--) {
        random_sample(&record, base->kind);
        must(sample_table_add(table, -(int64_t)rows - (int64_t)world_random(&dice, 2) * 99,
                              &record));
    }
    sample_table_sort(table);
}

static void changes_make_the_table_of_its_base(void **state)
{
    (void)state;
    for (int round = 0; round < 500; round++) {
        _cleanup_sample_table_ struct sample_table base = {0}, table = {0};
        _cleanup_buffer_ struct buffer bytes = {0};
        random_table(&base, round % 2 ? KIND_PROCESS : KIND_THREAD);
        change_table(&base, &table);
        must(sample_changes_encode(&table, &base, &bytes));
        must(sample_changes_decode(bytes.bytes, bytes.length, &base));
        assert_same_table(&base, &table);
    }
}

static void add_thread(struct sample_table *table, int64_t identity, int64_t ticks,
                       int64_t switches)
{
    struct record record;
    record_begin(&record, KIND_THREAD);
    record_set_integer(&record, THREAD_USER_TICKS, ticks);
    record_set_integer(&record, THREAD_VOLUNTARY_SWITCHES, switches);
    must(sample_table_add(table, identity, &record));
}

/* Rows gone, rows new, rows changed, differences: docs/schema.md. */
static void changes_are_encoded_as_documented(void **state)
{
    (void)state;
    _cleanup_sample_table_ struct sample_table base, table;
    _cleanup_buffer_ struct buffer bytes = {0};
    sample_table_begin(&base, KIND_THREAD);
    sample_table_begin(&table, KIND_THREAD);
    for (int64_t identity = 1; identity <= 5; identity++)
        add_thread(&base, identity, 100, 200);
    add_thread(&table, 1, 100, 200);
    add_thread(&table, 2, 101, 198);
    add_thread(&table, 4, 100, 200);
    add_thread(&table, 5, 100, 201);
    add_thread(&table, 300, 0, 0);
    must(sample_changes_encode(&table, &base, &bytes));
    static const unsigned char wanted[] = {
        1, 2,                   /* one is gone, two before it are kept */
        1, 0xac, 2,             /* one is new, 300 */
        3, 1,    1, 0, 9, 8, 9, /* three have changed; the first and the fourth column, ... */
        4, 2,                   /* one tick more; the new one's 0 is 1 where nothing was known */
        7, 4,    2,             /* two switches less, one more, the new one's */
    };
    assert_int_equal(bytes.length, sizeof(wanted));
    assert_memory_equal(bytes.bytes, wanted, sizeof(wanted));
}

static void foreign_changes_are_an_error(void **state)
{
    (void)state;
    int refused = 0;
    for (int round = 0; round < 3000; round++) {
        _cleanup_sample_table_ struct sample_table base = {0}, table = {0};
        _cleanup_buffer_ struct buffer bytes = {0};
        random_table(&base, KIND_PROCESS);
        change_table(&base, &table);
        must(sample_changes_encode(&table, &base, &bytes));
        size_t length = bytes.length;
        if (round % 3 == 0)
            length = (size_t)world_random(&dice, length);
        for (uint64_t changes = round % 3 ? 1 + world_random(&dice, 4) : 0; changes > 0; changes--)
            bytes.bytes[world_random(&dice, length)] = (char)world_random(&dice, 256);
        _cleanup_free_ char *copy = malloc(length + !length);
        memcpy(copy, bytes.bytes, length);
        int result = sample_changes_decode(copy, length, &base);
        assert_true(result == 0 || result == -ERROR_NOT_A_DATABASE);
        assert_true(result == 0 || !base.cells);
        refused += result != 0;
    }
    assert_true(refused > 1000);
}

static void assert_changes_refused(const void *bytes, size_t length)
{
    _cleanup_sample_table_ struct sample_table table;
    sample_table_begin(&table, KIND_THREAD);
    add_thread(&table, 1, 0, 0);
    add_thread(&table, 2, 0, 0);
    assert_int_equal(sample_changes_decode(bytes, length, &table), -ERROR_NOT_A_DATABASE);
}

static void changes_that_lie_are_refused(void **state)
{
    (void)state;
    assert_changes_refused("", 0);
    assert_changes_refused("\x00\x00", 2);                 /* the changed ones are missing */
    assert_changes_refused("\x01\x02\x00\x00", 4);         /* the third of two is gone */
    assert_changes_refused("\x03\x00\x00\x00\x00\x00", 6); /* three of two are gone */
    assert_changes_refused("\x00\x7f\x00\x00", 4);         /* very many are new */
    assert_changes_refused("\x00\x00\x01\x02\x01\x02", 6); /* the third of two has changed */
    assert_changes_refused("\x00\x00\x01\x00\x00", 5);     /* in no column */
    assert_changes_refused("\x00\x00\x01\x00\x20\x02", 6); /* in the sixth of five */
    assert_changes_refused("\x00\x00\x00\x00", 4);         /* more than it says */
}

static void records_are_filled_by_identity(void **state)
{
    (void)state;
    _cleanup_sample_table_ struct sample_table table;
    struct record record, read;
    sample_table_begin(&table, KIND_PROCESS);
    for (int64_t identity = 9; identity > 0; identity -= 2) {
        record_begin(&record, KIND_PROCESS);
        record_set_integer(&record, PROCESS_MINOR_FAULTS, identity * 100);
        must(sample_table_add(&table, identity, &record));
    }
    sample_table_sort(&table);
    for (int64_t identity = 0; identity <= 10; identity++) {
        record_begin(&read, KIND_PROCESS);
        read.identity = identity;
        sample_table_fill(&table, &read);
        assert_int_equal(record_integer(&read, PROCESS_MINOR_FAULTS, -1),
                         identity % 2 ? identity * 100 : -1);
        assert_false(record_has(&read, PROCESS_MAJOR_FAULTS));
    }
    /* A kind without samples. */
    _cleanup_sample_table_ struct sample_table none;
    sample_table_begin(&none, KIND_MOUNT);
    record_begin(&record, KIND_MOUNT);
    must(sample_table_add(&none, 1, &record));
    assert_int_equal(none.count, 0);
}

enum { SNAPSHOTS = 200, THINGS = 20, NONE_IN = 150 };

/* The samples of the things in snapshot `id`, the same whenever it is asked. */
static void sample_of(struct record *record, int64_t identity, int64_t id)
{
    world_begin(&dice, (uint64_t)(id * 1000 + identity));
    random_sample(record, KIND_PROCESS);
    record->identity = identity;
    record_set_integer(record, PROCESS_RUN_STATE, 'S');
}

static void write_samples(struct database *database, int64_t id, struct digest *ret_digest)
{
    _cleanup_sample_table_ struct sample_table table;
    struct record record;
    sample_table_begin(&table, KIND_PROCESS);
    for (int64_t identity = 1; identity <= THINGS; identity++) {
        sample_of(&record, identity, id);
        must(sample_table_add(&table, identity, &record));
    }
    must(sample_write(database, id, id - 1, &table, ret_digest));
}

/* In any order: each is read by itself. */
static void check_samples(struct database *database, int64_t id, const struct digest *wanted)
{
    _cleanup_sample_table_ struct sample_table table;
    struct digest digest = {0};
    must(sample_read(database, id, KIND_PROCESS, &table, &digest));
    assert_int_equal(table.count, id == NONE_IN ? 0 : THINGS);
    assert_memory_equal(&digest, wanted, sizeof(digest));
    for (int64_t identity = 1; identity <= THINGS && id != NONE_IN; identity++) {
        struct record written, read;
        sample_of(&written, identity, id);
        record_begin(&read, KIND_PROCESS);
        read.identity = identity;
        sample_table_fill(&table, &read);
        for (unsigned column = 0; column < kinds[KIND_PROCESS].column_count; column++)
            assert_true(value_equal(&read.values[column], &written.values[column]));
    }
}

static int64_t number(struct database *database, const char *sql)
{
    int64_t integer = -1;
    must(sql_integer(database, sql, -1, &integer));
    return integer;
}

static void every_snapshot_has_its_samples(void **state)
{
    (void)state;
    _cleanup_database_ struct database *database = NULL;
    static struct digest digests[SNAPSHOTS + 1];
    char *path = scratch_database();
    must(database_open(path, DATABASE_WRITE, 0, &database));
    must(sql_execute(database, "PRAGMA foreign_keys = OFF"));
    for (int64_t id = 1; id <= SNAPSHOTS; id++)
        if (id != NONE_IN)
            write_samples(database, id, &digests[id]);
    for (int64_t i = 0; i < SNAPSHOTS; i++)
        check_samples(database, 1 + i * 77 % SNAPSHOTS, &digests[1 + i * 77 % SNAPSHOTS]);
    /* Every 64th leans on none, and so does the first after one that is missing. */
    assert_int_equal(number(database, "SELECT count(*) FROM sample WHERE base_snapshot IS NULL"),
                     4);
    assert_int_equal(number(database, "SELECT count(*) FROM sample WHERE base_snapshot IS NULL"
                                      " AND snapshot_id IN (1, 65, 129, 151)"),
                     4);
    /* Not more than six steps from one that leans on none. */
    assert_int_equal(
        number(database,
               "WITH RECURSIVE chain (id, depth) AS (SELECT snapshot_id, 0 FROM sample"
               " WHERE base_snapshot IS NULL UNION ALL SELECT snapshot_id, depth + 1 FROM sample"
               " JOIN chain ON sample.base_snapshot = chain.id) SELECT max(depth) FROM chain"),
        18);
    database_free(steal_pointer(database));
    scratch_remove(path);
}

/* A block whose base is gone, or that leans on itself, is an error and no endless walk. */
static void broken_chains_are_errors(void **state)
{
    (void)state;
    _cleanup_database_ struct database *database = NULL;
    _cleanup_sample_table_ struct sample_table table = {0};
    struct digest digest;
    char *path = scratch_database();
    must(database_open(path, DATABASE_WRITE, 0, &database));
    must(sql_execute(database, "PRAGMA foreign_keys = OFF"));
    for (int64_t id = 1; id <= 10; id++)
        write_samples(database, id, &digest);
    must(sql_execute(database, "UPDATE sample SET base_snapshot = 10 WHERE snapshot_id = 9"));
    assert_int_equal(sample_read(database, 10, KIND_PROCESS, &table, NULL), -ERROR_NOT_A_DATABASE);
    must(sql_execute(database, "DELETE FROM sample WHERE snapshot_id = 9"));
    assert_int_equal(sample_read(database, 10, KIND_PROCESS, &table, NULL), -ERROR_NOT_A_DATABASE);
    must(sql_execute(database, "UPDATE sample SET block = x'00' WHERE snapshot_id = 1"));
    assert_int_equal(sample_read(database, 1, KIND_PROCESS, &table, NULL), -ERROR_NOT_A_DATABASE);
    must(sql_execute(database, "UPDATE sample SET block = x'' WHERE snapshot_id = 1"));
    assert_int_equal(sample_read(database, 1, KIND_PROCESS, &table, NULL), -ERROR_NOT_A_DATABASE);
    database_free(steal_pointer(database));
    scratch_remove(path);
}

static void packed_bytes_come_back(void **state)
{
    (void)state;
    world_begin(&dice, 5);
    for (int round = 0; round < 300; round++) {
        _cleanup_buffer_ struct buffer packed = {0}, unpacked = {0};
        char bytes[600];
        size_t length = (size_t)world_random(&dice, sizeof(bytes) + 1);
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (char)world_random(&dice, 8);
        must(blob_pack(bytes, length, &packed));
        must(blob_unpack(packed.bytes, packed.length, length, &unpacked));
        assert_int_equal(unpacked.length, length);
        assert_memory_equal(buffer_text(&unpacked), bytes, length);
        /* One byte more than is allowed. */
        if (length)
            assert_int_equal(blob_unpack(packed.bytes, packed.length, length - 1, &unpacked),
                             -ERROR_NOT_A_DATABASE);
        /* Cut off, or altered: an error, or other bytes, but no more of them. */
        assert_int_equal(blob_unpack(packed.bytes, packed.length - 1, length, &unpacked),
                         -ERROR_NOT_A_DATABASE);
        packed.bytes[world_random(&dice, packed.length)] ^= (char)(1 + world_random(&dice, 255));
        int result = blob_unpack(packed.bytes, packed.length, sizeof(bytes), &unpacked);
        assert_true(result == 0 || result == -ERROR_NOT_A_DATABASE);
        assert_true(result || unpacked.length <= sizeof(bytes));
    }
    _cleanup_buffer_ struct buffer none = {0};
    assert_int_equal(blob_unpack(NULL, 0, 10, &none), -ERROR_NOT_A_DATABASE);
    assert_int_equal(blob_unpack("no zstd at all", 14, 10, &none), -ERROR_NOT_A_DATABASE);
}

static void assert_blob(struct database *database, const struct digest *digest, const void *wanted,
                        size_t wanted_length)
{
    _cleanup_free_ void *bytes = NULL;
    size_t length = 0;
    must(blob_read(database, digest, &bytes, &length));
    assert_int_equal(length, wanted_length);
    assert_memory_equal(bytes, wanted, length);
}

static void evidence_is_kept_once_by_content(void **state)
{
    (void)state;
    _cleanup_database_ struct database *database = NULL;
    struct digest words, again, nothing, large, unknown = {{1}};
    char *path = scratch_database();
    void *bytes = NULL;
    size_t length = 0;
    enum { LARGE = 1 << 20 };
    _cleanup_free_ char *zeros = calloc(1, LARGE);
    must(database_open(path, DATABASE_WRITE, 0, &database));
    must(blob_write(database, "PATH=/bin\0HOME=/", 16, &words));
    must(blob_write(database, "PATH=/bin\0HOME=/", 16, &again));
    must(blob_write(database, "", 0, &nothing));
    must(blob_write(database, zeros, LARGE, &large));
    assert_int_equal(digest_compare(&words, &again), 0);
    assert_int_equal(number(database, "SELECT count(*) FROM blob"), 3);
    assert_true(number(database, "SELECT max(length(content)) FROM blob") < 1000);
    assert_int_equal(number(database, "SELECT max(size) FROM blob"), LARGE);
    assert_blob(database, &words, "PATH=/bin\0HOME=/", 16);
    assert_blob(database, &nothing, "", 0);
    assert_blob(database, &large, zeros, LARGE);
    assert_int_equal(blob_read(database, &unknown, &bytes, &length), -ENOENT);
    assert_int_equal(blob_write(database, zeros, SIZE_MAX / 2, &unknown), -EFBIG);
    /* Another content under the same name. */
    must(sql_execute(database,
                     "UPDATE blob SET content = (SELECT content FROM blob WHERE size = 0)"));
    assert_int_equal(blob_read(database, &words, &bytes, &length), -ERROR_NOT_A_DATABASE);
    assert_null(bytes);
    database_free(steal_pointer(database));
    scratch_remove(path);
}

static int begin(void **state)
{
    (void)state;
    world_begin(&dice, 11);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tables_come_back_from_their_bytes, begin),
        cmocka_unit_test_setup(the_encoding_is_the_documented_one, begin),
        cmocka_unit_test_setup(foreign_bytes_are_an_error, begin),
        cmocka_unit_test_setup(blocks_that_lie_are_refused, begin),
        cmocka_unit_test_setup(changes_make_the_table_of_its_base, begin),
        cmocka_unit_test_setup(changes_are_encoded_as_documented, begin),
        cmocka_unit_test_setup(foreign_changes_are_an_error, begin),
        cmocka_unit_test_setup(changes_that_lie_are_refused, begin),
        cmocka_unit_test_setup(records_are_filled_by_identity, begin),
        cmocka_unit_test_setup(every_snapshot_has_its_samples, begin),
        cmocka_unit_test_setup(broken_chains_are_errors, begin),
        cmocka_unit_test_setup(packed_bytes_come_back, begin),
        cmocka_unit_test_setup(evidence_is_kept_once_by_content, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
