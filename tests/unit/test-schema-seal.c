/* SPDX-License-Identifier: Apache-2.0 */
/* The encodings under the digests never change: what was sealed must be verified for years, also by
 * other programs. The wanted digests come from another implementation of docs/schema.md. */
#include "base/buffer.h"
#include "schema/record.h"
#include "schema/seal.h"
#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BOOT_ID "11111111-2222-3333-4444-555555555555"

#define PROCESS_DIGEST        "e541adad927d1c5c1b9cccd17ea03e8b7a7ff60266aff9b9f1c0b3dd5ce2d169"
#define UNKNOWN_BOOT_DIGEST   "7cced965505a8e0da70f0bfdb8425cb7300c8a1caf2d2c8902fbf022af48216f"
#define CONTAINER_DIGEST      "d334629d83ab4739461146ebade6068e9e5c756e2acbe87acdd35fddc99a5646"
#define SNAPSHOT_DIGEST       "6aa0756823654cfff2de4ac1f8e5c63b961b13197b5da12945cece388f8de371"
#define EMPTY_SNAPSHOT_DIGEST "84d065acf5b585e476a04ea7fdbc70c65b610eb9c24ea58578d22d266128f39a"

static void assert_digest(const struct digest *digest, const char *wanted)
{
    char text[DIGEST_HEX_SIZE];
    assert_string_equal(digest_format(digest, text), wanted);
}

static void assert_record_digest(const struct record *record, const char *boot_id,
                                 const char *wanted)
{
    _cleanup_buffer_ struct buffer scratch = {0};
    struct digest digest;
    must(record_digest(record, boot_id, &scratch, &digest));
    assert_digest(&digest, wanted);
}

static void make_process(struct record *record)
{
    record_begin(record, KIND_PROCESS);
    record_set_integer(record, PROCESS_PID, 812);
    record_set_integer(record, PROCESS_START_TICKS, 123456);
    record_set_integer(record, PROCESS_PIDFS_INODE, -2); /* 2^64 - 2 */
    record_set_text(record, PROCESS_COMM, "s\\xFFh\n");
    record_set_integer(record, PROCESS_NO_NEW_PRIVS, 1);
    record_set_integer(record, PROCESS_NICE, -20);
    record_set_text(record, PROCESS_CMDLINE, "[\"sh\",\"-c\",\"\"]");
    record_set_text(record, PROCESS_EXE, "");
}

static void a_states_digest_is_the_documented_one(void **state)
{
    (void)state;
    struct record record;
    make_process(&record);
    assert_record_digest(&record, BOOT_ID, PROCESS_DIGEST);
    assert_record_digest(&record, NULL, UNKNOWN_BOOT_DIGEST);
    record_begin(&record, KIND_CONTAINER);
    record_set_text(&record, CONTAINER_ENGINE, "docker");
    record_set_text(&record, CONTAINER_ID, "5b94");
    record_set_integer(&record, CONTAINER_PID, 0);
    assert_record_digest(&record, BOOT_ID, CONTAINER_DIGEST);
    assert_record_digest(&record, NULL, CONTAINER_DIGEST); /* it is bound to no boot */
}

/* Neither samples nor what is derived or related are under the digest. */
static void only_identity_and_state_are_under_it(void **state)
{
    (void)state;
    struct record record;
    make_process(&record);
    record_set_integer(&record, PROCESS_USER_TICKS, 5);
    record_set_integer(&record, PROCESS_RESIDENT_BYTES, 5);
    record_set_integer(&record, PROCESS_STARTED_AT, 5);
    record_set_integer(&record, PROCESS_TGID, 812);
    record_set_text(&record, PROCESS_THREADS, "[813]");
    assert_record_digest(&record, BOOT_ID, PROCESS_DIGEST);
}

/* Null, zero and the empty text are three things; so are a text and the next column's. */
static void nothing_is_mixed_up(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer scratch = {0};
    struct digest digests[6];
    struct record record;
    for (int i = 0; i < 6; i++) {
        make_process(&record);
        record_set_text(&record, PROCESS_CWD, i == 1 ? "" : i == 2 ? "a" : NULL);
        record_set_text(&record, PROCESS_ROOT, i == 3 ? "a" : NULL);
        if (i == 4)
            record_set_integer(&record, PROCESS_TRACER_PID, 0);
        if (i == 5)
            record_set_integer(&record, PROCESS_SESSION, 0);
        must(record_digest(&record, BOOT_ID, &scratch, &digests[i]));
        for (int other = 0; other < i; other++)
            assert_int_not_equal(digest_compare(&digests[i], &digests[other]), 0);
    }
}

static void make_snapshot(struct snapshot *snapshot)
{
    struct world world;
    world_begin(&world, 1);
    *snapshot = (struct snapshot){.facts = world.facts};
    world_end(&world);
    snapshot->facts.label = "a label";
    snapshot->facts.processes_ended = -1; /* not known; neither is there a note */
    memcpy(snapshot->uuid, "12345678-1234-4234-8234-123456789abc", UUID_TEXT_SIZE);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        snapshot->counts[kind] = 10 + (int64_t)kind;
    memset(&snapshot->predecessor_digest, 0xaa, sizeof(snapshot->predecessor_digest));
}

static void a_snapshots_digest_is_the_documented_one(void **state)
{
    (void)state;
    struct snapshot snapshot;
    struct digest states[3], digest;
    struct seal seal = {.states = states, .state_count = 3};
    make_snapshot(&snapshot);
    memset(&states[0], 0x33, sizeof(states[0]));
    memset(&states[1], 0xff, sizeof(states[1]));
    memset(&states[2], 0x11, sizeof(states[2]));
    memset(&seal.samples[KIND_PROCESS], 0x55, sizeof(seal.samples[KIND_PROCESS]));
    must(seal_compute(&snapshot, &seal, &digest));
    assert_digest(&digest, SNAPSHOT_DIGEST);
    /* In whatever order the states come. */
    struct digest first = states[0];
    states[0] = states[2];
    states[2] = first;
    must(seal_compute(&snapshot, &seal, &digest));
    assert_digest(&digest, SNAPSHOT_DIGEST);
    seal = (struct seal){0};
    must(seal_compute(&snapshot, &seal, &digest));
    assert_digest(&digest, EMPTY_SNAPSHOT_DIGEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_states_digest_is_the_documented_one),
        cmocka_unit_test(only_identity_and_state_are_under_it),
        cmocka_unit_test(nothing_is_mixed_up),
        cmocka_unit_test(a_snapshots_digest_is_the_documented_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
