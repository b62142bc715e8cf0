/* SPDX-License-Identifier: Apache-2.0 */
/* A block of samples: what is taken for one is one, and is written as it was read. */
#include "schema/sample.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* The first byte is the kind of the table. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (!length)
        return 0;
    _cleanup_sample_table_ struct sample_table table = {0}, again = {0};
    _cleanup_buffer_ struct buffer encoded = {0};
    enum kind kind = (enum kind)(bytes[0] % KIND_COUNT);
    sample_table_begin(&table, kind);
    sample_table_begin(&again, kind);
    if (sample_table_decode(bytes + 1, length - 1, &table) < 0)
        return 0;
    sample_table_encode(&table, &encoded);
    fuzz_check(sample_table_decode(encoded.bytes, encoded.length, &again) == 0);
    fuzz_check(again.count == table.count && again.column_count == table.column_count);
    size_t cells = table.count * (1 + table.column_count);
    fuzz_check(!cells || memcmp(again.cells, table.cells, cells * sizeof(*table.cells)) == 0);
    return 0;
}
