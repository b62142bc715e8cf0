/* SPDX-License-Identifier: Apache-2.0 */
/* The link of a namespace, which a copied tree may have of any kind: at most one type fits, and
 * what is understood reads the same when it is written again. */
#include "recorder/kernel/nsfs.h"
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    int fits = 0;
    for (int type = 0; type < NSFS_TYPE_COUNT; type++) {
        uint32_t inode;
        char link[32];
        if (nsfs_parse_link((const char *)bytes, length, (enum nsfs_type)type, &inode) < 0)
            continue;
        fits++;
        int written =
            snprintf(link, sizeof(link), "%s:[%" PRIu32 "]", nsfs_type_names[type], inode);
        fuzz_check((size_t)written <= length); /* it may have had zeros in front */
        fuzz_check(memcmp(link, bytes, strlen(nsfs_type_names[type]) + 2) == 0);
    }
    fuzz_check(fits <= 1);
    return 0;
}
