/* SPDX-License-Identifier: Apache-2.0 */
/* What the gaps of one snapshot may hide: where a difference must say "unobserved". */
#ifndef DIFF_HIDDEN_H
#define DIFF_HIDDEN_H

#include "base/cleanup.h"
#include "schema/record.h"
#include "schema/snapshot.h"

struct hidden;

/* Of the gaps of `snapshot`, when it is compared with `other`, which is borrowed. Owned by the
 * caller. */
int hidden_load(struct database *database, const struct snapshot *snapshot,
                const struct snapshot *other, struct hidden **ret_hidden);
void hidden_free(struct hidden *hidden);
DEFINE_CLEANUP(struct hidden *, hidden_free)

/* Whether a gap names the record's kind and scope. */
bool hidden_covers(const struct hidden *hidden, const struct record *record);

/* Whether a gap covers the process `pid`, or hides it or its threads where `kind` is that of
 * threads. */
bool hidden_covers_task(const struct hidden *hidden, enum kind kind, int64_t pid);

/* Whether a gap hides records of this kind and scope, NULL for all of the kind; and whether any
 * hides some of the kind. */
bool hidden_has_gap(const struct hidden *hidden, enum kind kind, const char *scope);
bool hidden_has_kind(const struct hidden *hidden, enum kind kind);

/* Whether the record, which was seen in the other snapshot, may be in this one unseen: a gap covers
 * it, or the process of this thread, or the processes that alone told of a container. Or a
 * namespace, or that of a mount, that is: gaps cover a process or thread that was seen to be in it,
 * or the process that it was reached through, or, by their names as scopes, each of the sources
 * that showed it. */
int hidden_may_hold(struct hidden *hidden, const struct record *record, bool *ret_hidden);

#endif
