/* SPDX-License-Identifier: Apache-2.0 */
/* A block of samples that tells what differs from another one: what is taken for one makes a table,
 * and the table's own changes make the same one again. */
#include "schema/sample_changes.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { ROWS = 12 };

/* Every second row has no value in every second column. */
static void make_base(struct sample_table *base)
{
    struct record record;
    sample_table_begin(base, KIND_THREAD);
    for (int64_t row = 0; row < ROWS; row++) {
        record_begin(&record, KIND_THREAD);
        for (unsigned i = 0; i < base->column_count; i++)
            if (row % 2 || i % 2)
                record_set_integer(&record, base->columns[i], row * 1000 - i);
        fuzz_check(sample_table_add(base, row * 3, &record) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    _cleanup_sample_table_ struct sample_table base, table, again;
    _cleanup_buffer_ struct buffer encoded = {0};
    make_base(&base);
    make_base(&table);
    make_base(&again);
    if (sample_changes_decode(bytes, length, &table) < 0)
        return 0;
    fuzz_check(sample_changes_encode(&table, &base, &encoded) == 0);
    fuzz_check(sample_changes_decode(encoded.bytes, encoded.length, &again) == 0);
    fuzz_check(again.count == table.count);
    size_t cells = table.count * (1 + table.column_count);
    fuzz_check(!cells || memcmp(again.cells, table.cells, cells * sizeof(*table.cells)) == 0);
    return 0;
}
