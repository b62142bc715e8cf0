/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/sample_changes.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/varint.h"
#include "schema/sample_table.h"

#include <stdlib.h>
#include <string.h>

/* A row's changed columns are the bits of one number. */
enum { CHANGING_MOST = 63 };

/* Stands for the base's row of a thing that the base doesn't have. */
#define NO_ROW SIZE_MAX

bool sample_same_columns(const struct sample_table *table, const struct sample_table *base)
{
    return table->column_count == base->column_count && table->column_count <= CHANGING_MOST &&
           memcmp(table->columns, base->columns, table->column_count * sizeof(*table->columns)) ==
               0;
}

/* Differences wrap around, and small ones are small numbers whatever their sign. */
static uint64_t difference(uint64_t before, uint64_t now)
{
    uint64_t more = now - before;
    return more << 1 ^ (0 - (more >> 63));
}

static uint64_t undo_difference(uint64_t before, uint64_t difference)
{
    return before + (difference >> 1 ^ (0 - (difference & 1)));
}

/* ---- encoding ---- */

struct encoder {
    const struct sample_table *table, *base;
    size_t *base_rows; /* for each row of the table that of the base, or NO_ROW */
    uint64_t *masks;   /* for each row of the table its changed columns */
    struct buffer *bytes;
};

static uint64_t folded_before(const struct encoder *encoder, size_t row, unsigned column)
{
    size_t base_row = encoder->base_rows[row];
    return base_row == NO_ROW ? 0 : sample_fold(sample_row(encoder->base, base_row)[1 + column]);
}

static uint64_t folded_now(const struct encoder *encoder, size_t row, unsigned column)
{
    return sample_fold(sample_row(encoder->table, row)[1 + column]);
}

/* The rows of the base that are gone: their number, and before each how many are kept. */
static void append_gone(struct encoder *encoder, size_t gone)
{
    size_t kept = 0, row = 0;
    varint_append(encoder->bytes, gone);
    for (size_t base_row = 0; base_row < encoder->base->count; base_row++) {
        while (row < encoder->table->count && encoder->base_rows[row] == NO_ROW)
            row++;
        if (row < encoder->table->count && encoder->base_rows[row] == base_row) {
            row++;
            kept++;
            continue;
        }
        varint_append(encoder->bytes, kept);
        kept = 0;
    }
}

/* The identities that are new: their number, and each less the one before it. */
static void append_added(struct encoder *encoder, size_t added)
{
    int64_t before = 0;
    varint_append(encoder->bytes, added);
    for (size_t row = 0; row < encoder->table->count; row++) {
        int64_t identity = sample_row(encoder->table, row)[0];
        if (encoder->base_rows[row] != NO_ROW)
            continue;
        varint_append(encoder->bytes, (uint64_t)identity - (uint64_t)before);
        before = identity;
    }
}

static void match_rows(struct encoder *encoder)
{
    const struct sample_table *table = encoder->table, *base = encoder->base;
    size_t base_row = 0, matched = 0;
    for (size_t row = 0; row < table->count; row++) {
        int64_t identity = sample_row(table, row)[0];
        while (base_row < base->count && sample_row(base, base_row)[0] < identity)
            base_row++;
        bool found = base_row < base->count && sample_row(base, base_row)[0] == identity;
        encoder->base_rows[row] = found ? base_row++ : NO_ROW;
        matched += found;
    }
    append_gone(encoder, base->count - matched);
    append_added(encoder, table->count - matched);
}

/* Returns how many rows have changed. */
static size_t find_changes(struct encoder *encoder)
{
    size_t changed = 0;
    for (size_t row = 0; row < encoder->table->count; row++) {
        for (unsigned i = 0; i < encoder->table->column_count; i++)
            if (folded_before(encoder, row, i) != folded_now(encoder, row, i))
                encoder->masks[row] |= UINT64_C(1) << i;
        changed += encoder->masks[row] != 0;
    }
    return changed;
}

/* Their number; before each, how many have not; which columns of each; and column by column the
 * differences. */
static void append_changes(struct encoder *encoder)
{
    const struct sample_table *table = encoder->table;
    size_t unchanged = 0;
    varint_append(encoder->bytes, find_changes(encoder));
    for (size_t row = 0; row < table->count; row++) {
        if (encoder->masks[row]) {
            varint_append(encoder->bytes, unchanged);
            unchanged = 0;
        } else {
            unchanged++;
        }
    }
    for (size_t row = 0; row < table->count; row++)
        if (encoder->masks[row])
            varint_append(encoder->bytes, encoder->masks[row]);
    for (unsigned i = 0; i < table->column_count; i++)
        for (size_t row = 0; row < table->count; row++)
            if (encoder->masks[row] >> i & 1)
                varint_append(encoder->bytes, difference(folded_before(encoder, row, i),
                                                         folded_now(encoder, row, i)));
}

