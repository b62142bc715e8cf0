/* SPDX-License-Identifier: Apache-2.0 */
/* What names and files can do: tests/fixtures/odd. */
#include "tests/unit/recorded.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

static struct recorded odd;

static int begin(void **state)
{
    (void)state;
    recorded_fixture(&odd, "odd");
    return 0;
}

static int end(void **state)
{
    (void)state;
    recorded_end(&odd);
    return 0;
}

static const struct record *process(int64_t pid)
{
    return recorded_find(&odd, KIND_PROCESS, PROCESS_PID, pid);
}

static const struct record *gap_of(const char *subject)
{
    return recorded_gap(&odd, "processes", subject);
}

static void names_with_brackets(void **state)
{
    (void)state;
    check_text(process(10), PROCESS_COMM, "a) S 1 (b");
    check_number(process(10), PROCESS_PPID, 1);
    check_number(process(10), PROCESS_START_TICKS, 10);
    check_text(process(16), PROCESS_COMM, "[migration/0]");
    check_number(process(16), PROCESS_KERNEL_THREAD, 1);
}

static void names_with_newlines_and_escapes(void **state)
{
    (void)state;
    check_text(process(11), PROCESS_COMM, "new\nline");
    check_text(process(11), PROCESS_EXE, "/bin/new\nline");
    check_text(process(11), PROCESS_CWD, "/tmp/\x1b[31mred");
    check_text(process(11), PROCESS_CMDLINE, "[\"printf\",\"%s\\\\\\\\n\",\"\"]");
    check_text(process(11), PROCESS_CONDITION, "alive");
}

static void bytes_that_are_no_text(void **state)
{
    (void)state;
    check_text(process(12), PROCESS_COMM, "\\xFF\\xFE\\x80");
    check_text(process(12), PROCESS_EXE, "/bin/\\xFF");
    check_text(process(12), PROCESS_CMDLINE, "[\"caf\xc3\xa9\",\"\\\\xC3(\",\"\\\"quoted\\\"\"]");
    assert_string_equal(recorder_facts(odd.recorder)->host, "odd\\\\name");
}

static void an_empty_name_and_no_arguments(void **state)
{
    (void)state;
    check_text(process(13), PROCESS_COMM, "");
    check_text(process(13), PROCESS_CMDLINE, "[]");
}

/* Absent is what a zombie no longer has, and no gap. */
static void a_zombie(void **state)
{
    (void)state;
    check_text(process(14), PROCESS_CONDITION, "zombie");
    check_number(process(14), PROCESS_RUN_STATE, 'Z');
    check_null(process(14), PROCESS_EXE);
    check_null(process(14), PROCESS_CWD);
    check_null(process(14), PROCESS_CMDLINE);
    check_null(process(14), PROCESS_MNT_NAMESPACE);
    check_null(process(14), PROCESS_RESIDENT_BYTES);
    check_number(process(14), PROCESS_USER_NAMESPACE, 4026531837);
    check_text(process(14), PROCESS_CGROUP, "{\"unified\":\"/\"}");
    assert_null(gap_of("pid:14"));
}

static void a_kernel_worker(void **state)
{
    (void)state;
    check_text(process(15), PROCESS_COMM, "kworker/0:1H");
    check_number(process(15), PROCESS_KERNEL_THREAD, 1);
    check_null(process(15), PROCESS_CMDLINE);
    check_null(process(15), PROCESS_EXE);
    assert_null(gap_of("pid:15"));
}

/* Without its start a process has no identity, so it is a gap and no record. */
static void a_stat_that_ends_before_the_start(void **state)
{
    (void)state;
    assert_null(process(17));
    check_text(gap_of("pid:17"), GAP_HIDES, "process");
    check_text(gap_of("pid:17"), GAP_HIDES_SCOPE, "17");
    check_text(gap_of("pid:17"), GAP_ERROR, "stat: Bad message");
}

static void a_status_that_ends_early(void **state)
{
    (void)state;
    check_number(process(18), PROCESS_REAL_UID, 0);
    check_text(process(18), PROCESS_CAPABILITIES_PERMITTED, "000001ffffffffff");
    check_null(process(18), PROCESS_CAPABILITIES_EFFECTIVE);
    check_null(process(18), PROCESS_SECCOMP);
    check_text(gap_of("pid:18"), GAP_ERROR, "status: Bad message");
}

static void a_stat_that_ends_behind_the_start(void **state)
{
    (void)state;
    check_number(process(19), PROCESS_START_TICKS, 19);
    check_null(process(19), PROCESS_SCHEDULING_POLICY);
    check_null(process(19), PROCESS_SCHEDULING_PRIORITY);
    check_text(gap_of("pid:19"), GAP_ERROR, "stat: Bad message");
}

static void files_that_are_something_else(void **state)
{
    (void)state;
    check_null(process(20), PROCESS_CGROUP);
    check_null(process(20), PROCESS_FROZEN);
    check_null(process(20), PROCESS_LOGIN_UID);
    check_null(process(20), PROCESS_NET_NAMESPACE);
    check_null(process(20), PROCESS_UTS_NAMESPACE);
    check_number(process(20), PROCESS_MNT_NAMESPACE, 4026531832);
    check_text(process(20), PROCESS_CONDITION, "alive");
    check_text(gap_of("pid:20"), GAP_ERROR, "ns/net, ns/uts, cgroup, loginuid: Invalid argument");
}

static void one_that_ended_meanwhile(void **state)
{
    (void)state;
    assert_null(process(21));
    assert_null(gap_of("pid:21"));
    assert_int_equal(recorder_facts(odd.recorder)->processes_ended, 1);
}

/* A copied tree cannot lead out of itself. */
static void links_are_not_followed(void **state)
{
    (void)state;
    check_null(process(22), PROCESS_REAL_UID);
    check_null(process(22), PROCESS_CMDLINE);
    check_text(gap_of("pid:22"), GAP_ERROR, "status, cmdline: Too many levels of symbolic links");
    assert_null(process(23));
    assert_non_null(gap_of("pid:23"));
    assert_null(process(24));
    assert_non_null(gap_of("pid:24"));
}

/* Nothing else is missing: one gap for each process, and none for those that are whole. */
static void no_other_gaps(void **state)
{
    (void)state;
    static const char *const expected[] = {"pid:17", "pid:18", "pid:19", "pid:20",
                                           "pid:22", "pid:23", "pid:24"};
    size_t gaps = 0;
    for (size_t i = 0; i < odd.count; i++)
        gaps += odd.records[i]->kind == KIND_GAP &&
                strcmp(record_text(odd.records[i], GAP_SOURCE), "processes") == 0;
    assert_int_equal(gaps, sizeof(expected) / sizeof(*expected));
    for (size_t i = 0; i < gaps; i++)
        assert_non_null(gap_of(expected[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_with_brackets),
        cmocka_unit_test(names_with_newlines_and_escapes),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(an_empty_name_and_no_arguments),
        cmocka_unit_test(a_zombie),
        cmocka_unit_test(a_kernel_worker),
        cmocka_unit_test(a_stat_that_ends_before_the_start),
        cmocka_unit_test(a_status_that_ends_early),
        cmocka_unit_test(a_stat_that_ends_behind_the_start),
        cmocka_unit_test(files_that_are_something_else),
        cmocka_unit_test(one_that_ended_meanwhile),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(no_other_gaps),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
