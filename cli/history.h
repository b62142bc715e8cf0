/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to one thing, over all snapshots. */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include "schema/reader.h"

#include <stdbool.h>

enum history_op { HISTORY_FIRST_SEEN, HISTORY_CHANGED, HISTORY_LAST_SEEN, HISTORY_SEEN_AGAIN };

/* "first_seen", "changed", ... */
extern const char *const history_op_names[];

struct history_event {
    enum history_op op;
    const struct snapshot
        *snapshot;               /* where it was seen so for the first (last seen: the last) time */
    const struct record *before; /* of HISTORY_CHANGED and HISTORY_SEEN_AGAIN; else NULL */
    const struct record *after;  /* NULL of HISTORY_LAST_SEEN */
};

/* Whether an event tells of this column: it differs, and is none that differs in every snapshot. */
bool history_has_field(const struct history_event *event, unsigned column);

/* Calls `each` for everything that happened to the thing of `record`, oldest first. `each` returns
 * 0 to go on; a negative error ends it and is returned. */
int history_each(struct database *database, const struct record *record,
                 int (*each)(void *userdata, const struct history_event *event), void *userdata);

/* When the thing was seen. Both snapshots are owned by the caller. */
struct history_range {
    struct snapshot *first, *last; /* `last`: NULL while it stands in the host's newest snapshot */
};

void history_range_free(struct history_range *range);
#define _cleanup_history_range_ _cleanup_(history_range_free)

/* Of the thing over all of its states. `ret_range` is zero-initialised by the caller. */
int history_of_thing(struct database *database, const struct record *record,
                     struct history_range *ret_range);

/* Of the state that the record shows. */
int history_of_state(struct database *database, const struct record *record,
                     struct history_range *ret_range);

#endif
