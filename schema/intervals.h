/* SPDX-License-Identifier: Apache-2.0 */
/* Which states hold in a snapshot, and which in only one of two: SQL that gives their ids (the
 * column state_id of the views KIND_history). What it passes by does not grow with the history: an
 * index has the states that ended by how long they lasted, roughly, and those that lasted so long
 * and hold in a snapshot began not much longer before it. */
#ifndef SCHEMA_INTERVALS_H
#define SCHEMA_INTERVALS_H

#include "base/buffer.h"
#include "schema/snapshot.h"
#include "schema/statement.h"

/* Appends SELECTs of the states of a kind that hold in `at` to SQL that is empty, or has others to
 * join them with. An id may be given twice. */
void intervals_append_at(struct buffer *sql, enum kind kind, const struct snapshot *at);

/* The same of the states that hold in `older` or in `newer` but not in both. They are snapshots of
 * one host. */
void intervals_append_unlike(struct buffer *sql, enum kind kind, const struct snapshot *older,
                             const struct snapshot *newer);

/* Prepares "SELECT `columns`" of the records of a kind that hold in `at`, with more conditions and
 * their order behind it: "AND ... ORDER BY ...". */
int intervals_prepare(struct database *database, enum kind kind, const struct snapshot *at,
                      const char *columns, const char *behind, sqlite3_stmt **ret_statement);

#endif
