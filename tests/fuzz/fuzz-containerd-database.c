/* SPDX-License-Identifier: Apache-2.0 */
/* What containerd keeps of its containers, as an engine's reader takes it: the database, whose meta
 * pages get the checksums that they should have. */
#include "recorder/engines/containerd_database.h"
#include "tests/fuzz/engine-files.h"

enum { META = 16, CHECKSUM = META + 56, META_END = CHECKSUM + 8, LONGEST = 1 << 16 };

static void put_checksum(uint8_t *bytes, size_t length, size_t page)
{
    uint64_t sum = 0xcbf29ce484222325;
    if (length < page + META_END)
        return;
    for (size_t i = META; i < CHECKSUM; i++)
        sum = (sum ^ bytes[page + i]) * 0x100000001b3;
    memcpy(bytes + page + CHECKSUM, &sum, sizeof(sum));
}

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
    put_checksum(copy, length, 0);
    put_checksum(copy, length, 1 << 10);
    put_checksum(copy, length, 1 << 12);
    engine_files_read(&database, copy, length);
    return 0;
}
