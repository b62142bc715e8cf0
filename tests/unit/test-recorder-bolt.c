/* SPDX-License-Identifier: Apache-2.0 */
/* Databases of bbolt: tests/fixtures/bolt.db, which bbolt itself has written, and broken ones. */
#include "base/buffer.h"
#include "recorder/engines/bolt.h"
#include "tests/unit/recorded.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of the fixture. */
enum {
    PAGE = 1024,
    FLAGS = 8,
    COUNT = 10,
    OVERFLOW = 12,
    META = 16, /* in its page */
    META_TRANSACTION = META + 48,
    META_CHECKSUM = META + 56,
    NEWEST = 1 * PAGE, /* meta page of the newest transaction, 3; page 0 is that of 2 */
    TOP = 18 * PAGE,   /* leaf page of the outermost bucket: many, v1 */
    LEAF = 2 * PAGE,   /* first page of the bucket many, with 15 elements */
    BRANCH = 3 * PAGE, /* page of the bucket many; page 15 was that of transaction 2 */
};

static char *fixture;
static size_t fixture_length;

static int read_fixture(void **state)
{
    (void)state;
    FILE *file = fopen(fixture_path("bolt.db"), "re");
    enum { MOST = 1 << 16 };
    fixture = malloc(MOST);
    fixture_length = file && fixture ? fread(fixture, 1, MOST, file) : 0;
    return fixture_length == 20 * PAGE && fclose(file) == 0 ? 0 : -1;
}

static int free_fixture(void **state)
{
    (void)state;
    free(fixture);
    return 0;
}

/* ---- a file of each test's own ---- */

struct written {
    int fd;
    struct bolt bolt;
    struct buffer told;
};

static int begin(void **state)
{
    struct written *written = calloc(1, sizeof(*written));
    *state = written;
    written->fd = memfd_create("bolt", MFD_CLOEXEC);
    return written->fd >= 0 &&
                   write(written->fd, fixture, fixture_length) == (ssize_t)fixture_length
               ? 0
               : -1;
}

static int end(void **state)
{
    struct written *written = *state;
    close(written->fd);
    buffer_free(&written->told);
    free(written);
    return 0;
}

static void put(struct written *written, size_t offset, uint64_t number, size_t bytes)
{
    assert_int_equal(pwrite(written->fd, &number, bytes, (off_t)offset), bytes);
}

static uint64_t get(const struct written *written, size_t offset, size_t bytes)
{
    uint64_t number = 0;
    assert_int_equal(pread(written->fd, &number, bytes, (off_t)offset), bytes);
    return number;
}

/* A transaction has ended: this meta page says so. */
static void put_transaction(struct written *written, size_t page, uint64_t transaction)
{
    unsigned char meta[META_CHECKSUM - META];
    uint64_t sum = 0xcbf29ce484222325;
    put(written, page + META_TRANSACTION, transaction, 8);
    assert_int_equal(pread(written->fd, meta, sizeof(meta), (off_t)page + META), sizeof(meta));
    for (size_t i = 0; i < sizeof(meta); i++)
        sum = (sum ^ meta[i]) * 0x100000001b3;
    put(written, page + META_CHECKSUM, sum, 8);
}

static int tell(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct buffer *told = userdata;
    bool text = item->value.length < 16;
    buffer_append_format(told, "%.*s", (int)item->key.length, item->key.bytes);
    if (item->value.bytes && text)
        buffer_append_format(told, "=%.*s ", (int)item->value.length, item->value.bytes);
    else if (item->value.bytes)
        buffer_append_format(told, "=[%zu] ", item->value.length);
    if (item->value.bytes)
        return 0;
    buffer_append_text(told, "( ");
    int r = bolt_each(bolt, &item->bucket, tell, told);
    buffer_append_text(told, ") ");
    return r;
}

static int read_all(struct written *written)
{
    buffer_clear(&written->told);
    int r = bolt_open(written->fd, &written->bolt);
    const struct bolt_bucket root = bolt_root(&written->bolt);
    return r < 0 ? r : bolt_each(&written->bolt, &root, tell, &written->told);
}

static bool told(const struct written *written, const char *text)
{
    return strstr(buffer_text(&written->told), text);
}

/* ---- what is there ---- */

static void tells_of_buckets_and_values(void **state)
{
    struct written *written = *state;
    assert_int_equal(read_all(written), 0);
    assert_int_equal(written->bolt.transaction, 3);
    /* Buckets with a page of their own, in their parent's page, and without anything. The second
     * key has a NUL. */
    assert_true(told(written, "v1( empty= long( text=[2560] to=go ) small( a=1 b"));
    assert_true(told(written, "many( key-000=value 0 "));
    assert_true(told(written, "key-119=value 119 ) v1( "));
    assert_false(told(written, "key-007"));
    assert_true(bolt_is_unchanged(&written->bolt));
}

