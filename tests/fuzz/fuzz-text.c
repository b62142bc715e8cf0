/* SPDX-License-Identifier: Apache-2.0 */
/* Captured bytes as text: valid UTF-8 that can be turned back, and harmless when it is printed. */
#include "base/json.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_utf8(const struct buffer *text)
{
    for (size_t i = 0; i < text->length;) {
        size_t sequence = text_utf8_sequence(text->bytes + i, text->length - i, NULL);
        fuzz_check(sequence);
        i += sequence;
    }
}

static void check_printable(const struct buffer *text)
{
    _cleanup_buffer_ struct buffer shown = {0};
    text_append_printable(&shown, buffer_text(text), text->length);
    check_utf8(&shown);
    for (size_t i = 0; i < shown.length; i++)
        fuzz_check((unsigned char)shown.bytes[i] >= ' ' && shown.bytes[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    _cleanup_buffer_ struct buffer text = {0}, original = {0}, json = {0}, any = {0};
    text_append_captured(&text, bytes, length);
    check_utf8(&text);
    check_printable(&text);

    text_append_original(&original, buffer_text(&text));
    fuzz_check(original.length == length);
    fuzz_check(!length || memcmp(original.bytes, bytes, length) == 0);

    json_append_captured(&json, bytes, length);
    check_utf8(&json);
    for (size_t i = 0; i < json.length; i++)
        fuzz_check((unsigned char)json.bytes[i] >= ' ');

    /* Text that nobody has escaped: copied where it isn't an escape. */
    char *foreign = strndup((const char *)bytes, length);
    fuzz_check(foreign);
    text_append_original(&any, foreign);
    fuzz_check(any.length <= strlen(foreign));
    free(foreign);
    return 0;
}
