/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot's own facts, and finding snapshots. */
#ifndef SCHEMA_SNAPSHOT_H
#define SCHEMA_SNAPSHOT_H

#include "base/digest.h"
#include "schema/database.h"
#include "schema/kinds.h"

#include <stdbool.h>
#include <stdint.h>

/* Known for the whole snapshot; text is borrowed from the owner of the struct and NULL where it is
 * not known, numbers are -1 where they are not known. */
struct snapshot_facts {
    const char *host;         /* nodename; never NULL */
    const char *machine_id;   /* machine-id(5), 32 hexadecimal digits */
    const char *boot_id;      /* /proc/sys/kernel/random/boot_id */
    const char *kernel;       /* release: 6.18.0-1-amd64 */
    const char *architecture; /* x86_64 */
    const char *recorder;     /* "nslapse 1.0.0" */
    const char *label, *note; /* given by who recorded */
    const char *without;      /* JSON array of the sources left out; never NULL */
    const char *privileges;   /* JSON object: uid, capabilities of the recorder */
    int64_t taken_at;         /* moment the reading began, CLOCK_REALTIME, ns since 1970 */
    int64_t boottime;         /* the same moment on CLOCK_BOOTTIME, ns */
    int64_t booted_at;        /* moment of the boot (taken_at - boottime), ns since 1970 */
    int64_t clock_ticks;      /* per second, sysconf(_SC_CLK_TCK) */
    int clock_synchronized;   /* adjtimex(2): 1, 0, -1 not known */
    const char *load_average; /* /proc/loadavg as it stands */
    int64_t forks;            /* processes made since boot, /proc/stat */
    /* Known at the end: */
    int64_t duration_ns;     /* from the first read to the last */
    int64_t processes_ended; /* listed, but gone before they could be read */
};

/* A snapshot that stands in the database. Owned by the caller: snapshot_free(). */
struct snapshot {
    int64_t id;
    int64_t host_id;
    int64_t predecessor; /* id of the host's snapshot before it, 0 for none */
    int64_t newest;      /* id of the newest of any host when this was read */
    char uuid[UUID_TEXT_SIZE];
    struct digest digest;
    struct digest predecessor_digest; /* zeros for none */
    struct snapshot_facts facts;
    int64_t counts[KIND_COUNT]; /* records by kind; counts[KIND_GAP] is the number of gaps */
};

void snapshot_free(struct snapshot *snapshot);
DEFINE_CLEANUP(struct snapshot *, snapshot_free)
#define _cleanup_snapshot_ _cleanup_(snapshot_free_pointer)

/* Each of these: 0, -ERROR_NO_SNAPSHOT (with a message that says what there is), or another error.
 * `host` is a hostname or machine-id, NULL for the only host, or with several hosts the one that
 * was recorded last. */
int snapshot_find(struct database *database, int64_t id, struct snapshot **ret_snapshot);
int snapshot_find_label(struct database *database, const char *host, const char *label,
                        struct snapshot **ret_snapshot);
/* The newest at or before `moment` (ns since 1970). */
int snapshot_find_moment(struct database *database, const char *host, int64_t moment,
                         struct snapshot **ret_snapshot);
/* `back` = 0 is the newest of the host. */
int snapshot_find_latest(struct database *database, const char *host, int64_t back,
                         struct snapshot **ret_snapshot);
/* `back` steps before `snapshot`, in its host's sequence. */
int snapshot_find_before(struct database *database, const struct snapshot *snapshot, int64_t back,
                         struct snapshot **ret_snapshot);

/* Calls `each` for the newest `limit` snapshots (all for 0), newest first, of `host` (NULL: of all
 * hosts). `each` returns 0 to go on; anything else ends the listing and is returned. */
int snapshot_each(struct database *database, const char *host, int64_t limit,
                  int (*each)(void *userdata, const struct snapshot *snapshot), void *userdata);

/* Checks the seals: every state's digest over its columns, every snapshot's digest over all that
 * holds in it, and the chain; and what no seal covers: the tables and views, evidence, intervals
 * and identities. Calls `broken` with a sentence for each thing that does not fit (it may be NULL).
 * Returns 0 with the number of things that do not fit and of snapshots checked, or an error. That
 * the newest snapshots were cut off, with all traces of them, only their digests kept elsewhere
 * tell.
 */
int snapshot_verify(struct database *database, void (*broken)(void *userdata, const char *sentence),
                    void *userdata, int64_t *ret_broken, int64_t *ret_checked);

#endif
