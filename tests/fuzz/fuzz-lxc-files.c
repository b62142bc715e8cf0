/* SPDX-License-Identifier: Apache-2.0 */
/* A container's configuration, which may include the other two: a file, and one in a folder. */
#include "tests/fuzz/engine-files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const char *const paths[] = {"lxc/web/config", "a.conf", "d/b.conf", NULL};
    static const struct engine_files files = {
        .engine = &engine_lxc, .place.folder = "/lxc", .files = paths};
    engine_files_read(&files, bytes, length);
    return 0;
}
