/* SPDX-License-Identifier: Apache-2.0 */
/* Compares two snapshots of one host. Knows no output. The cost follows the size of the difference.
 */
#ifndef DIFF_DIFF_H
#define DIFF_DIFF_H

#include "schema/reader.h"

#include <stdint.h>

enum change_op {
    CHANGE_ADDED,
    CHANGE_REMOVED,
    CHANGE_CHANGED,
    CHANGE_UNOBSERVED, /* a gap on one of the sides hides what happened */
    CHANGE_OP_COUNT,
};

/* "added", "removed", "changed", "unobserved". */
extern const char *const change_op_names[CHANGE_OP_COUNT];

struct change {
    enum kind kind;
    enum change_op op;
    const struct record *before; /* NULL where there is none */
    const struct record *after;  /* NULL where there is none */
    /* Columns that differ, by number: bit i of fields[i / 64]. For CHANGE_CHANGED those whose
     * change was observed on both sides; for CHANGE_UNOBSERVED those that a gap hides. */
    uint64_t fields[(COLUMNS_MOST + 63) / 64];
};

static inline bool change_has_field(const struct change *change, unsigned column)
{
    return change->fields[column / 64] >> column % 64 & 1;
}

struct difference {
    const struct snapshot *from, *to;
    struct change *changes; /* by kind, then by key */
    size_t count;
    int64_t summary[KIND_COUNT][CHANGE_OP_COUNT];
};

/* `kind_mask` has bit 1 << kind set for each kind to compare; gaps are compared only when asked
 * for. The snapshots are borrowed. -ERROR_USAGE when they are of different hosts. Owned by the
 * caller. */
int difference_of(struct database *database, const struct snapshot *from, const struct snapshot *to,
                  unsigned kind_mask, struct difference **ret_difference);
void difference_free(struct difference *difference);
DEFINE_CLEANUP(struct difference *, difference_free)
#define _cleanup_difference_ _cleanup_(difference_free_pointer)

/* Every kind but gaps. */
enum { DIFF_KINDS = ((1 << KIND_COUNT) - 1) & ~(1 << KIND_GAP) };

struct cJSON;

/* One entry of "changes" in the JSON contract. Owned by the caller; NULL without memory. */
struct cJSON *change_json(const struct change *change);

/* The "summary" object of the JSON contract. */
struct cJSON *difference_summary_json(const struct difference *difference);

#endif
