/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/number_set.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

static void has_what_was_added(void **state)
{
    (void)state;
    _cleanup_number_set_ struct number_set set = {0};
    assert_int_equal(number_set_begin(&set), 0);
    const int64_t numbers[] = {0, 1, 63, 64, 4711, NUMBER_SET_MOST - 1};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        assert_false(number_set_has(&set, numbers[i]));
        number_set_add(&set, numbers[i]);
        assert_true(number_set_has(&set, numbers[i]));
    }
    assert_false(number_set_has(&set, 62));
    assert_false(number_set_has(&set, 65));
}

static void takes_in_nothing_out_of_range(void **state)
{
    (void)state;
    _cleanup_number_set_ struct number_set set = {0};
    assert_int_equal(number_set_begin(&set), 0);
    number_set_add(&set, -1);
    number_set_add(&set, NUMBER_SET_MOST);
    number_set_add(&set, INT64_MAX);
    assert_false(number_set_has(&set, -1));
    assert_false(number_set_has(&set, NUMBER_SET_MOST));
    assert_int_equal(set.used, 0);
}

/* Who looks at the used words alone misses no number. */
static void uses_the_words_up_to_the_highest_number(void **state)
{
    (void)state;
    _cleanup_number_set_ struct number_set set = {0};
    assert_int_equal(number_set_begin(&set), 0);
    number_set_add(&set, 0);
    assert_int_equal(set.used, 1);
    number_set_add(&set, 63);
    assert_int_equal(set.used, 1);
    number_set_add(&set, 64);
    assert_int_equal(set.used, 2);
    number_set_add(&set, 1);
    assert_int_equal(set.used, 2);
    number_set_add(&set, NUMBER_SET_MOST - 1);
    assert_int_equal(set.used, NUMBER_SET_WORDS);
}

static void reaches_as_far_as_it_is_told(void **state)
{
    (void)state;
    _cleanup_number_set_ struct number_set set = {0};
    assert_int_equal(number_set_begin(&set), 0);
    number_set_reach(&set, 64);
    assert_int_equal(set.used, 1);
    number_set_reach(&set, 65);
    assert_int_equal(set.used, 2);
    number_set_reach(&set, 0);
    assert_int_equal(set.used, 2);
    number_set_reach(&set, NUMBER_SET_MOST);
    assert_int_equal(set.used, NUMBER_SET_WORDS);
    assert_false(number_set_has(&set, 64));
}

static void begins_empty_again(void **state)
{
    (void)state;
    _cleanup_number_set_ struct number_set set = {0};
    assert_int_equal(number_set_begin(&set), 0);
    number_set_add(&set, 4711);
    assert_int_equal(number_set_begin(&set), 0);
    assert_false(number_set_has(&set, 4711));
    assert_int_equal(set.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_what_was_added),
        cmocka_unit_test(takes_in_nothing_out_of_range),
        cmocka_unit_test(uses_the_words_up_to_the_highest_number),
        cmocka_unit_test(reaches_as_far_as_it_is_told),
        cmocka_unit_test(begins_empty_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
