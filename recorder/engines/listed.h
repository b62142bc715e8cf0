/* SPDX-License-Identifier: Apache-2.0 */
/* Asks an engine that has an HTTP API as Docker's: one list of its containers, and a document about
 * each of those that are new, or that are listed with something else than in the last snapshot. */
#ifndef RECORDER_ENGINES_LISTED_H
#define RECORDER_ENGINES_LISTED_H

#include "recorder/engines/engine.h"
#include "recorder/engines/json.h"

struct listed_api {
    const char *engine;                   /* for messages */
    const char *version, *version_member; /* the document that has the version, and where */
    const char *list;
    const char *before_id, *after_id; /* the path of a container's document */
    /* What changes in a list while nothing does: how long it has been running, and the order of
     * lists that the engine makes of maps. NULL-terminated. */
    const char *const *volatile_members;
    /* Where a list doesn't tell the start and the end of what doesn't run: the file that the engine
     * writes at each of them, at FOLDER, before_written, ID, after_written; FOLDER is a member of
     * the document with the version. NULL where the list does. */
    const char *folder_member, *before_written, *after_written;
    const char *const *environments; /* for engine_keep_document() */
    /* Fill the container begun: with the list's entry and the document, or with the entry alone
     * where there was no more to be had. `known` is of the last snapshot, or NULL. */
    void (*set_document)(struct engine_reading *reading, const cJSON *entry, const cJSON *document);
    void (*set_entry)(struct engine_reading *reading, const cJSON *entry,
                      const struct record *known);
};

/* As struct engine's ask(). */
int listed_ask(struct engine_reading *reading, const struct listed_api *api);

#endif
