/* SPDX-License-Identifier: Apache-2.0 */
/* The database file: opening, making, migrating. One `struct database` is one SQLite connection;
 * use it in one thread at a time. */
#ifndef SCHEMA_DATABASE_H
#define SCHEMA_DATABASE_H

#include "base/cleanup.h"

#include <stdint.h>

struct database;

enum database_mode {
    DATABASE_READ,  /* must exist; works on a read-only file system too */
    DATABASE_WRITE, /* made (mode 0600, with its folder) or migrated when needed */
};

/* Opens `path`. Errors, each with its message: -ERROR_NO_DATABASE (DATABASE_READ and no such file),
 * -ERROR_NOT_A_DATABASE (not ours, damaged, or of a newer schema; the file is left untouched),
 * -ERROR_LOCKED, or a negative errno. `wait_seconds` bounds every wait for another writer. */
int database_open(const char *path, enum database_mode mode, double wait_seconds,
                  struct database **ret_database);
void database_free(struct database *database);

DEFINE_CLEANUP(struct database *, database_free)
#define _cleanup_database_ _cleanup_(database_free_pointer)

/* The newest schema version that this program knows, and that of the file. */
int database_newest_version(void);
int database_version(const struct database *database);

/* The path as it was opened. Borrowed. */
const char *database_path(const struct database *database);

#endif
