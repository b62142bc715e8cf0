/* SPDX-License-Identifier: Apache-2.0 */
/* history DATABASE PROCESSES SNAPSHOTS [replace N] [short N] [seen N] [restart N]: snapshots of a
 * made host, a minute from one to the next, through the writer that record uses. In each of them,
 * before it is taken:
 *
 *     replace N    N processes are others than in the one before
 *     short N      N processes have begun since that live ten seconds: one in six is there
 *     seen N       N processes are there that are in no other
 *     restart N    in every Nth, a container has been started again
 *
 * Prints the microseconds that the writer took for the last one, which the disk is waited for in;
 * the others don't wait for it. */
#include "base/clock.h"
#include "base/error.h"
#include "schema/statement.h"
#include "schema/writer.h"
#include "tests/bench/made_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned replaced, brief, seen, restart_every;

static void live_a_minute(struct made_host *host, long number)
{
    made_host_minute(host);
    made_host_replace(host, replaced);
    made_host_run_short(host, brief, 6);
    made_host_run_short(host, seen, 1);
    if (restart_every && number % restart_every == 0)
        made_host_restart_container(host);
}

static int write_one(struct database *database, struct made_host *host)
{
    _cleanup_writer_ struct writer *writer = NULL;
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    struct snapshot_facts facts;
    made_host_facts(host, &facts);
    int r = writer_begin(database, &facts, &writer);
    if (r >= 0)
        r = made_host_emit(host, writer_sink(writer));
    return r < 0 ? r : writer_commit(writer, &facts, &snapshot);
}

/* A function of its own, so that what it costs can be counted: tests/cost. */
__attribute__((noinline)) static int write_last(struct database *database, struct made_host *host,
                                                int64_t *ret_duration)
{
    int r = sql_execute(database, "PRAGMA synchronous = FULL");
    int64_t begin = clock_now(CLOCK_MONOTONIC);
    if (r >= 0)
        r = write_one(database, host);
    *ret_duration = clock_now(CLOCK_MONOTONIC) - begin;
    return r;
}

static int write_all(const char *path, struct made_host *host, long snapshots, int64_t *ret_last)
{
    _cleanup_database_ struct database *database = NULL;
    int r = database_open(path, DATABASE_WRITE, 10, &database);
    if (r >= 0)
        r = sql_execute(database, "PRAGMA synchronous = OFF");
    for (long number = 1; number <= snapshots && r >= 0; number++) {
        live_a_minute(host, number);
        r = number < snapshots ? write_one(database, host) : write_last(database, host, ret_last);
    }
    return r;
}

static unsigned option(int count, char **words, const char *name)
{
    for (int i = 4; i + 1 < count; i += 2)
        if (strcmp(words[i], name) == 0)
            return (unsigned)strtoul(words[i + 1], NULL, 10);
    return 0;
}

int main(int count, char **words)
{
    int64_t last = 0;
    if (count < 4) {
        fputs(
            "usage: bench-history DATABASE PROCESSES SNAPSHOTS [replace|short|seen|restart N]..\n",
            stderr);
        return 2;
    }
    replaced = option(count, words, "replace");
    brief = option(count, words, "short");
    seen = option(count, words, "seen");
    restart_every = option(count, words, "restart");
    _cleanup_made_host_ struct made_host *host =
        made_host_new((unsigned)strtoul(words[2], NULL, 10));
    int r = host ? write_all(words[1], host, strtol(words[3], NULL, 10), &last) : error_memory();
    if (r < 0) {
        fprintf(stderr, "bench-history: %s\n", error_message());
        return 1;
    }
    printf("%lld\n", (long long)(last / 1000));
    return 0;
}
