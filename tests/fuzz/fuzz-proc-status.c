/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/status, in which the process names itself. */
#include "recorder/kernel/proc_status.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct proc_status status;
    if (proc_status_parse((const char *)bytes, length, &status) < 0)
        return 0;
    for (int line = 0; line < STATUS_LINE_COUNT; line++) {
        struct span span = status.lines[line];
        fuzz_check(!span.bytes || fuzz_lies_in(span.bytes, span.length, bytes, length));
        uint64_t number;
        for (unsigned index = 0; index < 4; index++)
            if (proc_status_number(&status, (enum proc_status_line)line, index, 16, &number))
                fuzz_check(span.bytes);
    }
    return 0;
}
