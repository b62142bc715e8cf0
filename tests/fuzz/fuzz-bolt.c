/* SPDX-License-Identifier: Apache-2.0 */
/* A database of bbolt. Its meta pages get the checksums that they should have: else nothing behind
 * them would ever be looked at. */
#include "recorder/engines/bolt.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { META = 16, CHECKSUM = META + 56, META_END = CHECKSUM + 8, DEEPEST = 16 };

struct told {
    unsigned depth;
    uint64_t bytes;
};

static void put_checksum(int fd, off_t page)
{
    uint8_t bytes[META_END];
    uint64_t sum = 0xcbf29ce484222325;
    if (pread(fd, bytes, sizeof(bytes), page) != sizeof(bytes))
        return;
    for (size_t i = META; i < CHECKSUM; i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3;
    fuzz_check(pwrite(fd, &sum, sizeof(sum), page + CHECKSUM) == sizeof(sum));
}

/* Reads every byte that is told of. */
static uint64_t sum_of(struct span span)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < span.length; i++)
        sum += (uint8_t)span.bytes[i];
    return sum;
}

static int take(void *userdata, struct bolt *bolt, const struct bolt_item *item)
{
    struct told *told = userdata;
    told->bytes += sum_of(item->key) + sum_of(item->value);
    fuzz_check(!item->value.bytes || (!item->bucket.page && !item->bucket.inlined.bytes));
    if (item->value.bytes || told->depth == DEEPEST)
        return 0;
    told->depth++;
    int r = bolt_each(bolt, &item->bucket, take, told);
    if (r >= 0)
        r = bolt_find(bolt, &item->bucket, item->key, take, told);
    told->depth--;
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static int fd = -1;
    struct bolt bolt;
    struct told told = {0};
    if (fd < 0)
        fd = memfd_create("bolt", MFD_CLOEXEC);
    fuzz_check(fd >= 0 && ftruncate(fd, 0) == 0);
    fuzz_check(pwrite(fd, bytes, length, 0) == (ssize_t)length);
    put_checksum(fd, 0);
    put_checksum(fd, 1 << 10);
    put_checksum(fd, 1 << 12);
    if (bolt_open(fd, &bolt) < 0)
        return 0;
    fuzz_check(bolt_is_unchanged(&bolt));
    const struct bolt_bucket root = bolt_root(&bolt);
    int r = bolt_each(&bolt, &root, take, &told);
    fuzz_check(r == 0 || r == -EBADMSG || r == -ELOOP || r == -EFBIG);
    return 0;
}
