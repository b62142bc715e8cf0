/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/net/unix, in which the names of sockets stand as they are. */
#include "recorder/kernel/unix_sockets.h"
#include "tests/fuzz/fuzz.h"

static const uint8_t *all;
static size_t all_length;

static int check(void *userdata, const struct unix_listener *listener)
{
    size_t *count = userdata;
    fuzz_check(listener->path.length);
    fuzz_check(fuzz_lies_in(listener->path.bytes, listener->path.length, all, all_length));
    ++*count;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    size_t count = 0;
    all = bytes;
    all_length = length;
    fuzz_check(unix_sockets_parse((const char *)bytes, length, check, &count) == 0);
    fuzz_check(count <= length);
    return 0;
}
