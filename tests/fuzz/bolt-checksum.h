/* SPDX-License-Identifier: Apache-2.0 */
/* Gives the meta pages of a database of bbolt the checksums that they should have: else nothing
 * behind them would ever be looked at. */
#ifndef TESTS_FUZZ_BOLT_CHECKSUM_H
#define TESTS_FUZZ_BOLT_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void bolt_put_checksums(uint8_t *bytes, size_t length)
{
    enum { META = 16, CHECKSUM = META + 56, META_END = CHECKSUM + 8 };
    static const size_t pages[] = {0, 1 << 10, 1 << 12};
    for (size_t page = 0; page < sizeof(pages) / sizeof(*pages); page++) {
        uint8_t *meta = bytes + pages[page];
        uint64_t sum = 0xcbf29ce484222325;
        if (length < pages[page] + META_END)
            continue;
        for (size_t i = META; i < CHECKSUM; i++)
            sum = (sum ^ meta[i]) * 0x100000001b3;
        memcpy(meta + CHECKSUM, &sum, sizeof(sum));
    }
}

#endif
