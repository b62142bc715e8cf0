/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up hosts for tests of storage and comparison: a world is a set of records that can be
 * recorded, altered at random, and read back as text to be compared. */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include "schema/reader.h"
#include "schema/writer.h"

#include <stdbool.h>

struct world {
    struct record **records; /* one allocation each */
    size_t count, capacity;
    uint64_t random; /* state of the generator: the same seed makes the same world */
    struct snapshot_facts facts;
};

/* Fails with the last error's message when `result` is an error. */
void must(int result);

/* A path for a new database in a new folder below TMPDIR; both are removed by scratch_remove(). */
char *scratch_database(void);
void scratch_remove(char *path);

void world_begin(struct world *world, uint64_t seed);
void world_end(struct world *world);

/* A number from 0 to `below` - 1. */
uint64_t world_random(struct world *world, uint64_t below);

/* Adds a copy. */
struct record *world_add(struct world *world, const struct record *record);
void world_remove(struct world *world, size_t index);

/* A record of the kind with random values in all columns that are stored; its key is new. */
struct record *world_add_random(struct world *world, enum kind kind);

/* Adds, removes and changes things at random. */
void world_alter(struct world *world);

/* Records the world as a snapshot; asserts that it works. */
struct snapshot *world_record(struct world *world, struct database *database);

/* All records of the snapshot (`samples`: with their samples) as sorted lines of JSON, to be
 * released with free(). */
char *snapshot_text(struct database *database, const struct snapshot *snapshot, bool samples);

/* The same of the world itself. */
char *world_text(const struct world *world);

/* Fails with the first line that differs. */
void assert_same_lines(const char *actual, const char *expected);

#endif
