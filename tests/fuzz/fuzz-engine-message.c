/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader of an engine tells the recorder. */
#include "recorder/engines/message.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct engine_message message = {0};
    _cleanup_buffer_ struct buffer again = {0};
    int64_t taken = engine_message_parse((const char *)bytes, length, &message);
    if (taken <= 0)
        return 0;
    fuzz_check((uint64_t)taken <= length);
    engine_message_append(&again, &message);
    fuzz_check(again.length == (uint64_t)taken);
    fuzz_check(engine_message_parse(again.bytes, again.length, &message) == taken);
    /* All of a message is needed. */
    for (size_t cut = 0; cut < again.length && cut < 64; cut++)
        fuzz_check(engine_message_parse(again.bytes, cut, &message) == 0);
    return 0;
}
