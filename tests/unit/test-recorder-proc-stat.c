/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "recorder/kernel/proc_stat.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A real line with every field, of the command name that is given. */
static const char *line_of(const char *comm)
{
    static char line[1024];
    snprintf(
        line, sizeof(line),
        "812 (%s) S 1 812 811 34817 -1 4194560 120 7 3 1 50 20 4 2 20 -5 2 0 4711 4000000 200 "
        "18446744073709551615 94000000000000 94000000100000 140720000000000 0 0 0 0 0 0 0 0 0 17 "
        "1 42 1 0 0 0 1 2 3 4 5 6 7 0\n",
        comm);
    return line;
}

static struct proc_stat parse(const char *line)
{
    struct proc_stat stat;
    assert_int_equal(proc_stat_parse(line, strlen(line), &stat), 0);
    return stat;
}

static void assert_span(struct span span, const char *text)
{
    if (!span_is(span, text))
        fail_msg("'%.*s' is not '%s'", (int)span.length, span.bytes, text);
}

static void reads_every_field(void **state)
{
    (void)state;
    struct proc_stat stat = parse(line_of("cron"));
    assert_span(stat.comm, "cron");
    assert_int_equal(stat.state, 'S');
    assert_int_equal(stat.count, STAT_FIELDS);
    assert_int_equal(stat.fields[STAT_PID], 812);
    assert_int_equal(stat.fields[STAT_PPID], 1);
    assert_int_equal(stat.fields[STAT_SESSION], 811);
    assert_int_equal(stat.fields[STAT_TERMINAL], 34817);
    assert_int_equal(stat.fields[STAT_NICE], -5);
    assert_int_equal(stat.fields[STAT_THREAD_COUNT], 2);
    assert_int_equal(stat.fields[STAT_START_TICKS], 4711);
    assert_int_equal(stat.fields[STAT_START_STACK], 140720000000000);
    assert_int_equal(stat.fields[STAT_REALTIME_PRIORITY], 42);
    assert_int_equal(stat.fields[STAT_POLICY], 1);
    assert_int_equal((uint64_t)stat.fields[25], UINT64_MAX);
}

static void name_ends_at_the_last_bracket(void **state)
{
    (void)state;
    static const char *const names[] = {"a) S 1 (b", ")", "(", ") R 7 7 7 (", "new\nline", "", " "};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct proc_stat stat = parse(line_of(names[i]));
        assert_span(stat.comm, names[i]);
        assert_int_equal(stat.fields[STAT_PPID], 1);
    }
}

/* Whatever is cut off, what comes out was there: no number is shorter than it was. */
static void every_beginning_is_refused_or_right(void **state)
{
    (void)state;
    const char *line = line_of("cron");
    struct proc_stat whole = parse(line);
    for (size_t length = 0; length < strlen(line); length++) {
        char *copy = malloc(length ? length : 1);
        struct proc_stat stat;
        memcpy(copy, line, length);
        if (proc_stat_parse(copy, length, &stat) == 0) {
            assert_true(stat.count >= STAT_START_TICKS);
            for (unsigned field = 4; field <= stat.count; field++)
                assert_int_equal(stat.fields[field], whole.fields[field]);
        }
        free(copy);
    }
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const files[] = {
        "",
        "\n",
        "812",
        "812 (",
        "812 )(",
        "812 (x)",
        "812 (x) S",
        "(x) S 1 2 3",
        "x (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "812 (x) SS 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20\n",
        "812 (x) S 1 2 3 4 5 six 7 8 9 10 11 12 13 14 15 16 17 18 19 20\n",
        "812 (x) S 1 2 3 4 5 99999999999999999999999 7 8 9 10 11 12 13 14 15 16 17 18 19 20\n"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct proc_stat stat;
        assert_int_equal(proc_stat_parse(files[i], strlen(files[i]), &stat), -ERROR_SYNTAX);
    }
}

static const char *with_flags(const char *comm, int64_t flags)
{
    static char line[1024];
    snprintf(line, sizeof(line),
             "9 (%s) I 2 0 0 0 -1 %lld 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0 0 0 0 0 0\n", comm,
             (long long)flags);
    return line;
}

static void workers_lose_what_they_work_on(void **state)
{
    (void)state;
    static const struct {
        const char *comm, *steady;
    } workers[] = {{"kworker/0:1-events", "kworker/0:1"},
                   {"kworker/u8:2+flush-8:0", "kworker/u8:2"},
                   {"kworker/0:0H-kblockd", "kworker/0:0H"},
                   {"kworker/1:2", "kworker/1:2"},
                   {"kworker/R-ext4-rsv+ext4-rsv-conversion", "kworker/R-ext4-rsv"},
                   {"kworker/R-rcu_gp", "kworker/R-rcu_gp"},
                   {"rcu-gp", "rcu-gp"}};
    for (size_t i = 0; i < sizeof(workers) / sizeof(*workers); i++) {
        struct proc_stat stat =
            parse(with_flags(workers[i].comm, TASK_KERNEL_THREAD | TASK_WORKQUEUE_WORKER));
        assert_span(proc_stat_steady_comm(&stat), workers[i].steady);
    }
    struct proc_stat liar = parse(with_flags("kworker/0:1-events", 0));
    assert_span(proc_stat_steady_comm(&liar), "kworker/0:1-events");
}

static void exec_and_end_show(void **state)
{
    (void)state;
    char first_line[1024];
    snprintf(first_line, sizeof(first_line), "%s", line_of("sh"));
    struct proc_stat first = parse(first_line), second = first;
    assert_true(proc_stat_same_program(&first, &second));
    second.fields[STAT_USER_TICKS]++;
    second.state = 'R';
    assert_true(proc_stat_same_program(&first, &second));
    second.fields[STAT_START_STACK]++;
    assert_false(proc_stat_same_program(&first, &second));
    second = first;
    second.comm = (struct span){"ls", 2};
    assert_false(proc_stat_same_program(&first, &second));
    second = first;
    second.state = 'Z';
    assert_false(proc_stat_same_program(&first, &second));
    second = first;
    second.fields[STAT_FLAGS] ^= TASK_FORKED_WITHOUT_EXEC;
    assert_false(proc_stat_same_program(&first, &second));
    second = first;
    second.fields[STAT_START_TICKS]++;
    assert_false(proc_stat_same_program(&first, &second));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(name_ends_at_the_last_bracket),
        cmocka_unit_test(every_beginning_is_refused_or_right),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(workers_lose_what_they_work_on),
        cmocka_unit_test(exec_and_end_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
