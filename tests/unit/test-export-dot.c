/* SPDX-License-Identifier: Apache-2.0 */
/* Captured text must not leave the place that it is quoted for. */
#include "export/dot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_quoted(const char *text, const char *expected)
{
    _cleanup_buffer_ struct buffer buffer = {0};
    dot_append_quoted(&buffer, text);
    assert_string_equal(buffer_text(&buffer), expected);
}

static void assert_markup(const char *text, const char *expected)
{
    _cleanup_buffer_ struct buffer buffer = {0};
    dot_append_markup(&buffer, text);
    assert_string_equal(buffer_text(&buffer), expected);
}

static void assert_name(const char *text, size_t most, const char *expected)
{
    _cleanup_buffer_ struct buffer buffer = {0};
    dot_append_name(&buffer, text, most);
    assert_string_equal(buffer_text(&buffer), expected);
}

static void test_quoted(void **state)
{
    (void)state;
    assert_quoted("", "\"\"");
    assert_quoted("plain", "\"plain\"");
    assert_quoted("a\"]; evil [label=\"", "\"a\\\"]; evil [label=\\\"\"");
    assert_quoted("\\N \\l \\\"", "\"\\\\N \\\\l \\\\\\\"\"");
    assert_quoted("&lt; &", "\"&amp;lt; &amp;\"");
    assert_quoted("a\nb\tc\033[31m", "\"a\\\\nb\\\\tc\\\\u{1B}[31m\"");
    assert_quoted("end\\", "\"end\\\\\"");
}

static void test_markup(void **state)
{
    (void)state;
    assert_markup("plain", "plain");
    assert_markup("", "&quot;&quot;");
    assert_markup("</B>><TABLE/>", "&lt;/B&gt;&gt;&lt;TABLE/&gt;");
    assert_markup("\"&amp;'", "&quot;&amp;amp;'");
    assert_markup("\\N\\G", "\\\\N\\\\G");
    assert_markup("a\nb\001", "a\\\\nb\\\\u{1}");
    assert_markup("ümlaut 漢字 🐧", "ümlaut 漢字 🐧");
}

/* The XML parser behind HTML-like labels refuses the whole graph for one of these. */
static void test_noncharacters(void **state)
{
    (void)state;
    assert_markup("\xef\xbf\xbe", "\\\\u{FFFE}");
    assert_markup("\xef\xbf\xbf!", "\\\\u{FFFF}!");
    assert_markup("\xef\xb7\x90", "\\\\u{FDD0}");
    assert_markup("\xf0\x9f\xbf\xbe", "\\\\u{1FFFE}");
    assert_markup("\xef\xbf\xbd", "\xef\xbf\xbd"); /* U+FFFD is a character */
}

/* The database may have been altered: even what is no UTF-8 must not get through. */
static void test_bytes(void **state)
{
    (void)state;
    assert_markup("a\xff<", "a\\\\xFF&lt;");
    assert_quoted("\xc3", "\"\\\\xC3\"");
}

static void test_names(void **state)
{
    (void)state;
    assert_name("short", 5, "short");
    assert_name("longer", 5, "lo…er");
    assert_name("0123456789", 8, "012…6789");
    assert_name("äöüäöüäöü", 4, "ä…öü");
    assert_name("\n", 1, "…"); /* counted as it is shown */
    assert_name("", 4, "\"\"");
}

static void test_labels(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer label = {0};
    dot_label_heading(&label, MARK_REMOVED, "a<b", 3);
    dot_label_line(&label, MARK_NONE, "line");
    dot_label_line(&label, MARK_CHANGED, "line");
    assert_string_equal(buffer_text(&label), "<B>− a&lt;b</B> ×3<BR ALIGN=\"LEFT\"/>"
                                             "line<BR ALIGN=\"LEFT\"/>"
                                             "<B>Δ line</B><BR ALIGN=\"LEFT\"/>");
}

/* In black and white, and without the sign, marks differ by the border. */
static void test_marks_differ_without_colour(void **state)
{
    (void)state;
    char *borders[MARK_COUNT];
    for (enum mark mark = MARK_NONE; mark < MARK_COUNT; mark++) {
        _cleanup_dot_ struct dot dot = {0};
        _cleanup_buffer_ struct buffer label = {0};
        dot_add_node(&dot, "n", &label, DOT_ROUNDED, mark);
        borders[mark] = strdup(buffer_text(&dot.text));
        assert_non_null(borders[mark]);
        for (char *colour; (colour = strchr(borders[mark], '#'));)
            memset(colour, '_', strlen("#000000"));
    }
    for (enum mark mark = MARK_NONE; mark < MARK_COUNT; mark++)
        for (enum mark other = MARK_NONE; other < mark; other++)
            assert_string_not_equal(borders[mark], borders[other]);
    for (enum mark mark = MARK_NONE; mark < MARK_COUNT; mark++)
        free(borders[mark]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quoted),
        cmocka_unit_test(test_markup),
        cmocka_unit_test(test_noncharacters),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_marks_differ_without_colour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
