/* SPDX-License-Identifier: Apache-2.0 */
/* What every command has in common: its options, and the way to the database. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "base/buffer.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "schema/database.h"

#include <stdbool.h>

struct settings {
    const char *database; /* --db; NULL for the default */
    const char *root;     /* --root; NULL for the live host */
    const char *host;     /* --host; NULL when not given */
    double wait_seconds;  /* --wait */
    unsigned color;       /* --color, of enum terminal_color */
    bool quiet, verbose, help, version;
};

extern struct settings settings;
extern const struct option_row settings_options[];

/* The path of the database: --db, else $NSLAPSE_DB, else the place for root or for a user. 0 or a
 * negative error. */
int settings_database_path(struct buffer *ret_path);

/* Opens it. Errors as database_open(). */
int settings_open(enum database_mode mode, struct database **ret_database);

#endif
