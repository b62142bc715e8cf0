/* SPDX-License-Identifier: Apache-2.0 */
/* What a snapshot could not see, in a few lines. */
#ifndef CLI_GAPS_H
#define CLI_GAPS_H

#include "schema/snapshot.h"

#include <stdio.h>

/* Prints the snapshot's gaps grouped by source and reason, and what to do about them. 0 or a
 * negative error. */
int gaps_explain(struct database *database, const struct snapshot *snapshot, FILE *out);

#endif
