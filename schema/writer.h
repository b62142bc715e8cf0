/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one snapshot, in one transaction: all of it or nothing. */
#ifndef SCHEMA_WRITER_H
#define SCHEMA_WRITER_H

#include "schema/database.h"
#include "schema/record.h"
#include "schema/snapshot.h"

struct writer;

/* Begins a snapshot; waits for another writer as long as database_open() was told. The strings of
 * `facts` are borrowed until writer_commit(). -ERROR_LOCKED after the wait. */
int writer_begin(struct database *database, const struct snapshot_facts *facts,
                 struct writer **ret_writer);

/* Takes records; safe to be called from several threads at once. A second record of the same thing
 * is left out (the first one stands). Borrowed, valid as long as the writer. */
const struct sink *writer_sink(struct writer *writer);

/* Keeps `length` bytes once by content, compressed; `ret_digest` is their name. Any thread. */
int writer_blob(struct writer *writer, const void *bytes, size_t length, struct digest *ret_digest);

/* Calls `each` with the records of a kind in the host's snapshot before this one; they are
 * borrowed. A negative return of `each` ends it and is returned. */
int writer_each_before(struct writer *writer, enum kind kind,
                       int (*each)(void *context, const struct record *record), void *context);

/* Ends what was not seen again, seals, and commits. The facts known only at the end are taken now,
 * and the moment too: the reading began when the wait for other writers was over. */
int writer_commit(struct writer *writer, const struct snapshot_facts *facts,
                  struct snapshot **ret_snapshot);

/* Rolls back what was not committed. */
void writer_free(struct writer *writer);
DEFINE_CLEANUP(struct writer *, writer_free)
#define _cleanup_writer_ _cleanup_(writer_free_pointer)

#endif
