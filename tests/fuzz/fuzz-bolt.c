/* SPDX-License-Identifier: Apache-2.0 */
/* A database of bbolt. */
#include "recorder/engines/bolt.h"
#include "tests/fuzz/bolt-checksum.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DEEPEST = 16, LONGEST = 1 << 16 };

struct told {
    unsigned depth;
    uint64_t bytes;
};

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
    static uint8_t copy[LONGEST];
    static int fd = -1;
    struct bolt bolt;
    struct told told = {0};
    if (length > LONGEST)
        return 0;
    memcpy(copy, bytes, length);
    bolt_put_checksums(copy, length);
    if (fd < 0)
        fd = memfd_create("bolt", MFD_CLOEXEC);
    fuzz_check(fd >= 0 && ftruncate(fd, 0) == 0);
    fuzz_check(pwrite(fd, copy, length, 0) == (ssize_t)length);
    if (bolt_open(fd, &bolt) < 0)
        return 0;
    fuzz_check(bolt_is_unchanged(&bolt));
    const struct bolt_bucket root = bolt_root(&bolt);
    int r = bolt_each(&bolt, &root, take, &told);
    fuzz_check(r == 0 || r == -EBADMSG || r == -ELOOP || r == -EFBIG);
    return 0;
}
