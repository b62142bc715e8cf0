/* SPDX-License-Identifier: Apache-2.0 */
#include "base/varint.h"

void varint_append(struct buffer *buffer, uint64_t integer)
{
    char bytes[10];
    size_t length = 0;
    do {
        bytes[length++] = (char)((integer & 0x7f) | (integer > 0x7f ? 0x80 : 0));
    } while (integer >>= 7);
    buffer_append(buffer, bytes, length);
}

bool varint_take(const unsigned char **at, const unsigned char *end, uint64_t *ret_integer)
{
    uint64_t integer = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        unsigned char byte = *(*at)++;
        integer |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret_integer = integer;
            return true;
        }
    }
    return false;
}
