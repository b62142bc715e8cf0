/* SPDX-License-Identifier: Apache-2.0 */
/* Apply diff(A, B) to A and get B, over randomly made worlds and pairs of snapshots near and far.
 */
#include "diff/diff.h"
#include "schema/statement.h"
#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { WORLDS = 6, SNAPSHOTS = 8, THINGS = 40 };

/* The world as the snapshot has it, with the identities that the database gave. */
static void load_world(struct world *world, struct database *database,
                       const struct snapshot *snapshot)
{
    world_begin(world, 0);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        _cleanup_cursor_ struct cursor *cursor = NULL;
        const struct record *record;
        assert_int_equal(cursor_open(database, snapshot, kind, &cursor), 0);
        while (cursor_next(cursor, &record) > 0)
            world_add(world, record);
    }
}

static size_t find(const struct world *world, const struct record *wanted)
{
    for (size_t i = 0; i < world->count; i++)
        if (world->records[i]->kind == wanted->kind &&
            world->records[i]->identity == wanted->identity)
            return i;
    fail_msg("the difference speaks of something that is not there");
    return 0;
}

static void apply(struct world *world, const struct difference *difference)
{
    for (size_t i = 0; i < difference->count; i++) {
        const struct change *change = &difference->changes[i];
        if (change->before)
            world_remove(world, find(world, change->before));
        if (change->after)
            world_add(world, change->after);
    }
}

/* Samples, and how a thing was found, are no part of a difference. */
static void forget_what_is_no_state(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        struct record *record = world->records[i];
        for (unsigned column = 0; column < kinds[record->kind].column_count; column++) {
            const struct column *info = &kinds[record->kind].columns[column];
            if (info->class == SAMPLE || info->flags & FOUND)
                record->values[column] = (struct value){0};
        }
    }
}

static void assert_round_trip(struct database *database, const struct snapshot *from,
                              const struct snapshot *to)
{
    _cleanup_difference_ struct difference *difference = NULL;
    struct world world, target;
    unsigned all_kinds = (1u << KIND_COUNT) - 1;
    assert_int_equal(difference_of(database, from, to, all_kinds, &difference), 0);
    load_world(&world, database, from);
    load_world(&target, database, to);
    apply(&world, difference);
    forget_what_is_no_state(&world);
    forget_what_is_no_state(&target);
    _cleanup_free_ char *actual = world_text(&world), *wanted = world_text(&target);
    assert_same_lines(actual, wanted);
    world_end(&world);
    world_end(&target);
}

/* As if other hosts had been recorded meanwhile. What lasted for more than a thousand snapshots is
 * found in another way than what didn't. */
static void skip_snapshots(struct database *database, int64_t count)
{
    char sql[96];
    snprintf(sql, sizeof(sql),
             "UPDATE sqlite_sequence SET seq = seq + %lld WHERE name = 'snapshot'",
             (long long)count);
    must(sql_execute(database, sql));
}

/* Now that it isn't the newest any more. */
static void find_again(struct database *database, struct snapshot **snapshot)
{
    int64_t id = (*snapshot)->id;
    snapshot_free(*snapshot);
    must(snapshot_find(database, id, snapshot));
}

static void round_trips(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        _cleanup_database_ struct database *database = NULL;
        char *path = scratch_database();
        struct world world;
        struct snapshot *snapshots[SNAPSHOTS];
        char *made[SNAPSHOTS];
        assert_int_equal(database_open(path, DATABASE_WRITE, 1, &database), 0);
        world_begin(&world, seed);
        for (int i = 0; i < THINGS; i++)
            world_add_random(&world, (enum kind)world_random(&world, KIND_COUNT));
        for (int i = 0; i < SNAPSHOTS; i++) {
            snapshots[i] = world_record(&world, database);
            made[i] = world_text(&world);
            _cleanup_free_ char *read = snapshot_text(database, snapshots[i], true);
            assert_same_lines(read, made[i]);
            world_alter(&world);
            if (seed % 2 == 0 && i + 1 < SNAPSHOTS)
                skip_snapshots(database, (int64_t)world_random(&world, 400));
        }
        for (int i = 0; i < SNAPSHOTS; i++) {
            find_again(database, &snapshots[i]);
            _cleanup_free_ char *read = snapshot_text(database, snapshots[i], true);
            assert_same_lines(read, made[i]);
            free(made[i]);
        }
        for (int from = 0; from < SNAPSHOTS; from++)
            for (int to = 0; to < SNAPSHOTS; to++)
                assert_round_trip(database, snapshots[from], snapshots[to]);
        int64_t broken = -1, checked = -1;
        assert_int_equal(snapshot_verify(database, NULL, NULL, &broken, &checked), 0);
        assert_int_equal(broken, 0);
        assert_int_equal(checked, SNAPSHOTS);
        for (int i = 0; i < SNAPSHOTS; i++)
            snapshot_free(snapshots[i]);
        world_end(&world);
        scratch_remove(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trips)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
