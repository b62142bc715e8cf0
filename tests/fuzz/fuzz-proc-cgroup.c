/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/cgroup, whose paths containers name. */
#include "recorder/kernel/proc_cgroup.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct proc_cgroup cgroup;
    if (proc_cgroup_parse((const char *)bytes, length, &cgroup) < 0)
        return 0;
    fuzz_check(cgroup.count <= PROC_CGROUP_MOST);
    for (size_t i = 0; i < cgroup.count; i++) {
        const struct proc_cgroup_entry *entry = &cgroup.entries[i];
        fuzz_check(fuzz_lies_in(entry->path.bytes, entry->path.length, bytes, length));
        fuzz_check(span_equal(proc_cgroup_path(&cgroup, entry->hierarchy), entry->path));
        fuzz_check(!i || span_compare(cgroup.entries[i - 1].hierarchy, entry->hierarchy) < 0);
    }
    return 0;
}
