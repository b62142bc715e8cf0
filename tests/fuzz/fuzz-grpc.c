/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an answer to a gRPC call: whoever listens at an engine's socket chose each byte. What
 * is taken for a message comes out of grpc_append_message() as the same bytes. */
#include "recorder/engines/grpc.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct span answer = {(const char *)bytes, length}, message;
    _cleanup_buffer_ struct buffer again = {0};
    int r = grpc_find_message(answer, &message);
    if (r < 0) {
        fuzz_check(r == -ENODATA || r == -EPROTO);
        return 0;
    }
    fuzz_check(grpc_append_message(&again, message.bytes, message.length) == 0);
    fuzz_check(again.length == length && memcmp(again.bytes, bytes, length) == 0);
    return 0;
}
