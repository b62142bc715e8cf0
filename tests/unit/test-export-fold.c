/* SPDX-License-Identifier: Apache-2.0 */
#include "export/fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NONE FOLD_NONE

/* A forest of nodes that look like the letters of `looks`. */
static void make(struct fold *fold, const char *looks, const size_t *parents)
{
    const size_t count = strlen(looks);
    assert_int_equal(fold_new(count, fold), 0);
    for (size_t i = 0; i < count; i++) {
        _cleanup_buffer_ struct buffer look = {0};
        buffer_append_char(&look, looks[i]);
        assert_int_equal(fold_set_look(fold, i, &look), 0);
        fold->parents[i] = parents[i];
    }
}

static void assert_leaders(const struct fold *fold, const size_t *leaders)
{
    for (size_t i = 0; i < fold->count; i++)
        assert_int_equal(fold->leaders[i], leaders[i]);
}

static void test_empty(void **state)
{
    (void)state;
    _cleanup_fold_ struct fold fold = {0};
    assert_int_equal(fold_new(0, &fold), 0);
    assert_int_equal(fold_run(&fold), 0);
}

static void test_alike_siblings(void **state)
{
    (void)state;
    _cleanup_fold_ struct fold fold = {0};
    make(&fold, "rwwxw", (size_t[]){NONE, 0, 0, 0, 0});
    assert_int_equal(fold_run(&fold), 0);
    assert_leaders(&fold, (size_t[]){0, 1, 1, 3, 1});
    assert_int_equal(fold.sizes[1], 3);
    assert_int_equal(fold.next[1], 2);
    assert_int_equal(fold.next[2], 4);
    assert_int_equal(fold.next[4], NONE);
    assert_int_equal(fold_parent_class(&fold, 1), 0);
    assert_int_equal(fold_parent_class(&fold, 0), NONE);
}

/* The order of the children doesn't matter; what they are does, and how many. */
static void test_subtrees(void **state)
{
    (void)state;
    _cleanup_fold_ struct fold fold = {0};
    /*            0 1 2 3  4 5 6  7 8  9 */
    make(&fold, "rsabsbasas", (size_t[]){NONE, 0, 1, 1, 0, 4, 4, 0, 7, 0});
    assert_int_equal(fold_run(&fold), 0);
    assert_leaders(&fold, (size_t[]){0, 1, 2, 3, 1, 3, 2, 7, 8, 9});
    assert_int_equal(fold.sizes[1], 2);
    assert_int_equal(fold.sizes[2], 2);
    assert_int_equal(fold_parent_class(&fold, 3), 1);
}

/* Children of folded parents fold over the parents. */
static void test_children_of_a_class(void **state)
{
    (void)state;
    _cleanup_fold_ struct fold fold = {0};
    make(&fold, "sswwww", (size_t[]){NONE, NONE, 0, 1, 1, 0});
    assert_int_equal(fold_run(&fold), 0);
    assert_leaders(&fold, (size_t[]){0, 0, 2, 2, 2, 2});
    assert_int_equal(fold.sizes[2], 4);
}

static void test_same_look_elsewhere(void **state)
{
    (void)state;
    _cleanup_fold_ struct fold fold = {0};
    make(&fold, "abww", (size_t[]){NONE, NONE, 0, 1});
    assert_int_equal(fold_run(&fold), 0);
    assert_leaders(&fold, (size_t[]){0, 1, 2, 3});
}

/* Only what is wanted, and its ancestors; what is left out doesn't part what is alike. */
static void test_wanted(void **state)
{
    (void)state;
    _cleanup_fold_ struct fold fold = {0};
    make(&fold, "rsswwx", (size_t[]){NONE, 0, 0, 1, 2, 1});
    for (size_t i = 0; i < fold.count; i++)
        fold.wanted[i] = i == 3 || i == 4;
    assert_int_equal(fold_run(&fold), 0);
    assert_leaders(&fold, (size_t[]){0, 1, 1, 3, 3, NONE});
}

static void test_circles(void **state)
{
    (void)state;
    _cleanup_fold_ struct fold fold = {0};
    make(&fold, "abcd", (size_t[]){1, 2, 0, 3});
    assert_int_equal(fold_run(&fold), 0);
    assert_leaders(&fold, (size_t[]){0, 1, 2, 3});
    size_t roots = 0;
    for (size_t i = 0; i < fold.count; i++)
        roots += fold.parents[i] == NONE;
    assert_int_equal(roots, 2);
}

/* Someone may have made a chain of processes as long as the kernel lets them. */
static void test_depth(void **state)
{
    (void)state;
    enum { DEPTH = 200000 };
    _cleanup_fold_ struct fold fold = {0};
    assert_int_equal(fold_new(DEPTH, &fold), 0);
    for (size_t i = 0; i + 1 < DEPTH; i++)
        fold.parents[i] = i + 1;
    assert_int_equal(fold_run(&fold), 0);
    for (size_t i = 0; i < DEPTH; i++)
        assert_int_equal(fold.leaders[i], i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_alike_siblings),
        cmocka_unit_test(test_subtrees),
        cmocka_unit_test(test_children_of_a_class),
        cmocka_unit_test(test_same_look_elsewhere),
        cmocka_unit_test(test_wanted),
        cmocka_unit_test(test_circles),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
