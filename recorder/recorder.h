/* SPDX-License-Identifier: Apache-2.0 */
/* Captures a host: runs the collectors, each of which streams its records into a sink. */
#ifndef RECORDER_RECORDER_H
#define RECORDER_RECORDER_H

#include "base/cleanup.h"
#include "schema/record.h"
#include "schema/snapshot.h"

#include <stdbool.h>

struct cJSON;
struct recorder;

struct recorder_options {
    const char
        *root; /* read this copied host, or copied disk, instead of the live one; NULL for live */
    const char *const *without; /* names of sources to leave out, NULL-terminated; may be NULL */
    bool environment;           /* keep the environments of processes and containers as evidence */
    uint32_t engine_milliseconds; /* how long a container engine has to answer; 0: the usual time */
    /* Keeps evidence by content (writer_blob()); without it none is kept. Any thread. */
    int (*keep_blob)(void *userdata, const void *bytes, size_t length, struct digest *ret_digest);
    /* Told now and then what is being read and how far that is (total 0: not known); may be NULL.
     */
    void (*progress)(void *userdata, const char *what, size_t done, size_t total);
    /* Calls `each` with the containers of the host's last snapshot (borrowed), so that engines are
     * asked for details of new and changed ones alone; may be NULL. 0 or an error, also of `each`.
     */
    int (*each_known_container)(void *userdata,
                                int (*each)(void *context, const struct record *container),
                                void *context);
    void *userdata; /* of keep_blob, progress and each_known_container */
};

/* Names of the sources that `without` takes, NULL-terminated. */
const char *const *recorder_sources(void);

/* Opens the host (its /proc), probes the kernel, reads the facts known at the beginning. `options`
 * is copied, what it points to is borrowed. Errors with message: nothing to be recorded below
 * root, an unknown source. */
int recorder_open(const struct recorder_options *options, struct recorder **ret_recorder);
void recorder_free(struct recorder *recorder);
DEFINE_CLEANUP(struct recorder *, recorder_free)
#define _cleanup_recorder_ _cleanup_(recorder_free_pointer)

/* The facts; label, note and recorder are NULL. Text is borrowed, valid as long as the recorder. */
const struct snapshot_facts *recorder_facts(const struct recorder *recorder);

/* Reads the host into `sink`, whose errors end it. What cannot be read becomes a gap record.
 * Afterwards the facts hold duration_ns and processes_ended too, and taken_at and boottime are
 * those of its beginning. */
int recorder_run(struct recorder *recorder, const struct sink *sink);

/* What this kernel and these privileges allow, and which source will serve each fact:
 * { "kernel", "privileges": {..}, "features": [ { "name", "available", "refused", "detail" } ],
 *   "facts": [ { "fact", "source" } ] }. Owned by the caller; NULL without memory. */
struct cJSON *recorder_doctor(const struct recorder *recorder);

/* Copies what the collectors read of the live host into the new folder `path`, for `root` later:
 * a fixture for a test, or a host to be looked at elsewhere. */
int recorder_capture_fixture(const struct recorder *recorder, const char *path);

#endif
