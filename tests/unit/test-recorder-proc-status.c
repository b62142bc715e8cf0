/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "recorder/kernel/proc_status.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char file[] = "Name:\tUid:\\n\nUmask:\t0022\nState:\tS (sleeping)\nTracerPid:\t7\n"
                           "Uid:\t1000\t0\t0\t4294967294\nGid:\t4\t5\t6\t7\nGroups:\t4 24 1000 \n"
                           "NSpid:\t812\t1\nVmRSS:\t    1500 kB\nCapEff:\t000001ffffffffff\n"
                           "NoNewPrivs:\t1\nSeccomp:\t2\nCpus_allowed_list:\t0-1,3\n"
                           "voluntary_ctxt_switches:\t10\nnonvoluntary_ctxt_switches:\t2\n";

static uint64_t number_of(const struct proc_status *status, enum proc_status_line line,
                          unsigned index, unsigned base)
{
    uint64_t number = UINT64_MAX;
    assert_true(proc_status_number(status, line, index, base, &number));
    return number;
}

static void reads_lines(void **state)
{
    (void)state;
    struct proc_status status;
    uint64_t number;
    assert_int_equal(proc_status_parse(file, strlen(file), &status), 0);
    assert_true(status.whole);
    assert_int_equal(number_of(&status, STATUS_TRACER_PID, 0, 10), 7);
    assert_int_equal(number_of(&status, STATUS_UID, 0, 10), 1000);
    assert_int_equal(number_of(&status, STATUS_UID, 3, 10), 4294967294);
    assert_int_equal(number_of(&status, STATUS_GROUPS, 2, 10), 1000);
    assert_int_equal(number_of(&status, STATUS_NS_PIDS, 1, 10), 1);
    assert_int_equal(number_of(&status, STATUS_RESIDENT, 0, 10), 1500);
    assert_int_equal(number_of(&status, STATUS_CAPABILITIES_EFFECTIVE, 0, 16), 0x1ffffffffff);
    assert_int_equal(number_of(&status, STATUS_SECCOMP, 0, 10), 2);
    assert_true(span_is(status.lines[STATUS_CPUS_ALLOWED], "0-1,3"));
    assert_int_equal(number_of(&status, STATUS_INVOLUNTARY_SWITCHES, 0, 10), 2);
    assert_false(proc_status_number(&status, STATUS_UID, 4, 10, &number));
    assert_false(proc_status_number(&status, STATUS_RESIDENT, 1, 10, &number));
}

static void missing_lines_stay_missing(void **state)
{
    (void)state;
    struct proc_status status;
    uint64_t number;
    assert_int_equal(proc_status_parse(file, strlen(file), &status), 0);
    assert_null(status.lines[STATUS_CAPABILITIES_AMBIENT].bytes);
    assert_false(proc_status_number(&status, STATUS_CAPABILITIES_AMBIENT, 0, 16, &number));
}

static void an_empty_line_is_there(void **state)
{
    (void)state;
    struct proc_status status;
    uint64_t number;
    assert_int_equal(proc_status_parse("Groups:\t\n", 9, &status), 0);
    assert_non_null(status.lines[STATUS_GROUPS].bytes);
    assert_int_equal(status.lines[STATUS_GROUPS].length, 0);
    assert_false(proc_status_number(&status, STATUS_GROUPS, 0, 10, &number));
}

static void the_first_of_two_lines_counts(void **state)
{
    (void)state;
    struct proc_status status;
    const char twice[] = "Uid:\t1\t1\t1\t1\nUid:\t0\t0\t0\t0\n";
    assert_int_equal(proc_status_parse(twice, strlen(twice), &status), 0);
    assert_int_equal(number_of(&status, STATUS_UID, 0, 10), 1);
}

static void a_cut_line_is_not_taken(void **state)
{
    (void)state;
    struct proc_status status;
    const char cut[] = "Uid:\t1\t1\t1\t1\nCapEff:\t000001ff";
    assert_int_equal(proc_status_parse(cut, strlen(cut), &status), 0);
    assert_false(status.whole);
    assert_null(status.lines[STATUS_CAPABILITIES_EFFECTIVE].bytes);
    assert_non_null(status.lines[STATUS_UID].bytes);
}

static void every_beginning_is_survived(void **state)
{
    (void)state;
    for (size_t length = 0; length < strlen(file); length++) {
        char *copy = malloc(length ? length : 1);
        struct proc_status status;
        memcpy(copy, file, length);
        int r = proc_status_parse(copy, length, &status);
        assert_true(r == 0 || r == -ERROR_SYNTAX);
        uint64_t number;
        if (r == 0 && proc_status_number(&status, STATUS_CAPABILITIES_EFFECTIVE, 0, 16, &number))
            assert_int_equal(number, 0x1ffffffffff);
        free(copy);
    }
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const files[] = {"", "\n", "\n\n\n", "no colon\n", ":\t1\n", "Uid"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct proc_status status;
        assert_int_equal(proc_status_parse(files[i], strlen(files[i]), &status), -ERROR_SYNTAX);
    }
}

static void numbers_that_are_none_are_not_given(void **state)
{
    (void)state;
    struct proc_status status;
    uint64_t number;
    const char odd[] = "Uid:\t-1 99999999999999999999999 1x\n";
    assert_int_equal(proc_status_parse(odd, strlen(odd), &status), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_false(proc_status_number(&status, STATUS_UID, i, 10, &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lines),
        cmocka_unit_test(missing_lines_stay_missing),
        cmocka_unit_test(an_empty_line_is_there),
        cmocka_unit_test(the_first_of_two_lines_counts),
        cmocka_unit_test(a_cut_line_is_not_taken),
        cmocka_unit_test(every_beginning_is_survived),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(numbers_that_are_none_are_not_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
