/* SPDX-License-Identifier: Apache-2.0 */
/* Derived columns: what follows from other records of the same snapshot (the processes in a
 * namespace, the threads of a process) is worked out when it is read, not stored. */
#ifndef SCHEMA_RELATIONS_H
#define SCHEMA_RELATIONS_H

#include "base/cleanup.h"
#include "schema/record.h"
#include "schema/snapshot.h"

struct relations;

/* What records of `kind` are related to in the snapshot. It is read along with them: give them in
 * the order of their keys. */
int relations_open(struct database *database, const struct snapshot *snapshot, enum kind kind,
                   struct relations **ret_relations);
void relations_free(struct relations *relations);
DEFINE_CLEANUP(struct relations *, relations_free)

/* Fills the record's derived columns; their text lives until the next call. */
int relations_fill(struct relations *relations, struct record *record);

#endif