static int find_in(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct written *written = userdata;
    for (unsigned i = 0; i < 130; i++) {
        char key[16];
        int length = snprintf(key, sizeof(key), "key-%03u", i);
        buffer_clear(&written->told);
        assert_int_equal(bolt_find(bolt, &item->bucket, (struct span){key, (size_t)length}, tell,
                                   &written->told),
                         0);
        assert_int_equal(told(written, key), i < 120 && i != 7);
    }
    return 0;
}

static void finds_by_key(void **state)
{
    struct written *written = *state;
    const struct span many = {"many", 4}, before = {"a", 1};
    assert_int_equal(bolt_open(written->fd, &written->bolt), 0);
    const struct bolt_bucket root = bolt_root(&written->bolt);
    assert_int_equal(bolt_find(&written->bolt, &root, many, find_in, written), 0);
    buffer_clear(&written->told);
    assert_int_equal(bolt_find(&written->bolt, &root, before, tell, &written->told), 0);
    assert_int_equal(written->told.length, 0);
}

static int refuse(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    (void)bolt;
    (void)item;
    ++*(unsigned *)userdata;
    return -ECANCELED;
}

static void whoever_is_told_may_end_it(void **state)
{
    struct written *written = *state;
    unsigned count = 0;
    assert_int_equal(bolt_open(written->fd, &written->bolt), 0);
    const struct bolt_bucket root = bolt_root(&written->bolt);
    assert_int_equal(bolt_each(&written->bolt, &root, refuse, &count), -ECANCELED);
    assert_int_equal(count, 1);
}

/* ---- what is being written ---- */

static void a_torn_meta_page_leaves_the_transaction_before(void **state)
{
    struct written *written = *state;
    put(written, NEWEST + META_CHECKSUM, 1, 8);
    assert_int_equal(read_all(written), 0);
    assert_int_equal(written->bolt.transaction, 2);
    assert_true(told(written, "key-007=value 7 "));
}

static void the_first_page_may_be_the_torn_one(void **state)
{
    struct written *written = *state;
    put(written, META_CHECKSUM, 1, 8);
    assert_int_equal(read_all(written), 0);
    assert_int_equal(written->bolt.transaction, 3);
    put(written, NEWEST + META_CHECKSUM, 1, 8);
    assert_int_equal(read_all(written), -EBADMSG);
}

static void a_later_transaction_is_noticed(void **state)
{
    struct written *written = *state;
    assert_int_equal(read_all(written), 0);
    put_transaction(written, 0, 4);
    assert_false(bolt_is_unchanged(&written->bolt));
    assert_int_equal(bolt_open(written->fd, &written->bolt), 0);
    assert_int_equal(written->bolt.transaction, 4);
}

/* A transaction ends each time that it is read, as long as there are some left. */
struct busy {
    struct written *written;
    unsigned transactions, reads;
};

static int read_while_busy(void *userdata, struct bolt *bolt)
{
    struct busy *busy = userdata;
    busy->reads++;
    if (busy->transactions)
        put_transaction(busy->written, bolt->transaction % 2 ? 0 : NEWEST, bolt->transaction + 1);
    busy->transactions -= busy->transactions > 0;
    return busy->transactions ? -EBADMSG : 0; /* what is read then may be anything */
}

static void it_is_read_until_it_belongs_together(void **state)
{
    struct busy rarely = {.written = *state, .transactions = 2};
    struct busy always = {.written = *state, .transactions = 1000};
    assert_int_equal(bolt_read(rarely.written->fd, read_while_busy, &rarely), 0);
    assert_int_equal(rarely.reads, 3);
    assert_int_equal(bolt_read(always.written->fd, read_while_busy, &always), -EAGAIN);
}

/* ---- what isn't right ---- */

static void no_database(void **state)
{
    struct written *written = *state;
    assert_int_equal(ftruncate(written->fd, 100), 0);
    assert_int_equal(read_all(written), -EBADMSG);
    assert_int_equal(ftruncate(written->fd, 0), 0);
    assert_int_equal(read_all(written), -EBADMSG);
}

static void another_version(void **state)
{
    struct written *written = *state;
    for (size_t page = 0; page <= NEWEST; page += PAGE) {
        put(written, page + META + 4, 3, 4);
        put_transaction(written, page, 3);
    }
    assert_int_equal(read_all(written), -EBADMSG);
}

