/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEMA_MIGRATIONS_H
#define SCHEMA_MIGRATIONS_H

/* The texts of schema/sql/NNNN-*.sql in order, NULL-terminated: row i takes a database from version
 * i to i + 1. */
extern const char *const schema_migrations[];

#endif
