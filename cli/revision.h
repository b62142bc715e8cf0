/* SPDX-License-Identifier: Apache-2.0 */
/* Revisions as they are written on the command line:
 *
 *   REV := ( latest | NUMBER | LABEL | @TIME ) [ ~N ]        RANGE := REV..REV | REV.. | REV REV
 *
 * `~N` goes N snapshots back in the same host's sequence ("~" alone: one). */
#ifndef CLI_REVISION_H
#define CLI_REVISION_H

#include "schema/snapshot.h"

/* The snapshot that `text` names, for the host of --host. 0, -ERROR_USAGE when it is no revision,
 * or -ERROR_NO_SNAPSHOT. Owned by the caller. */
int revision_find(struct database *database, const char *text, struct snapshot **ret_snapshot);

/* Whether `text` is a range: has ".." between its revisions. */
bool revision_is_range(const char *text);

/* The two snapshots of a difference. `a` may be a range, then `b` is NULL; without `b` it is
 * "latest"; without both it is latest~1 and latest. Where `b` is not tied to a host, it is of the
 * host of `a`. */
int revision_find_pair(struct database *database, const char *a, const char *b,
                       struct snapshot **ret_from, struct snapshot **ret_to);

/* 0 when `label` can be found again as a revision; -ERROR_USAGE for what would read as something
 * else. */
int revision_check_label(const char *label);

/* 0 when `note` can be stored: it is UTF-8. Otherwise -ERROR_USAGE. */
int revision_check_note(const char *note);

#endif
