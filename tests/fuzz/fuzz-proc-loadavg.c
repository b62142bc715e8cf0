/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/loadavg, which LXCFS and others replace by a file of their own. */
#include "recorder/kernel/proc_loadavg.h"
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct proc_loadavg loadavg, again;
    char text[96];
    if (proc_loadavg_parse((const char *)bytes, length, &loadavg) < 0)
        return 0;
    int written = snprintf(text, sizeof(text), "0 0 0 1/%" PRIu64 " %" PRIu64 "\n", loadavg.threads,
                           loadavg.newest);
    fuzz_check(proc_loadavg_parse(text, (size_t)written, &again) == 0);
    fuzz_check(again.threads == loadavg.threads && again.newest == loadavg.newest);
    return 0;
}
