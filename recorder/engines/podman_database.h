/* SPDX-License-Identifier: Apache-2.0 */
/* Podman's own database up to version 4, STORAGE/libpod/bolt_state.db (engines/bolt.h): of each
 * container and pod its "config" as JSON, and of containers their "state" (its
 * libpod/boltdb_state.go). */
#ifndef RECORDER_ENGINES_PODMAN_DATABASE_H
#define RECORDER_ENGINES_PODMAN_DATABASE_H

#include "base/arena.h"
#include "recorder/kernel/span.h"

struct podman_entry;

/* Zero-initialise it. */
struct podman_database {
    struct arena *arena;
    struct podman_entry *containers, *pods;
};

/* Texts of JSON; without bytes where there is none. They live as long as the database. */
struct podman_kept {
    struct span config, state;
};

/* From a file that is open for reading. Negative errno without a message: as bolt_read(). */
int podman_database_read(struct podman_database *database, int fd);
void podman_database_free(struct podman_database *database);

/* NULL for one that isn't there. */
const struct podman_kept *podman_database_container(const struct podman_database *database,
                                                    const char *id);
const struct podman_kept *podman_database_pod(const struct podman_database *database,
                                              const char *id);

#endif
