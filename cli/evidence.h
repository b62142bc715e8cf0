/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence that was kept of a thing: a container's document, a process's environment. */
#ifndef CLI_EVIDENCE_H
#define CLI_EVIDENCE_H

#include "cli/records.h"

struct cJSON;

/* Writes what was kept of the things to standard output: as it is, but on a terminal without what
 * would steer it. Of several things each stands behind a heading, as head(1) has it for files.
 * -ENOENT, with its message, where of one of them nothing was kept. */
int evidence_show(struct database *database, const struct records *things);

/* The same of one thing: a document as what it says, an environment as a list; null where nothing
 * was kept. To be released with cJSON_Delete(). */
int evidence_json(struct database *database, const struct record *record, struct cJSON **ret_json);

#endif
