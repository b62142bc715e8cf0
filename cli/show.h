/* SPDX-License-Identifier: Apache-2.0 */
/* What `nslapse show` prints of each thing that it has found. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/history.h"
#include "cli/related.h"

struct shown {
    struct database *database;
    const struct record *record;
    struct history_range thing, state;
    struct related related;
};

/* For people. 0 or a negative error. */
int show_text(const struct shown *shown);

/* As one JSON object, without a newline. 0 or a negative error. */
int show_json(const struct shown *shown);

/* The same of what was kept of the thing as evidence. */
int show_evidence_json(struct database *database, const struct record *record);

#endif
