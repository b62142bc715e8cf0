/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint64_t random_state = 0x9e3779b97f4a7c15;

/* xorshift64*, Vigna 2016 */
static unsigned random_below(unsigned below)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (unsigned)((random_state * UINT64_C(0x2545F4914F6CDD1D) >> 33) % below);
}

static void assert_captured(const char *bytes, size_t length, const char *text)
{
    _cleanup_buffer_ struct buffer made = {0};
    text_append_captured(&made, bytes, length);
    assert_string_equal(buffer_text(&made), text);
}

static void captured_bytes_become_text(void **state)
{
    (void)state;
    assert_captured("", 0, "");
    assert_captured("plain", 5, "plain");
    assert_captured("a\\b", 3, "a\\\\b");
    assert_captured("\\x41", 4, "\\\\x41");
    assert_captured("a\0b", 3, "a\\x00b");
    assert_captured("\xff\xfe", 2, "\\xFF\\xFE");
    assert_captured("\n\t\x1b[31m", 7, "\n\t\x1b[31m");
    assert_captured("gr\xc3\xbc\xc3\x9f"
                    "e \xe2\x82\xac \xf0\x9f\x90\xa7",
                    16, "grüße € 🐧");
    /* The sequence breaks off; what follows it counts on its own. */
    assert_captured("\xe2\x82z", 3, "\\xE2\\x82z");
    assert_captured("\xf0\x9f\x90", 3, "\\xF0\\x9F\\x90");
}

/* RFC 3629: the limits of each length, and what looks like UTF-8 but is none. */
static void only_utf8_is_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length, size;
        uint32_t character;
    } cases[] = {
        {"", 0, 0, 0},
        {"\0", 1, 1, 0},
        {"\x7f", 1, 1, 0x7f},
        {"\xc2\x80", 2, 2, 0x80},
        {"\xdf\xbf", 2, 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 3, 0x800},
        {"\xed\x9f\xbf", 3, 3, 0xd7ff},
        {"\xee\x80\x80", 3, 3, 0xe000},
        {"\xef\xbf\xbf", 3, 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
        {"\xf4\x90\x80\x80", 4, 0, 0},     /* above U+10FFFF */
        {"\xf5\x80\x80\x80", 4, 0, 0},     /* above U+10FFFF */
        {"\xf8\x88\x80\x80\x80", 5, 0, 0}, /* five bytes */
        {"\xed\xa0\x80", 3, 0, 0},         /* first surrogate */
        {"\xed\xbf\xbf", 3, 0, 0},         /* last surrogate */
        {"\xc0\x80", 2, 0, 0},             /* overlong NUL */
        {"\xc1\xbf", 2, 0, 0},             /* overlong */
        {"\xe0\x9f\xbf", 3, 0, 0},         /* overlong */
        {"\xf0\x8f\xbf\xbf", 4, 0, 0},     /* overlong */
        {"\x80", 1, 0, 0},                 /* continuation without a beginning */
        {"\xbf", 1, 0, 0},
        {"\xc2", 1, 0, 0}, /* cut off */
        {"\xe2\x82", 2, 0, 0},
        {"\xf0\x9f\x90", 3, 0, 0},
        {"\xe2\x28\xa1", 3, 0, 0}, /* broken inside */
        {"\xe2\x82\x28", 3, 0, 0},
        {"\xc3\xc3", 2, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint32_t character = 0;
        size_t size = text_utf8_sequence(cases[i].bytes, cases[i].length, &character);
        if (size != cases[i].size || character != cases[i].character)
            fail_msg("case %zu: %zu bytes, U+%04X", i, size, character);
        assert_int_equal(text_utf8_sequence(cases[i].bytes, cases[i].length, NULL), size);
    }
}

static bool is_utf8(const char *text, size_t length)
{
    while (length) {
        size_t size = text_utf8_sequence(text, length, NULL);
        if (!size || !*text)
            return false;
        text += size;
        length -= size;
    }
    return true;
}

/* Bytes that are likely to make trouble come often. */
static size_t random_bytes(char *bytes, size_t most)
{
    static const char odd[] =
        "\\x0041AFaf\0\xff\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7\xed\xa0\x80\n\x1b";
    size_t length = random_below((unsigned)most);
    for (size_t i = 0; i < length; i++)
        bytes[i] = random_below(4) ? odd[random_below(sizeof(odd))] : (char)random_below(256);
    return length;
}

/* Whatever was captured: its text is UTF-8 without NUL, and turns back into the same bytes. */
static void text_turns_back_into_what_was_captured(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        _cleanup_buffer_ struct buffer text = {0}, original = {0};
        char bytes[48];
        size_t length = random_bytes(bytes, sizeof(bytes));
        text_append_captured(&text, bytes, length);
        assert_true(is_utf8(buffer_text(&text), text.length));
        text_append_original(&original, buffer_text(&text));
        assert_int_equal(original.length, length);
        assert_memory_equal(buffer_text(&original), bytes, length);
    }
}