static void cut_anywhere(void **state)
{
    struct written *written = *state;
    for (size_t pages = 0; pages < 19; pages++) { /* the last one lists free pages */
        assert_int_equal(ftruncate(written->fd, (off_t)(pages * PAGE)), 0);
        assert_int_equal(read_all(written), -EBADMSG);
        assert_int_equal(pwrite(written->fd, fixture, fixture_length, 0), fixture_length);
    }
}

static void a_page_that_leads_to_itself(void **state)
{
    struct written *written = *state;
    put(written, BRANCH + 16 + 8, 3, 8);
    assert_int_equal(read_all(written), -ELOOP);
}

/* Every way leads to the same pages, again and again. */
static void a_tree_that_is_none(void **state)
{
    struct written *written = *state;
    uint64_t count = get(written, BRANCH + COUNT, 2);
    assert_true(count > 1);
    char page[PAGE];
    for (uint64_t i = 0; i < count; i++)
        put(written, BRANCH + 16 + i * 16 + 8, 8, 8);
    assert_int_equal(read_all(written), 0);
    for (uint64_t number = 8; number < 14; number++) {
        assert_int_equal(pread(written->fd, page, PAGE, BRANCH), PAGE);
        assert_int_equal(pwrite(written->fd, page, PAGE, (off_t)(number * PAGE)), PAGE);
        put(written, number * PAGE, number, 8);
        for (uint64_t i = 0; i < count; i++)
            put(written, number * PAGE + 16 + i * 16 + 8, number + 1, 8);
    }
    assert_int_equal(read_all(written), -EFBIG);
}

static void what_leads_out_of_its_page(void **state)
{
    static const struct {
        size_t offset, bytes;
        uint64_t number;
    } broken[] = {
        {TOP, 8, 17},           /* it says that it is another page */
        {TOP + FLAGS, 2, 16},   /* ... of another kind */
        {TOP + COUNT, 2, 64},   /* elements behind its end */
        {TOP + OVERFLOW, 4, 2}, /* pages behind the end of the file */
        {TOP + OVERFLOW, 4, UINT32_MAX},
        {TOP + 16 + 4, 4, PAGE}, /* data behind its end */
        {TOP + 16 + 4, 4, UINT32_MAX},
        {TOP + 16 + 8, 4, UINT32_MAX},  /* the key's length */
        {TOP + 16 + 12, 4, UINT32_MAX}, /* ... and the value's */
        {TOP + 16 + 12, 4, 15},         /* which is less than a bucket takes */
        {LEAF + 16 + 4, 4, 16},         /* data among the elements */
        {LEAF + 32 + 4, 4, 224},        /* the second one's data is the first one's */
        {BRANCH + COUNT, 2, 0},         /* a branch that leads nowhere */
        {BRANCH + 16 + 8, 8, 20},       /* ... behind the end of the file */
        {BRANCH + 16 + 8, 8, UINT64_MAX},
        {BRANCH + 16 + 8, 8, 0}, /* ... to a meta page */
        {BRANCH + 16 + 4, 4, PAGE},
        {NEWEST + META + 16, 8, UINT64_MAX},
    };
    struct written *written = *state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        put(written, broken[i].offset, broken[i].number, broken[i].bytes);
        put_transaction(written, NEWEST, 3);
        int r = read_all(written);
        if (r != -EBADMSG)
            fail_msg("%zu: %d", i, r);
        assert_int_equal(pwrite(written->fd, fixture, fixture_length, 0), fixture_length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_of_buckets_and_values, begin, end),
        cmocka_unit_test_setup_teardown(finds_by_key, begin, end),
        cmocka_unit_test_setup_teardown(whoever_is_told_may_end_it, begin, end),
        cmocka_unit_test_setup_teardown(a_torn_meta_page_leaves_the_transaction_before, begin, end),
        cmocka_unit_test_setup_teardown(the_first_page_may_be_the_torn_one, begin, end),
        cmocka_unit_test_setup_teardown(a_later_transaction_is_noticed, begin, end),
        cmocka_unit_test_setup_teardown(it_is_read_until_it_belongs_together, begin, end),
        cmocka_unit_test_setup_teardown(no_database, begin, end),
        cmocka_unit_test_setup_teardown(another_version, begin, end),
        cmocka_unit_test_setup_teardown(cut_anywhere, begin, end),
        cmocka_unit_test_setup_teardown(a_page_that_leads_to_itself, begin, end),
        cmocka_unit_test_setup_teardown(a_tree_that_is_none, begin, end),
        cmocka_unit_test_setup_teardown(what_leads_out_of_its_page, begin, end),
    };
    return cmocka_run_group_tests(tests, read_fixture, free_fixture);
}
