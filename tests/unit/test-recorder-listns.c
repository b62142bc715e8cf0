/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces that listns(2) lists, by recorded answers: of kernels that have the call, for those
 * that don't. Which file an id stands for is put in its place, too. */
#include "base/error.h"
#include "recorder/namespace_kernel.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <fcntl.h>
#include <string.h>

/* ---- the list ---- */

static uint64_t answer[3000];
static size_t answer_count;
static unsigned calls;

/* As the kernel does it: ascending ids behind `after`, as many as there is room for. */
static long recorded(const struct listns_request *request, uint64_t *ids, size_t count,
                     unsigned flags)
{
    size_t written = 0;
    calls++;
    assert_int_equal(request->size, 32);
    assert_int_equal(request->owner, 0);
    assert_int_equal(flags, 0);
    if (request->types != nsfs_type_flag(NSFS_NET))
        return 0;
    for (size_t i = 0; i < answer_count && written < count; i++)
        if (answer[i] > request->after)
            ids[written++] = answer[i];
    return (long)written;
}

static long refused(const struct listns_request *request, uint64_t *ids, size_t count,
                    unsigned flags)
{
    (void)request, (void)ids, (void)count, (void)flags;
    errno = EPERM;
    return -1;
}

static void all_of_one_type(void **state)
{
    (void)state;
    _cleanup_listns_ids_ struct listns_ids list = {0};
    answer_count = 3;
    memcpy(answer, (uint64_t[]){2, 671, UINT64_C(1) << 33}, 3 * sizeof(*answer));
    assert_int_equal(listns_list(recorded, NSFS_NET, &list), 0);
    assert_int_equal(list.count, 3);
    assert_memory_equal(list.ids, answer, 3 * sizeof(*answer));
}

/* What fills its room may not be all: it is asked again, from the beginning, with more room. */
static void more_than_expected(void **state)
{
    (void)state;
    _cleanup_listns_ids_ struct listns_ids list = {0};
    answer_count = sizeof(answer) / sizeof(*answer);
    for (size_t i = 0; i < answer_count; i++)
        answer[i] = 10 + i;
    calls = 0;
    assert_int_equal(listns_list(recorded, NSFS_NET, &list), 0);
    assert_int_equal(list.count, answer_count);
    assert_int_equal(list.ids[answer_count - 1], 10 + answer_count - 1);
    assert_int_equal(calls, 2);
}

static void refusal(void **state)
{
    (void)state;
    struct listns_ids list = {0};
    assert_int_equal(listns_list(refused, NSFS_NET, &list), -EPERM);
    assert_int_equal(list.count, 0);
}

/* ---- what is made of it ---- */

enum { OWN_ID = 100, FOUND_ID = 200, GONE_ID = 300, DENIED_ID = 400 };

static struct host *host;
static struct capture capture;
static struct namespace_search search;
static struct buffer gaps;

static int keep_gap(void *userdata, const struct record *record)
{
    (void)userdata;
    assert_int_equal(record->kind, KIND_GAP);
    buffer_append_format(&gaps, "%s %s %s; ", record_text(record, GAP_SOURCE),
                         record_text(record, GAP_SUBJECT), record_text(record, GAP_HIDES_SCOPE));
    return 0;
}

/* The namespace that nothing else has shown is any other one: our uts namespace will do. */
static int open_recorded(int any, enum nsfs_type type, uint64_t id)
{
    assert_true(any >= 0);
    assert_int_equal(type, NSFS_NET);
    switch (id) {
    case FOUND_ID:
        return open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
    case GONE_ID:
        return -ESTALE;
    default:
        return -EACCES;
    }
}

static struct namespace *add_own(void)
{
    struct namespace *own;
    uint32_t inode;
    _cleanup_close_ int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    assert_int_equal(nsfs_inode(fd, &inode), 0);
    assert_int_equal(namespace_table_add(search.table, NSFS_NET, inode, SIGHTING_PROCESS, &own), 0);
    own->has_id = own->resolved = true;
    own->id = OWN_ID;
    return own;
}

static void see(const uint64_t *ids, size_t count)
{
    const struct namespace_lister lister = {.list = recorded, .open = open_recorded};
    memcpy(answer, ids, count * sizeof(*ids));
    answer_count = count;
    assert_int_equal(namespaces_see_listed(&search, &lister), 0);
}

static int begin(void **state)
{
    (void)state;
    static const struct recorder_options options = {0};
    static const struct sink sink = {.record = keep_gap};
    if (host_open(NULL, &host) < 0)
        return -1;
    capture = (struct capture){.host = host, .options = &options, .sink = &sink};
    search =
        (struct namespace_search){.capture = &capture, .sink = &sink, .table = &capture.namespaces};
    return 0;
}

static int end(void **state)
{
    (void)state;
    namespace_table_free(&capture.namespaces);
    host_free(host);
    buffer_free(&gaps);
    return 0;
}

static void a_known_one_gets_one_more_source(void **state)
{
    (void)state;
    const struct namespace *own = add_own();
    see((uint64_t[]){OWN_ID}, 1);
    assert_int_equal(own->sightings, 1u << SIGHTING_PROCESS | 1u << SIGHTING_KERNEL);
    assert_int_equal(HASH_COUNT(search.table->namespaces), 1);
}

static void one_that_nothing_else_shows_is_opened_and_asked(void **state)
{
    (void)state;
    struct namespace *found = NULL;
    uint32_t inode;
    add_own();
    see((uint64_t[]){OWN_ID, FOUND_ID}, 2);
    _cleanup_close_ int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
    assert_int_equal(nsfs_inode(fd, &inode), 0);
    found = namespace_table_find(search.table, NSFS_NET, inode);
    assert_non_null(found);
    assert_int_equal(found->sightings, 1u << SIGHTING_KERNEL);
    assert_true(found->resolved);
    assert_true(found->owner); /* who asked has shown that one, too */
    assert_non_null(namespace_table_find(search.table, NSFS_USER, found->owner));
}

static void one_that_has_gone_meanwhile_is_none(void **state)
{
    (void)state;
    see((uint64_t[]){GONE_ID}, 1);
    assert_int_equal(HASH_COUNT(search.table->namespaces), 0);
    assert_string_equal(buffer_text(&gaps), "");
}

static void one_that_cannot_be_opened_is_a_gap(void **state)
{
    (void)state;
    see((uint64_t[]){DENIED_ID}, 1);
    assert_string_equal(buffer_text(&gaps), "kernel net kernel; ");
}

int main(void)
{
#define searching(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_one_type),
        cmocka_unit_test(more_than_expected),
        cmocka_unit_test(refusal),
        searching(a_known_one_gets_one_more_source),
        searching(one_that_nothing_else_shows_is_opened_and_asked),
        searching(one_that_has_gone_meanwhile_is_none),
        searching(one_that_cannot_be_opened_is_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
