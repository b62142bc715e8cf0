/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 2026-11-23T14:00:00Z, a Monday */
#define NOW (INT64_C(1795442400) * NSEC_PER_SEC)

/* The rules stand in the variable itself, so that the tests need no zone files. */
#define UTC    "UTC0"
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define CUBA   "CST5CDT,M3.2.0/0,M11.1.0/1" /* summer time begins at midnight */
#define INDIA  "IST-5:30"

static void use_zone(const char *zone)
{
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
}

static void assert_parses(const char *text, const char *utc)
{
    char formatted[CLOCK_TEXT_SIZE];
    int64_t moment = -1;
    if (clock_parse(text, NOW, &moment) != 0)
        fail_msg("'%s' was refused: %s", text, error_message());
    clock_format_utc(moment, formatted);
    if (strcmp(formatted, utc) != 0)
        fail_msg("'%s' is %s, not %s", text, formatted, utc);
}

static void assert_refuses(const char *text)
{
    int64_t moment = 42;
    if (clock_parse(text, NOW, &moment) != -ERROR_USAGE)
        fail_msg("'%s' was taken for a time", text);
    assert_int_equal(moment, 42);
    if (strlen(text) < 200)
        assert_non_null(strstr(error_message(), text));
}

static void moments_are_formatted(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    assert_string_equal(clock_format_utc(0, text), "1970-01-01T00:00:00.000000000Z");
    assert_string_equal(clock_format_utc(-1, text), "1969-12-31T23:59:59.999999999Z");
    assert_string_equal(clock_format_utc(NOW + 5, text), "2026-11-23T14:00:00.000000005Z");
    assert_string_equal(clock_format_utc(INT64_MAX, text), "2262-04-11T23:47:16.854775807Z");
    assert_string_equal(clock_format_utc(INT64_MIN, text), "1677-09-21T00:12:43.145224192Z");
    use_zone(BERLIN);
    assert_string_equal(clock_format_local(NOW, text), "2026-11-23 15:00:00 +0100");
    assert_string_equal(clock_format_local(-1, text), "1970-01-01 00:59:59 +0100");
    use_zone(INDIA);
    assert_string_equal(clock_format_local(NOW, text), "2026-11-23 19:30:00 +0530");
}

static void dates_are_read(void **state)
{
    (void)state;
    use_zone(UTC);
    assert_parses("2026-11-23", "2026-11-23T00:00:00.000000000Z");
    assert_parses("2026-11-23T14:05", "2026-11-23T14:05:00.000000000Z");
    assert_parses("2026-11-23 14:05", "2026-11-23T14:05:00.000000000Z");
    assert_parses("2026-11-23t14:05:06z", "2026-11-23T14:05:06.000000000Z");
    assert_parses("2026-11-23T14:05:06.25", "2026-11-23T14:05:06.250000000Z");
    assert_parses("2026-11-23T14:05:06.123456789Z", "2026-11-23T14:05:06.123456789Z");
    assert_parses("2026-11-23T14:05:06.1234567899Z", "2026-11-23T14:05:06.123456789Z");
    assert_parses("2026-11-23T00:30+01:00", "2026-11-22T23:30:00.000000000Z");
    assert_parses("2026-11-23T23:30-0545", "2026-11-24T05:15:00.000000000Z");
    assert_parses("2026-11-23 14:05 +02:00", "2026-11-23T12:05:00.000000000Z");
    assert_parses("2028-02-29", "2028-02-29T00:00:00.000000000Z");
    assert_parses("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000000Z");
    assert_parses("2262-04-11T23:47:16.854775807Z", "2262-04-11T23:47:16.854775807Z");
}

static void times_without_a_zone_are_local(void **state)
{
    (void)state;
    use_zone(BERLIN);
    assert_parses("2026-11-23T14:00", "2026-11-23T13:00:00.000000000Z");
    assert_parses("2026-07-01T14:00", "2026-07-01T12:00:00.000000000Z");
    assert_parses("2026-07-01", "2026-06-30T22:00:00.000000000Z");
    assert_parses("2026-07-01T14:00Z", "2026-07-01T14:00:00.000000000Z");
    assert_parses("today", "2026-11-22T23:00:00.000000000Z");
    assert_parses("yesterday", "2026-11-21T23:00:00.000000000Z");
}