int sample_changes_encode(const struct sample_table *table, const struct sample_table *base,
                          struct buffer *ret_bytes)
{
    _cleanup_free_ size_t *base_rows = calloc(table->count + 1, sizeof(*base_rows));
    _cleanup_free_ uint64_t *masks = calloc(table->count + 1, sizeof(*masks));
    struct encoder encoder = {table, base, base_rows, masks, ret_bytes};
    if (!base_rows || !masks)
        return error_memory();
    buffer_clear(ret_bytes);
    match_rows(&encoder);
    append_changes(&encoder);
    return buffer_error(ret_bytes);
}

/* ---- decoding ---- */

struct decoder {
    const unsigned char *at, *end;
    struct sample_table *table;
    size_t *changed; /* rows */
    uint64_t *masks; /* of those */
    size_t changed_count;
};

/* A number of things each of which takes a byte at least. */
static bool take_count(struct decoder *decoder, size_t *ret_count)
{
    uint64_t count;
    if (!varint_take(&decoder->at, decoder->end, &count) ||
        count > (size_t)(decoder->end - decoder->at))
        return false;
    *ret_count = (size_t)count;
    return true;
}

static void add_row(struct sample_table *table, int64_t identity)
{
    int64_t *row = sample_row(table, table->count++);
    row[0] = identity;
    for (unsigned i = 0; i < table->column_count; i++)
        row[1 + i] = INT64_MIN;
}

/* Moves `count` rows from `from` to `to`, which isn't behind it. */
static void move_rows(struct sample_table *table, size_t from, size_t to, size_t count)
{
    if (from != to && count)
        memmove(sample_row(table, to), sample_row(table, from),
                count * sample_width(table) * sizeof(*table->cells));
}

static bool take_gone(struct decoder *decoder)
{
    struct sample_table *table = decoder->table;
    size_t gone, at = 0, left = 0;
    if (!take_count(decoder, &gone))
        return false;
    while (gone--) {
        uint64_t kept;
        if (!varint_take(&decoder->at, decoder->end, &kept) || kept >= table->count - at)
            return false;
        move_rows(table, at, left, (size_t)kept);
        left += (size_t)kept;
        at += (size_t)kept + 1;
    }
    move_rows(table, at, left, table->count - at);
    table->count -= at - left;
    return true;
}

/* 1, 0 for what are no changes, or an error. */
static int take_added(struct decoder *decoder)
{
    struct sample_table *table = decoder->table;
    size_t added;
    uint64_t identity = 0, more;
    if (!take_count(decoder, &added))
        return 0;
    int r = sample_reserve(table, table->count + added);
    if (r < 0)
        return r;
    while (added--) {
        if (!varint_take(&decoder->at, decoder->end, &more))
            return 0;
        identity += more;
        add_row(table, (int64_t)identity);
    }
    sample_table_sort(table);
    return 1;
}

static bool take_changed(struct decoder *decoder)
{
    size_t row = 0;
    for (size_t i = 0; i < decoder->changed_count; i++) {
        uint64_t unchanged;
        if (!varint_take(&decoder->at, decoder->end, &unchanged) ||
            unchanged >= decoder->table->count - row)
            return false;
        decoder->changed[i] = row + (size_t)unchanged;
        row = decoder->changed[i] + 1;
    }
    for (size_t i = 0; i < decoder->changed_count; i++)
        if (!varint_take(&decoder->at, decoder->end, &decoder->masks[i]) || !decoder->masks[i] ||
            decoder->masks[i] >> decoder->table->column_count)
            return false;
    return true;
}

static bool take_differences(struct decoder *decoder)
{
    for (unsigned column = 0; column < decoder->table->column_count; column++)
        for (size_t i = 0; i < decoder->changed_count; i++) {
            int64_t *cell = &sample_row(decoder->table, decoder->changed[i])[1 + column];
            uint64_t difference;
            if (!(decoder->masks[i] >> column & 1))
                continue;
            if (!varint_take(&decoder->at, decoder->end, &difference))
                return false;
            *cell = sample_unfold(undo_difference(sample_fold(*cell), difference));
        }
    return decoder->at == decoder->end;
}

/* 1, 0 for what are no changes, or an error. */
static int take_changes(struct decoder *decoder)
{
    if (!take_count(decoder, &decoder->changed_count))
        return 0;
    _cleanup_free_ size_t *changed = calloc(decoder->changed_count + 1, sizeof(*changed));
    _cleanup_free_ uint64_t *masks = calloc(decoder->changed_count + 1, sizeof(*masks));
    if (!changed || !masks)
        return error_memory();
    decoder->changed = changed;
    decoder->masks = masks;
    return take_changed(decoder) && take_differences(decoder);
}

int sample_changes_decode(const void *bytes, size_t length, struct sample_table *table)
{
    struct decoder decoder = {
        .at = bytes, .end = (const unsigned char *)bytes + length, .table = table};
    int r = table->column_count <= CHANGING_MOST && take_gone(&decoder) ? take_added(&decoder) : 0;
    if (r > 0)
        r = take_changes(&decoder);
    if (r == 0)
        return sample_not_a_block(table);
    return r < 0 ? r : 0;
}
