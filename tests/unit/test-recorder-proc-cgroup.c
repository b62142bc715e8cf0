/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "recorder/kernel/proc_cgroup.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse(const char *file, struct proc_cgroup *cgroup)
{
    return proc_cgroup_parse(file, strlen(file), cgroup);
}

static void orders_by_hierarchy(void **state)
{
    (void)state;
    struct proc_cgroup cgroup;
    assert_int_equal(parse("12:pids:/a\n3:cpu,cpuacct:/\n1:name=systemd:/b:c\n0::/d e\n", &cgroup),
                     0);
    assert_int_equal(cgroup.count, 4);
    assert_true(span_is(cgroup.entries[0].hierarchy, "cpu,cpuacct"));
    assert_true(span_is(cgroup.entries[1].hierarchy, "name=systemd"));
    assert_true(span_is(cgroup.entries[1].path, "/b:c"));
    assert_true(span_is(cgroup.entries[2].hierarchy, "pids"));
    assert_true(span_is(cgroup.entries[3].hierarchy, "unified"));
    assert_true(span_is(cgroup.entries[3].path, "/d e"));
    assert_true(span_is(proc_cgroup_path(&cgroup, (struct span){"pids", 4}), "/a"));
    assert_null(proc_cgroup_path(&cgroup, (struct span){"none", 4}).bytes);
}

static void empty_is_none(void **state)
{
    (void)state;
    struct proc_cgroup cgroup;
    assert_int_equal(parse("", &cgroup), 0);
    assert_int_equal(cgroup.count, 0);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const files[] = {"0::/",
                                        "\n",
                                        "0:\n",
                                        "0::\n",
                                        "::/\n",
                                        "x::/\n",
                                        "0::/\n0::/\n",
                                        "1:a:/\n2:b:/\n1:a:/c\n",
                                        "0::/\nno colons\n"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct proc_cgroup cgroup;
        assert_int_equal(parse(files[i], &cgroup), -ERROR_SYNTAX);
        assert_int_equal(cgroup.count, 0);
    }
}

static void too_many_are_refused(void **state)
{
    (void)state;
    char file[PROC_CGROUP_MOST * 16 + 32];
    size_t length = 0;
    struct proc_cgroup cgroup;
    for (unsigned i = 0; i < PROC_CGROUP_MOST; i++)
        length += (size_t)sprintf(file + length, "%u:c%u:/\n", i, i);
    assert_int_equal(parse(file, &cgroup), 0);
    assert_int_equal(cgroup.count, PROC_CGROUP_MOST);
    sprintf(file + length, "99:more:/\n");
    assert_int_equal(parse(file, &cgroup), -ERROR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_by_hierarchy),
        cmocka_unit_test(empty_is_none),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
