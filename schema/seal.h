/* SPDX-License-Identifier: Apache-2.0 */
/* The seal of a snapshot: BLAKE2b-256 over its facts, its samples, the sorted digests of all states
 * that hold in it, and its predecessor's seal, which makes a chain. docs/schema.md has the
 * encoding. */
#ifndef SCHEMA_SEAL_H
#define SCHEMA_SEAL_H

#include "schema/snapshot.h"

struct seal {
    struct digest *states; /* of all that holds; seal_compute() sorts them */
    size_t state_count;
    struct digest samples[KIND_COUNT]; /* zeros where a kind has none */
};

/* The seal of `snapshot`, whose predecessor_digest is taken as the one before. 0 or -ENOMEM. */
int seal_compute(const struct snapshot *snapshot, struct seal *seal, struct digest *ret_digest);

#endif
