/* SPDX-License-Identifier: Apache-2.0 */
/* A host that isn't there: the records of one as large as is wanted, minute by minute, so that a
 * year can be written without waiting for it. What it holds, and how much of it moves in a minute,
 * is like a server with some containers on which little happens. The same from the same numbers. */
#ifndef TESTS_BENCH_MADE_HOST_H
#define TESTS_BENCH_MADE_HOST_H

#include "base/cleanup.h"
#include "schema/record.h"
#include "schema/snapshot.h"

#include <stdbool.h>

struct made_host;

/* Of `processes` a third are kernel threads, a sixth are in containers. NULL without memory. */
struct made_host *made_host_new(unsigned processes);
void made_host_free(struct made_host *host);
DEFINE_CLEANUP(struct made_host *, made_host_free)
#define _cleanup_made_host_ _cleanup_(made_host_free_pointer)

/* What its next snapshot says of itself. */
void made_host_facts(const struct made_host *host, struct snapshot_facts *ret_facts);

/* A minute later: some processes have run, and the short ones of the minute before are gone. */
void made_host_minute(struct made_host *host);

/* Ends the `count` oldest programs, for as many new ones. */
void made_host_replace(struct made_host *host, unsigned count);

/* `count` processes begin and end within this minute; at most 16. One in `seen` is there at its
 * end, when the snapshot is taken: 1 for all of them, 6 for such as live ten seconds. */
void made_host_run_short(struct made_host *host, unsigned count, unsigned seen);

/* One container after the other ends and starts again: its processes, namespaces, mounts and
 * cgroups. */
void made_host_restart_container(struct made_host *host);

/* All of its records. */
int made_host_emit(struct made_host *host, const struct sink *sink);

#endif
