/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/proc_loadavg.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>

static int parse(const char *file, struct proc_loadavg *loadavg)
{
    return proc_loadavg_parse(file, strlen(file), loadavg);
}

static void reads_both_numbers(void **state)
{
    (void)state;
    struct proc_loadavg loadavg;
    assert_int_equal(parse("0.00 0.37 12.64 3/91 14424\n", &loadavg), 0);
    assert_int_equal(loadavg.threads, 91);
    assert_int_equal(loadavg.newest, 14424);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const files[] = {
        "",           "0.00 0.37 12.64\n",    "0.00 0.37 12.64 91 14424\n", "0 0 0 1/ 14424\n",
        "0 0 0 1/91", "0 0 0 1/91 14424 5\n", "0 0 0 1/-1 14424\n",         "0 0 0 1/91 x\n",
        "0 0 0 /",    "0 0 0 1/2/3 14424\n"};
    struct proc_loadavg loadavg;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        assert_int_equal(parse(files[i], &loadavg), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_numbers),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