static void assert_original(const char *text, const char *bytes, size_t length)
{
    _cleanup_buffer_ struct buffer made = {0};
    text_append_original(&made, text);
    assert_int_equal(made.length, length);
    assert_memory_equal(buffer_text(&made), bytes, length);
}

/* Only the escapes that text_append_captured() makes are taken for some. */
static void other_escapes_stay_as_they_are(void **state)
{
    (void)state;
    assert_original("\\", "\\", 1);
    assert_original("a\\", "a\\", 2);
    assert_original("\\n", "\\n", 2);
    assert_original("\\x", "\\x", 2);
    assert_original("\\xF", "\\xF", 3);
    assert_original("\\xFG", "\\xFG", 4);
    assert_original("\\xff", "\\xff", 4);
    assert_original("\\x41", "\\x41", 4);
    assert_original("\\x00", "\0", 1);
    assert_original("\\x80\\\\xFF", "\x80\\xFF", 5);
}

static void assert_printable(const char *text, size_t length, const char *shown)
{
    _cleanup_buffer_ struct buffer made = {0};
    text_append_printable(&made, text, length);
    assert_string_equal(buffer_text(&made), shown);
}

static void what_steers_a_terminal_is_shown(void **state)
{
    (void)state;
    assert_printable("plain ü 🐧", strlen("plain ü 🐧"), "plain ü 🐧");
    assert_printable("a\nb\tc\r", 6, "a\\nb\\tc\\u{D}");
    assert_printable("\x1b]0;title\x07", 10, "\\u{1B}]0;title\\u{7}");
    assert_printable("\x7f\0", 2, "\\u{7F}\\u{0}");
    assert_printable("\xc2\x9b", 2, "\\u{9B}");                /* CSI of C1 */
    assert_printable("\xc2\x80\xc2\x9f", 4, "\\u{80}\\u{9F}"); /* all of C1 */
    assert_printable("\xc2\xa0", 2, "\xc2\xa0");               /* just above C1 */
    assert_printable("\xe2\x80\xa8", 3, "\\u{2028}");          /* line separator */
    assert_printable("\xe2\x80\xa9", 3, "\\u{2029}");          /* paragraph separator */
    assert_printable("\xe2\x80\xae", 3, "\\u{202E}");          /* right-to-left override */
    assert_printable("\xe2\x81\xa6", 3, "\\u{2066}");          /* left-to-right isolate */
    assert_printable("\xe2\x80\x8f", 3, "\\u{200F}");          /* right-to-left mark */
    assert_printable("\xef\xbb\xbf", 3, "\\u{FEFF}");          /* byte order mark */
    assert_printable("\\xFF", 4, "\\xFF");                     /* text stays as it is */
    assert_printable("\xff\x1b", 2, "\\xFF\\u{1B}");           /* no text at all */
    assert_printable("\xe2\x80", 2, "\\xE2\\x80");
}

/* Nothing that comes out is a control character, whatever goes in. */
static void nothing_printable_is_a_control(void **state)
{
    (void)state;
    for (int round = 0; round < 5000; round++) {
        _cleanup_buffer_ struct buffer shown = {0};
        char bytes[48];
        size_t length = random_bytes(bytes, sizeof(bytes));
        text_append_printable(&shown, bytes, length);
        for (size_t at = 0; at < shown.length;) {
            uint32_t character = 0;
            size_t size = text_utf8_sequence(shown.bytes + at, shown.length - at, &character);
            assert_int_not_equal(size, 0);
            assert_false(text_is_control(character));
            at += size;
        }
    }
}

static void distance_counts_edits(void **state)
{
    (void)state;
    char longer[80];
    assert_int_equal(text_distance("", ""), 0);
    assert_int_equal(text_distance("record", "record"), 0);
    assert_int_equal(text_distance("record", "recrod"), 1); /* swapped neighbours */
    assert_int_equal(text_distance("record", "reord"), 1);
    assert_int_equal(text_distance("record", "recordx"), 1);
    assert_int_equal(text_distance("record", "rekord"), 1);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_int_equal(text_distance("abc", ""), 3);
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    assert_int_equal(text_distance("ca", "abc"), 3); /* no edit inside of what was swapped */
    memset(longer, 'a', sizeof(longer));
    longer[79] = '\0';
    assert_int_equal(text_distance(longer, "a"), 80); /* too long to be a typing error */
    longer[63] = '\0';
    assert_int_equal(text_distance(longer, "a"), 62);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captured_bytes_become_text),
        cmocka_unit_test(only_utf8_is_utf8),
        cmocka_unit_test(text_turns_back_into_what_was_captured),
        cmocka_unit_test(other_escapes_stay_as_they_are),
        cmocka_unit_test(what_steers_a_terminal_is_shown),
        cmocka_unit_test(nothing_printable_is_a_control),
        cmocka_unit_test(distance_counts_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