/* On the days when the clock is changed. */
static void summer_time_begins_and_ends(void **state)
{
    (void)state;
    use_zone(BERLIN);
    assert_parses("2026-03-29T01:59", "2026-03-29T00:59:00.000000000Z");
    assert_parses("2026-03-29T03:00", "2026-03-29T01:00:00.000000000Z");
    assert_parses("2026-10-25T01:59", "2026-10-24T23:59:00.000000000Z");
    assert_parses("2026-10-25T03:00", "2026-10-25T02:00:00.000000000Z");
    /* 02:30 isn't there in spring and is there twice in autumn: either neighbour will do. */
    int64_t spring = 0, autumn = 0;
    assert_int_equal(clock_parse("2026-03-29T02:30", NOW, &spring), 0);
    assert_int_equal(clock_parse("2026-10-25T02:30", NOW, &autumn), 0);
    assert_in_range(spring / NSEC_PER_SEC, 1774744200, 1774747800);
    assert_in_range(autumn / NSEC_PER_SEC, 1792888200, 1792891800);
    /* A day without a midnight is a day. */
    use_zone(CUBA);
    assert_int_equal(clock_parse("2026-03-08", NOW, &spring), 0);
    assert_in_range(spring / NSEC_PER_SEC, 1772942400, 1772946000);
}

static void spans_are_counted_back(void **state)
{
    (void)state;
    use_zone(UTC);
    assert_parses("now", "2026-11-23T14:00:00.000000000Z");
    assert_parses("NOW", "2026-11-23T14:00:00.000000000Z");
    assert_parses("3h", "2026-11-23T11:00:00.000000000Z");
    assert_parses("90m", "2026-11-23T12:30:00.000000000Z");
    assert_parses("0s", "2026-11-23T14:00:00.000000000Z");
    assert_parses("2 hours ago", "2026-11-23T12:00:00.000000000Z");
    assert_parses("1h 30m ago", "2026-11-23T12:30:00.000000000Z");
    assert_parses("1 week 2 Days ago", "2026-11-14T14:00:00.000000000Z");
    assert_parses("1y", "2025-11-23T14:00:00.000000000Z");
    assert_parses("today", "2026-11-23T00:00:00.000000000Z");
    assert_parses("Yesterday", "2026-11-22T00:00:00.000000000Z");
    assert_parses("1788256800", "2026-09-01T10:00:00.000000000Z");
    assert_parses("0", "1970-01-01T00:00:00.000000000Z");
    assert_parses("9223372036", "2262-04-11T23:47:16.000000000Z");
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "soon",
        "-5",
        "3x",
        "h",
        "ago",
        "3h later",
        "3h ago ago",
        "99999999999999999999",
        "9223372037",
        "99999999999999999999h",
        "9223372036854775807 weeks",
        "60y", /* before 1970 */
        "2026-11",
        "2026-13-01",
        "2026-00-10",
        "2026-11-00",
        "2026-11-31",
        "2026-02-30",
        "2026-02-29",
        "26-11-23",
        "12026-11-23",
        "2026-11-23T",
        "2026-11-23T14",
        "2026-11-23T24:01",
        "2026-11-23T14:60",
        "2026-11-23T14:00X",
        "2026-11-23T14:00+1",
        "2026-11-23T14:00+24:00",
        "2026-11-23T14:00+01:60",
        "2026-11-23T14:00ZZ",
        "2026-11-23X14:00",
        "2262-04-11T23:47:16.854775808Z",
        "2263-01-01",
        "9999-12-31",
        "0001-01-01",
    };
    use_zone(UTC);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_refuses(texts[i]);
    char longest[4096];
    memset(longest, '9', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_refuses(longest);
}

/* What clock_format_utc() writes is read as the same moment, to the nanosecond. */
static void formatted_moments_come_back(void **state)
{
    (void)state;
    use_zone(CUBA);
    uint64_t random = 88172645463325252;
    for (int i = 0; i < 20000; i++) {
        char text[CLOCK_TEXT_SIZE];
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        int64_t moment = (int64_t)random, read = 0;
        /* The last second before the end of the range counts as outside. */
        if (moment < INT64_MIN + NSEC_PER_SEC)
            continue;
        clock_format_utc(moment, text);
        if (clock_parse(text, NOW, &read) != 0 || read != moment)
            fail_msg("%s comes back as %lld", text, (long long)read);
    }
}

static void clocks_go_forward(void **state)
{
    (void)state;
    int64_t one = clock_now(CLOCK_BOOTTIME), other = clock_now(CLOCK_BOOTTIME);
    assert_true(one > 0);
    assert_true(other >= one);
    assert_true(clock_now(CLOCK_REALTIME) > INT64_C(1700000000) * NSEC_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_formatted),
        cmocka_unit_test(dates_are_read),
        cmocka_unit_test(times_without_a_zone_are_local),
        cmocka_unit_test(summer_time_begins_and_ends),
        cmocka_unit_test(spans_are_counted_back),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(formatted_moments_come_back),
        cmocka_unit_test(clocks_go_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
