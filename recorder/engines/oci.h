/* SPDX-License-Identifier: Apache-2.0 */
/* What low-level runtimes have of a container: the specification that they were given (config.json,
 * https://github.com/opencontainers/runtime-spec/blob/main/config.md), and the state that they keep
 * below /run while it is there. Both stand for whoever has his containers run by them, too. */
#ifndef RECORDER_ENGINES_OCI_H
#define RECORDER_ENGINES_OCI_H

#include "recorder/engines/engine.h"
#include "recorder/engines/json.h"

/* One of the runtimes, by what its state file calls things. */
struct oci_runtime {
    const char *name;
    const char *file; /* in the folder of a container */
    const char *pid, *start_ticks;
};

extern const struct oci_runtime oci_runc; /* libcontainer/container_linux.go: State */
extern const struct oci_runtime oci_crun; /* src/libcrun/status.c */

/* Appends the folder in which the runtime keeps the state of a user's containers, unless it is told
 * otherwise. */
void oci_append_folder(struct buffer *buffer, const struct oci_runtime *runtime, uid_t uid);

/* The state of a container; -ENOENT if there is none. To be released with cJSON_Delete(). */
int oci_read_state(struct engine_reading *reading, const struct oci_runtime *runtime,
                   const char *folder, const char *id, cJSON **ret_state);

/* Fills the container begun with its runtime, its first process, and whether that is "running",
 * "created" and not started yet, or "stopped". Who is frozen is seen by its cgroup. */
void oci_set_state(struct engine_reading *reading, const struct oci_runtime *runtime,
                   const char *folder, const char *id, const cJSON *state);

/* Where the container's config.json is; NULL if the state doesn't tell. Borrowed. */
const char *oci_bundle(const cJSON *state);

/* The command, names of the environment, annotations and the groups that they tell of. */
void oci_set_process(struct engine_reading *reading, const cJSON *spec);

/* Types of namespaces that the container shares with its host. With `user`, that one too: an engine
 * that has no containers with one unless asked leaves it out. */
void oci_set_host_namespaces(struct engine_reading *reading, const cJSON *spec, bool user);

/* The bind mounts, each with what type_of() says of its source: NULL leaves it out. */
void oci_set_mounts(struct engine_reading *reading, const cJSON *spec,
                    const char *(*type_of)(struct engine_reading *reading, const char *source));

#endif
