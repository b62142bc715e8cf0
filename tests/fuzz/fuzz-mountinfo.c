/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/mountinfo, whose paths and options anyone with a user namespace can name. */
#include "recorder/kernel/mountinfo.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

struct tally {
    size_t mounts;
    size_t text; /* bytes of it */
};

static int look_at(void *userdata, const struct mountinfo_mount *mount)
{
    struct tally *tally = userdata;
    fuzz_check(mount->id >= 0 && mount->parent >= 0);
    fuzz_check(mount->shared >= 0 && mount->master >= 0 && mount->propagate_from >= 0);
    const char *texts[] = {mount->root,   mount->target, mount->options,
                           mount->fstype, mount->source, mount->super_options};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        tally->text += texts[i] ? strlen(texts[i]) : 0;
    tally->mounts++;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct tally tally = {0};
    size_t skipped = 0, lines = 1;
    for (size_t i = 0; i < length; i++)
        lines += bytes[i] == '\n';
    if (mountinfo_parse((const char *)bytes, length, look_at, &tally, &skipped) == 0)
        fuzz_check(tally.mounts + skipped <= lines);
    return 0;
}
