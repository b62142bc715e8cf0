/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/stat, in which the process names itself. */
#include "recorder/kernel/proc_stat.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct proc_stat stat;
    if (proc_stat_parse((const char *)bytes, length, &stat) < 0)
        return 0;
    fuzz_check(fuzz_lies_in(stat.comm.bytes, stat.comm.length, bytes, length));
    fuzz_check(stat.count >= STAT_START_TICKS && stat.count <= STAT_FIELDS);
    struct span steady = proc_stat_steady_comm(&stat);
    fuzz_check(fuzz_lies_in(steady.bytes, steady.length, bytes, length));
    fuzz_check(proc_stat_same_program(&stat, &stat) || proc_stat_is_ending(&stat));
    return 0;
}
