/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "recorder/relay.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { WORKERS = 3, EACH = 1000 };

struct test {
    pthread_t sink_thread;
    unsigned seen[WORKERS][EACH];
    unsigned records, ticks, failures;
    unsigned fail_at; /* the sink fails at this record, 0 for never */
    int worker_error; /* what the second worker ends with */
};

/* Each worker gives the numbers from 0 on, as a process's id and as its name; the name is in a
 * buffer that it uses again, as collectors do. */
static int work(void *userdata, unsigned worker, const struct sink *sink)
{
    const struct test *test = userdata;
    char name[32];
    for (unsigned i = 0; i < EACH; i++) {
        struct record record;
        record_begin(&record, KIND_PROCESS);
        record_set_integer(&record, PROCESS_PID, i);
        record_set_integer(&record, PROCESS_PPID, worker);
        snprintf(name, sizeof(name), "%u of %u", i, worker);
        record_set_text(&record, PROCESS_COMM, name);
        int r = sink_record(sink, &record);
        if (r < 0)
            return r;
        memset(name, 'x', sizeof(name));
        if (test->worker_error && worker == 1 && i == EACH / 2)
            return error_set(-test->worker_error, "the worker had enough");
    }
    return 0;
}

static int take(void *userdata, const struct record *record)
{
    struct test *test = userdata;
    char name[32];
    unsigned number = (unsigned)record_integer(record, PROCESS_PID, -1);
    unsigned worker = (unsigned)record_integer(record, PROCESS_PPID, -1);
    assert_true(pthread_equal(pthread_self(), test->sink_thread));
    assert_true(number < EACH && worker < WORKERS);
    snprintf(name, sizeof(name), "%u of %u", number, worker);
    assert_string_equal(record_text(record, PROCESS_COMM), name);
    test->seen[worker][number]++;
    if (++test->records == test->fail_at) {
        test->failures++;
        return error_set(ENOSPC, "the disk is full");
    }
    return 0;
}

static void tick(void *userdata)
{
    ((struct test *)userdata)->ticks++;
}

static int run(struct test *test, unsigned workers)
{
    const struct sink sink = {take, test};
    const struct relay_work relay = {.workers = workers,
                                     .private_descriptors = true,
                                     .work = work,
                                     .tick = tick,
                                     .userdata = test};
    test->sink_thread = pthread_self();
    return relay_run(&relay, &sink);
}

static void everything_arrives_once(void **state)
{
    (void)state;
    static struct test test;
    test = (struct test){0};
    assert_int_equal(run(&test, WORKERS), 0);
    assert_int_equal(test.records, WORKERS * EACH);
    for (unsigned worker = 0; worker < WORKERS; worker++)
        for (unsigned i = 0; i < EACH; i++)
            assert_int_equal(test.seen[worker][i], 1);
    assert_true(test.ticks > 0);
}

static void without_workers_the_caller_works(void **state)
{
    (void)state;
    static struct test test;
    test = (struct test){0};
    assert_int_equal(run(&test, 0), 0);
    assert_int_equal(test.records, EACH);
}

static void an_error_of_the_sink_ends_all(void **state)
{
    (void)state;
    static const unsigned places[] = {1, 31, 32, 33, 500, WORKERS * EACH};
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        static struct test test;
        test = (struct test){.fail_at = places[i]};
        assert_int_equal(run(&test, WORKERS), -ENOSPC);
        assert_string_equal(error_message(), "the disk is full");
        assert_int_equal(test.failures, 1);
        assert_int_equal(test.records, places[i]);
    }
}

static void an_error_of_a_worker_is_told(void **state)
{
    (void)state;
    static struct test test;
    test = (struct test){.worker_error = -EIO};
    assert_int_equal(run(&test, WORKERS), -EIO);
    assert_string_equal(error_message(), "the worker had enough");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_arrives_once),
        cmocka_unit_test(without_workers_the_caller_works),
        cmocka_unit_test(an_error_of_the_sink_ends_all),
        cmocka_unit_test(an_error_of_a_worker_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
