/* SPDX-License-Identifier: Apache-2.0 */
/* A situation is a piece of a host that a test wants to be recorded: a function that builds it and
 * tells its facts, and one row in the table of its file. docs/testing.md says how to add one. */
#ifndef TESTS_HELPERS_SITUATION_H
#define TESTS_HELPERS_SITUATION_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct situation {
    const char *name;
    const char *description;
    /* Builds it and adds its facts. Everything is made by children (tests/helpers/child.h); what is
     * left after their end is taken away by a function given to clean_up(). */
    void (*build)(cJSON *facts);
    /* Takes step 1, 2, .. `steps` and adds what is now so to `facts`. NULL with no steps. */
    void (*advance)(int step, cJSON *facts);
    int steps;
};

/* Each ends with a row whose name is NULL. */
extern const struct situation situations_bind_mounts[];
extern const struct situation situations_cgroups[];
extern const struct situation situations_descriptors[];
extern const struct situation situations_hierarchy[];
extern const struct situation situations_mounts[];
extern const struct situation situations_namespaces[];
extern const struct situation situations_reuse[];
extern const struct situation situations_silent[];
extern const struct situation situations_storms[];
extern const struct situation situations_tasks[];
extern const struct situation situations_visibility[];

/* `function` is called once at the end, when the children have ended. */
void clean_up(void (*function)(void));

/* Inode of /proc/PID/ns/TYPE; of a thread that is not the first with namespace_of_thread(). */
uint64_t namespace_of(pid_t pid, const char *type);
uint64_t namespace_of_thread(pid_t pid, pid_t tid, const char *type);

/* Facts. Bytes that may be no UTF-8 are told in hexadecimal, under a name that ends with _hex. */
void fact_number(cJSON *facts, const char *name, uint64_t number);
void fact_text(cJSON *facts, const char *name, const char *text);
void fact_bytes(cJSON *facts, const char *name, const void *bytes, size_t length);

/* Writes `text` into the existing file `path` in one write. */
void write_file(const char *path, const char *text);

/* A new folder below /tmp, removed at the end; one for the program. Borrowed. */
const char *scratch_folder(void);

#endif
