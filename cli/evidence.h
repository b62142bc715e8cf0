/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence that was kept of a thing: a container's document, a process's environment. */
#ifndef CLI_EVIDENCE_H
#define CLI_EVIDENCE_H

#include "schema/reader.h"

/* Writes what was kept of the thing to standard output: as it is, but on a terminal without what
 * would steer it. -ENOENT, with its message, where nothing was kept. */
int evidence_show(struct database *database, const struct record *record);

#endif
