/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's database, as an engine's reader takes it. */
#include "tests/fuzz/bolt-checksum.h"
#include "tests/fuzz/engine-files.h"

enum { LONGEST = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static uint8_t copy[LONGEST];
    static const char *const files[] = {"root/io.containerd.metadata.v1.bolt/meta.db", NULL};
    static const struct engine_files database = {
        .engine = &engine_containerd,
        .place = {.folder = "/x.sock", .stored_folder = "/root"},
        .files = files};
    if (length > LONGEST)
        return 0;
    memcpy(copy, bytes, length);
    bolt_put_checksums(copy, length);
    engine_files_read(&database, copy, length);
    return 0;
}
