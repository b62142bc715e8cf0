/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <cJSON.h>

static void assert_string(const char *text, size_t length, const char *json)
{
    _cleanup_buffer_ struct buffer made = {0};
    json_append_string(&made, text, length);
    assert_string_equal(buffer_text(&made), json);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    assert_string("", 0, "\"\"");
    assert_string("plain ü", 8, "\"plain ü\"");
    assert_string("say \"hi\" \\ /", 12, "\"say \\\"hi\\\" \\\\ /\"");
    assert_string("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
    assert_string("\x01\x1f\x7f", 3, "\"\\u0001\\u001f\\u007f\"");
    assert_string("a\0b", 3, "\"a\\u0000b\"");
}

/* What another parser of JSON makes of a captured string is the text of it. */
static void captured_bytes_come_back_through_a_parser(void **state)
{
    (void)state;
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    _cleanup_buffer_ struct buffer json = {0}, text = {0}, original = {0};
    json_append_captured(&json, bytes, sizeof(bytes));
    text_append_captured(&text, bytes, sizeof(bytes));
    cJSON *parsed = cJSON_ParseWithLength(buffer_text(&json), json.length);
    assert_non_null(parsed);
    assert_string_equal(cJSON_GetStringValue(parsed), buffer_text(&text));
    text_append_original(&original, cJSON_GetStringValue(parsed));
    assert_int_equal(original.length, sizeof(bytes));
    assert_memory_equal(original.bytes, bytes, sizeof(bytes));
    cJSON_Delete(parsed);
}

/* Escaped for a terminal, the value is the same. */
static void harmless_json_keeps_its_value(void **state)
{
    (void)state;
    static const char json[] = "{\"a\x7f\":\"\xc2\x9b"
                               "31m \xe2\x80\xae \xe2\x80\xa8 ü 🐧\"}";
    _cleanup_buffer_ struct buffer made = {0};
    json_append_harmless(&made, json, strlen(json));
    assert_string_equal(buffer_text(&made), "{\"a\\u007f\":\"\\u009b31m \\u202e \\u2028 ü 🐧\"}");
    _cleanup_buffer_ struct buffer same = {0};
    buffer_append_text(&same, "\x7f");
    buffer_append_text(&same, json);
    json_make_harmless(&same, 1);
    assert_int_equal(same.bytes[0], '\x7f');
    assert_string_equal(buffer_text(&same) + 1, buffer_text(&made));
    cJSON *before = cJSON_Parse(json), *after = cJSON_Parse(buffer_text(&made));
    assert_non_null(before);
    assert_true(cJSON_Compare(before, after, true));
    cJSON_Delete(before);
    cJSON_Delete(after);
}

/* RFC 8259, rule by rule. */
static void json_is_told_from_what_is_none(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "10",
        "-1.5",
        "0.25e-3",
        "1E+9",
        "2e2",
        "\"\"",
        "[]",
        "{}",
        " [ 1 , [ ] , { } ] ",
        "\t{ \"a\" : [ null ] , \"a\" : {\"b\":1} }\r\n",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fF\"",
        "\"\x7f ü \x80\"",
        "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678",
    };
    static const char *const invalid[] = {
        "",           " ",           "nul",       "nulll",
        "True",       "NaN",         "00",        "01",
        "-",          "+1",          ".5",        "1.",
        "1.e2",       "1e",          "1e+",       "0x1",
        "1 2",        "[] x",        "[",         "]",
        "[1",         "[1,]",        "[,1]",      "[1 2]",
        "[1}",        "{",           "{\"a\"}",   "{\"a\":}",
        "{\"a\":1,}", "{1:2}",       "{\"a\" 1}", "{a:1}",
        "{\"a\":1]",  "\"",          "\"a",       "\"\n\"",
        "\"\x1f\"",   "\"\\",        "\"\\\"",    "\"\\x\"",
        "\"\\u00f\"", "\"\\u00fg\"", "'a'",       "\xef\xbb\xbfnull",
    };
    for (size_t i = 0; i < sizeof(valid) / sizeof(*valid); i++)
        if (!json_is_valid(valid[i]))
            fail_msg("is JSON: %s", valid[i]);
    for (size_t i = 0; i < sizeof(invalid) / sizeof(*invalid); i++)
        if (json_is_valid(invalid[i]))
            fail_msg("is no JSON: %s", invalid[i]);
}

/* As deep as cJSON goes, and no deeper: whoever is given the document must be able to read it. */
static void json_is_not_nested_for_ever(void **state)
{
    (void)state;
    for (size_t depth = CJSON_NESTING_LIMIT - 1; depth <= CJSON_NESTING_LIMIT + 1; depth++) {
        _cleanup_buffer_ struct buffer json = {0};
        for (size_t i = 0; i < depth; i++)
            buffer_append_char(&json, '[');
        for (size_t i = 0; i < depth; i++)
            buffer_append_char(&json, ']');
        cJSON *parsed = cJSON_Parse(buffer_text(&json));
        assert_int_equal(json_is_valid(buffer_text(&json)), parsed != NULL);
        cJSON_Delete(parsed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(captured_bytes_come_back_through_a_parser),
        cmocka_unit_test(harmless_json_keeps_its_value),
        cmocka_unit_test(json_is_told_from_what_is_none),
        cmocka_unit_test(json_is_not_nested_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
