/* SPDX-License-Identifier: Apache-2.0 */
/* Integers in as many bytes as they need: little-endian base 128, as in Protocol Buffers and DWARF.
 */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

void varint_append(struct buffer *buffer, uint64_t integer);

/* Takes the integer at `*at` and goes behind it; false where there is none before `end`. */
bool varint_take(const unsigned char **at, const unsigned char *end, uint64_t *ret_integer);

#endif
