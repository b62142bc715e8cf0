/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers, arrays, arenas; errors and digests. */
#include "base/arena.h"
#include "base/array.h"
#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* So that an allocation that is too large gives NULL under AddressSanitizer too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void buffers_grow(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer buffer = {0};
    assert_string_equal(buffer_text(&buffer), "");
    for (int i = 0; i < 10000; i++)
        buffer_append_format(&buffer, "%d,", i % 10);
    assert_int_equal(buffer.length, 20000);
    assert_int_equal(strlen(buffer_text(&buffer)), 20000);
    assert_int_equal(buffer_error(&buffer), 0);
    assert_memory_equal(buffer.bytes + 19996, "8,9,", 5);
    buffer_clear(&buffer);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_append(&buffer, "a\0b", 3);
    buffer_append(&buffer, NULL, 0);
    assert_int_equal(buffer.length, 3);
    assert_memory_equal(buffer.bytes, "a\0b", 4);
}

static void buffers_take_the_largest_integers(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer buffer = {0};
    const int64_t integers[] = {0, -1, 10, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof(integers) / sizeof(*integers); i++) {
        buffer_append_integer(&buffer, integers[i]);
        buffer_append_char(&buffer, ' ');
    }
    buffer_append_unsigned(&buffer, UINT64_MAX);
    assert_string_equal(buffer_text(&buffer), "0 -1 10 9223372036854775807 -9223372036854775808 "
                                              "18446744073709551615");
}

/* What cannot be had is remembered, and nothing half comes after it. */
static void buffers_remember_that_memory_ran_out(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer buffer = {0};
    buffer_append_text(&buffer, "before");
    assert_null(buffer_reserve(&buffer, SIZE_MAX));
    assert_null(buffer_reserve(&buffer, SIZE_MAX - 7));
    buffer_append_text(&buffer, "after");
    assert_int_equal(buffer_error(&buffer), -ENOMEM);
    assert_string_equal(buffer_text(&buffer), "before");
    buffer_clear(&buffer);
    buffer_append_text(&buffer, "again");
    assert_int_equal(buffer_error(&buffer), 0);
    assert_string_equal(buffer_text(&buffer), "again");
}

static void arrays_grow(void **state)
{
    (void)state;
    int *numbers = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(array_reserve(&numbers, &capacity, (size_t)i + 1, sizeof(*numbers)), 0);
        numbers[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], i);
    size_t before = capacity;
    assert_int_equal(array_reserve(&numbers, &capacity, SIZE_MAX / 2, sizeof(*numbers)), -ENOMEM);
    assert_int_equal(capacity, before);
    assert_int_equal(numbers[999], 999);
    free(numbers);
}

static void arenas_give_zeroed_aligned_pieces(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    assert_non_null(arena);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 3000; size++) {
            unsigned char *piece = arena_take(arena, size);
            assert_int_equal((uintptr_t)piece % alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(piece[i], 0);
            if (size)
                memset(piece, 0xff, size);
        }
        arena_reset(arena);
    }
    arena_free(arena);
    arena_free(NULL);
}

static void arenas_take_what_is_larger_than_a_chunk(void **state)
{
    (void)state;
    enum { LARGE = 1 << 20 };
    struct arena *arena = arena_new();
    char *small = arena_copy(arena, "small", 5), *large = arena_take(arena, LARGE);
    assert_non_null(large);
    memset(large, 'x', LARGE);
    char *after = arena_copy(arena, "a\0b", 3);
    assert_string_equal(small, "small");
    assert_memory_equal(after, "a\0b", 4);
    assert_int_equal(large[LARGE - 1], 'x');
    assert_null(arena_take(arena, SIZE_MAX));
    assert_string_equal(arena_copy(arena, NULL, 0), "");
    arena_free(arena);
}

static void errors_keep_their_message(void **state)
{
    (void)state;
    assert_int_equal(error_set(ENOENT, "no %s", "such thing"), -ENOENT);
    assert_string_equal(error_message(), "no such thing");
    /* An earlier message may be part of the next. */
    assert_int_equal(error_set(ERROR_SYNTAX, "line 3: %s", error_message()), -ERROR_SYNTAX);
    assert_string_equal(error_message(), "line 3: no such thing");
    assert_string_equal(error_name(-ENOENT), strerror(ENOENT));
    for (int code = ERROR_FIRST + 1; code <= ERROR_SYNTAX; code++)
        assert_null(strstr(error_name(-code), "nknown"));
}

/* NULL when the thread began without a message; an assertion is the main thread's to make. */
static void *set_another(void *unused)
{
    (void)unused;
    bool had_one = *error_message();
    error_set(EIO, "of the other thread");
    return had_one ? (void *)1 : NULL;
}

static void errors_are_of_a_thread(void **state)
{
    (void)state;
    pthread_t thread;
    void *had_one = NULL;
    error_set(EIO, "of this thread");
    assert_int_equal(pthread_create(&thread, NULL, set_another, NULL), 0);
    assert_int_equal(pthread_join(thread, &had_one), 0);
    assert_null(had_one);
    assert_string_equal(error_message(), "of this thread");
}

/* Numbers from the reference implementation: b2sum -l 256. */
static void digests_are_blake2b(void **state)
{
    (void)state;
    struct digest empty, letters;
    char text[DIGEST_HEX_SIZE];
    digest_of("", 0, &empty);
    digest_of("abc", 3, &letters);
    assert_string_equal(digest_format(&empty, text),
                        "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    assert_string_equal(digest_format(&letters, text),
                        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    assert_true(digest_compare(&empty, &letters) < 0);
    assert_true(digest_compare(&letters, &empty) > 0);
    assert_int_equal(digest_compare(&letters, &letters), 0);
}

/* RFC 9562: xxxxxxxx-xxxx-4xxx-[89ab]xxx-xxxxxxxxxxxx */
static void uuids_are_random_ones(void **state)
{
    (void)state;
    char one[UUID_TEXT_SIZE], other[UUID_TEXT_SIZE];
    uuid_new(one);
    uuid_new(other);
    assert_string_not_equal(one, other);
    assert_int_equal(strlen(one), 36);
    for (int i = 0; i < 36; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23)
            assert_int_equal(one[i], '-');
        else
            assert_non_null(strchr("0123456789abcdef", one[i]));
    assert_int_equal(one[14], '4');
    assert_non_null(strchr("89ab", one[19]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_grow),
        cmocka_unit_test(buffers_take_the_largest_integers),
        cmocka_unit_test(buffers_remember_that_memory_ran_out),
        cmocka_unit_test(arrays_grow),
        cmocka_unit_test(arenas_give_zeroed_aligned_pieces),
        cmocka_unit_test(arenas_take_what_is_larger_than_a_chunk),
        cmocka_unit_test(errors_keep_their_message),
        cmocka_unit_test(errors_are_of_a_thread),
        cmocka_unit_test(digests_are_blake2b),
        cmocka_unit_test(uuids_are_random_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
